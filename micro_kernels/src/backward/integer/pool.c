/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Integer gradients of pools.
 */
#include <stddef.h>

#include "../pools.h"
#include "shifts.h"

/* x / count, halves away from zero. */
static int32_t part_of(int32_t x, int32_t count) {
  return (x < 0 ? x - count / 2 : x + count / 2) / count;
}

void tflm_patch_integer_pool(const tflm_patch_backward_geometry* geometry, const int8_t* values,
                             const int32_t* gradient, int32_t exponent, int32_t* result,
                             int32_t* result_exponent, uint32_t added) {
  const tflm_patch_backward_geometry* g = geometry;
  const tflm_patch_integer_sum joined = tflm_patch_integer_begin(result_exponent, exponent, added);
  for (uint32_t i = 0; i < g->rows * g->cols * g->channels; ++i) {
    const uint32_t cell = i / g->channels, channel = i % g->channels;
    int32_t sum = 0;
    for (uint32_t tap = 0; tap < g->window.kernel_h * g->window.kernel_w; ++tap) {
      const uint32_t r = tap / g->window.kernel_w, c = tap % g->window.kernel_w;
      const int32_t out = tflm_patch_output_cell(g, cell / g->cols, cell % g->cols, r, c);
      if (out < 0) {
        continue;
      }
      const int32_t one = gradient[(size_t)out * g->channels + channel];
      if (values == NULL) {
        sum += part_of(one, (int32_t)tflm_patch_window_cells(g, (uint32_t)out));
      } else if (tflm_patch_first_greatest(g, values, (uint32_t)out, channel) == tap) {
        sum += one;
      }
    }
    result[i] = tflm_patch_joined(result[i], sum, &joined);
  }
}
