/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A depthwise convolution of 16 channels, one in each byte of a vector.
 *
 * Products of two taps are added in int16, which holds them unless all four
 * factors are -128, then widened. Narrowed and widened halves take every other
 * lane, so sums[k] holds channels k, k + 4, k + 8 and k + 12, and the outputs end
 * up in order.
 *
 * Whole 3 x 3 windows, which most are, have a loop of their own in assembly: the
 * eight registers hold the sums and two products with their factors.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "depthwise.h"
#include "vector.h"

#define BLOCK TFLM_PATCH_DEPTHWISE_BLOCK

typedef struct {
  int32x4_t k[4];
} block_sums;

/* Constants of the channels; words are in the order of the sums. The places are
 * known to the assembly. */
typedef struct {
  int8_t weights[9][BLOCK]; /* of 3 x 3 kernels */
  int32_t bias[BLOCK];      /* with what kernel rows outside the map add */
  int32_t multiplier[BLOCK];
  int32_t shift[BLOCK];
} block_channels;

/* Adds the widened halves: q2 of even channels, q3 of odd ones. */
/* clang-format off */
#define ADD_HALVES             \
  "vmovlb.s16 q0, q2\n\t"      \
  "vmovlt.s16 q1, q2\n\t"      \
  "vadd.i32 %q[s0], %q[s0], q0\n\t" \
  "vadd.i32 %q[s2], %q[s2], q1\n\t" \
  "vmovlb.s16 q0, q3\n\t"      \
  "vmovlt.s16 q1, q3\n\t"      \
  "vadd.i32 %q[s1], %q[s1], q0\n\t" \
  "vadd.i32 %q[s3], %q[s3], q1"
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
      : [x0] "r"(x0), [x1] "r"(x1), [w0] "r"(w0), [w1] "r"(w1)
      : "q0", "q1", "q2", "q3", "memory");
}

TFLM_PATCH_INLINE void add_tap(block_sums* s, const int8_t* x, const int8_t* w) {
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

TFLM_PATCH_INLINE block_sums load_sums(const int32_t* from) {
  const block_sums s = {
      {vldrwq_s32(from), vldrwq_s32(from + 4), vldrwq_s32(from + 8), vldrwq_s32(from + 12)}};
  return s;
}

TFLM_PATCH_INLINE void finish(const tflm_patch_requant_args* requant,
                              const block_channels* channels, block_sums s, int is_usual,
                              int8_t* output) {
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

/* ---- 3 x 3, in the usual case ---- */

/* clang-format off */
#define LOAD_TAP(x, weights)          \
  "vldrb.8 q0, [%[" x "]]\n\t"        \
  "vldrb.8 q1, [%[c], #" weights "]\n\t"
#define NEXT_CELL(x, step) "add %[" x "], %[" step "]\n\t"
#define FIRST_OF_PAIR       \
  "vmullb.s8 q2, q0, q1\n\t" \
  "vmullt.s8 q3, q0, q1\n\t"
#define SECOND_OF_PAIR(x)                                         \
  "vmullb.s8 q0, q0, q1\n\t"                                      \
  "vadd.i16 q2, q2, q0\n\t"                                       \
  "vldrb.8 q0, [%[" x "]]\n\t" /* rather than a ninth register */ \
  "vmullt.s8 q0, q0, q1\n\t"                                      \
  "vadd.i16 q3, q3, q0\n\t"
#define WIDEN_PAIR             \
  "vmovlb.s16 q0, q2\n\t"      \
  "vmovlt.s16 q1, q2\n\t"      \
  "vadd.i32 q4, q4, q0\n\t"    \
  "vadd.i32 q6, q6, q1\n\t"    \
  "vmovlb.s16 q0, q3\n\t"      \
  "vmovlt.s16 q1, q3\n\t"      \
  "vadd.i32 q5, q5, q0\n\t"    \
  "vadd.i32 q7, q7, q1\n\t"
#define SCALE_DOWN(sums, multiplier, shift)         \
  "vldrw.32 q0, [%[c], #" multiplier "]\n\t"        \
  "vldrw.32 q1, [%[c], #" shift "]\n\t"             \
  "vqrdmulh.s32 " sums ", " sums ", q0\n\t"         \
  "vqdmlah.s32 " sums ", " sums ", %[one]\n\t"      \
  "vrshl.s32 " sums ", " sums ", q1\n\t"            \
  "vadd.i32 " sums ", " sums ", %[zero_point]\n\t"
/* clang-format on */

/* The rows of windows: cells `step` bytes apart, 0 for a row outside the map. */
typedef struct {
  const int8_t* x[3];
  size_t step[3];
} window_rows;

/* n > 0 output columns. `last` takes a row's pointer from the second cell of a
 * window to the first of the next one. */
/* clang-format off */
#define MAKE_3X3(last)                                                        \
  __asm__ volatile(                                                           \
      "dls lr, %[n]\n"                                                        \
      "1:\n\t"                                                                \
      LOAD_TAP("x0", "-64") NEXT_CELL("x0", "step0") FIRST_OF_PAIR            \
      LOAD_TAP("x0", "-48") SECOND_OF_PAIR("x0") NEXT_CELL("x0", "step0")     \
      "vldrw.32 q4, [%[c], #80]\n\t"                                          \
      "vldrw.32 q5, [%[c], #96]\n\t"                                          \
      "vldrw.32 q6, [%[c], #112]\n\t"                                         \
      "vldrw.32 q7, [%[c], #128]\n\t"                                         \
      WIDEN_PAIR                                                              \
      LOAD_TAP("x0", "-32") last("x0", "step0") FIRST_OF_PAIR                 \
      LOAD_TAP("x1", "-16") SECOND_OF_PAIR("x1") NEXT_CELL("x1", "step1")     \
      WIDEN_PAIR                                                              \
      LOAD_TAP("x1", "0") NEXT_CELL("x1", "step1") FIRST_OF_PAIR              \
      LOAD_TAP("x1", "16") SECOND_OF_PAIR("x1") last("x1", "step1")           \
      WIDEN_PAIR                                                              \
      LOAD_TAP("x2", "32") NEXT_CELL("x2", "step2") FIRST_OF_PAIR             \
      LOAD_TAP("x2", "48") SECOND_OF_PAIR("x2") NEXT_CELL("x2", "step2")      \
      WIDEN_PAIR                                                              \
      LOAD_TAP("x2", "64") last("x2", "step2") FIRST_OF_PAIR                  \
      WIDEN_PAIR                                                              \
      SCALE_DOWN("q4", "144", "208")                                          \
      SCALE_DOWN("q5", "160", "224")                                          \
      SCALE_DOWN("q6", "176", "240")                                          \
      SCALE_DOWN("q7", "192", "256")                                          \
      "vqmovnb.s32 q4, q4\n\t"                                                \
      "vqmovnt.s32 q4, q6\n\t"                                                \
      "vqmovnb.s32 q5, q5\n\t"                                                \
      "vqmovnt.s32 q5, q7\n\t"                                                \
      "vqmovnb.s16 q4, q4\n\t"                                                \
      "vqmovnt.s16 q4, q5\n\t"                                                \
      "vstrb.8 q4, [%[output]]\n\t"                                           \
      "add %[output], %[output_step]\n\t"                                     \
      "le lr, 1b\n"                                                           \
      : [x0] "+&r"(x0), [x1] "+&r"(x1), [x2] "+&r"(x2), [output] "+&r"(output)    \
      : [c] "r"(middle), [step0] "r"(rows->step[0]),                          \
        [step1] "r"(rows->step[1]), [step2] "r"(rows->step[2]),               \
        [output_step] "r"(output_step), [zero_point] "r"(zero_point),         \
        [one] "r"(1), [n] "r"(n)                                              \
      : "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "lr", "memory")
/* clang-format on */

#define BACK_A_CELL(x, step) "sub %[" x "], %[" step "]\n\t"
#define STAY(x, step) ""

/* stride is 1 or 2. */
static void make_3x3(const block_channels* channels, const window_rows* rows, uint32_t stride,
                     int32_t zero_point, int8_t* output, size_t output_step, uint32_t n) {
  /* Offsets of bytes reach from -127 to 127. */
  const int8_t* middle = channels->weights[4];
  const int8_t* x0 = rows->x[0];
  const int8_t* x1 = rows->x[1];
  const int8_t* x2 = rows->x[2];
  if (stride == 1) {
    MAKE_3X3(BACK_A_CELL);
  } else {
    MAKE_3X3(STAY);
  }
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

/* Sums as if all kernel rows were in the map, and the weights. */
static void prepare_3x3(block* b) {
  const int8_t* w = b->row->args->weights + b->channel;
  copy_channels(b);
  for (uint32_t i = 0; i < 9; ++i) {
    vstrbq_s8(b->channels.weights[i], vldrbq_s8(w));
    w += b->row->channels;
  }
}

/* A column with taps outside the map, from a copy of its window. */
static void make_3x3_edge(const block* b, const window_rows* rows, uint32_t x) {
  const tflm_patch_depthwise_row* row = b->row;
  const int32_t cols = (int32_t)row->input->cols;
  const int8x16_t outside = vldrbq_s8(b->outside);
  int32_t col = tflm_patch_first_col(&row->args->window, x);
  int8_t window[9 * BLOCK];
  const window_rows copies = {{window, window + 3 * BLOCK, window + 6 * BLOCK},
                              {BLOCK, BLOCK, BLOCK}};
  for (uint32_t j = 0; j < 3; ++j) {
    int8_t* to = window + j * BLOCK;
    if (col >= 0 && col < cols) {
      const size_t at = (size_t)col;
      vstrbq_s8(to, vldrbq_s8(rows->x[0] + at * rows->step[0]));
      vstrbq_s8(to + 3 * BLOCK, vldrbq_s8(rows->x[1] + at * rows->step[1]));
      vstrbq_s8(to + 6 * BLOCK, vldrbq_s8(rows->x[2] + at * rows->step[2]));
    } else {
      vstrbq_s8(to, outside);
      vstrbq_s8(to + 3 * BLOCK, outside);
      vstrbq_s8(to + 6 * BLOCK, outside);
    }
    ++col;
  }
  make_3x3(&b->channels, &copies, 1, row->args->requant.output_zero_point,
           row->output + x * row->channels + b->channel, 0, 1);
}

static __attribute__((noinline)) void make_3x3_row(block* b, tflm_patch_range cols) {
  const tflm_patch_depthwise_row* row = b->row;
  const tflm_patch_window* window = &row->args->window;
  const size_t cell = row->channels;
  const tflm_patch_range inside = row->rows_inside;
  window_rows rows;
  prepare_3x3(b);
  for (uint32_t i = 0; i < 3; ++i) {
    const int is_inside = i >= inside.first && i < inside.end;
    rows.x[i] = is_inside ? row->rows[i - inside.first] + b->channel : b->outside;
    rows.step[i] = is_inside ? cell : 0;
  }
  for (uint32_t x = 0; x < cols.first; ++x) {
    make_3x3_edge(b, &rows, x);
  }
  if (cols.first < cols.end) {
    const size_t at = (size_t)tflm_patch_first_col(window, cols.first);
    const window_rows from = {{rows.x[0] + at * rows.step[0], rows.x[1] + at * rows.step[1],
                               rows.x[2] + at * rows.step[2]},
                              {rows.step[0], rows.step[1], rows.step[2]}};
    make_3x3(&b->channels, &from, window->stride_w, row->args->requant.output_zero_point,
             row->output + cols.first * cell + b->channel, cell, cols.end - cols.first);
  }
  for (uint32_t x = cols.end; x < row->args->output_cols; ++x) {
    make_3x3_edge(b, &rows, x);
  }
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
    block_sums s = load_sums(b->channels.bias);
    for (uint32_t i = 0; i < n_rows; ++i) {
      if (n < width) {
        w = add_taps(&s, b->outside, 0, w, cell, taps.first);
      }
      w = add_taps(&s, row->rows[i] + at, cell, w, cell, n);
      if (n < width) {
        w = add_taps(&s, b->outside, 0, w, cell, width - taps.end);
      }
    }
    finish(&row->args->requant, &b->channels, s, is_usual, output);
    output += cell;
  }
}

uint32_t tflm_patch_mve_depthwise_blocks(const tflm_patch_depthwise_row* row) {
  const tflm_patch_depthwise_conv_args* args = row->args;
  const tflm_patch_window* window = &args->window;
  const tflm_patch_range cols = tflm_patch_cols_inside(window, row->input->cols, args->output_cols);
  const int is_3x3 =
      row->is_usual && window->kernel_w == 3 && window->kernel_h == 3 && window->stride_w <= 2;
  int8_t outside[BLOCK];
  block b;
  vstrbq_s8(outside, vdupq_n_s8((int8_t)args->input_zero_point));
  b.row = row;
  b.outside = outside;
  for (b.channel = 0; b.channel + BLOCK <= row->channels; b.channel += BLOCK) {
    if (is_3x3) {
      make_3x3_row(&b, cols);
    } else {
      make_row(&b);
    }
  }
  return b.channel;
}

#endif /* TFLM_PATCH_IS_MVE */
