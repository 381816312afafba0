/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gradients of operators that move, scale or average values.
 */
#include "exact.h"

#include "tflm_patch/training.h"

void tflm_patch_backward_scale(const float* gradient, uint32_t n, float scale, float* result,
                               uint32_t added) {
  for (uint32_t i = 0; i < n; ++i) {
    const float part = gradient[i] * scale;
    result[i] = added ? result[i] + part : part;
  }
}

void tflm_patch_backward_mean(const float* gradient, uint32_t outer, uint32_t count, uint32_t inner,
                              float scale, float* result, uint32_t added) {
  for (uint32_t o = 0; o < outer; ++o) {
    for (uint32_t k = 0; k < count; ++k) {
      tflm_patch_backward_scale(gradient, inner, scale, result, added);
      result += inner;
    }
    gradient += inner;
  }
}

void tflm_patch_backward_pad(uint32_t rows, uint32_t cols, uint32_t channels, uint32_t top,
                             uint32_t left, uint32_t padded_cols, const float* gradient,
                             float* result, uint32_t added) {
  for (uint32_t row = 0; row < rows; ++row) {
    const float* from = gradient + ((top + row) * padded_cols + left) * channels;
    tflm_patch_backward_scale(from, cols * channels, 1.0f, result, added);
    result += cols * channels;
  }
}

void tflm_patch_gather_channels(const int8_t* values, uint32_t cells, uint32_t channels,
                                const uint16_t* chosen, uint32_t n_chosen, int8_t* gathered) {
  for (uint32_t cell = 0; cell < cells; ++cell) {
    for (uint32_t j = 0; j < n_chosen; ++j) {
      *gathered++ = values[chosen[j]];
    }
    values += channels;
  }
}
