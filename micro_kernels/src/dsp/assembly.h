/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Functions of assembly. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_ASSEMBLY_H_
#define TFLM_PATCH_SRC_DSP_ASSEMBLY_H_

/* A function of assembly alone. The compiler must not conclude from its empty body
 * that it changes neither registers nor memory. */
#if defined(__clang__)
#define TFLM_PATCH_ASSEMBLY __attribute__((naked, noinline))
#else
#define TFLM_PATCH_ASSEMBLY __attribute__((naked, noinline, noipa))
#endif

/* clang-format off */
/* A sum to a byte: tflm_patch_scale with twice the multiplier, less 2^32, in r7,
 * the round in r6, the exponent in r8; r9 is spare. A product
 * with it is short of the sum, which the multiplication adds. The sign is that of the sum
 * instead of the rounded product's: they differ where that is 0, which is less than a half
 * with either. */
#define TFLM_PATCH_TO_BYTE(sum) \
  "add r9, r6, " sum ", asr #31\n\t" \
  "smmlar " sum ", " sum ", r7, " sum "\n\t" \
  "add " sum ", " sum ", r9\n\t" \
  "asr " sum ", " sum ", r8\n\t" \
  "ssat " sum ", #8, " sum "\n\t"

/* Bytes of a tile of three pixels by two channels, r0-r2 the first channel's, r3-r5 the second's,
 * and of one of two: r0 and r1, r3 and r4. r10 is where they go to, and then where the next tile's
 * do; r6 is from a pixel to the next one, r12 is spoilt. */
#define TFLM_PATCH_STORE_OF_THREE \
  "strb r0, [r10]\n\t" \
  "add r12, r10, r6\n\t" \
  "strb r3, [r10, #1]\n\t" \
  "strb r1, [r12]\n\t" \
  "add r10, r12, r6\n\t" \
  "strb r4, [r12, #1]\n\t" \
  "strb r2, [r10]\n\t" \
  "strb r5, [r10, #1]\n\t" \
  "add r10, r10, r6\n\t"
#define TFLM_PATCH_STORE_OF_TWO \
  "strb r0, [r10]\n\t" \
  "add r12, r10, r6\n\t" \
  "strb r3, [r10, #1]\n\t" \
  "strb r1, [r12]\n\t" \
  "strb r4, [r12, #1]\n\t" \
  "add r10, r12, r6\n\t"
/* clang-format on */

#endif /* TFLM_PATCH_SRC_DSP_ASSEMBLY_H_ */
