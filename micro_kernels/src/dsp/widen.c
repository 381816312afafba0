/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Widening of vectors of int8 to 16 bits, in the dsp family.
 */
#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "assembly.h"
#include "gemm.h"

#define UNUSED __attribute__((unused))

#define WIDEN(low, high)  \
  "sxtb16 " high ", " low \
  ", ror #8\n\t"          \
  "sxtb16 " low ", " low "\n\t"

TFLM_PATCH_ASSEMBLY void tflm_patch_widen(uint32_t* to UNUSED, uint32_t n_vectors UNUSED,
                                          const int8_t* from UNUSED, uint32_t n UNUSED,
                                          uint32_t count UNUSED) {
  /* r0 to, r1 bytes to the odd values, r2 from, r3 fours that are left, r4-r7
   * values, r8 and r9 bytes to the values of the next four, r10 vectors that are
   * left, r11 where this one goes to, r12 n. */
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "lsls r1, r1, #2\n\t"
      "lsl r8, r1, #1\n\t"
      "add r9, r8, r1\n\t"
      "ldr r10, [sp, #36]\n\t"
      "mov r11, r0\n\t"
      "mov r12, r3\n"
      "1:\n\t"
      "lsr r3, r12, #2\n\t"
      "subs r3, r3, #2\n\t"
      "blo 3f\n"
      "2:\n\t"
      "ldr r4, [r2], #4\n\t"
      "ldr r6, [r2], #4\n\t"
      WIDEN("r4", "r5")
      WIDEN("r6", "r7")
      "str r5, [r0, r1]\n\t"
      "str r6, [r0, r8]\n\t"
      "str r7, [r0, r9]\n\t"
      "str r4, [r0]\n\t"
      "add r0, r0, r8, lsl #1\n\t"
      "subs r3, r3, #2\n\t"
      "bhs 2b\n"
      "3:\n\t"
      "lsls r3, r3, #31\n\t"
      "beq 4f\n\t"
      "ldr r4, [r2], #4\n\t"
      WIDEN("r4", "r5")
      "str r5, [r0, r1]\n\t"
      "str r4, [r0]\n\t"
      "add r0, r0, r8\n"
      "4:\n\t"
      "ands r4, r12, #3\n\t"
      "beq 5f\n\t"
      /* The last values: a word that ends with them. */
      "add r2, r2, r4\n\t"
      "rsbs r5, r4, #4\n\t"
      "lsls r5, r5, #3\n\t"
      "ldr r4, [r2, #-4]\n\t"
      "lsrs r4, r4, r5\n\t"
      WIDEN("r4", "r5")
      "str r5, [r0, r1]\n\t"
      "str r4, [r0]\n"
      "5:\n\t"
      "add r11, r11, #4\n\t"
      "mov r0, r11\n\t"
      "subs r10, r10, #1\n\t"
      "bne 1b\n\t"
      "pop {r4-r11, pc}\n\t");
}

#endif /* TFLM_PATCH_IS_DSP */
