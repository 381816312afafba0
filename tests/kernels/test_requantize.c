/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "requantize.h"
#include "weighted.h"

static const int32_t kEnds[] = {
    INT32_MIN,     INT32_MIN + 1, -(1 << 30) - 1, -(1 << 30),    -3,       -2, -1, 0, 1, 2, 3,
    (1 << 30) - 1, 1 << 30,       (1 << 30) + 1,  INT32_MAX - 1, INT32_MAX};

enum { kCount = sizeof(kEnds) / sizeof(kEnds[0]) };

static void check(int32_t x, int32_t multiplier, int32_t shift) {
  CHECK_EQUAL(tflm_patch_multiply_by_quantized_multiplier(x, multiplier, shift),
              naive_multiply(x, multiplier, shift));
}

static void test_multiply(void) {
  uint32_t seed = 11;
  test_case = "multiply";
  for (int32_t shift = -31; shift <= 30; ++shift) {
    for (uint32_t i = 0; i < kCount; ++i) {
      for (uint32_t j = 0; j < kCount; ++j) {
        if (kEnds[j] >= 0) {
          check(kEnds[i], kEnds[j], shift);
        }
      }
    }
    for (int i = 0; i < 2000; ++i) {
      const int32_t x = (int32_t)test_random(&seed);
      check(x >> (i % 24), (int32_t)(test_random(&seed) >> 1), shift);
    }
  }
}

/* Multipliers that no converter writes: defined, whatever the value. */
static void test_negative_multiplier(void) {
  test_case = "negative multiplier";
  for (int32_t shift = -31; shift <= 30; ++shift) {
    for (uint32_t i = 0; i < kCount; ++i) {
      for (uint32_t j = 0; j < kCount; ++j) {
        const int32_t x = tflm_patch_requantize(kEnds[i], kEnds[j], shift, -128, -100, 100);
        CHECK(x >= -100 && x <= 100);
      }
    }
  }
}

static void test_ties(void) {
  test_case = "ties";
  CHECK_EQUAL(tflm_patch_rounding_divide_by_pot(5, 1), 3);
  CHECK_EQUAL(tflm_patch_rounding_divide_by_pot(-5, 1), -3);
  CHECK_EQUAL(tflm_patch_rounding_divide_by_pot(-6, 2), -2);
  CHECK_EQUAL(tflm_patch_rounding_divide_by_pot(6, 2), 2);
  CHECK_EQUAL(tflm_patch_rounding_divide_by_pot(-7, 0), -7);
  CHECK_EQUAL(tflm_patch_rounding_divide_by_pot(-INT32_MAX, 31), -1);
  CHECK_EQUAL(tflm_patch_rounding_divide_by_pot(INT32_MAX, 31), 1);
  CHECK_EQUAL(tflm_patch_doubling_high_multiply(1, 1 << 30), 1);
  CHECK_EQUAL(tflm_patch_doubling_high_multiply(-1, 1 << 30), 0);
}

int main(void) {
  test_multiply();
  test_negative_multiplier();
  test_ties();
  return TEST_RESULT();
}
