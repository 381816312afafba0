/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gradients through requantization and clamps.
 */
#include "exact.h"

#include "tflm_patch/training.h"

void tflm_patch_clamp_mask(const int8_t* values, uint32_t n, int32_t low, int32_t high,
                           uint32_t* mask, uint32_t first) {
  uint32_t at = first % 32;
  uint32_t bits;
  mask += first / 32;
  bits = at == 0 ? 0 : *mask & (((uint32_t)1 << at) - 1u);
  for (uint32_t i = 0; i < n; ++i) {
    bits |= (uint32_t)(low < values[i] && values[i] < high) << at;
    if (++at == 32) {
      *mask++ = bits;
      bits = 0;
      at = 0;
    }
  }
  if (at != 0) {
    *mask = bits;
  }
}

void tflm_patch_backward_clamp(const uint32_t* mask, uint32_t cells, uint32_t channels,
                               const float* scales, float* gradient) {
  uint32_t bit = 0;
  for (uint32_t cell = 0; cell < cells; ++cell) {
    for (uint32_t c = 0; c < channels; ++c, ++bit, ++gradient) {
      *gradient = mask[bit / 32] >> bit % 32 & 1u ? *gradient * scales[c] : 0.0f;
    }
  }
}
