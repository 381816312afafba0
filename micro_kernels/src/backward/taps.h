/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which outputs a tap of a window joins with an input, and the other way round. Internal.
 */
#ifndef TFLM_PATCH_SRC_BACKWARD_TAPS_H_
#define TFLM_PATCH_SRC_BACKWARD_TAPS_H_

#include <stddef.h>
#include <stdint.h>

#include "tflm_patch/training.h"

/* The output position that reads input position `input` at a tap, -1 when none does. */
static inline int32_t tflm_patch_output_of(uint32_t input, uint32_t tap, uint32_t dilation,
                                           int32_t pad, uint32_t stride, uint32_t outputs) {
  const int32_t at = (int32_t)input + pad - (int32_t)(tap * dilation);
  if (at < 0 || (uint32_t)at % stride != 0 || (uint32_t)at / stride >= outputs) {
    return -1;
  }
  return at / (int32_t)stride;
}

/* The cell of the output that reads a cell of the input at a tap, -1 when none does. */
static inline int32_t tflm_patch_output_cell(const tflm_patch_backward_geometry* g, uint32_t row,
                                             uint32_t col, uint32_t tap_row, uint32_t tap_col) {
  const tflm_patch_window* w = &g->window;
  const int32_t r =
      tflm_patch_output_of(row, tap_row, w->dilation_h, w->pad_top, w->stride_h, g->output_rows);
  const int32_t c =
      tflm_patch_output_of(col, tap_col, w->dilation_w, w->pad_left, w->stride_w, g->output_cols);
  return r < 0 || c < 0 ? -1 : r * (int32_t)g->output_cols + c;
}

/* The cell of the input that a cell of the output reads at a tap, -1 outside the map. */
static inline int32_t tflm_patch_input_cell(const tflm_patch_backward_geometry* g, uint32_t row,
                                            uint32_t col, uint32_t tap_row, uint32_t tap_col) {
  const tflm_patch_window* w = &g->window;
  const int32_t r = (int32_t)(row * w->stride_h + tap_row * w->dilation_h) - w->pad_top;
  const int32_t c = (int32_t)(col * w->stride_w + tap_col * w->dilation_w) - w->pad_left;
  if (r < 0 || c < 0 || r >= (int32_t)g->rows || c >= (int32_t)g->cols) {
    return -1;
  }
  return r * (int32_t)g->cols + c;
}

/* Outputs along an axis that read an input within the map at a tap. */
typedef struct {
  uint32_t first; /* output */
  uint32_t count;
  uint32_t input; /* that the first one reads */
} tflm_patch_tap_range;

/* shift: the tap times the dilation. */
static inline tflm_patch_tap_range tflm_patch_range_of(uint32_t shift, int32_t pad, uint32_t stride,
                                                       uint32_t inputs, uint32_t outputs) {
  const int32_t begin = pad - (int32_t)shift;
  const int32_t end = begin + (int32_t)inputs; /* times the stride, of the outputs */
  const uint32_t first = begin > 0 ? ((uint32_t)begin + stride - 1u) / stride : 0;
  uint32_t last = end > 0 ? ((uint32_t)end + stride - 1u) / stride : 0;
  last = last < outputs ? last : outputs;
  const tflm_patch_tap_range range = {first, last > first ? last - first : 0,
                                      (uint32_t)((int32_t)(first * stride) - begin)};
  return range;
}

static inline tflm_patch_tap_range tflm_patch_rows_of(const tflm_patch_backward_geometry* g,
                                                      uint32_t tap_row) {
  const tflm_patch_window* w = &g->window;
  return tflm_patch_range_of(tap_row * w->dilation_h, w->pad_top, w->stride_h, g->rows,
                             g->output_rows);
}

static inline tflm_patch_tap_range tflm_patch_cols_of(const tflm_patch_backward_geometry* g,
                                                      uint32_t tap_col) {
  const tflm_patch_window* w = &g->window;
  return tflm_patch_range_of(tap_col * w->dilation_w, w->pad_left, w->stride_w, g->cols,
                             g->output_cols);
}

/* The input that the first output of `cols` reads in line i of `rows`, of values a step apart. */
static inline const int8_t* tflm_patch_read_at(const tflm_patch_backward_geometry* g,
                                               const int8_t* values, uint32_t step,
                                               const tflm_patch_tap_range* rows,
                                               const tflm_patch_tap_range* cols, uint32_t i) {
  return values + ((size_t)(rows->input + i * g->window.stride_h) * g->cols + cols->input) * step;
}

/* Whether cell i of the output reads cell i of the input and nothing else. */
static inline int tflm_patch_is_pointwise(const tflm_patch_backward_geometry* g) {
  const tflm_patch_window* w = &g->window;
  return w->kernel_h == 1 && w->kernel_w == 1 && w->stride_h == 1 && w->stride_w == 1 &&
         w->pad_top == 0 && w->pad_left == 0;
}

#endif /* TFLM_PATCH_SRC_BACKWARD_TAPS_H_ */
