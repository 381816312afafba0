/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Mantissas and their shifts. Internal.
 */
#ifndef TFLM_PATCH_SRC_BACKWARD_INTEGER_SHIFTS_H_
#define TFLM_PATCH_SRC_BACKWARD_INTEGER_SHIFTS_H_

#include <stdint.h>

#include "tflm_patch/training_integer.h"

#define TFLM_PATCH_MOST_SHIFT 31u

/* x / 2^shift, halves up. */
static inline int32_t tflm_patch_shifted(int32_t x, uint32_t shift) {
  if (shift == 0) {
    return x;
  }
  if (shift > TFLM_PATCH_MOST_SHIFT) {
    return 0;
  }
  return (int32_t)(((int64_t)x + ((int64_t)1 << (shift - 1))) >> shift);
}

/* x * multiplier / 2^31, halves up. */
static inline int32_t tflm_patch_scaled(int32_t x, int32_t multiplier) {
  return (int32_t)(((int64_t)x * multiplier + ((int64_t)1 << 30)) >> 31);
}

/* A sum comes to what is there; no sum of two is beyond int32 but by rounding. */
static inline int32_t tflm_patch_joined(int32_t old, int32_t made,
                                        const tflm_patch_integer_sum* sum) {
  if (!sum->is_added) {
    return made;
  }
  const int64_t both =
      (int64_t)tflm_patch_shifted(old, sum->old_shift) + tflm_patch_shifted(made, sum->new_shift);
  if (both > INT32_MAX) {
    return INT32_MAX;
  }
  return both < INT32_MIN ? INT32_MIN : (int32_t)both;
}

/* The bits of a magnitude, in a word of all that were seen. */
static inline uint32_t tflm_patch_magnitude(int32_t x) { return (uint32_t)(x < 0 ? ~x : x); }

/* How far to the right values with these bits are shifted to be below 2^bits; negative: left. */
static inline int32_t tflm_patch_excess(uint32_t seen, uint32_t bits) {
  uint32_t length = 0;
  for (; seen != 0; seen >>= 1) {
    ++length;
  }
  return length == 0 ? 0 : (int32_t)length - (int32_t)bits;
}

/* In place, of n values `step` apart. */
static inline void tflm_patch_shift_all(int32_t* values, uint32_t n, int32_t excess) {
  for (uint32_t i = 0; i < n; ++i) {
    if (excess > 0) {
      values[i] = tflm_patch_shifted(values[i], (uint32_t)excess);
    } else {
      values[i] = (int32_t)((uint32_t)values[i] << (uint32_t)-excess);
    }
  }
}

#endif /* TFLM_PATCH_SRC_BACKWARD_INTEGER_SHIFTS_H_ */
