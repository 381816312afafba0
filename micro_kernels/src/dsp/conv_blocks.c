/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONV_2D of the dsp family with a scratch for many pixels: as many as it is for are widened
 * to 16 bits, then for every two channels their weights, and all products of these are made.
 *
 * Windows of whole fours of channels are widened column by column of the map, all kernel
 * rows of a column one behind the other: a window is its columns in series, and shares them
 * with its neighbours. Other windows are brought together first. Not in builds for size.
 */
#include "conv_blocks.h"

#include <string.h>

#include "../family.h"

#if TFLM_PATCH_HAS_OWN_CONV_BLOCKS

#ifdef __OPTIMIZE_SIZE__

int tflm_patch_conv_blocks_s8(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                              const tflm_patch_rows* output, uint32_t row, uint32_t count) {
  (void)args;
  (void)input;
  (void)output;
  (void)row;
  (void)count;
  return 0;
}

#else

#include "arith.h"
#include "conv.h"
#include "gemm_blocks.h"
#include "windows.h"

/* Windows for which there is memory to bring them together. */
#define ASIDE TFLM_PATCH_WIDE_PIXELS

/* Rows at work. */
typedef struct {
  tflm_patch_windows windows;
  const tflm_patch_rows* output;
  tflm_patch_block block;
  uint32_t* weights; /* of two channels */
  uint32_t* values;
  uint32_t value_bytes; /* that there are for them */
} conv_rows;

static int8_t* find_output(const conv_rows* c, uint32_t row) {
  return (int8_t*)(uintptr_t)tflm_patch_slot_row(c->output, row % c->output->ring_rows);
}

/* How many of the rows [row, row + count), count > 0, lie in one piece of memory. */
static uint32_t rows_in_piece(const tflm_patch_rows* map, uint32_t row, uint32_t count) {
  const uint32_t slot = row % map->ring_rows;
  const uint32_t left = (slot < map->split ? map->split : map->ring_rows) - slot;
  return count < left ? count : left;
}

/* ---- products ---- */

/* Weights of two channels, in the order of the values. */
static void widen_weights(const conv_rows* c, uint32_t channel, int is_by_columns) {
  const tflm_patch_window* window = &c->windows.args->window;
  const uint32_t taps = c->windows.taps;
  const int8_t* from = c->windows.args->weights + channel * taps;
  if (!is_by_columns) {
    tflm_patch_widen_pair(c->weights, from, taps, 1, taps, 0);
    return;
  }
  const uint32_t depth = c->windows.input->channels;
  const int32_t skip = (int32_t)((window->kernel_w - 1u) * depth);
  uint32_t* to = c->weights;
  for (uint32_t i = 0; i < window->kernel_w; ++i) {
    tflm_patch_widen_pair(to, from, depth, window->kernel_h, taps, skip);
    from += depth;
    to += window->kernel_h * depth;
  }
}

/* All channels of the block. */
static void make_block(const conv_rows* c, int is_by_columns) {
  const tflm_patch_block* block = &c->block;
  for (uint32_t channel = 0; channel < block->channels; channel += 2) {
    /* The last of an odd number with the one before, once more. */
    const uint32_t first = channel + 1 < block->channels ? channel : channel - 1;
    widen_weights(c, first, is_by_columns);
    tflm_patch_make_block(block, first);
  }
  int8_t* output = block->output;
  for (uint32_t i = 0; i < block->rows; ++i) {
    tflm_patch_clamp_bytes(block->requant, output, block->cols * block->channels);
    output += block->output_row;
  }
}

/* ---- windows by columns ---- */

/* n cells of `words` words outside the map, each `pitch` words behind the one before. */
static void put_outside(uint32_t* to, uint32_t n, uint32_t words, uint32_t pitch,
                        uint32_t outside) {
  for (; n != 0; --n) {
    for (uint32_t i = 0; i < words; ++i) {
      to[i] = outside;
    }
    to += pitch;
  }
}

/* n columns of the map, from `first` on, of all kernel rows of an output row. */
static void widen_columns(conv_rows* c, uint32_t row, int32_t first, uint32_t n, uint32_t* to) {
  tflm_patch_windows* w = &c->windows;
  const uint32_t depth = w->input->channels;
  const uint32_t words = depth / 2;
  const uint32_t pitch = w->args->window.kernel_h * words;
  const uint32_t outside = (uint16_t)w->args->input_zero_point * 0x00010001u;
  const tflm_patch_range inside = tflm_patch_taps_inside(first, n, 1, w->input->cols);
  tflm_patch_find_window_rows(w, row);
  for (uint32_t i = 0; i < w->args->window.kernel_h; ++i) {
    const int is_row = i >= w->inside.first && i < w->inside.end && inside.first < inside.end;
    const uint32_t left = is_row ? inside.first : n;
    put_outside(to, left, words, pitch, outside);
    if (is_row) {
      const int8_t* from = w->rows[i] + (first + (int32_t)left) * (int32_t)depth;
      tflm_patch_widen_runs(to + left * pitch, from, depth, inside.end - left, 0,
                            (int32_t)(4 * (pitch - words)));
      put_outside(to + inside.end * pitch, n - inside.end, words, pitch, outside);
    }
    to += words;
  }
}

/* Output columns [x, x + n) of some rows. */
static void make_columns(conv_rows* c, uint32_t row, uint32_t rows, uint32_t x, uint32_t n) {
  const tflm_patch_window* window = &c->windows.args->window;
  const uint32_t columns = tflm_patch_window_columns(n, window->kernel_w, window->stride_w);
  const uint32_t words = columns * window->kernel_h * c->windows.input->channels / 2;
  for (uint32_t i = 0; i < rows; ++i) {
    widen_columns(c, row + i, tflm_patch_first_col(window, x), columns, c->values + i * words);
  }
  tflm_patch_block* block = &c->block;
  block->pixel = 2u * window->stride_w * window->kernel_h * c->windows.input->channels;
  block->row = (int32_t)(4 * words);
  block->rows = rows;
  block->cols = n;
  block->output = find_output(c, row) + x * block->channels;
  block->output_row = c->output->row_bytes;
  make_block(c, 1);
}

/* Returns 0 when there is memory for too few. */
static int make_by_columns(conv_rows* c, uint32_t row, uint32_t count) {
  const tflm_patch_window* window = &c->windows.args->window;
  const uint32_t cols = c->output->cols;
  const uint32_t column_bytes = 2u * window->kernel_h * c->windows.input->channels;
  const uint32_t row_bytes =
      column_bytes * tflm_patch_window_columns(cols, window->kernel_w, window->stride_w);
  const uint32_t rows = c->value_bytes / row_bytes;
  const uint32_t most =
      tflm_patch_max_block_cols(column_bytes, window->kernel_w, window->stride_w, c->value_bytes);
  if ((rows == 0 ? most : (rows < count ? rows : count) * cols) < TFLM_PATCH_BLOCK_PIXELS) {
    return 0;
  }
  while (count > 0) {
    uint32_t n = rows_in_piece(c->output, row, count);
    if (rows == 0) {
      uint32_t parts = (cols + most - 1) / most;
      uint32_t part;
      for (uint32_t x = 0; x < cols; x += part) {
        part = (cols - x + parts - 1) / parts;
        --parts;
        make_columns(c, row, 1, x, part);
      }
      n = 1;
    } else {
      const uint32_t parts = (n + rows - 1) / rows;
      n = (n + parts - 1) / parts;
      make_columns(c, row, n, 0, cols);
    }
    row += n;
    count -= n;
  }
  return 1;
}

/* ---- windows in a line ---- */

/* n windows of an output row whose kernel rows are whole fours: by kernel rows, each copied
 * with what is outside of the map first. */
static void widen_by_rows(const conv_rows* c, uint32_t x, uint32_t n, int8_t* aside, uint32_t* to) {
  const tflm_patch_windows* w = &c->windows;
  const tflm_patch_window* window = &w->args->window;
  const uint32_t depth = w->input->channels;
  const uint32_t run = window->kernel_w * depth;
  const uint32_t columns = tflm_patch_window_columns(n, window->kernel_w, window->stride_w);
  const int32_t first = tflm_patch_first_col(window, x);
  const tflm_patch_range inside = tflm_patch_taps_inside(first, columns, 1, w->input->cols);
  const int32_t next = (int32_t)(window->stride_w * depth) - (int32_t)run;
  const int32_t rest = (int32_t)(2 * (tflm_patch_wide_words(w->taps, 1) * 2 - run));
  memset(aside, w->args->input_zero_point, columns * depth);
  for (uint32_t i = 0; i < window->kernel_h; ++i) {
    if (i >= w->inside.first && i < w->inside.end) {
      (void)tflm_patch_copy_bytes(aside + inside.first * depth,
                                  w->rows[i] + (first + (int32_t)inside.first) * (int32_t)depth,
                                  (inside.end - inside.first) * depth);
    } else {
      memset(aside, w->args->input_zero_point, columns * depth);
    }
    tflm_patch_widen_runs(to, aside, run, n, next, rest);
    to += run / 2;
  }
}

/* n windows of an output row. */
static uint32_t* widen_windows(conv_rows* c, uint32_t x, uint32_t n, uint32_t* to) {
  const tflm_patch_windows* w = &c->windows;
  const tflm_patch_window* window = &w->args->window;
  const uint32_t depth = w->input->channels;
  const uint32_t taps = w->taps;
  const uint32_t words = tflm_patch_wide_words(taps, 1);
  const int32_t stride = window->stride_w;
  const int32_t last = (int32_t)w->input->cols - window->kernel_w;
  int32_t col = tflm_patch_first_col(window, x);
  if (taps == depth && w->inside.first < w->inside.end && col >= 0 &&
      col + (int32_t)(n - 1) * stride <= last) {
    const int8_t* from = w->rows[0] + (uint32_t)col * depth;
    if (stride == 1 && depth % 4 == 0) {
      tflm_patch_widen_runs(to, from, n * depth, 1, 0, 0);
    } else {
      tflm_patch_widen_runs(to, from, depth, n, stride * (int32_t)depth - (int32_t)(depth & ~3u),
                            0);
    }
    return to + n * words;
  }
  int8_t* aside = (int8_t*)c->values + c->value_bytes - ASIDE * taps;
  if (window->kernel_w * depth % 4 == 0 && window->dilation_w == 1 &&
      tflm_patch_window_columns(n, window->kernel_w, window->stride_w) * depth <= ASIDE * taps) {
    widen_by_rows(c, x, n, aside, to);
    return to + n * words;
  }
  const int is_nines = tflm_patch_are_nines(w);
  for (; n > 0; --n) {
    if (is_nines && col >= 0 && col <= last) {
      const uint32_t at = (uint32_t)col * depth;
      tflm_patch_widen_nines(to, 1, w->rows[0] + at, w->rows[1] + at, w->rows[2] + at);
    } else {
      tflm_patch_gather_windows(w, x, 1, aside);
      tflm_patch_widen_runs(to, aside, taps, 1, 0, 0);
    }
    col += stride;
    ++x;
    to += words;
  }
  return to;
}

/* n pixels from one on, counted from the first of a row. */
static void make_pixels(conv_rows* c, uint32_t row, uint32_t first, uint32_t n) {
  const uint32_t cols = c->output->cols;
  uint32_t* to = c->values;
  uint32_t part;
  for (uint32_t i = first; i < first + n; i += part) {
    const uint32_t x = i % cols;
    part = cols - x < first + n - i ? cols - x : first + n - i;
    tflm_patch_find_window_rows(&c->windows, row + i / cols);
    to = widen_windows(c, x, part, to);
  }
  tflm_patch_block* block = &c->block;
  block->pixel = 4 * tflm_patch_wide_words(c->windows.taps, 1);
  block->row = 0;
  block->rows = 1;
  block->cols = n;
  block->output = find_output(c, row) + first * block->channels;
  block->output_row = 0;
  make_block(c, 0);
}

/* Returns 0 when there is memory for too few. */
static int make_in_line(conv_rows* c, uint32_t row, uint32_t count) {
  const uint32_t cols = c->output->cols;
  const uint32_t taps = c->windows.taps;
  const uint32_t aside = taps == c->windows.input->channels ? 0 : taps;
  const uint32_t most = tflm_patch_max_wide(taps, aside, ASIDE, c->value_bytes);
  const int is_line = c->output->row_bytes == (int32_t)(cols * c->block.channels);
  if (most < TFLM_PATCH_BLOCK_PIXELS || cols * (is_line ? count : 1) < TFLM_PATCH_BLOCK_PIXELS ||
      (cols == 1 && rows_in_piece(c->output, row, count) != count)) {
    return 0;
  }
  while (count > 0) {
    const uint32_t rows = is_line ? rows_in_piece(c->output, row, count) : 1;
    const uint32_t pixels = rows * cols;
    uint32_t parts = (pixels + most - 1) / most;
    uint32_t n;
    for (uint32_t left = pixels; left > 0; left -= n) {
      n = (left + parts - 1) / parts;
      --parts;
      n = left < n + 2 ? left : (n + 2) / 3 * 3;
      n -= left == n + 1 ? 3 : 0; /* no single one */
      make_pixels(c, row, pixels - left, n);
    }
    row += rows;
    count -= rows;
  }
  return 1;
}

/* ---- convolutions ---- */

int tflm_patch_conv_blocks_s8(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                              const tflm_patch_rows* output, uint32_t row, uint32_t count) {
  const tflm_patch_window* window = &args->window;
  const uint32_t taps = (uint32_t)window->kernel_h * window->kernel_w * input->channels;
  const uint32_t weight_bytes = tflm_patch_pair_bytes(taps);
  if (args->output_channels < 2 || args->scratch_bytes <= weight_bytes ||
      args->scratch_bytes <= TFLM_PATCH_CONV_STACK_BYTES ||
      !tflm_patch_is_dsp_conv(args, input->channels)) {
    return 0;
  }
  uint32_t* scratch = (uint32_t*)args->scratch;
  conv_rows c = {
      .windows = {.args = args, .input = input, .taps = taps},
      .output = output,
      .block =
          {
              .requant = &args->requant,
              .bias = args->bias,
              .values = scratch + weight_bytes / 4,
              .weights = scratch,
              .quads = (taps + 3) / 4,
              .channels = args->output_channels,
          },
      .weights = scratch,
      .values = scratch + weight_bytes / 4,
      .value_bytes = args->scratch_bytes - weight_bytes,
  };
  const int is_by_columns = taps != input->channels && input->channels % 4 == 0 &&
                            window->dilation_w == 1 && output->cols > 1;
  return is_by_columns ? make_by_columns(&c, row, count) : make_in_line(&c, row, count);
}

#endif /* __OPTIMIZE_SIZE__ */

#endif /* TFLM_PATCH_HAS_OWN_CONV_BLOCKS */
