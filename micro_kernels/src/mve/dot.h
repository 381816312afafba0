/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Dot products of int8 vectors, 16 values at a time; the last ones are
 * predicated, nothing behind them is read. All sums are modulo 2^32. Internal.
 */
#ifndef TFLM_PATCH_SRC_MVE_DOT_H_
#define TFLM_PATCH_SRC_MVE_DOT_H_

#include "vector.h"

/* Sums of two pixels and two channels. */
typedef struct {
  int32_t x0w0;
  int32_t x0w1;
  int32_t x1w0;
  int32_t x1w1;
} tflm_patch_dots;

/* Adds the products of n > 0 values. */
TFLM_PATCH_INLINE void tflm_patch_add_dots(tflm_patch_dots* s, const int8_t* x0, const int8_t* x1,
                                           const int8_t* w0, const int8_t* w1, uint32_t n) {
  __asm__ volatile(
      "   dlstp.8 lr, %[n]\n"
      "1: vldrb.8 q0, [%[x0]], #16\n"
      "   vldrb.8 q1, [%[w0]], #16\n"
      "   vmladava.s8 %[x0w0], q0, q1\n"
      "   vldrb.8 q2, [%[x1]], #16\n"
      "   vmladava.s8 %[x1w0], q2, q1\n"
      "   vldrb.8 q1, [%[w1]], #16\n"
      "   vmladava.s8 %[x0w1], q0, q1\n"
      "   vmladava.s8 %[x1w1], q2, q1\n"
      "   letp lr, 1b\n"
      : [x0] "+&r"(x0), [x1] "+&r"(x1), [w0] "+&r"(w0), [w1] "+&r"(w1), [x0w0] "+&Te"(s->x0w0),
        [x0w1] "+&Te"(s->x0w1), [x1w0] "+&Te"(s->x1w0), [x1w1] "+&Te"(s->x1w1)
      : [n] "r"(n)
      : "q0", "q1", "q2", "lr", "memory");
}

/* The sum of n values. */
static inline int32_t tflm_patch_sum_vector(const int8_t* values, uint32_t n) {
  int32_t sum = 0;
  if (n > 0) {
    __asm__ volatile(
        "   dlstp.8 lr, %[n]\n"
        "1: vldrb.8 q0, [%[values]], #16\n"
        "   vaddva.s8 %[sum], q0\n"
        "   letp lr, 1b\n"
        : [values] "+&r"(values), [sum] "+&Te"(sum)
        : [n] "r"(n)
        : "q0", "lr", "memory");
  }
  return sum;
}

/* Sums of four filters. */
typedef struct {
  int32_t s0;
  int32_t s1;
  int32_t s2;
  int32_t s3;
} tflm_patch_four_sums;

/* Adds the products of n > 0 values with each of four filters; a load of values serves four. */
TFLM_PATCH_INLINE void tflm_patch_mve_add_products(tflm_patch_four_sums* s, const int8_t* x,
                                                   const int8_t* w0, const int8_t* w1,
                                                   const int8_t* w2, const int8_t* w3, uint32_t n) {
  __asm__ volatile(
      "   dlstp.8 lr, %[n]\n"
      "1: vldrb.8 q0, [%[x]], #16\n"
      "   vldrb.8 q1, [%[w0]], #16\n"
      "   vmladava.s8 %[s0], q0, q1\n"
      "   vldrb.8 q2, [%[w1]], #16\n"
      "   vmladava.s8 %[s1], q0, q2\n"
      "   vldrb.8 q1, [%[w2]], #16\n"
      "   vmladava.s8 %[s2], q0, q1\n"
      "   vldrb.8 q2, [%[w3]], #16\n"
      "   vmladava.s8 %[s3], q0, q2\n"
      "   letp lr, 1b\n"
      : [x] "+&r"(x), [w0] "+&r"(w0), [w1] "+&r"(w1), [w2] "+&r"(w2), [w3] "+&r"(w3),
        [s0] "+&Te"(s->s0), [s1] "+&Te"(s->s1), [s2] "+&Te"(s->s2), [s3] "+&Te"(s->s3)
      : [n] "r"(n)
      : "q0", "q1", "q2", "lr", "memory");
}

#endif /* TFLM_PATCH_SRC_MVE_DOT_H_ */
