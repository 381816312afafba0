/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * ADD of int8 values.
 */
#include "../requantize.h"
#include "portable.h"

void tflm_patch_add_portable_s8(const tflm_patch_add_params* params, int32_t a_zero_point,
                                int32_t b_zero_point, const int8_t* a, uint32_t a_step,
                                const int8_t* b, uint32_t b_step, int8_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = (int8_t)tflm_patch_scaled_sum(params, *a - a_zero_point, *b - b_zero_point, 1);
    a += a_step;
    b += b_step;
  }
}
