/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gradients through requantization and clamps.
 */
#include "exact.h"

#include "tflm_patch/training.h"

/* A bit for each of 32 values. */
static uint32_t word_of(const int8_t* values, int32_t least, uint32_t count) {
  uint32_t bits = 0;
  for (uint32_t i = 0; i < 32; i += 4) {
    uint32_t four = (uint32_t)((uint32_t)(values[i] - least) < count);
    four |= (uint32_t)((uint32_t)(values[i + 1] - least) < count) << 1;
    four |= (uint32_t)((uint32_t)(values[i + 2] - least) < count) << 2;
    four |= (uint32_t)((uint32_t)(values[i + 3] - least) < count) << 3;
    bits |= four << i;
  }
  return bits;
}

void tflm_patch_clamp_mask(const int8_t* values, uint32_t n, int32_t low, int32_t high,
                           uint32_t* mask, uint32_t first) {
  const uint32_t within = high - low > 1 ? (uint32_t)(high - low - 1) : 0;
  const uint32_t at = first % 32;
  uint32_t i = 0;
  mask += first / 32;
  if (at != 0) { /* the rest of a word */
    uint32_t bits = *mask & (((uint32_t)1 << at) - 1u);
    for (; i < n && at + i < 32; ++i) {
      bits |= (uint32_t)(low < values[i] && values[i] < high) << (at + i);
    }
    *mask++ = bits;
  }
  for (; i + 32 <= n; i += 32) {
    *mask++ = word_of(values + i, low + 1, within);
  }
  if (i < n) {
    uint32_t bits = 0;
    for (uint32_t bit = 0; i < n; ++i, ++bit) {
      bits |= (uint32_t)(low < values[i] && values[i] < high) << bit;
    }
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
