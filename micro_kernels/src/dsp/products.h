/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Dot products of int8 vectors for Armv7E-M. Internal.
 *
 * The loops are assembly since compilers neither keep the sums and operands of a
 * block in the registers nor load several words at once.
 */
#ifndef TFLM_PATCH_SRC_DSP_PRODUCTS_H_
#define TFLM_PATCH_SRC_DSP_PRODUCTS_H_

#include "arith.h"

/* Assembly that runs QUAD `n`, a register, times. */
#define TFLM_PATCH_FOR_QUADS(n, QUAD) \
  "subs " n ", " n ", #4\n\t"         \
  "blo 2f\n"                          \
  "1:\n\t" QUAD QUAD QUAD QUAD        \
  "subs " n ", " n ", #4\n\t"         \
  "bhs 1b\n"                          \
  "2:\n\t"                           \
  "tst " n ", #2\n\t"                \
  "beq 3f\n\t" QUAD QUAD             \
  "3:\n\t"                           \
  "tst " n ", #1\n\t"                \
  "beq 4f\n\t" QUAD                  \
  "4:\n\t"

/* The same with half of the code. */
#define TFLM_PATCH_FOR_QUADS_SMALL(n, QUAD) \
  "subs " n ", " n ", #2\n\t"               \
  "blo 2f\n"                                \
  "1:\n\t" QUAD QUAD                        \
  "subs " n ", " n ", #2\n\t"               \
  "bhs 1b\n"                                \
  "2:\n\t"                                 \
  "tst " n ", #1\n\t"                      \
  "beq 4f\n\t" QUAD                        \
  "4:\n\t"

/* The n bytes at p, as an operand that assembly reads. */
#define TFLM_PATCH_READS(p) "m"(*(const uint8_t(*)[])(p))

/* The last n % 4 bytes of n >= 4 in the low bytes of a word, zeros above. */
static inline uint32_t tflm_patch_load_tail(const int8_t* bytes, uint32_t n) {
  return tflm_patch_load_word(bytes + n - 4) >> (8 * (4 - n % 4));
}

/* Four values of two vectors with those of two channels: 20 instructions. The
 * second vector and the second channel are `pitch` bytes behind the first. */
#define TFLM_PATCH_QUAD_2_BY_2      \
  "ldr r5, [%[x], %[pitch]]\n\t"    \
  "ldr r3, [%[x]], #4\n\t"          \
  "ldr r8, [%[w], %[pitch]]\n\t"    \
  "sxtb16 r4, r3\n\t"               \
  "sxtb16 r6, r5\n\t"               \
  "sxtb16 r3, r3, ror #8\n\t"       \
  "sxtb16 r5, r5, ror #8\n\t"       \
  "sxtb16 r9, r8\n\t"               \
  "sxtb16 r8, r8, ror #8\n\t"       \
  "smlad %[s2], r9, r4, %[s2]\n\t"  \
  "smlad %[s3], r9, r6, %[s3]\n\t"  \
  "smlad %[s2], r8, r3, %[s2]\n\t"  \
  "smlad %[s3], r8, r5, %[s3]\n\t"  \
  "ldr r8, [%[w]], #4\n\t"          \
  "sxtb16 r9, r8\n\t"               \
  "sxtb16 r8, r8, ror #8\n\t"       \
  "smlad %[s0], r9, r4, %[s0]\n\t"  \
  "smlad %[s1], r9, r6, %[s1]\n\t"  \
  "smlad %[s0], r8, r3, %[s0]\n\t"  \
  "smlad %[s1], r8, r5, %[s1]\n\t"

/* sums of n >= 4 products: channel 0 with both vectors, then channel 1. */
static inline __attribute__((always_inline)) void tflm_patch_dot_2_by_2(
    const int8_t* values, const int8_t* weights, uint32_t pitch, uint32_t n,
    int32_t sums[4]) {
  int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  const int8_t* x = values;
  const int8_t* w = weights;
  uint32_t quads = n / 4;
  __asm__(
      TFLM_PATCH_FOR_QUADS_SMALL("%[n]", TFLM_PATCH_QUAD_2_BY_2)
      : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3),
        [x] "+r"(x), [w] "+r"(w), [n] "+r"(quads)
      : [pitch] "r"(pitch), TFLM_PATCH_READS(values), TFLM_PATCH_READS(weights)
      : "r3", "r4", "r5", "r6", "r8", "r9", "cc");
  if (n % 4 != 0) {
    const uint32_t a = tflm_patch_load_tail(values, n);
    const uint32_t b = tflm_patch_load_tail(values + pitch, n);
    const uint32_t a0 = tflm_patch_even_bytes(a), a1 = tflm_patch_odd_bytes(a);
    const uint32_t b0 = tflm_patch_even_bytes(b), b1 = tflm_patch_odd_bytes(b);
    uint32_t word = tflm_patch_load_tail(weights, n);
    uint32_t w0 = tflm_patch_even_bytes(word);
    uint32_t w1 = tflm_patch_odd_bytes(word);
    s0 = tflm_patch_smlad(w1, a1, tflm_patch_smlad(w0, a0, s0));
    s1 = tflm_patch_smlad(w1, b1, tflm_patch_smlad(w0, b0, s1));
    word = tflm_patch_load_tail(weights + pitch, n);
    w0 = tflm_patch_even_bytes(word);
    w1 = tflm_patch_odd_bytes(word);
    s2 = tflm_patch_smlad(w1, a1, tflm_patch_smlad(w0, a0, s2));
    s3 = tflm_patch_smlad(w1, b1, tflm_patch_smlad(w0, b0, s3));
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

/* Four values of a vector with those of two channels: 13 instructions. */
#define TFLM_PATCH_QUAD_1_BY_2      \
  "ldr r3, [%[x]], #4\n\t"          \
  "ldr r8, [%[w], %[pitch]]\n\t"    \
  "ldr r6, [%[w]], #4\n\t"          \
  "sxtb16 r4, r3\n\t"               \
  "sxtb16 r3, r3, ror #8\n\t"       \
  "sxtb16 r9, r8\n\t"               \
  "sxtb16 r8, r8, ror #8\n\t"       \
  "smlad %[s1], r9, r4, %[s1]\n\t"  \
  "smlad %[s1], r8, r3, %[s1]\n\t"  \
  "sxtb16 r9, r6\n\t"               \
  "sxtb16 r6, r6, ror #8\n\t"       \
  "smlad %[s0], r9, r4, %[s0]\n\t"  \
  "smlad %[s0], r6, r3, %[s0]\n\t"

/* sums of n >= 4 products of a vector with two channels, `pitch` bytes apart. */
static inline __attribute__((always_inline)) void tflm_patch_dot_1_by_2(
    const int8_t* values, const int8_t* weights, uint32_t pitch, uint32_t n,
    int32_t sums[2]) {
  int32_t s0 = sums[0], s1 = sums[1];
  const int8_t* x = values;
  const int8_t* w = weights;
  uint32_t quads = n / 4;
  __asm__(
      TFLM_PATCH_FOR_QUADS_SMALL("%[n]", TFLM_PATCH_QUAD_1_BY_2)
      : [s0] "+r"(s0), [s1] "+r"(s1), [x] "+r"(x), [w] "+r"(w),
        [n] "+r"(quads)
      : [pitch] "r"(pitch), TFLM_PATCH_READS(values), TFLM_PATCH_READS(weights)
      : "r3", "r4", "r6", "r8", "r9", "cc");
  if (n % 4 != 0) {
    const uint32_t a = tflm_patch_load_tail(values, n);
    const uint32_t even = tflm_patch_even_bytes(a);
    const uint32_t odd = tflm_patch_odd_bytes(a);
    uint32_t word = tflm_patch_load_tail(weights, n);
    s0 = tflm_patch_smlad(tflm_patch_even_bytes(word), even, s0);
    s0 = tflm_patch_smlad(tflm_patch_odd_bytes(word), odd, s0);
    word = tflm_patch_load_tail(weights + pitch, n);
    s1 = tflm_patch_smlad(tflm_patch_even_bytes(word), even, s1);
    s1 = tflm_patch_smlad(tflm_patch_odd_bytes(word), odd, s1);
  }
  sums[0] = s0;
  sums[1] = s1;
}

#endif /* TFLM_PATCH_SRC_DSP_PRODUCTS_H_ */
