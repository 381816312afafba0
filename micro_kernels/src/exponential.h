/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What SOFTMAX and LOG_SOFTMAX of int8 maps share: sums of exponentials in Q12.19, and a
 * reciprocal. Internal.
 */
#ifndef TFLM_PATCH_SRC_EXPONENTIAL_H_
#define TFLM_PATCH_SRC_EXPONENTIAL_H_

#include <stdint.h>

#include "requantize.h"

enum { TFLM_PATCH_SUM_INTEGER_BITS = 12 };

/* x * 2^shift, saturated, for 0 <= shift <= 30. */
static inline int32_t tflm_patch_saturating_shift_left(int32_t x, int32_t shift) {
  const int32_t most = INT32_MAX >> shift;
  return x > most ? INT32_MAX : x < -most ? INT32_MIN : tflm_patch_wrapping_shift_left(x, shift);
}

/* 1 / (1 + a) for a in [0, 1), both in Q0.31: three steps of Newton's method. */
static inline int32_t tflm_patch_one_over_one_plus(int32_t a) {
  const int32_t k48Over17 = 1515870810; /* in Q2.29 */
  const int32_t kMinus32Over17 = -1010580540;
  const int32_t kOne = (int32_t)1 << 29;
  /* (1 + a) / 2, rounded. */
  const int32_t half = (int32_t)(((uint32_t)a + 0x80000000u) / 2);
  int32_t x = k48Over17 + tflm_patch_multiply_shared(half, kMinus32Over17, 0);
  for (int i = 0; i < 3; ++i) {
    const int32_t error = kOne - tflm_patch_multiply_shared(half, x, 0);
    x = tflm_patch_wrapping_add(
        x, tflm_patch_saturating_shift_left(tflm_patch_multiply_shared(x, error, 0), 2));
  }
  return tflm_patch_saturating_shift_left(x, 1);
}

/* Of a number above 0. */
static inline int32_t tflm_patch_leading_zeros(uint32_t x) {
  int32_t n = 0;
  for (; x < 0x80000000u; x <<= 1) {
    ++n;
  }
  return n;
}

static inline int32_t tflm_patch_largest(const int8_t* input, uint32_t n) {
  int32_t max = INT8_MIN;
  for (uint32_t i = 0; i < n; ++i) {
    max = input[i] > max ? input[i] : max;
  }
  return max;
}

/* The sum of exp_table[max - value], each rounded from Q0.31 to Q12.19, of the values that are at
 * most -diff_min below the largest, max. */
static inline uint32_t tflm_patch_sum_of_exps(const int32_t* exp_table, int32_t diff_min,
                                              int32_t max, const int8_t* input, uint32_t n) {
  int64_t sum = 0;
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t diff = input[i] - max;
    if (diff >= diff_min) {
      sum += tflm_patch_rounding_divide_by_pot(exp_table[-diff], TFLM_PATCH_SUM_INTEGER_BITS);
    }
  }
  /* The largest value alone adds one, in Q12.19. The bounds hold for a damaged
   * table, and for a sum that leaves int32, to which TFLM has no answer. */
  return sum < 1 ? 1 : sum > INT32_MAX ? INT32_MAX : (uint32_t)sum;
}

#endif /* TFLM_PATCH_SRC_EXPONENTIAL_H_ */
