/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Checks for unit tests: a failed one is printed and counted, and the test goes
 * on. main() ends with `return TEST_RESULT();`.
 */
#ifndef TFLM_PATCH_TESTS_TEST_H_
#define TFLM_PATCH_TESTS_TEST_H_

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "test_random.h"

static int test_failures;
static int test_checks;

/* A note that is printed with failures, e.g. the name of the case. */
static const char* test_case = "";

#define CHECK(condition)                                                    \
  do {                                                                      \
    ++test_checks;                                                          \
    if (!(condition)) {                                                     \
      ++test_failures;                                                      \
      printf("%s:%d: %s: %s\n", __FILE__, __LINE__, test_case, #condition); \
    }                                                                       \
  } while (0)

#define CHECK_EQUAL(actual, expected)                                                     \
  do {                                                                                    \
    const long long actual_value = (long long)(actual);                                   \
    const long long expected_value = (long long)(expected);                               \
    ++test_checks;                                                                        \
    if (actual_value != expected_value) {                                                 \
      ++test_failures;                                                                    \
      printf("%s:%d: %s: %s is %lld, not %lld\n", __FILE__, __LINE__, test_case, #actual, \
             actual_value, expected_value);                                               \
    }                                                                                     \
  } while (0)

#define CHECK_BYTES(actual, expected, n)                                                 \
  do {                                                                                   \
    const uint8_t* actual_bytes = (const uint8_t*)(const void*)(actual);                 \
    const uint8_t* expected_bytes = (const uint8_t*)(const void*)(expected);             \
    const size_t count = (size_t)(n);                                                    \
    size_t at = 0;                                                                       \
    ++test_checks;                                                                       \
    while (at < count && actual_bytes[at] == expected_bytes[at]) {                       \
      ++at;                                                                              \
    }                                                                                    \
    if (at < count) {                                                                    \
      ++test_failures;                                                                   \
      printf("%s:%d: %s: byte %lu of %s is %d, not %d\n", __FILE__, __LINE__, test_case, \
             (unsigned long)at, #actual, actual_bytes[at], expected_bytes[at]);          \
    }                                                                                    \
  } while (0)

#define TEST_RESULT()                                            \
  (printf("%d checks, %d failed\n", test_checks, test_failures), \
   test_failures != 0 || test_checks == 0)

#endif /* TFLM_PATCH_TESTS_TEST_H_ */
