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

#include <string.h>

#include "depthwise.h"
#include "vector.h"

#define BLOCK TFLM_PATCH_DEPTHWISE_BLOCK

typedef struct {
  int32x4_t k[4];
} block_sums;

/* What the requantization needs of the channels, in the order of the sums. */
typedef struct {
  int32_t bias[BLOCK]; /* with what kernel rows outside the map add */
  int32_t multiplier[BLOCK];
  int32_t shift[BLOCK];
} block_channels;

/* Adds the widened halves: q2 of even channels, q3 of odd ones. */
#define ADD_HALVES             \
  "vmovlb.s16 q0, q2\n\t"      \
  "vmovlt.s16 q1, q2\n\t"      \
  "vadd.i32 %q[s0], %q[s0], q0\n\t" \
  "vadd.i32 %q[s2], %q[s2], q1\n\t" \
  "vmovlb.s16 q0, q3\n\t"      \
  "vmovlt.s16 q1, q3\n\t"      \
  "vadd.i32 %q[s1], %q[s1], q0\n\t" \
  "vadd.i32 %q[s3], %q[s3], q1"

#define SUMS_OPERANDS(s) \
  [s0] "+w"((s)->k[0]), [s1] "+w"((s)->k[1]), [s2] "+w"((s)->k[2]), \
      [s3] "+w"((s)->k[3])

/* The products of two taps. */
TFLM_PATCH_INLINE void add_pair(block_sums* s, const int8_t* x0,
                                const int8_t* x1, const int8_t* w0,
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
      : [x0] "r"(x0), [x1] "r"(x1), [w0] "r"(w0), [w1] "r"(w1)
      : "q0", "q1", "q2", "q3", "memory");
}

TFLM_PATCH_INLINE void add_tap(block_sums* s, const int8_t* x,
                               const int8_t* w) {
  __asm__ volatile(
      "vldrb.8 q0, [%[x]]\n\t"
      "vldrb.8 q1, [%[w]]\n\t"
      "vmullb.s8 q2, q0, q1\n\t"
      "vmullt.s8 q3, q0, q1\n\t" ADD_HALVES
      : SUMS_OPERANDS(s)
      : [x] "r"(x), [w] "r"(w)
      : "q0", "q1", "q2", "q3", "memory");
}

/* n taps side by side: cells x_step apart, weights w_step apart. */
TFLM_PATCH_INLINE const int8_t* add_taps(block_sums* s, const int8_t* x,
                                         size_t x_step, const int8_t* w,
                                         size_t w_step, uint32_t n) {
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

TFLM_PATCH_INLINE block_sums load_sums(const int32_t* from) {
  const block_sums s = {{vldrwq_s32(from), vldrwq_s32(from + 4),
                         vldrwq_s32(from + 8), vldrwq_s32(from + 12)}};
  return s;
}

TFLM_PATCH_INLINE void finish(const tflm_patch_requant_args* requant,
                              const block_channels* channels, block_sums s,
                              int is_usual, int8_t* output) {
  for (uint32_t i = 0; i < 4; ++i) {
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
  vstrbq_s8(output, out);
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
  block_channels channels;
} block;

static void prepare(block* b) {
  const tflm_patch_depthwise_row* row = b->row;
  const tflm_patch_depthwise_conv_args* args = row->args;
  const tflm_patch_window* window = &args->window;
  const tflm_patch_requant_args* requant = &args->requant;
  const int8_t* w = args->weights + b->channel;
  const size_t row_bytes = (size_t)window->kernel_w * row->channels;
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
  block_sums s = load_sums(b->channels.bias);
  for (uint32_t i = 0; i < window->kernel_h; ++i) {
    if (i < row->rows_inside.first || i >= row->rows_inside.end) {
      add_taps(&s, b->outside, 0, w, row->channels, window->kernel_w);
    }
    w += row_bytes;
  }
  for (uint32_t i = 0; i < 4; ++i) {
    vstrwq_s32(b->channels.bias + 4 * i, s.k[i]);
  }
  b->weights = args->weights + b->channel + row->rows_inside.first * row_bytes;
}

/* An output column with taps outside the map. */
static block_sums add_edge(const block* b, uint32_t x) {
  const tflm_patch_depthwise_row* row = b->row;
  const tflm_patch_window* window = &row->args->window;
  const int32_t col = tflm_patch_first_col(window, x);
  const tflm_patch_range taps =
      tflm_patch_taps_inside(col, window->kernel_w, 1, row->input->cols);
  const uint32_t n = taps.end - taps.first;
  const size_t cell = row->channels;
  const size_t at =
      n > 0 ? (size_t)(col + (int32_t)taps.first) * cell + b->channel : 0;
  const int8_t* w = b->weights;
  block_sums s = load_sums(b->channels.bias);
  for (uint32_t i = 0; i < row->rows_inside.end - row->rows_inside.first;
       ++i) {
    w = add_taps(&s, b->outside, 0, w, cell, taps.first);
    w = add_taps(&s, row->rows[i] + at, cell, w, cell, n);
    w = add_taps(&s, b->outside, 0, w, cell, window->kernel_w - taps.end);
  }
  return s;
}

/* Whole 3 x 3 windows: the taps of neighbouring rows are paired, too. */
TFLM_PATCH_INLINE block_sums add_3x3(const block* b, const int8_t* x0,
                                     const int8_t* x1, const int8_t* x2) {
  const size_t cell = b->row->channels;
  const int8_t* w = b->weights;
  block_sums s = load_sums(b->channels.bias);
  add_pair(&s, x0, x0 + cell, w, w + cell);
  w += 2 * cell;
  add_pair(&s, x0 + 2 * cell, x1, w, w + cell);
  w += 2 * cell;
  add_pair(&s, x1 + cell, x1 + 2 * cell, w, w + cell);
  w += 2 * cell;
  add_pair(&s, x2, x2 + cell, w, w + cell);
  w += 2 * cell;
  add_tap(&s, x2 + 2 * cell, w);
  return s;
}

TFLM_PATCH_INLINE void make_cols(const block* b, tflm_patch_range cols,
                                 int is_usual, int is_3x3) {
  const tflm_patch_depthwise_row* row = b->row;
  const tflm_patch_window* window = &row->args->window;
  const tflm_patch_requant_args* requant = &row->args->requant;
  const size_t cell = row->channels;
  const uint32_t n_rows = row->rows_inside.end - row->rows_inside.first;
  const size_t step = (size_t)window->stride_w * cell;
  size_t at =
      (size_t)tflm_patch_first_col(window, cols.first) * cell + b->channel;
  int8_t* output = row->output + cols.first * cell + b->channel;
  for (uint32_t x = cols.first; x < cols.end; ++x) {
    block_sums s;
    if (is_3x3) {
      s = add_3x3(b, row->rows[0] + at, row->rows[1] + at, row->rows[2] + at);
    } else {
      const int8_t* w = b->weights;
      s = load_sums(b->channels.bias);
      for (uint32_t i = 0; i < n_rows; ++i) {
        w = add_taps(&s, row->rows[i] + at, cell, w, cell, window->kernel_w);
      }
    }
    finish(requant, &b->channels, s, is_usual, output);
    at += step;
    output += cell;
  }
}

static void make_edges(const block* b, uint32_t x, uint32_t end,
                       int is_usual) {
  const size_t cell = b->row->channels;
  for (; x < end; ++x) {
    const block_sums s = add_edge(b, x);
    int8_t* output = b->row->output + x * cell + b->channel;
    finish(&b->row->args->requant, &b->channels, s, is_usual, output);
  }
}

void tflm_patch_mve_depthwise_block(const tflm_patch_depthwise_row* row,
                                    uint32_t channel) {
  const tflm_patch_depthwise_conv_args* args = row->args;
  const tflm_patch_window* window = &args->window;
  const tflm_patch_range cols = tflm_patch_cols_inside(
      window, row->input->cols, args->output_cols);
  int8_t outside[BLOCK];
  block b = {.row = row, .channel = channel, .outside = outside};
  memset(outside, (int8_t)args->input_zero_point, sizeof(outside));
  prepare(&b);
  const int is_usual = row->is_usual;
  make_edges(&b, 0, cols.first, is_usual);
  if (!is_usual) {
    make_cols(&b, cols, 0, 0);
  } else if (window->kernel_w == 3 && window->kernel_h == 3 &&
             row->rows_inside.end - row->rows_inside.first == 3) {
    make_cols(&b, cols, 1, 1);
  } else {
    make_cols(&b, cols, 1, 0);
  }
  make_edges(&b, cols.end, args->output_cols, is_usual);
}

#endif /* TFLM_PATCH_IS_MVE */
