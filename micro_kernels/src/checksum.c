/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tflm_patch/program.h"

uint32_t tflm_patch_checksum(const uint8_t* bytes, uint32_t n) {
  /* Sums modulo 2^32 have the right low halves; one mask at the end is enough.
   */
  uint32_t a = 1;
  uint32_t b = 0;
  while (n >= 4) {
    a += bytes[0];
    b += a;
    a += bytes[1];
    b += a;
    a += bytes[2];
    b += a;
    a += bytes[3];
    b += a;
    bytes += 4;
    n -= 4;
  }
  while (n > 0) {
    a += *bytes++;
    b += a;
    --n;
  }
  return (b << 16) | (a & 0xFFFFu);
}
