/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A depthwise convolution of 16 channels, one in each byte of a vector.
 *
 * Products of two taps are added in int16, which holds them unless all four
 * factors are -128, then widened. Narrowed and widened halves take every other
 * lane, so sums[k] holds channels k, k + 4, k + 8 and k + 12, and the outputs end
 * up in order.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "depthwise.h"
#include "vector.h"

#define BLOCK TFLM_PATCH_DEPTHWISE_BLOCK
#define HALF 0x8000
#define LEAST_REST 10u /* channels behind whole blocks that are worth one */

typedef struct {
  int32x4_t k[4];
} block_sums;

/* Constants of the channels; words are in the order of the sums. */
typedef struct {
  int32_t bias[BLOCK]; /* with what kernel rows outside the map add */
  int32_t multiplier[BLOCK];
  int32_t shift[BLOCK];
} block_channels;

/* Adds the widened halves: q2 of even channels, q3 of odd ones. A word's upper half is its
 * quotient by 2^16. */
/* clang-format off */
#define ADD_HALVES                       \
  "vmovlb.s16 q0, q2\n\t"                \
  "vqdmlah.s32 %q[s2], q2, %[half]\n\t"  \
  "vadd.i32 %q[s0], %q[s0], q0\n\t"      \
  "vmovlb.s16 q0, q3\n\t"                \
  "vqdmlah.s32 %q[s3], q3, %[half]\n\t"  \
  "vadd.i32 %q[s1], %q[s1], q0"
/* clang-format on */

#define SUMS_OPERANDS(s) \
  [s0] "+w"((s)->k[0]), [s1] "+w"((s)->k[1]), [s2] "+w"((s)->k[2]), [s3] "+w"((s)->k[3])

/* The products of two taps. */
TFLM_PATCH_INLINE void add_pair(block_sums* s, const int8_t* x0, const int8_t* x1, const int8_t* w0,
                                const int8_t* w1) {
  __asm__ volatile(
      "vldrb.8 q0, [%[x0]]\n\t"
      "vldrb.8 q1, [%[w0]]\n\t"
      "vmullb.s8 q2, q0, q1\n\t"
      "vmullt.s8 q3, q0, q1\n\t"
      "vldrb.8 q0, [%[x1]]\n\t"
      "vldrb.8 q1, [%[w1]]\n\t"
      "vmullb.s8 q0, q0, q1\n\t"
      "vadd.i16 q2, q2, q0\n\t"
      "vldrb.8 q0, [%[x1]]\n\t" /* rather than a ninth register */
      "vmullt.s8 q0, q0, q1\n\t"
      "vadd.i16 q3, q3, q0\n\t" ADD_HALVES
      : SUMS_OPERANDS(s)
      : [x0] "r"(x0), [x1] "r"(x1), [w0] "r"(w0), [w1] "r"(w1), [half] "r"(HALF)
      : "q0", "q1", "q2", "q3", "memory");
}

TFLM_PATCH_INLINE void add_tap(block_sums* s, const int8_t* x, const int8_t* w) {
  __asm__ volatile(
      "vldrb.8 q0, [%[x]]\n\t"
      "vldrb.8 q1, [%[w]]\n\t"
      "vmullb.s8 q2, q0, q1\n\t"
      "vmullt.s8 q3, q0, q1\n\t" ADD_HALVES
      : SUMS_OPERANDS(s)
      : [x] "r"(x), [w] "r"(w), [half] "r"(HALF)
      : "q0", "q1", "q2", "q3", "memory");
}

/* n taps side by side: cells x_step apart, weights w_step apart. */
TFLM_PATCH_INLINE const int8_t* add_taps(block_sums* s, const int8_t* x, size_t x_step,
                                         const int8_t* w, size_t w_step, uint32_t n) {
  for (; n >= 2; n -= 2) {
    add_pair(s, x, x + x_step, w, w + w_step);
    x += 2 * x_step;
    w += 2 * w_step;
  }
  if (n > 0) {
    add_tap(s, x, w);
    w += w_step;
  }
  return w;
}

/* Sums begin with 0, not with a bias that they might saturate. */
TFLM_PATCH_INLINE block_sums no_sums(void) {
  const int32x4_t zero = vdupq_n_s32(0);
  const block_sums s = {{zero, zero, zero, zero}};
  return s;
}

TFLM_PATCH_INLINE void finish(const tflm_patch_requant_args* requant,
                              const block_channels* channels, block_sums s, int is_usual,
                              int8_t* output, mve_pred16_t store) {
  for (uint32_t i = 0; i < 4; ++i) {
    s.k[i] = vaddq_s32(s.k[i], vldrwq_s32(channels->bias + 4 * i));
    const int32x4_t multiplier = vldrwq_s32(channels->multiplier + 4 * i);
    const int32x4_t shift = vldrwq_s32(channels->shift + 4 * i);
    s.k[i] = is_usual ? tflm_patch_scale_down(s.k[i], multiplier, shift)
                      : tflm_patch_scale(s.k[i], multiplier, shift);
    s.k[i] = vaddq_n_s32(s.k[i], requant->output_zero_point);
  }
  int16x8_t even = vuninitializedq_s16();
  int16x8_t odd = vuninitializedq_s16();
  even = vqmovntq_s32(vqmovnbq_s32(even, s.k[0]), s.k[2]);
  odd = vqmovntq_s32(vqmovnbq_s32(odd, s.k[1]), s.k[3]);
  int8x16_t out = vuninitializedq_s8();
  out = vqmovntq_s16(vqmovnbq_s16(out, even), odd);
  if (!is_usual) {
    out = vmaxq_s8(out, vdupq_n_s8((int8_t)requant->act_min));
    out = vminq_s8(out, vdupq_n_s8((int8_t)requant->act_max));
  }
  vstrbq_p_s8(output, out, store);
}

/* n values of int32 or, widened, of int8; in the order of the sums. */
static void copy_words(const int32_t* from, int32_t* to) {
  const int32x4x4_t v = vld4q_s32(from);
  for (uint32_t i = 0; i < 4; ++i) {
    vstrwq_s32(to + 4 * i, v.val[i]);
  }
}

static void copy_shifts(const int8_t* from, int32_t* to) {
  const uint32x4_t places = vmulq_n_u32(vidupq_n_u32(0, 1), 4);
  for (uint32_t i = 0; i < 4; ++i) {
    vstrwq_s32(to + 4 * i, vldrbq_gather_offset_s32(from + i, places));
  }
}

/* A row at work on a block. */
typedef struct {
  const tflm_patch_depthwise_row* row;
  uint32_t channel;
  const int8_t* weights; /* of the block's first kernel row in the map */
  const int8_t* outside; /* a cell outside the map */
  mve_pred16_t store;    /* outputs that are stored */
  block_channels channels;
} block;

static void copy_channels(block* b) {
  const tflm_patch_depthwise_conv_args* args = b->row->args;
  const tflm_patch_requant_args* requant = &args->requant;
  copy_words(args->bias + b->channel, b->channels.bias);
  if (requant->channel_step) {
    copy_words(requant->multipliers + b->channel, b->channels.multiplier);
    copy_shifts(requant->shifts + b->channel, b->channels.shift);
  } else {
    for (uint32_t i = 0; i < BLOCK; ++i) {
      b->channels.multiplier[i] = *requant->multipliers;
      b->channels.shift[i] = *requant->shifts;
    }
  }
}

static void prepare(block* b) {
  const tflm_patch_depthwise_row* row = b->row;
  const tflm_patch_depthwise_conv_args* args = row->args;
  const tflm_patch_window* window = &args->window;
  const int8_t* w = args->weights + b->channel;
  const size_t row_bytes = (size_t)window->kernel_w * row->channels;
  copy_channels(b);
  block_sums s = no_sums();
  for (uint32_t i = 0; i < window->kernel_h; ++i) {
    if (i < row->rows_inside.first || i >= row->rows_inside.end) {
      add_taps(&s, b->outside, 0, w, row->channels, window->kernel_w);
    }
    w += row_bytes;
  }
  for (uint32_t i = 0; i < 4; ++i) {
    int32_t* bias = b->channels.bias + 4 * i;
    vstrwq_s32(bias, vaddq_s32(vldrwq_s32(bias), s.k[i]));
  }
  b->weights = args->weights + b->channel + row->rows_inside.first * row_bytes;
}

/* Any window, any requantization. */
static __attribute__((noinline)) void make_row(block* b) {
  const tflm_patch_depthwise_row* row = b->row;
  const tflm_patch_window* window = &row->args->window;
  const uint32_t width = window->kernel_w;
  const size_t cell = row->channels;
  const uint32_t n_rows = row->rows_inside.end - row->rows_inside.first;
  const int is_usual = row->is_usual;
  int8_t* output = row->output + b->channel;
  prepare(b);
  for (uint32_t x = 0; x < row->args->output_cols; ++x) {
    const int32_t col = tflm_patch_first_col(window, x);
    const tflm_patch_range taps = tflm_patch_taps_inside(col, width, 1, row->input->cols);
    const uint32_t n = taps.end - taps.first;
    const size_t at = n > 0 ? (size_t)(col + (int32_t)taps.first) * cell + b->channel : 0;
    const int8_t* w = b->weights;
    block_sums s = no_sums();
    for (uint32_t i = 0; i < n_rows; ++i) {
      if (n < width) {
        w = add_taps(&s, b->outside, 0, w, cell, taps.first);
      }
      w = add_taps(&s, row->rows[i] + at, cell, w, cell, n);
      if (n < width) {
        w = add_taps(&s, b->outside, 0, w, cell, width - taps.end);
      }
    }
    finish(&row->args->requant, &b->channels, s, is_usual, output, b->store);
    output += cell;
  }
}

uint32_t tflm_patch_mve_depthwise_blocks(const tflm_patch_depthwise_row* row) {
  const uint32_t channels = row->channels;
  int8_t outside[BLOCK];
  block b;
  vstrbq_s8(outside, vdupq_n_s8((int8_t)row->args->input_zero_point));
  b.row = row;
  b.outside = outside;
  uint32_t channel = 0;
  for (; channel + LEAST_REST <= channels; channel += BLOCK) {
    const uint32_t end = channel + BLOCK < channels ? channel + BLOCK : channels;
    b.channel = end - BLOCK;
    b.store = (mve_pred16_t)~vctp8q(channel - b.channel);
    make_row(&b);
  }
  return channel < channels ? channel : channels;
}

#endif /* TFLM_PATCH_IS_MVE */
