/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gradients of pools: every input cell asks the windows that it is in, in the order of its
 * place in them.
 */
#include "exact.h"

#include <stddef.h>

#include "pools.h"
#include "tflm_patch/training.h"

#define CHANNELS 4u

/* Of up to four channels of a cell of the input, from one on: sums over the windows that it is in.
 * values: of a maximum, NULL for an average. */
static void add_windows(const tflm_patch_backward_geometry* g, const int8_t* values,
                        const float* gradient, uint32_t cell, uint32_t first, uint32_t channels,
                        float* sums) {
  for (uint32_t r = 0; r < g->window.kernel_h; ++r) {
    for (uint32_t c = 0; c < g->window.kernel_w; ++c) {
      const int32_t out = tflm_patch_output_cell(g, cell / g->cols, cell % g->cols, r, c);
      if (out < 0) {
        continue;
      }
      const float* parts = gradient + (size_t)out * g->channels + first;
      const float count = values == NULL ? (float)tflm_patch_window_cells(g, (uint32_t)out) : 1.0f;
      for (uint32_t k = 0; k < channels; ++k) {
        if (values == NULL) {
          sums[k] = sums[k] + parts[k] / count;
        } else if (tflm_patch_first_greatest(g, values, (uint32_t)out, first + k) ==
                   r * g->window.kernel_w + c) {
          sums[k] = sums[k] + parts[k];
        }
      }
    }
  }
}

static void backward_pool(const tflm_patch_backward_geometry* g, const int8_t* values,
                          const float* gradient, float* result, uint32_t added) {
  for (uint32_t cell = 0; cell < g->rows * g->cols; ++cell) {
    for (uint32_t first = 0; first < g->channels; first += CHANNELS) {
      const uint32_t n = g->channels - first < CHANNELS ? g->channels - first : CHANNELS;
      float sums[CHANNELS] = {0};
      add_windows(g, values, gradient, cell, first, n, sums);
      for (uint32_t k = 0; k < n; ++k) {
        *result = added ? *result + sums[k] : sums[k];
        ++result;
      }
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
