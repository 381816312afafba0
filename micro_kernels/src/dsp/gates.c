/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Products of a vector with the weights of a unit's four gates, or of four filters, for the dsp
 * family: two products an instruction. The weights are equally far apart, so a pointer and two
 * distances serve for all, and everything stays in registers.
 *
 * Inner loops.
 */
#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "../gates.h"
#include "assembly.h"

#define UNUSED __attribute__((unused))

/* clang-format off */
/* A word of the vector in r9 as halves r8 and r9; then of the gates, whose words are loaded two
 * at a time. r0 vector, r1 weights, r2 their distance, r12 three times that, r4-r7 sums. */
#define FOUR_COLUMNS \
  "ldr r9, [r0], #4\n\t" \
  "ldr r10, [r1, r2]\n\t" \
  "ldr r11, [r1, r2, lsl #1]\n\t" \
  "sxtb16 r8, r9\n\t" \
  "sxtb16 r9, r9, ror #8\n\t" \
  "sxtb16 lr, r10\n\t" \
  "sxtb16 r10, r10, ror #8\n\t" \
  "smlad r5, r8, lr, r5\n\t" \
  "smlad r5, r9, r10, r5\n\t" \
  "sxtb16 lr, r11\n\t" \
  "sxtb16 r11, r11, ror #8\n\t" \
  "smlad r6, r8, lr, r6\n\t" \
  "smlad r6, r9, r11, r6\n\t" \
  "ldr r10, [r1, r12]\n\t" \
  "ldr r11, [r1], #4\n\t" \
  "sxtb16 lr, r10\n\t" \
  "sxtb16 r10, r10, ror #8\n\t" \
  "smlad r7, r8, lr, r7\n\t" \
  "smlad r7, r9, r10, r7\n\t" \
  "sxtb16 lr, r11\n\t" \
  "sxtb16 r11, r11, ror #8\n\t" \
  "smlad r4, r8, lr, r4\n\t" \
  "smlad r4, r9, r11, r4\n\t"

/* 4 * quads columns, two quads a turn; at least one. */
static TFLM_PATCH_ASSEMBLY void add_quads(const int8_t* a UNUSED, const int8_t* w UNUSED,
                                          size_t w_stride UNUSED, size_t quads UNUSED,
                                          uint32_t* sums UNUSED) {
  __asm__(
      "push {r4-r11, lr}\n\t"
      "ldr r12, [sp, #36]\n\t"
      "ldm r12, {r4-r7}\n\t"
      "add r12, r2, r2, lsl #1\n\t"
      "lsrs r3, r3, #1\n\t"
      "itt cs\n\t" /* an odd quad comes first */
      "addcs r3, r3, #1\n\t"
      "bcs 2f\n"
      "1:\n\t" FOUR_COLUMNS
      "2:\n\t" FOUR_COLUMNS
      "subs r3, r3, #1\n\t"
      "bne 1b\n\t"
      "ldr r12, [sp, #36]\n\t"
      "stm r12, {r4-r7}\n\t"
      "pop {r4-r11, pc}\n\t");
}
/* clang-format on */

void tflm_patch_dot_gates(const int8_t* a, const int8_t* w, size_t w_stride, size_t n,
                          uint32_t* sums) {
  const size_t whole = n / 4 * 4;
  if (whole > 0) {
    add_quads(a, w, w_stride, n / 4, sums);
  }
  for (size_t i = whole; i < n; ++i) {
    const int32_t x = a[i];
    for (uint32_t gate = 0; gate < 4; ++gate) {
      sums[gate] += (uint32_t)(x * w[i + gate * w_stride]);
    }
  }
}

#endif /* TFLM_PATCH_IS_DSP */
