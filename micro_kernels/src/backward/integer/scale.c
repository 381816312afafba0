/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gradients of integers through clamps, and of operators that scale, copy or add.
 */
#include "../exact.h"

#include <string.h>

#include "shifts.h"

#define BITS_OF_FLOATS 24 /* that a float's mantissa has */

/* The exponent of a float of a power of two and more, 2^exponent <= x. */
static int32_t exponent_of(uint32_t bits) { return (int32_t)(bits >> 23 & 0xFFu) - 127; }

static float power_of_two(int32_t exponent) {
  const uint32_t bits = (uint32_t)(exponent + 127) << 23;
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

void tflm_patch_integer_from_floats(void* gradient, uint32_t n, int32_t* exponent) {
  uint8_t* at = (uint8_t*)gradient;
  uint32_t most = 0;
  for (uint32_t i = 0; i < n; ++i) {
    uint32_t bits;
    memcpy(&bits, at + 4 * i, sizeof(bits));
    bits &= 0x7FFFFFFFu;
    most = bits > most ? bits : most;
  }
  const int32_t found = exponent_of(most);
  *exponent = (found < -100 ? -100 : found) - (BITS_OF_FLOATS - 1);
  const float scale = power_of_two(-*exponent);
  for (uint32_t i = 0; i < n; ++i) {
    float value;
    memcpy(&value, at + 4 * i, sizeof(value));
    const int32_t mantissa = (int32_t)(value * scale);
    memcpy(at + 4 * i, &mantissa, sizeof(mantissa));
  }
}

void tflm_patch_integer_clamp(const uint32_t* mask, uint32_t cells, uint32_t channels,
                              const int32_t* multipliers, int32_t scale_exponent, uint32_t bits,
                              int32_t* gradient, int32_t* exponent) {
  uint32_t bit = 0, seen = 0;
  int32_t* at = gradient;
  for (uint32_t cell = 0; cell < cells; ++cell) {
    for (uint32_t c = 0; c < channels; ++c, ++bit, ++at) {
      *at = mask[bit / 32] >> bit % 32 & 1u ? tflm_patch_scaled(*at, multipliers[c]) : 0;
      seen |= tflm_patch_magnitude(*at);
    }
  }
  const int32_t excess = tflm_patch_excess(seen, bits);
  tflm_patch_shift_all(gradient, cells * channels, excess);
  *exponent += scale_exponent + excess;
}

tflm_patch_integer_sum tflm_patch_integer_begin(int32_t* exponent, int32_t exponent_of_sums,
                                                uint32_t added) {
  tflm_patch_integer_sum sum = {added, 0, 0};
  if (!added) {
    *exponent = exponent_of_sums;
    return sum;
  }
  const int32_t old = *exponent;
  *exponent = (old > exponent_of_sums ? old : exponent_of_sums) + 1;
  sum.old_shift = (uint32_t)(*exponent - old);
  sum.new_shift = (uint32_t)(*exponent - exponent_of_sums);
  return sum;
}

tflm_patch_integer_sum tflm_patch_integer_more(const tflm_patch_integer_sum* sum) {
  const tflm_patch_integer_sum more = {1, 0, sum->new_shift};
  return more;
}

void tflm_patch_integer_spread(const int32_t* gradient, int32_t exponent, uint32_t outer,
                               uint32_t count, uint32_t inner, int32_t multiplier,
                               int32_t scale_exponent, int32_t* result, int32_t* result_exponent,
                               uint32_t added) {
  const tflm_patch_integer_sum sum =
      tflm_patch_integer_begin(result_exponent, exponent + scale_exponent, added);
  for (uint32_t o = 0; o < outer; ++o) {
    for (uint32_t k = 0; k < count; ++k) {
      for (uint32_t i = 0; i < inner; ++i, ++result) {
        *result = tflm_patch_joined(*result, tflm_patch_scaled(gradient[i], multiplier), &sum);
      }
    }
    gradient += inner;
  }
}

void tflm_patch_integer_pad(uint32_t rows, uint32_t cols, uint32_t channels, uint32_t top,
                            uint32_t left, uint32_t padded_cols, const int32_t* gradient,
                            int32_t exponent, int32_t* result, int32_t* result_exponent,
                            uint32_t added) {
  const tflm_patch_integer_sum sum = tflm_patch_integer_begin(result_exponent, exponent, added);
  for (uint32_t row = 0; row < rows; ++row) {
    const int32_t* from = gradient + ((top + row) * padded_cols + left) * channels;
    for (uint32_t i = 0; i < cols * channels; ++i, ++result) {
      *result = tflm_patch_joined(*result, from[i], &sum);
    }
  }
}
