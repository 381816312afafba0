/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Products of a tile of three or two widened pixels with two channels, in the dsp family. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_GEMM_WIDE_H_
#define TFLM_PATCH_SRC_DSP_GEMM_WIDE_H_

/* clang-format off */
/* Four taps: r0-r2 the first channel's sums, r3-r5 the second's, r11 values, r12 the first
 * channel's weights, lr from there to the second's; r6-r10 are spoilt. A register more would
 * hold a second value, and save two cycles. */
#define TFLM_PATCH_QUAD_OF_THREE \
  "ldr r9, [r12, lr]\n\t" \
  "ldr r8, [r12], #4\n\t" \
  TFLM_PATCH_PRODUCTS_OF_THREE
#define TFLM_PATCH_QUAD_OF_THREE_BYTES 96u

/* With the weights in r8 and r9. */
#define TFLM_PATCH_PRODUCTS_OF_THREE \
  "ldr r10, [r11], #24\n\t" \
  "sxtb16 r6, r8\n\t" \
  "sxtb16 r7, r9\n\t" \
  "smlad r0, r6, r10, r0\n\t" \
  "smlad r3, r7, r10, r3\n\t" \
  "ldr r10, [r11, #-20]\n\t" \
  "smlad r1, r6, r10, r1\n\t" \
  "smlad r4, r7, r10, r4\n\t" \
  "ldr r10, [r11, #-16]\n\t" \
  "smlad r2, r6, r10, r2\n\t" \
  "smlad r5, r7, r10, r5\n\t" \
  "ldr r10, [r11, #-12]\n\t" \
  "ldr r6, [r11, #-8]\n\t" \
  "ldr r7, [r11, #-4]\n\t" \
  "sxtb16 r8, r8, ror #8\n\t" \
  "sxtb16 r9, r9, ror #8\n\t" \
  "smlad r0, r8, r10, r0\n\t" \
  "smlad r1, r8, r6, r1\n\t" \
  "smlad r2, r8, r7, r2\n\t" \
  "smlad r3, r9, r10, r3\n\t" \
  "smlad r4, r9, r6, r4\n\t" \
  "smlad r5, r9, r7, r5\n\t"

/* Four taps of two pixels: r0 and r1 the first channel's sums, r3 and r4 the second's, r11
 * values, r12 the first channel's weights, lr taps. */
#define TFLM_PATCH_QUAD_OF_TWO \
  "ldr r9, [r12, lr]\n\t" \
  "ldr r8, [r12], #4\n\t" \
  TFLM_PATCH_PRODUCTS_OF_TWO

/* With the weights in r8 and r9. */
#define TFLM_PATCH_PRODUCTS_OF_TWO \
  "ldr r2, [r11], #16\n\t" \
  "ldr r5, [r11, #-12]\n\t" \
  "ldr r6, [r11, #-8]\n\t" \
  "ldr r7, [r11, #-4]\n\t" \
  "sxtb16 r10, r8\n\t" \
  "smlad r0, r10, r2, r0\n\t" \
  "smlad r1, r10, r5, r1\n\t" \
  "sxtb16 r10, r9\n\t" \
  "smlad r3, r10, r2, r3\n\t" \
  "smlad r4, r10, r5, r4\n\t" \
  "sxtb16 r8, r8, ror #8\n\t" \
  "sxtb16 r9, r9, ror #8\n\t" \
  "smlad r0, r8, r6, r0\n\t" \
  "smlad r1, r8, r7, r1\n\t" \
  "smlad r3, r9, r6, r3\n\t" \
  "smlad r4, r9, r7, r4\n\t"
#define TFLM_PATCH_QUAD_OF_TWO_BYTES 72u
/* clang-format on */

#endif /* TFLM_PATCH_SRC_DSP_GEMM_WIDE_H_ */
