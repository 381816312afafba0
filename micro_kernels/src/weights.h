/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Weights, biases and requantization in the constants. Internal.
 */
#ifndef TFLM_PATCH_SRC_WEIGHTS_H_
#define TFLM_PATCH_SRC_WEIGHTS_H_

#include "kernel.h"

/* n weights, and the bias and requantization of `channels` outputs of a type. */
static inline tflm_patch_status tflm_patch_check_weights(
    const tflm_patch_stage* stage, uint8_t type, uint32_t weights_at,
    uint64_t n, uint32_t bias_at, const tflm_patch_requant* requant,
    uint32_t channels) {
  const uint64_t bias_bytes = type == TFLM_PATCH_INT16
                                  ? sizeof(tflm_patch_int64)
                                  : sizeof(int32_t);
  if (bias_at % sizeof(int32_t) != 0) {
    return TFLM_PATCH_BAD_ALIGNMENT;
  }
  if (!tflm_patch_constant_fits(stage, weights_at, n, 1) ||
      !tflm_patch_constant_fits(stage, bias_at, channels * bias_bytes,
                                sizeof(int32_t))) {
    return TFLM_PATCH_BAD_SIZE;
  }
  return tflm_patch_check_requant(stage, type, requant, channels);
}

static inline tflm_patch_requant_args tflm_patch_find_requant(
    const tflm_patch_stage* stage, const tflm_patch_requant* requant) {
  const tflm_patch_requant_args args = {
      .multipliers =
          (const int32_t*)tflm_patch_constant(stage, requant->multiplier_at),
      .shifts = (const int8_t*)tflm_patch_constant(stage, requant->shift_at),
      .channel_step = requant->per_channel,
      .output_zero_point = requant->output_zero_point,
      .act_min = requant->act_min,
      .act_max = requant->act_max,
      .bounded = requant->bounded,
      .wide = requant->wide,
  };
  return args;
}

#endif /* TFLM_PATCH_SRC_WEIGHTS_H_ */
