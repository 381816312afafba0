/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Planes of single channels, for Armv7E-M.
 */
#include "planes.h"

#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "loops.h"

#define UNUSED __attribute__((unused))

TFLM_PATCH_ASSEMBLY void tflm_patch_pair_words(
    uint32_t* to UNUSED, uint32_t pitch_bytes UNUSED, const int8_t* a UNUSED,
    const int8_t* b UNUSED, uint32_t a_step UNUSED, uint32_t b_step UNUSED,
    uint32_t n UNUSED) {
  __asm__ volatile(
      "push {r4-r11}\n\t"
      "add r12, r1, r1, lsl #1\n\t"
      "ldrd r4, r5, [sp, #32]\n\t"
      "ldr r10, [sp, #40]\n"
      "1:\n\t"
      "ldr r6, [r2]\n\t"
      "ldr r7, [r3]\n\t"
      "add r2, r2, r4\n\t"
      "add r3, r3, r5\n\t"
      "pkhbt r8, r6, r7, lsl #16\n\t"
      "pkhtb r9, r7, r6, asr #16\n\t"
      "sxtb16 r7, r8, ror #8\n\t"
      "sxtb16 r6, r8\n\t"
      "str r7, [r0, r1]\n\t"
      "sxtb16 r8, r9\n\t"
      "sxtb16 r9, r9, ror #8\n\t"
      "str r8, [r0, r1, lsl #1]\n\t"
      "str r9, [r0, r12]\n\t"
      "str r6, [r0], #4\n\t"
      "subs r10, r10, #1\n\t"
      "bne 1b\n\t"
      "pop {r4-r11}\n\t"
      "bx lr\n\t");
}

#endif /* TFLM_PATCH_IS_DSP */
