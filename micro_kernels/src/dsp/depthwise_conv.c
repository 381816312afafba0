/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * DEPTHWISE_CONV_2D of the dsp family: an output row in stretches of columns, four
 * channels at a time. Their values are turned into words of two 16-bit values of a
 * channel, for two products at a time.
 */
#include <string.h>

#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "../depthwise_rows.h"
#include "../kernels.h"
#include "../portable/portable.h"
#include "../requantize.h"
#include "depthwise.h"

#define CHANNELS TFLM_PATCH_DEPTHWISE_CHANNELS
#define STACK_WORDS TFLM_PATCH_DEPTHWISE_STACK_WORDS

/* Output bytes of n columns. */
static void clamp_block(const tflm_patch_depthwise_row* d, uint32_t n, uint32_t n_channels,
                        int8_t* output) {
  for (; n != 0; --n) {
    for (uint32_t i = 0; i < n_channels; ++i) {
      output[i] =
          (int8_t)tflm_patch_clamp(output[i], d->args->requant.act_min, d->args->requant.act_max);
    }
    output += d->channels;
  }
}

int tflm_patch_is_dsp_depthwise(const tflm_patch_depthwise_conv_args* args, uint32_t channels) {
  const tflm_patch_window* window = &args->window;
  return args->depth_multiplier == 1 && args->requant.bounded && channels >= CHANNELS &&
         window->dilation_w == 1 && window->stride_w <= TFLM_PATCH_DEPTHWISE_STRIDE &&
         window->kernel_w <= TFLM_PATCH_DEPTHWISE_TAPS * window->stride_w &&
         window->kernel_h <= TFLM_PATCH_DEPTHWISE_KERNEL_H;
}

static void find_kernel_rows(tflm_patch_depthwise_row* d, const tflm_patch_rows* input,
                             uint32_t row) {
  const tflm_patch_window* window = &d->args->window;
  const tflm_patch_kernel_rows rows = tflm_patch_find_kernel_rows(window, input, row);
  uint32_t slot = rows.slot;
  for (uint32_t i = 0; i < window->kernel_h; ++i) {
    if (i >= rows.inside.first && i < rows.inside.end) {
      d->cells[i] = tflm_patch_slot_row(input, slot);
      d->step[i] = d->channels;
      slot = tflm_patch_next_slot(&rows, input, slot);
    } else {
      d->cells[i] = (const int8_t*)&d->outside;
      d->step[i] = 0;
    }
  }
}

static int8_t* find_row(const tflm_patch_rows* map, uint32_t row) {
  return (int8_t*)(uintptr_t)tflm_patch_slot_row(map, row % map->ring_rows);
}

/* An output row in stretches that need at most `words` words for a channel. */
static void make_row(const tflm_patch_depthwise_row* d, uint32_t* buffer, uint32_t words,
                     int8_t* output) {
  const tflm_patch_depthwise_conv_args* args = d->args;
  const tflm_patch_window* window = &args->window;
  const uint32_t cols = args->output_cols;
  const int is_3x3 = !TFLM_PATCH_HAS_PAIRS || tflm_patch_is_3x3(window);
  const int is_clamped = args->requant.act_max - args->requant.act_min != 255;
  const uint32_t max_n = is_3x3 ? tflm_patch_max_columns_3x3(window->stride_w, words)
                                : tflm_patch_max_columns(window->kernel_w, window->stride_w, words);
  const uint32_t stretches = (cols + max_n - 1) / max_n;
  const uint32_t most = (cols + stretches - 1) / stretches;
  tflm_patch_stretch s = {.buffer = buffer, .pitch = words};
  uint32_t n;
  for (uint32_t first = 0; first < cols; first += n) {
    uint32_t n_channels;
    uint32_t slow = 1;
    n = most < cols - first ? most : cols - first;
    for (uint32_t channel = 0; channel < d->channels; channel += n_channels) {
      int8_t* cells = output + first * d->channels + channel;
      n_channels = d->channels - channel;
      n_channels = n_channels < CHANNELS ? n_channels : CHANNELS;
      if (slow != 0) { /* nothing is there yet, or not any more */
        s.first = first;
        s.n = n;
        if (is_3x3) {
          tflm_patch_find_columns_3x3(d, &s);
        } else {
          tflm_patch_find_columns(d, &s);
        }
        slow = 0;
      }
      s.channel = channel;
      s.n_channels = n_channels;
      s.back = CHANNELS - n_channels;
      if (is_3x3) {
        slow = tflm_patch_make_stretch_3x3(d, &s, cells);
        if (TFLM_PATCH_HAS_PAIRS && slow != 0) {
          tflm_patch_make_slow_channels(d, &s, slow, cells);
        }
      } else {
        tflm_patch_make_stretch(d, &s, cells);
      }
      if (is_clamped) {
        clamp_block(d, n, n_channels, cells);
      }
    }
  }
}

#if TFLM_PATCH_HAS_CELLS

/* Whether all columns of some rows are made cell by cell, in memory of so many words: few of
 * them, or any number in pairs of rows. */
static int is_by_cells(const tflm_patch_depthwise_conv_args* args, uint32_t count, uint32_t words) {
  const uint32_t cols = args->output_cols;
  const uint32_t stride = args->window.stride_w;
  if (TFLM_PATCH_HAS_PAIRS && !tflm_patch_is_3x3(&args->window)) {
    return 0;
  }
  return cols < TFLM_PATCH_MANY_COLUMNS
             ? cols <= tflm_patch_max_cells_3x3(stride, words)
             : count > 1 && stride == 1 && cols <= tflm_patch_max_row_pair_cells(stride, words);
}

/* So many rows at once: what is the same for the cells of four channels is found once. */
#define ROWS 8u

/* How many of the rows are made in pairs, from the first on: those that see rows one behind
 * the other. */
static uint32_t rows_in_pairs(const tflm_patch_row_of_cells* rows, uint32_t count) {
  uint32_t n = 0;
  while (n + 1 < count && rows[n].cells[1] == rows[n + 1].cells[0] &&
         rows[n].cells[2] == rows[n + 1].cells[1]) {
    n += 2;
  }
  return n;
}

/* Four channels of pairs of rows. Returns 0, and nothing is done, when one of them has a shift
 * that is not for the short way to bytes. */
static int make_row_pairs(const tflm_patch_depthwise_row* d, const tflm_patch_row_of_cells* rows,
                          uint32_t count, const tflm_patch_stretch* s) {
  tflm_patch_row_pair_constants constants[2];
  if (!tflm_patch_find_row_pair_constants(d, s->channel, constants)) {
    return 0;
  }
  tflm_patch_make_row_pairs(d, s, constants, rows, count);
  return 1;
}

/* Channels of rows one after the other. */
static void make_single_rows(tflm_patch_depthwise_row* d, const tflm_patch_row_of_cells* rows,
                             uint32_t count, tflm_patch_stretch* s) {
  tflm_patch_cell_constants constants;
  const int is_short = tflm_patch_find_cell_constants(d, s, &constants);
  for (const tflm_patch_row_of_cells* row = rows; row != rows + count; ++row) {
    int8_t* output = row->output + s->channel;
    for (uint32_t i = 0; i < 3; ++i) {
      d->cells[i] = row->cells[i];
      d->step[i] = row->step[i];
    }
    if (is_short) {
      tflm_patch_make_cells_3x3(d, s, &constants, output);
#if TFLM_PATCH_HAS_PAIRS
    } else {
      tflm_patch_stretch spoilt = *s;
      tflm_patch_make_slow_channels(d, &spoilt, ((1u << s->n_channels) - 1) << 1, output);
#endif
    }
  }
}

static void make_rows_by_cells(tflm_patch_depthwise_row* d, const tflm_patch_row_of_cells* rows,
                               uint32_t count, tflm_patch_stretch* s) {
  const tflm_patch_requant_args* requant = &d->args->requant;
  const int is_clamped = requant->act_max - requant->act_min != 255;
  const uint32_t in_pairs =
      s->n <= tflm_patch_max_row_pair_cells(d->args->window.stride_w, s->pitch)
          ? rows_in_pairs(rows, count)
          : 0;
  for (s->channel = 0; s->channel < d->channels; s->channel += s->n_channels) {
    const uint32_t left = d->channels - s->channel;
    uint32_t made = 0;
    s->n_channels = left < CHANNELS ? left : CHANNELS;
    s->back = CHANNELS - s->n_channels;
    if (in_pairs != 0 && s->back == 0 && make_row_pairs(d, rows, in_pairs, s)) {
      made = in_pairs;
    }
    if (made != count) {
      make_single_rows(d, rows + made, count - made, s);
    }
    for (uint32_t i = 0; is_clamped && i < count; ++i) {
      clamp_block(d, s->n, s->n_channels, rows[i].output + s->channel);
    }
  }
}

/* Output rows of few columns. */
static TFLM_PATCH_NOINLINE void make_narrow_rows(tflm_patch_depthwise_row* d,
                                                 const tflm_patch_rows* input,
                                                 const tflm_patch_rows* output, uint32_t row,
                                                 uint32_t count, uint32_t* buffer, uint32_t words) {
  tflm_patch_row_of_cells rows[ROWS];
  tflm_patch_stretch s = {.n = d->args->output_cols, .buffer = buffer, .pitch = words};
  tflm_patch_find_columns_3x3(d, &s);
  for (uint32_t n; count > 0; count -= n) {
    n = count < ROWS ? count : ROWS;
    for (uint32_t i = 0; i < n; ++i) {
      find_kernel_rows(d, input, row);
      memcpy(rows[i].cells, d->cells, sizeof(rows[i].cells));
      memcpy(rows[i].step, d->step, sizeof(rows[i].step));
      rows[i].output = find_row(output, row++);
    }
    make_rows_by_cells(d, rows, n, &s);
  }
}

#endif

/* Rows in memory of so many words for a channel. */
static void make_rows(tflm_patch_depthwise_row* d, const tflm_patch_rows* input,
                      const tflm_patch_rows* output, uint32_t row, uint32_t count, uint32_t* buffer,
                      uint32_t words) {
#if TFLM_PATCH_HAS_CELLS
  if (is_by_cells(d->args, count, words)) {
    make_narrow_rows(d, input, output, row, count, buffer, words);
    return;
  }
#endif
  if (TFLM_PATCH_HAS_PAIRS &&
      tflm_patch_make_planes(d->args, input, output, row, count, buffer, CHANNELS * words)) {
    return;
  }
  for (const uint32_t end = row + count; row < end; ++row) {
    find_kernel_rows(d, input, row);
    make_row(d, buffer, words, find_row(output, row));
  }
}

/* Apart, for the stack of those that have a scratch. */
static TFLM_PATCH_NOINLINE void make_rows_on_stack(tflm_patch_depthwise_row* d,
                                                   const tflm_patch_rows* input,
                                                   const tflm_patch_rows* output, uint32_t row,
                                                   uint32_t count) {
  uint32_t buffer[CHANNELS * STACK_WORDS];
  make_rows(d, input, output, row, count, buffer, STACK_WORDS);
}

#if TFLM_PATCH_HAS_CELLS

/* The first and the last row of one of the two pieces of a map; 0 when there is none. */
static int find_piece(const tflm_patch_rows* map, uint32_t piece, uintptr_t ends[2]) {
  const uint32_t split = map->split < map->ring_rows ? map->split : map->ring_rows;
  const uint32_t first = piece == 0 ? 0 : split;
  const uint32_t end = piece == 0 ? split : map->ring_rows;
  if (first == end) {
    return 0;
  }
  const uintptr_t a = (uintptr_t)tflm_patch_slot_row(map, first);
  const uintptr_t b = (uintptr_t)tflm_patch_slot_row(map, end - 1);
  ends[0] = a < b ? a : b;
  ends[1] = a < b ? b : a;
  return 1;
}

/* Whether two maps have no byte in common. */
static int are_apart(const tflm_patch_rows* a, const tflm_patch_rows* b) {
  for (uint32_t i = 0; i < 4; ++i) {
    uintptr_t x[2];
    uintptr_t y[2];
    if (find_piece(a, i % 2, x) && find_piece(b, i / 2, y) && x[0] < y[1] + b->cols * b->channels &&
        y[0] < x[1] + a->cols * a->channels) {
      return 0;
    }
  }
  return 1;
}

#else

/* Only rows of few columns are faster at once. */
static int are_apart(const tflm_patch_rows* a, const tflm_patch_rows* b) {
  (void)a;
  (void)b;
  return 0;
}

#endif

void tflm_patch_depthwise_rows_s8(const tflm_patch_depthwise_conv_args* args,
                                  const tflm_patch_rows* input, const tflm_patch_rows* output,
                                  uint32_t row, uint32_t count) {
#if TFLM_PATCH_HAS_COLUMNS || TFLM_PATCH_HAS_FALLBACK
  const int is_there =
      !TFLM_PATCH_HAS_FALLBACK || tflm_patch_is_dsp_depthwise(args, input->channels);
#if TFLM_PATCH_HAS_COLUMNS
  const int is_column = tflm_patch_is_dsp_column(args, input->channels);
#else
  const int is_column = 0;
#endif
  if (is_column || !is_there) {
    for (const uint32_t end = row + count; row < end; ++row) {
      int8_t* to = find_row(output, row);
#if TFLM_PATCH_HAS_COLUMNS
      if (is_column) {
        tflm_patch_depthwise_column_s8(args, input, row, to);
        continue;
      }
#endif
#if TFLM_PATCH_HAS_FALLBACK
      tflm_patch_depthwise_conv_portable_s8(args, input, row, to);
#endif
    }
    return;
  }
#endif
  tflm_patch_depthwise_row d = {
      .args = args,
      .channels = input->channels,
      .in_cols = input->cols,
      .outside = (uint8_t)args->input_zero_point * 0x01010101u,
  };
  /* At once, channels are the outer loop: those of a row must not lie over others. */
  const int is_free =
      count == 1 || are_apart(input, output) || tflm_patch_are_cells_aligned(input, output);
  const uint32_t at_once = is_free ? count : 1;
  for (; count > 0; count -= at_once) {
    if (args->scratch_bytes > 4 * CHANNELS * STACK_WORDS) {
      make_rows(&d, input, output, row, at_once, (uint32_t*)args->scratch,
                args->scratch_bytes / (4 * CHANNELS));
    } else {
      make_rows_on_stack(&d, input, output, row, at_once);
    }
    row += at_once;
  }
}

void tflm_patch_depthwise_conv_s8(const tflm_patch_depthwise_conv_args* args,
                                  const tflm_patch_rows* input, uint32_t row, int8_t* output) {
  const tflm_patch_rows made = {.base = output, .ring_rows = 1, .split = 1};
  tflm_patch_depthwise_rows_s8(args, input, &made, row, 1);
}

#endif /* TFLM_PATCH_IS_DSP */
