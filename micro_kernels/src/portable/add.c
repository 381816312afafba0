/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * ADD of int8 values.
 */
#include "../requantize.h"
#include "portable.h"

void tflm_patch_add_portable_s8(
    const tflm_patch_add_params* params, int32_t a_zero_point, int32_t b_zero_point,
    const int8_t* a, uint32_t a_step, const int8_t* b, uint32_t b_step,
    int8_t* output, uint32_t n) {
  const int32_t unit = (int32_t)1 << params->left_shift;
  for (uint32_t i = 0; i < n; ++i) {
    /* A multiplier below one: neither the terms nor their sum leave int32. */
    const int32_t a_scaled = tflm_patch_multiply_by_quantized_multiplier(
        (*a - a_zero_point) * unit, params->input_multiplier[0],
        params->input_shift[0]);
    const int32_t b_scaled = tflm_patch_multiply_by_quantized_multiplier(
        (*b - b_zero_point) * unit, params->input_multiplier[1],
        params->input_shift[1]);
    output[i] = (int8_t)tflm_patch_requantize(
        a_scaled + b_scaled, params->output_multiplier, params->output_shift,
        params->output_zero_point, params->act_min, params->act_max);
    a += a_step;
    b += b_step;
  }
}
