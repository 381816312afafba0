/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fixed-point arithmetic for callers that do without inline copies.
 */
#include "requantize.h"

int32_t tflm_patch_multiply_shared(int32_t x, int32_t multiplier, int32_t shift) {
  return tflm_patch_multiply_inline(x, multiplier, shift);
}

int8_t tflm_patch_requantize_channel_shared(const tflm_patch_requant_args* args,
                                            uint32_t accumulator, uint32_t channel) {
  const uint32_t i = channel * args->channel_step;
  const int32_t scaled =
      tflm_patch_multiply_shared((int32_t)accumulator, args->multipliers[i], args->shifts[i]);
  return (int8_t)tflm_patch_clamp(tflm_patch_wrapping_add(scaled, args->output_zero_point),
                                  args->act_min, args->act_max);
}

int16_t tflm_patch_requantize_channel_s16(const tflm_patch_requant_args* args, int64_t sum,
                                          uint32_t channel) {
  const uint32_t i = channel * args->channel_step;
  const int32_t multiplier = args->multipliers[i];
  const int32_t shift = args->shifts[i];
  const int32_t scaled =
      args->wide ? tflm_patch_multiply_wide(sum, multiplier, shift)
                 : tflm_patch_multiply_shared((int32_t)(uint32_t)(uint64_t)sum, multiplier, shift);
  return (int16_t)tflm_patch_clamp(scaled, args->act_min, args->act_max);
}

int32_t tflm_patch_scaled_sum_shared(const tflm_patch_add_params* params, int32_t a, int32_t b,
                                     int32_t sign) {
  return tflm_patch_scaled_sum_inline(params, a, b, sign);
}
