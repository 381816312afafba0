/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Dot products of an int8 vector with four others, two products an instruction. Sums are
 * modulo 2^32. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_DOT_4_H_
#define TFLM_PATCH_SRC_DSP_DOT_4_H_

#include <stddef.h>
#include <stdint.h>

#include "arith.h"

/* sum + the products of the low halves and of the high halves. */
static inline uint32_t tflm_patch_add_two_products(uint32_t a, uint32_t b, uint32_t sum) {
  uint32_t result;
  __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}

/* Of four values each. */
static inline uint32_t tflm_patch_add_four_products(uint32_t even, uint32_t odd, const int8_t* w,
                                                    uint32_t sum) {
  const uint32_t word = tflm_patch_load_word(w);
  sum = tflm_patch_add_two_products(even, tflm_patch_even_bytes(word), sum);
  return tflm_patch_add_two_products(odd, tflm_patch_odd_bytes(word), sum);
}

/* sums[c] += a . (w + c * w_stride), for 4 channels. */
static inline void tflm_patch_dsp_dot_4(const int8_t* a, const int8_t* w, size_t w_stride, size_t n,
                                        uint32_t* sums) {
  uint32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  for (; n >= 4; n -= 4) {
    const uint32_t word = tflm_patch_load_word(a);
    const uint32_t even = tflm_patch_even_bytes(word);
    const uint32_t odd = tflm_patch_odd_bytes(word);
    s0 = tflm_patch_add_four_products(even, odd, w, s0);
    s1 = tflm_patch_add_four_products(even, odd, w + w_stride, s1);
    s2 = tflm_patch_add_four_products(even, odd, w + 2 * w_stride, s2);
    s3 = tflm_patch_add_four_products(even, odd, w + 3 * w_stride, s3);
    a += 4;
    w += 4;
  }
  for (; n > 0; --n) {
    const int32_t x = *a++;
    s0 += (uint32_t)(x * w[0]);
    s1 += (uint32_t)(x * w[w_stride]);
    s2 += (uint32_t)(x * w[2 * w_stride]);
    s3 += (uint32_t)(x * w[3 * w_stride]);
    ++w;
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

#endif /* TFLM_PATCH_SRC_DSP_DOT_4_H_ */
