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

/* clang-format off */
/* A word of values; its even ones to an offset of r0, the odd ones to another one. */
#define PUT(word, even, odd)               \
  "sxtb16 r9, " word "\n\t"                \
  "sxtb16 " word ", " word ", ror #8\n\t"  \
  "str r9, [r0, #" even "]\n\t"            \
  "str " word ", [r0, #" odd "]\n\t"

/* All vectors, where the offsets are those of two or three of them. */
#define VECTORS(second, third, fourth, fifth, sixth, seventh, eighth, next, behind) \
  "1:\n\t"                                 \
  "movs r3, r12, lsr #4\n\t"               \
  "beq 3f\n"                               \
  "2:\n\t"                                 \
  "ldr r4, [r2]\n\t"                       \
  "ldr r5, [r2, #4]\n\t"                   \
  "ldr r6, [r2, #8]\n\t"                   \
  "ldr r7, [r2, #12]\n\t"                  \
  "add r2, r2, #16\n\t"                    \
  PUT("r4", "0", second)                   \
  PUT("r5", third, fourth)                 \
  PUT("r6", fifth, sixth)                  \
  PUT("r7", seventh, eighth)               \
  "add r0, r0, #" behind "\n\t"            \
  "subs r3, r3, #1\n\t"                    \
  "bne 2b\n"                               \
  "3:\n\t"                                 \
  "ubfx r3, r12, #2, #2\n\t"               \
  "cbz r3, 4f\n"                           \
  "2:\n\t"                                 \
  "ldr r4, [r2], #4\n\t"                   \
  PUT("r4", "0", second)                   \
  "add r0, r0, #" next "\n\t"              \
  "subs r3, r3, #1\n\t"                    \
  "bne 2b\n"                               \
  "4:\n\t"                                 \
  "ands r4, r12, #3\n\t"                   \
  "beq 5f\n\t"                             \
  /* The last values: a word that ends with them. */ \
  "add r2, r2, r4\n\t"                     \
  "rsbs r5, r4, #4\n\t"                    \
  "lsls r5, r5, #3\n\t"                    \
  "ldr r4, [r2, #-4]\n\t"                  \
  "lsrs r4, r4, r5\n\t"                    \
  PUT("r4", "0", second)                   \
  "5:\n\t"                                 \
  "add r11, r11, #4\n\t"                   \
  "mov r0, r11\n\t"                        \
  "subs r10, r10, #1\n\t"                  \
  "bne 1b\n\t"                             \
  "pop {r4-r11, pc}\n"
/* clang-format on */

TFLM_PATCH_ASSEMBLY void tflm_patch_widen(uint32_t* to UNUSED, uint32_t n_vectors UNUSED,
                                          const int8_t* from UNUSED, uint32_t n UNUSED,
                                          uint32_t count UNUSED) {
  /* r0 to, r2 from, r3 fours or sixteens that are left, r4-r7 and r9 values, r10 vectors
   * that are left, r11 where this one goes to, r12 n. */
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "ldr r10, [sp, #36]\n\t"
      "mov r11, r0\n\t"
      "mov r12, r3\n\t"
      "cmp r1, #2\n\t"
      "beq 6f\n" VECTORS("12", "24", "36", "48", "60", "72", "84", "24", "96") "6:\n" VECTORS(
          "8", "16", "24", "32", "40", "48", "56", "16", "64"));
}

#endif /* TFLM_PATCH_IS_DSP */
