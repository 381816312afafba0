/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where the windows of convolutions lie in their input. Internal.
 */
#ifndef TFLM_PATCH_SRC_WINDOW_H_
#define TFLM_PATCH_SRC_WINDOW_H_

#include <stddef.h>
#include <stdint.h>

#include "tflm_patch/kernels.h"

/* Indices [first, end); none when first == end. */
typedef struct {
  uint32_t first;
  uint32_t end;
} tflm_patch_range;

/* The taps of a window that begins at `low` that lie in 0..size-1. */
static inline tflm_patch_range tflm_patch_taps_inside(int32_t low, uint32_t kernel,
                                                      uint32_t dilation, uint32_t size) {
  const int32_t step = (int32_t)dilation;
  const int32_t after = (int32_t)size - low; /* from low to behind the map */
  tflm_patch_range taps = {0, 0};
  if (after > 0) {
    const uint32_t end = ((uint32_t)after + dilation - 1u) / dilation;
    taps.first = low < 0 ? (uint32_t)((step - 1 - low) / step) : 0;
    taps.end = end < kernel ? end : kernel;
    if (taps.first > taps.end) {
      taps.first = taps.end;
    }
  }
  return taps;
}

/* The kernel rows of an output row: those of `inside` lie in the input, the
 * first of them at slot `slot` of the ring, the next `slot_step` slots on. */
typedef struct {
  tflm_patch_range inside;
  uint32_t slot;
  uint32_t slot_step;
} tflm_patch_kernel_rows;

static inline tflm_patch_kernel_rows tflm_patch_find_kernel_rows(const tflm_patch_window* window,
                                                                 const tflm_patch_rows* input,
                                                                 uint32_t row) {
  const int32_t low = (int32_t)(row * window->stride_h) - window->pad_top;
  tflm_patch_kernel_rows rows;
  rows.inside = tflm_patch_taps_inside(low, window->kernel_h, window->dilation_h, input->rows);
  rows.slot = 0;
  if (rows.inside.first < rows.inside.end) {
    const int32_t first = low + (int32_t)(rows.inside.first * window->dilation_h);
    rows.slot = (uint32_t)first % input->ring_rows;
  }
  rows.slot_step = window->dilation_h % input->ring_rows;
  return rows;
}

/* Slot of the kernel row after the one at `slot`. */
static inline uint32_t tflm_patch_next_slot(const tflm_patch_kernel_rows* rows,
                                            const tflm_patch_rows* input, uint32_t slot) {
  slot += rows->slot_step;
  return slot < input->ring_rows ? slot : slot - input->ring_rows;
}

/* Input column of the first tap of an output column; may lie outside. */
static inline int32_t tflm_patch_first_col(const tflm_patch_window* window, uint32_t output_col) {
  return (int32_t)(output_col * window->stride_w) - window->pad_left;
}

/* Of the output columns, those whose window has all its taps in the map. */
static inline tflm_patch_range tflm_patch_cols_inside(const tflm_patch_window* window,
                                                      uint32_t cols, uint32_t output_cols) {
  const int32_t stride = window->stride_w;
  const int32_t pad = window->pad_left;
  const int32_t last = (int32_t)cols - 1 + pad - (window->kernel_w - 1) * window->dilation_w;
  tflm_patch_range inside = {0, 0};
  if (last >= 0) {
    const uint32_t first = (uint32_t)((pad + stride - 1) / stride);
    const uint32_t end = (uint32_t)(last / stride) + 1u;
    inside.end = end < output_cols ? end : output_cols;
    inside.first = first < inside.end ? first : inside.end;
  }
  return inside;
}

#endif /* TFLM_PATCH_SRC_WINDOW_H_ */
