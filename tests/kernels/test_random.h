/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TFLM_PATCH_TESTS_TEST_RANDOM_H_
#define TFLM_PATCH_TESTS_TEST_RANDOM_H_

#include <stddef.h>
#include <stdint.h>

/* A small generator of repeatable values (xorshift32). */
static inline uint32_t test_random(uint32_t* state) {
  uint32_t x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  *state = x;
  return x;
}

static inline void test_fill(uint32_t* state, void* bytes, size_t n) {
  uint8_t* out = (uint8_t*)bytes;
  for (size_t i = 0; i < n; ++i) {
    out[i] = (uint8_t)(test_random(state) >> 11);
  }
}

#endif /* TFLM_PATCH_TESTS_TEST_RANDOM_H_ */
