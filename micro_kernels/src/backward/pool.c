/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gradients of pools: every input cell asks the windows that it is in, in the order of its
 * place in them.
 */
#include "exact.h"

#include <stddef.h>

#include "taps.h"
#include "tflm_patch/training.h"

/* Cells of a window within the map. */
static uint32_t count_of(const tflm_patch_backward_geometry* g, uint32_t cell) {
  uint32_t count = 0;
  for (uint32_t r = 0; r < g->window.kernel_h; ++r) {
    for (uint32_t c = 0; c < g->window.kernel_w; ++c) {
      count += tflm_patch_input_cell(g, cell / g->output_cols, cell % g->output_cols, r, c) >= 0;
    }
  }
  return count;
}

/* The first tap with the greatest value of a window, of one channel. */
static uint32_t first_greatest(const tflm_patch_backward_geometry* g, const int8_t* values,
                               uint32_t cell, uint32_t channel) {
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

/* values: of a maximum, NULL for an average. */
static void backward_pool(const tflm_patch_backward_geometry* g, const int8_t* values,
                          const float* gradient, float* result, uint32_t added) {
  for (uint32_t cell = 0; cell < g->rows * g->cols; ++cell) {
    for (uint32_t channel = 0; channel < g->channels; ++channel) {
      float sum = 0.0f;
      for (uint32_t r = 0; r < g->window.kernel_h; ++r) {
        for (uint32_t c = 0; c < g->window.kernel_w; ++c) {
          const int32_t out = tflm_patch_output_cell(g, cell / g->cols, cell % g->cols, r, c);
          if (out < 0) {
            continue;
          }
          const float part = gradient[(uint32_t)out * g->channels + channel];
          if (values == NULL) {
            sum = sum + part / (float)count_of(g, (uint32_t)out);
          } else if (first_greatest(g, values, (uint32_t)out, channel) ==
                     r * g->window.kernel_w + c) {
            sum = sum + part;
          }
        }
      }
      *result = added ? *result + sum : sum;
      ++result;
    }
  }
}

void tflm_patch_backward_average_pool(const tflm_patch_backward_geometry* geometry,
                                      const float* gradient, float* result, uint32_t added) {
  backward_pool(geometry, NULL, gradient, result, added);
}

void tflm_patch_backward_max_pool(const tflm_patch_backward_geometry* geometry,
                                  const int8_t* values, const float* gradient, float* result,
                                  uint32_t added) {
  backward_pool(geometry, values, gradient, result, added);
}
