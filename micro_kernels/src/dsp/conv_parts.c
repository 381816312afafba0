/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONV_2D of the dsp family where not even three windows fit the buffer at once, widened: some
 * taps of them are, and their products with many channels added to sums that lie beside. Not in
 * builds for size.
 */
#include "conv_parts.h"

#include "../family.h"

#if TFLM_PATCH_IS_DSP && TFLM_PATCH_HAS_PARTS

#include "gemm_parts.h"

/* Some taps of some windows: some cells, or channels of one. */
typedef struct {
  uint32_t cell; /* counted through the kernel rows */
  uint32_t cells;
  uint32_t channel; /* of the input */
  uint32_t n;       /* channels of a cell */
  uint32_t pixels;  /* windows */
} taps_part;

int tflm_patch_are_parts(const tflm_patch_windows* w, const tflm_patch_dot_job* j) {
  return w->input->channels % 4 == 0 && j->channels >= TFLM_PATCH_PART_FEWEST_CHANNELS;
}

/* A cell of each window, interleaved; some lie outside of the map. */
static void widen_cells(const tflm_patch_windows* w, const int8_t* row, int32_t col,
                        const taps_part* part, uint32_t* to) {
  const uint32_t stride = w->args->window.stride_w;
  const uint32_t depth = w->input->channels;
  const uint32_t outside = (uint16_t)w->args->input_zero_point * 0x00010001u;
  const uint32_t words = tflm_patch_wide_words(part->n, part->pixels);
  for (uint32_t* end = to + part->pixels; to != end; ++to) {
    if (row != NULL && col >= 0 && col < (int32_t)w->input->cols) {
      const int8_t* from = row + (uint32_t)col * depth + part->channel;
      tflm_patch_widen(to, part->pixels, from, part->n, 1, 0);
    } else {
      for (uint32_t i = 0; i < words; i += part->pixels) {
        to[i] = outside;
      }
    }
    col += (int32_t)stride;
  }
}

/* The values of a part, interleaved. */
static TFLM_PATCH_NOINLINE void widen_part(const tflm_patch_windows* w, uint32_t x,
                                           const taps_part* part, uint32_t* to) {
  const tflm_patch_window* window = &w->args->window;
  const uint32_t kernel_w = window->kernel_w;
  const uint32_t depth = w->input->channels;
  const int32_t first = tflm_patch_first_col(window, x);
  const uint32_t end = part->cell + part->cells;
  uint32_t n;
  for (uint32_t cell = part->cell; cell != end; cell += n) {
    const uint32_t i = cell / kernel_w;
    const uint32_t of_row = kernel_w - (cell - i * kernel_w);
    const int is_row = i >= w->inside.first && i < w->inside.end;
    int32_t col = first + (int32_t)((kernel_w - of_row) * window->dilation_w);
    n = of_row < end - cell ? of_row : end - cell;
    const int32_t last =
        col + (int32_t)((n - 1) * window->dilation_w + (part->pixels - 1) * window->stride_w);
    if (is_row && col >= 0 && last < (int32_t)w->input->cols &&
        (n == 1 || window->dilation_w == 1)) {
      const int8_t* from = w->rows[i] + (uint32_t)col * depth + part->channel;
      const uint32_t run = n * part->n;
      tflm_patch_widen(to, part->pixels, from, run, part->pixels,
                       (int32_t)(window->stride_w * depth) - (int32_t)run);
      to += tflm_patch_wide_words(run, part->pixels);
      continue;
    }
    for (uint32_t k = 0; k < n; ++k) {
      widen_cells(w, is_row ? w->rows[i] : NULL, col, part, to);
      to += tflm_patch_wide_words(part->n, part->pixels);
      col += window->dilation_w;
    }
  }
}

/* The size of parts of a number of things, at most `most` each, that are nearly equal and
 * multiples of `unit`. */
static uint32_t part_size(uint32_t things, uint32_t most, uint32_t unit) {
  const uint32_t parts = (things + most - 1) / most;
  const uint32_t size = (things + parts - 1) / parts;
  return (size + unit - 1) / unit * unit;
}

/* Some output channels, an even number. */
static void make_channels(const tflm_patch_windows* w, const tflm_patch_dot_job* j, uint32_t x,
                          uint32_t pixels, uint32_t channel, uint32_t n, int32_t* sums,
                          uint32_t most, int8_t* output) {
  const tflm_patch_window* window = &w->args->window;
  const uint32_t depth = w->input->channels;
  const uint32_t cells = (uint32_t)window->kernel_h * window->kernel_w;
  const int is_by_cells = depth <= most;
  const uint32_t step = is_by_cells ? part_size(cells, most / depth, 1) : 1;
  uint32_t* values = (uint32_t*)sums + pixels * n;
  taps_part part;
  part.pixels = pixels;
  tflm_patch_start_parts(j, pixels, channel, n, sums);
  for (part.cell = 0; part.cell < cells; part.cell += step) {
    part.cells = step < cells - part.cell ? step : cells - part.cell;
    part.n = is_by_cells ? depth : part_size(depth, most, 4);
    for (part.channel = 0; part.channel < depth; part.channel += part.n) {
      part.n = part.n < depth - part.channel ? part.n : depth - part.channel;
      widen_part(w, x, &part, values);
      tflm_patch_add_part(j, pixels, values, part.cell * depth + part.channel, part.cells * part.n,
                          channel, n / 2, sums);
    }
  }
  tflm_patch_finish_parts(j, pixels, sums, channel, n, output);
}

void tflm_patch_make_parts(const tflm_patch_windows* w, const tflm_patch_dot_job* j, uint32_t x,
                           uint32_t pixels, uint32_t* buffer, uint32_t bytes, int8_t* output) {
  const uint32_t channels = j->channels & ~1u;
  const uint32_t size = part_size(channels, TFLM_PATCH_PART_CHANNELS, 2);
  const uint32_t most = (bytes - 4 * pixels * size) / (8 * pixels) * 4;
  uint32_t n;
  for (uint32_t channel = 0; channel < channels; channel += n) {
    n = size < channels - channel ? size : channels - channel;
    make_channels(w, j, x, pixels, channel, n, (int32_t*)buffer, most, output);
  }
  if (channels != j->channels) { /* the last of an odd number with the one before, once more */
    make_channels(w, j, x, pixels, j->channels - 2, 2, (int32_t*)buffer, most, output);
  }
}

#endif /* TFLM_PATCH_IS_DSP && TFLM_PATCH_HAS_PARTS */
