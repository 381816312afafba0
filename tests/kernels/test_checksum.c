/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "test.h"
#include "tflm_patch/program.h"

/* The definition in program.h, word for word. */
static uint32_t checksum_by_definition(const uint8_t* bytes, uint32_t n) {
  uint32_t a = 1;
  uint32_t b = 0;
  for (uint32_t i = 0; i < n; ++i) {
    a = (a + bytes[i]) % 65536u;
    b = (b + a) % 65536u;
  }
  return b << 16 | a;
}

static void test_known_values(void) {
  static const uint8_t kBytes[] = {1, 2, 3, 4, 5};
  test_case = "known values";
  CHECK_EQUAL(tflm_patch_checksum(kBytes, 0), 0x00000001);
  CHECK_EQUAL(tflm_patch_checksum(kBytes, 1), 0x00020002);
  /* a: 2 4 7 11 16, b: 2 6 13 24 40. */
  CHECK_EQUAL(tflm_patch_checksum(kBytes, 5), 0x00280010);
}

static void test_every_length(void) {
  enum { kBytes = 70000 };
  uint8_t* bytes = (uint8_t*)malloc(kBytes);
  uint32_t seed = 1;
  test_case = "every length";
  CHECK(bytes != NULL);
  if (bytes == NULL) {
    return;
  }
  test_fill(&seed, bytes, kBytes);
  for (uint32_t n = 0; n < 40; ++n) {
    CHECK_EQUAL(tflm_patch_checksum(bytes + n % 3, n), checksum_by_definition(bytes + n % 3, n));
  }
  memset(bytes, 0xFF, kBytes); /* both sums wrap many times */
  CHECK_EQUAL(tflm_patch_checksum(bytes, kBytes), checksum_by_definition(bytes, kBytes));
  free(bytes);
}

static void test_sees_changes(void) {
  uint8_t bytes[64];
  uint32_t seed = 7;
  test_case = "changes";
  test_fill(&seed, bytes, sizeof(bytes));
  const uint32_t good = tflm_patch_checksum(bytes, sizeof(bytes));
  for (size_t i = 0; i < sizeof(bytes); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes[i] ^= (uint8_t)(1 << bit);
      CHECK(tflm_patch_checksum(bytes, sizeof(bytes)) != good);
      bytes[i] ^= (uint8_t)(1 << bit);
    }
  }
  for (size_t i = 1; i < sizeof(bytes); ++i) { /* swapped neighbours */
    const uint8_t byte = bytes[i];
    if (byte != bytes[i - 1]) {
      bytes[i] = bytes[i - 1];
      bytes[i - 1] = byte;
      CHECK(tflm_patch_checksum(bytes, sizeof(bytes)) != good);
      bytes[i - 1] = bytes[i];
      bytes[i] = byte;
    }
  }
}

int main(void) {
  test_known_values();
  test_every_length();
  test_sees_changes();
  return TEST_RESULT();
}
