/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Windows of pools. Internal.
 */
#ifndef TFLM_PATCH_SRC_BACKWARD_POOLS_H_
#define TFLM_PATCH_SRC_BACKWARD_POOLS_H_

#include <stdint.h>

#include "taps.h"
#include "tflm_patch/training.h"

/* Places of a window along an axis that lie within the map. */
static inline uint32_t tflm_patch_within(uint32_t output, uint32_t taps, uint32_t dilation,
                                         uint32_t stride, int32_t pad, uint32_t inputs) {
  uint32_t count = 0;
  for (uint32_t tap = 0; tap < taps; ++tap) {
    const int32_t at = (int32_t)(output * stride + tap * dilation) - pad;
    count += at >= 0 && at < (int32_t)inputs;
  }
  return count;
}

/* Cells of a window within the map. */
static inline uint32_t tflm_patch_window_cells(const tflm_patch_backward_geometry* g,
                                               uint32_t cell) {
  const tflm_patch_window* w = &g->window;
  return tflm_patch_within(cell / g->output_cols, w->kernel_h, w->dilation_h, w->stride_h,
                           w->pad_top, g->rows) *
         tflm_patch_within(cell % g->output_cols, w->kernel_w, w->dilation_w, w->stride_w,
                           w->pad_left, g->cols);
}

/* The first tap with the greatest value of a window, of one channel. */
static inline uint32_t tflm_patch_first_greatest(const tflm_patch_backward_geometry* g,
                                                 const int8_t* values, uint32_t cell,
                                                 uint32_t channel) {
  int32_t most = -1000;
  uint32_t found = 0;
  for (uint32_t r = 0; r < g->window.kernel_h; ++r) {
    for (uint32_t c = 0; c < g->window.kernel_w; ++c) {
      const int32_t at =
          tflm_patch_input_cell(g, cell / g->output_cols, cell % g->output_cols, r, c);
      if (at >= 0 && values[(uint32_t)at * g->channels + channel] > most) {
        most = values[(uint32_t)at * g->channels + channel];
        found = r * g->window.kernel_w + c;
      }
    }
  }
  return found;
}

#endif /* TFLM_PATCH_SRC_BACKWARD_POOLS_H_ */
