/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * 3 x 3 depthwise convolutions with 16 outputs at a time, one in each byte of a
 * vector, in the usual case of requantization. The outputs are 16 channels of a
 * cell, or all channels of several cells side by side.
 *
 * Products of two taps are added in int16, which holds them unless all four
 * factors are -128, then widened: a word's upper half is its quotient by 2^16,
 * which VQDMLAH adds to a sum. Narrowed and widened halves take every other lane,
 * so sums k, which q4 to q7 hold, are of outputs k, k + 4, k + 8 and k + 12, and
 * the outputs end up in order.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "depthwise_3x3.h"
#include "vector.h"

#define SIDE 3u
#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* ---- any number of columns, in assembly: all registers are in use ---- */

/* n > 0 vectors of outputs, and their windows: where those begin, the bytes from one
 * cell to the next, and from a window's last cell to the first of the next window. */
typedef struct {
  const int8_t* rows[SIDE];
  size_t step;
  size_t advance;
  int8_t* output;
  size_t output_step;
  uint32_t n;
} stretch;

/* Of all outputs, those in `store` are stored. */
TFLM_PATCH_INLINE void make_stretch(const constants* c, const stretch* s, int32_t zero_point,
                                    mve_pred16_t store) {
  /* Offsets of bytes reach from -127 to 127. */
  const int8_t* middle = c->weights[TAPS / 2];
  const int8_t* x0 = s->rows[0];
  const int8_t* x1 = s->rows[1];
  const int8_t* x2 = s->rows[2];
  int8_t* output = s->output;
  uint32_t half = s->n;
  uint32_t one = store;
  __asm__ volatile(MAKE_OUTPUTS(IN_MAP)
                   : [x0] "+&r"(x0), [x1] "+&r"(x1), [x2] "+&r"(x2), [output] "+&r"(output),
                     [half] "+&r"(half), [one] "+&r"(one)
                   : [c] "r"(middle), [step] "r"(s->step), [advance] "r"(s->advance),
                     [output_step] "r"(s->output_step), [zero_point] "r"(zero_point)
                   : "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "lr", "memory");
}

static __attribute__((noinline)) void make_stretches(const constants* c, const stretch* s,
                                                     uint32_t n, int32_t zero_point,
                                                     mve_pred16_t store) {
  for (const stretch* const end = s + n; s != end; ++s) {
    make_stretch(c, s, zero_point, store);
  }
}

/* Cells of 16 channels, column by column. */
typedef int8_t column[SIDE][LANES];

/* The same of windows in copies of columns, `advance` columns apart. */
TFLM_PATCH_INLINE void make_copied(const constants* c, const column* windows, uint32_t advance,
                                   int32_t zero_point, int8_t* output, size_t output_step,
                                   uint32_t n, mve_pred16_t store) {
  const int8_t* middle = c->weights[TAPS / 2];
  const int8_t* x = windows[1][1];
  uint32_t half = n;
  uint32_t one = store;
  __asm__ volatile(MAKE_OUTPUTS(IN_COPY)
                   : [x] "+&r"(x), [output] "+&r"(output), [half] "+&r"(half), [one] "+&r"(one)
                   : [c] "r"(middle), [advance] "r"(advance * sizeof(column)),
                     [output_step] "r"(output_step), [zero_point] "r"(zero_point)
                   : "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "lr", "memory");
}

static __attribute__((noinline)) void make_few(const constants* c, const column* windows,
                                               uint32_t advance, int32_t zero_point, int8_t* output,
                                               size_t output_step, uint32_t n, mve_pred16_t store) {
  make_copied(c, windows, advance, zero_point, output, output_step, n, store);
}

/* ---- constants ---- */

/* 16 outputs of a cell or of several; output i is of channel channel + (i & mask), those behind
 * channel + last are not stored. */
typedef struct {
  const tflm_patch_depthwise_row* row;
  uint32_t channel;
  uint32_t mask;
  uint32_t last;
  tflm_patch_range inside; /* kernel rows in the map that the constants are for */
  constants c;
} block;

/* Weights and scales of 16 channels, each of which has its own. Returns whether no weight is
 * -128. */
TFLM_PATCH_INLINE int copy_channels(block* b) {
  const tflm_patch_depthwise_conv_args* args = b->row->args;
  const int8_t* w = args->weights + b->channel;
  const int32_t* bias = args->bias + b->channel;
  const int32_t* multipliers = args->requant.multipliers + b->channel;
  const int8_t* shifts = args->requant.shifts + b->channel;
  const uint32x4_t places = vmulq_n_u32(vidupq_n_u32(0, 1), 4);
  int8_t* to = b->c.weights[0];
  int32_t least = INT8_MAX;
  /* clang-format off */
  __asm__ volatile(
      "   vdup.8 q1, %[least]\n"
      "   mov lr, #3\n"
      "   dls lr, lr\n"
      "1:\n" COPY_TAP COPY_TAP COPY_TAP
      "   le lr, 1b\n"
      "   vminv.s8 %[least], q1\n"
      COPY_WORDS("bias") COPY_WORDS("multipliers")
      COPY_SHIFTS COPY_SHIFTS COPY_SHIFTS COPY_SHIFTS
      : [w] "+&r"(w), [to] "+&r"(to), [least] "+&r"(least), [shifts] "+&r"(shifts)
      : [step] "r"(b->row->channels), [bias] "r"(bias), [multipliers] "r"(multipliers),
        [places] "w"(places)
      : "q0", "q1", "q2", "q3", "lr", "memory");
  /* clang-format on */
  return (int8_t)least > INT8_MIN;
}

/* The channels of outputs 0, 4, 8 and 12 behind `place`. */
TFLM_PATCH_INLINE uint32x4_t which(const block* b, uint32_t place) {
  const uint32x4_t outputs = vaddq_n_u32(vmulq_n_u32(vidupq_n_u32(0, 1), 4), place);
  return vminq_u32(vandq_u32(outputs, vdupq_n_u32(b->mask)), vdupq_n_u32(b->last));
}

TFLM_PATCH_INLINE void gather_words(const block* b, const int32_t* from, uint32_t step,
                                    int32_t* to) {
  for (uint32_t i = 0; i < 4; ++i) {
    const uint32x4_t places = vmulq_n_u32(which(b, i), step);
    vstrwq_s32(to + 4 * i, vldrwq_gather_shifted_offset_s32(from, places));
  }
}

/* The same of int8 values. */
TFLM_PATCH_INLINE void gather_bytes(const block* b, const int8_t* from, uint32_t step,
                                    int32_t* to) {
  for (uint32_t i = 0; i < 4; ++i) {
    const uint32x4_t places = vmulq_n_u32(which(b, i), step);
    vstrwq_s32(to + 4 * i, vldrbq_gather_offset_s32(from, places));
  }
}

/* The same of any channels; output i is of channel channel + (i & mask). */
static __attribute__((noinline)) int gather_channels(block* b) {
  const tflm_patch_depthwise_conv_args* args = b->row->args;
  const tflm_patch_requant_args* requant = &args->requant;
  const uint32_t scale_step = requant->channel_step;
  const size_t step = b->row->channels;
  const size_t first = b->channel * scale_step;
  const int8_t* w = args->weights + b->channel;
  gather_words(b, args->bias + b->channel, 1, b->c.bias);
  gather_words(b, requant->multipliers + first, scale_step, b->c.multiplier);
  gather_bytes(b, requant->shifts + first, scale_step, b->c.shift);
  const uint8x16_t outputs = vandq_u8(vidupq_n_u8(0, 1), vdupq_n_u8((uint8_t)b->mask));
  const uint8x16_t taps = vminq_u8(outputs, vdupq_n_u8((uint8_t)b->last));
  int8x16_t least = vdupq_n_s8(INT8_MAX);
#pragma GCC unroll 1
  for (uint32_t i = 0; i < TAPS; ++i) {
    const int8x16_t v = vldrbq_gather_offset_s8(w + i * step, taps);
    vstrbq_s8(b->c.weights[i], v);
    least = vminq_s8(least, v);
  }
  return vminvq_s8(INT8_MAX, least) > INT8_MIN;
}

/* A kernel row outside the map: what it adds goes to the bias, its weights to 0. */
static __attribute__((noinline)) void take_out_row(block* b, uint32_t kernel_row) {
  const int32_t zero_point = b->row->args->input_zero_point;
  int8_t* const w = b->c.weights[SIDE * kernel_row];
  for (uint32_t i = 0; i < 4; ++i) {
    const uint32x4_t places = vaddq_n_u32(vmulq_n_u32(vidupq_n_u32(0, 1), 4), i);
    int32x4_t sum = vldrbq_gather_offset_s32(w, places);
    sum = vaddq_s32(sum, vldrbq_gather_offset_s32(w + LANES, places));
    sum = vaddq_s32(sum, vldrbq_gather_offset_s32(w + 2 * LANES, places));
    const int32x4_t bias = vldrwq_s32(b->c.bias + 4 * i);
    vstrwq_s32(b->c.bias + 4 * i, vmlaq_n_s32(bias, sum, zero_point));
  }
  for (uint32_t i = 0; i < SIDE; ++i) {
    vstrbq_s8(w + i * LANES, vdupq_n_s8(0));
  }
}

/* Constants for windows of which the kernel rows `inside` are in the map. Returns 0
 * when a weight is -128. */
TFLM_PATCH_INLINE int make_constants(block* b, tflm_patch_range inside) {
  const int is_all = b->row->args->requant.channel_step && b->last + 1 == LANES;
  if (!(is_all ? copy_channels(b) : gather_channels(b))) {
    return 0;
  }
  for (uint32_t i = 0; inside.end - inside.first < SIDE && i < SIDE; ++i) {
    if (i < inside.first || i >= inside.end) {
      take_out_row(b, i);
    }
  }
  b->inside = inside;
  return 1;
}

static __attribute__((noinline)) int prepare(block* b, tflm_patch_range inside) {
  return make_constants(b, inside);
}

TFLM_PATCH_INLINE int is_prepared(const block* b, tflm_patch_range inside) {
  return b->inside.first == inside.first && b->inside.end == inside.end;
}

/* ---- 8 to 16 channels of a cell ---- */

#define MOST_COLUMNS 8u

static __attribute__((noinline)) column* fill_columns(column* to, uint32_t n, int8x16_t value) {
  for (column* const end = to + n; to != end; ++to) {
    vstrbq_s8((*to)[0], value);
    vstrbq_s8((*to)[1], value);
    vstrbq_s8((*to)[2], value);
  }
  return to;
}

/* Copies of n > 0 columns, the first of which begins at byte `at` of its rows. */
TFLM_PATCH_INLINE column* copy_inside(const int8_t* const rows[SIDE], size_t at, size_t cell,
                                      uint32_t n, column* to) {
  const int8_t* x0 = rows[0] + at;
  const int8_t* x1 = rows[1] + at;
  const int8_t* x2 = rows[2] + at;
  const uint32_t in = vctp8q(cell);
  __asm__ volatile(
      "   vmsr p0, %[in]\n"
      "   dls lr, %[n]\n"
      "1: vpsttt\n"
      "   vldrbt.8 q0, [%[x0]]\n"
      "   vldrbt.8 q1, [%[x1]]\n"
      "   vldrbt.8 q2, [%[x2]]\n"
      "   vstrb.8 q0, [%[to]], #16\n"
      "   add %[x0], %[cell]\n"
      "   vstrb.8 q1, [%[to]], #16\n"
      "   add %[x1], %[cell]\n"
      "   vstrb.8 q2, [%[to]], #16\n"
      "   add %[x2], %[cell]\n"
      "   le lr, 1b\n"
      : [x0] "+&r"(x0), [x1] "+&r"(x1), [x2] "+&r"(x2), [to] "+&r"(to)
      : [cell] "r"(cell), [n] "r"(n), [in] "r"(in)
      : "q0", "q1", "q2", "lr", "memory");
  return to;
}

/* Copies of columns [col, col + n); those outside the map are its zero point. */
static void copy_columns(const block* b, const int8_t* const rows[SIDE], int32_t col, uint32_t n,
                         column* to) {
  const tflm_patch_depthwise_row* row = b->row;
  const int8x16_t outside = vdupq_n_s8((int8_t)row->args->input_zero_point);
  const tflm_patch_range inside = tflm_patch_taps_inside(col, n, 1, row->input->cols);
  const size_t cell = row->channels;
  const size_t at = (size_t)(col + (int32_t)inside.first) * cell + b->channel;
  to = fill_columns(to, inside.first, outside);
  if (inside.first < inside.end) {
    to = copy_inside(rows, at, cell, inside.end - inside.first, to);
  }
  fill_columns(to, n - inside.end, outside);
}

/* Columns with all taps in the map. */
static void make_inside(const block* b, const tflm_patch_depthwise_place* place,
                        tflm_patch_range cols, mve_pred16_t store) {
  const tflm_patch_window* window = &b->row->args->window;
  const size_t cell = b->row->channels;
  const size_t at = (size_t)tflm_patch_first_col(window, cols.first) * cell + b->channel;
  const stretch s = {
      .rows = {place->rows[0] + at, place->rows[1] + at, place->rows[2] + at},
      .step = cell,
      .advance = window->stride_w * cell - 2 * cell,
      .output = place->output + cols.first * cell + b->channel,
      .output_step = cell,
      .n = cols.end - cols.first,
  };
  make_stretch(&b->c, &s, b->row->args->requant.output_zero_point, store);
}

/* Columns that `make_inside` may make: of cells of less than 16 channels it reads what is behind
 * them, too, which the last one of a row has not. */
TFLM_PATCH_INLINE tflm_patch_range find_inside(const tflm_patch_depthwise_row* row) {
  tflm_patch_range cols = row->cols_inside;
  if (row->channels < LANES && cols.first < cols.end &&
      tflm_patch_first_col(&row->args->window, cols.end - 1) + (int32_t)SIDE ==
          (int32_t)row->input->cols) {
    --cols.end;
  }
  return cols;
}

/* Any row. If only the first and the last column may be at an edge, both are made at once,
 * behind all others, from copies that are made before. */
static __attribute__((noinline)) void make_wide(const block* b,
                                                const tflm_patch_depthwise_place* place,
                                                mve_pred16_t store) {
  const tflm_patch_depthwise_conv_args* args = b->row->args;
  const tflm_patch_range cols = find_inside(b->row);
  const int32_t zero_point = args->requant.output_zero_point;
  const size_t cell = b->row->channels;
  int8_t* output = place->output + b->channel;
  column columns[2 * SIDE];
  if (cols.first == 1 && cols.end + 1 == args->output_cols) {
    copy_columns(b, place->rows, -args->window.pad_left, SIDE, columns);
    copy_columns(b, place->rows, tflm_patch_first_col(&args->window, cols.end), SIDE,
                 columns + SIDE);
    make_inside(b, place, cols, store);
    make_few(&b->c, columns, SIDE, zero_point, output, cols.end * cell, 2, store);
    return;
  }
  for (uint32_t x = 0; x < args->output_cols; ++x) {
    if (x == cols.first && cols.first < cols.end) {
      make_inside(b, place, cols, store);
      x = cols.end - 1;
    } else {
      copy_columns(b, place->rows, tflm_patch_first_col(&args->window, x), SIDE, columns);
      make_few(&b->c, columns, 0, zero_point, output + x * cell, 0, 1, store);
    }
  }
}

/* Takes the next block, from channel `channel` on, or the last one; returns its outputs that are
 * stored: those before are made. */
TFLM_PATCH_INLINE mve_pred16_t start_block(block* b, uint32_t channel) {
  const uint32_t end = MIN(channel + LANES, b->row->channels);
  b->channel = end < LANES ? 0 : end - LANES;
  return (mve_pred16_t)~vctp8q(channel - b->channel) & vctp8q(end - b->channel);
}

/* Rows of which `reach` columns, at most MOST_COLUMNS, are read. */
static __attribute__((noinline)) uint32_t make_narrow(const tflm_patch_depthwise_row* row,
                                                      const tflm_patch_depthwise_place* places,
                                                      uint32_t n, uint32_t channel,
                                                      uint32_t reach) {
  const tflm_patch_depthwise_conv_args* args = row->args;
  const size_t cell = row->channels;
  const int32_t col = -args->window.pad_left;
  const tflm_patch_range inside = tflm_patch_taps_inside(col, reach, 1, row->input->cols);
  const uint32_t n_inside = inside.end - inside.first;
  const size_t first = (size_t)(col + (int32_t)inside.first) * cell;
  const int8x16_t outside = vdupq_n_s8((int8_t)args->input_zero_point);
  column columns[MOST_COLUMNS];
  block b; /* not cleared: it is large */
  b.row = row;
  b.mask = LANES - 1;
  b.last = MIN(LANES, row->channels) - 1;
  fill_columns(columns, inside.first, outside);
  fill_columns(columns + inside.end, reach - inside.end, outside);
  for (; channel < row->channels; channel += LANES) {
    const mve_pred16_t store = start_block(&b, channel);
    if (!make_constants(&b, places->inside)) {
      return channel;
    }
    for (uint32_t i = 0; i < n; ++i) {
      if (!is_prepared(&b, places[i].inside)) {
        prepare(&b, places[i].inside);
      }
      if (n_inside > 0) {
        copy_inside(places[i].rows, first + b.channel, cell, n_inside, columns + inside.first);
      }
      make_copied(&b.c, columns, args->window.stride_w, args->requant.output_zero_point,
                  places[i].output + b.channel, cell, args->output_cols, store);
    }
  }
  return channel;
}

uint32_t tflm_patch_mve_depthwise_3x3(const tflm_patch_depthwise_row* row,
                                      const tflm_patch_depthwise_place* places, uint32_t n,
                                      uint32_t channel) {
  const tflm_patch_depthwise_conv_args* args = row->args;
  const uint32_t reach = (args->output_cols - 1) * args->window.stride_w + SIDE;
  if (reach <= MOST_COLUMNS) {
    return make_narrow(row, places, n, channel, reach);
  }
  block b; /* not cleared: it is large */
  b.row = row;
  b.mask = LANES - 1;
  b.last = MIN(LANES, row->channels) - 1;
  for (; channel < row->channels; channel += LANES) {
    const mve_pred16_t store = start_block(&b, channel);
    if (!prepare(&b, places->inside)) {
      return channel;
    }
    for (uint32_t i = 0; i < n; ++i) {
      if (!is_prepared(&b, places[i].inside)) {
        prepare(&b, places[i].inside);
      }
      make_wide(&b, &places[i], store);
    }
  }
  return channel;
}

/* ---- cells of 8 channels or fewer, side by side ---- */

/* 16 outputs from byte `at` of the row on, from a copy of their windows: their
 * cells may lie outside the map. */
static __attribute__((noinline)) void make_flat_edge(const block* b,
                                                     const tflm_patch_depthwise_place* place,
                                                     uint32_t at, mve_pred16_t store) {
  const tflm_patch_depthwise_row* row = b->row;
  const int32_t end = (int32_t)(row->input->cols * row->channels);
  const int8x16_t outside = vdupq_n_s8((int8_t)row->args->input_zero_point);
  const int32_t first = (int32_t)(at - row->channels);
  int8_t copy[SIDE][2 * LANES];
  const stretch s = {
      .rows = {copy[0], copy[1], copy[2]},
      .step = row->channels,
      .output = place->output + at,
      .n = 1,
  };
  for (int32_t i = 0; i < 2; ++i) {
    const int32_t begin = first + i * (int32_t)LANES;
    const uint32_t before = begin < 0 ? (uint32_t)-begin : 0;
    const uint32_t inside = end > begin ? (uint32_t)(end - begin) : 0;
    const mve_pred16_t in = vctp8q(inside) & (mve_pred16_t)~vctp8q(before);
    for (uint32_t j = 0; j < SIDE; ++j) {
      const int8x16_t v = vldrbq_z_s8(place->rows[j] + begin, in);
      vstrbq_s8(copy[j] + i * (int32_t)LANES, vpselq_s8(v, outside, in));
    }
  }
  make_stretches(&b->c, &s, 1, row->args->requant.output_zero_point, store);
}

static void make_flat_row(const block* b, const tflm_patch_depthwise_place* place) {
  const mve_pred16_t all = (mve_pred16_t)~0u;
  const uint32_t cell = b->row->channels;
  const uint32_t bytes = b->row->args->output_cols * cell;
  uint32_t at = LANES;
  make_flat_edge(b, place, 0, all);
  if (bytes >= 2 * LANES + cell) {
    const size_t first = LANES - cell;
    const stretch s = {
        .rows = {place->rows[0] + first, place->rows[1] + first, place->rows[2] + first},
        .step = cell,
        .advance = LANES - 2 * cell,
        .output = place->output + LANES,
        .output_step = LANES,
        .n = (bytes - cell) / LANES - 1,
    };
    make_stretches(&b->c, &s, 1, b->row->args->requant.output_zero_point, all);
    at += s.n * LANES;
  }
  if (at < bytes) {
    const uint32_t last = bytes - LANES;
    make_flat_edge(b, place, last, (mve_pred16_t)~vctp8q(at - last));
  }
}

int tflm_patch_mve_depthwise_flat(const tflm_patch_depthwise_row* row,
                                  const tflm_patch_depthwise_place* places, uint32_t n) {
  block b;
  b.row = row;
  b.channel = 0;
  b.mask = row->channels - 1;
  b.last = b.mask;
  if (!prepare(&b, places->inside)) {
    return 0;
  }
  for (const tflm_patch_depthwise_place* const end = places + n; places != end; ++places) {
    if (!is_prepared(&b, places->inside)) {
      prepare(&b, places->inside);
    }
    make_flat_row(&b, places);
  }
  return 1;
}

#endif /* TFLM_PATCH_IS_MVE */
