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

/* Values of a word in r4 to the next two words. */
#define PUT_NEXT                           \
  "sxtb16 r5, r4, ror #8\n\t"              \
  "sxtb16 r4, r4\n\t"                      \
  "strd r4, r5, [r0], #8\n\t"

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
  "add r2, r2, r8\n\t"                     \
  "mov r0, r11\n\t"                        \
  "subs r10, r10, #1\n\t"                  \
  "bne 1b\n\t"                             \
  "pop {r4-r11, pc}\n"
/* clang-format on */

TFLM_PATCH_ASSEMBLY void tflm_patch_widen(uint32_t* to UNUSED, uint32_t n_vectors UNUSED,
                                          const int8_t* from UNUSED, uint32_t n UNUSED,
                                          uint32_t count UNUSED, int32_t skip UNUSED) {
  /* r0 to, r2 from, r3 fours or sixteens that are left, r4-r7 and r9 values, r8 skip, r10
   * vectors that are left, r11 where this one goes to, r12 n. */
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "ldr r10, [sp, #36]\n\t"
      "ldr r8, [sp, #40]\n\t"
      "mov r11, r0\n\t"
      "mov r12, r3\n\t"
      "cmp r1, #2\n\t"
      "beq 6f\n" VECTORS("12", "24", "36", "48", "60", "72", "84", "24", "96") "6:\n" VECTORS(
          "8", "16", "24", "32", "40", "48", "56", "16", "64"));
}

#if TFLM_PATCH_HAS_OWN_CONV_BLOCKS && !defined(__OPTIMIZE_SIZE__)

TFLM_PATCH_ASSEMBLY void tflm_patch_widen_runs(uint32_t* to UNUSED, const int8_t* from UNUSED,
                                               uint32_t n UNUSED, uint32_t count UNUSED,
                                               int32_t from_skip UNUSED, int32_t to_skip UNUSED) {
  /* r4-r11 values, r12 sixteens or fours that are left. */
  __asm__ volatile(
      "push {r4-r11, lr}\n"
      "1:\n\t"
      "lsrs r12, r2, #4\n\t"
      "beq 3f\n"
      "2:\n\t"
      "ldr r4, [r1]\n\t"
      "ldr r6, [r1, #4]\n\t"
      "ldr r8, [r1, #8]\n\t"
      "ldr r10, [r1, #12]\n\t"
      "add r1, r1, #16\n\t"
      "sxtb16 r5, r4, ror #8\n\t"
      "sxtb16 r4, r4\n\t"
      "sxtb16 r7, r6, ror #8\n\t"
      "sxtb16 r6, r6\n\t"
      "sxtb16 r9, r8, ror #8\n\t"
      "sxtb16 r8, r8\n\t"
      "sxtb16 r11, r10, ror #8\n\t"
      "sxtb16 r10, r10\n\t"
      "stmia r0!, {r4-r11}\n\t"
      "subs r12, r12, #1\n\t"
      "bne 2b\n"
      "3:\n\t"
      "tst r2, #15\n\t"
      "beq 6f\n\t"
      "ubfx r12, r2, #2, #2\n\t"
      "cmp r12, #0\n\t"
      "beq 5f\n"
      "4:\n\t"
      "ldr r4, [r1], #4\n\t" PUT_NEXT
      "subs r12, r12, #1\n\t"
      "bne 4b\n"
      "5:\n\t"
      "ands r12, r2, #3\n\t"
      "beq 6f\n\t"
      /* The last values: a word that ends with them. */
      "add r6, r1, r12\n\t"
      "rsb r12, r12, #4\n\t"
      "lsl r12, r12, #3\n\t"
      "ldr r4, [r6, #-4]\n\t"
      "lsr r4, r4, r12\n\t" PUT_NEXT
      "6:\n\t"
      "ldr r4, [sp, #36]\n\t"
      "ldr r5, [sp, #40]\n\t"
      "add r1, r1, r4\n\t"
      "add r0, r0, r5\n\t"
      "subs r3, r3, #1\n\t"
      "bne 1b\n\t"
      "pop {r4-r11, pc}\n");
}

/* clang-format off */
/* Four values of two vectors, in c and d, to four words. */
#define PAIR(a, b, c, d)                   \
  "sxtb16 " a ", " c "\n\t"                \
  "sxtb16 " b ", " d "\n\t"                \
  "sxtb16 " c ", " c ", ror #8\n\t"        \
  "sxtb16 " d ", " d ", ror #8\n\t"
/* clang-format on */

TFLM_PATCH_ASSEMBLY void tflm_patch_widen_pair(uint32_t* to UNUSED, const int8_t* from UNUSED,
                                               uint32_t n UNUSED, uint32_t count UNUSED,
                                               uint32_t second UNUSED, int32_t skip UNUSED) {
  /* r4-r11 values, r12 eights that are left, lr second. */
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "ldr lr, [sp, #36]\n"
      "1:\n\t"
      "lsrs r12, r2, #3\n\t"
      "beq 3f\n"
      "2:\n\t"
      "ldr r7, [r1, lr]\n\t"
      "ldr r6, [r1], #4\n\t"
      "ldr r11, [r1, lr]\n\t"
      "ldr r10, [r1], #4\n\t" PAIR("r4", "r5", "r6", "r7") PAIR("r8", "r9", "r10", "r11")
      "stmia r0!, {r4-r11}\n\t"
      "subs r12, r12, #1\n\t"
      "bne 2b\n"
      "3:\n\t"
      "tst r2, #4\n\t"
      "beq 4f\n\t"
      "ldr r7, [r1, lr]\n\t"
      "ldr r6, [r1], #4\n\t" PAIR("r4", "r5", "r6", "r7")
      "stmia r0!, {r4-r7}\n"
      "4:\n\t"
      "ands r12, r2, #3\n\t"
      "beq 5f\n\t"
      "add r8, r1, r12\n\t"
      "rsb r12, r12, #4\n\t"
      "sub r8, r8, #4\n\t"
      "lsl r12, r12, #3\n\t"
      "ldr r6, [r8]\n\t"
      "ldr r7, [r8, lr]\n\t"
      "lsr r6, r6, r12\n\t"
      "lsr r7, r7, r12\n\t" PAIR("r4", "r5", "r6", "r7")
      "stmia r0!, {r4-r7}\n"
      "5:\n\t"
      "ldr r4, [sp, #40]\n\t"
      "subs r3, r3, #1\n\t"
      "add r1, r1, r4\n\t"
      "bne 1b\n\t"
      "pop {r4-r11, pc}\n");
}

#endif

#endif /* TFLM_PATCH_IS_DSP */
