/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stretches of 3 x 3 depthwise convolutions, for Armv7E-M: first the products of two
 * kernel rows, then those of the third, and the bytes.
 */
#include "depthwise_3x3.h"

#include <stddef.h>

#include "../family.h"
#include "loops.h"

#if TFLM_PATCH_IS_DSP

_Static_assert(offsetof(tflm_patch_stretch_3x3, output) == 12, "assembly");
_Static_assert(offsetof(tflm_patch_stretch_3x3, shifts) == 24, "assembly");
_Static_assert(offsetof(tflm_patch_stretch_3x3, n) == 36, "assembly");
_Static_assert(offsetof(tflm_patch_stretch_3x3, channels) == 48, "assembly");
_Static_assert(offsetof(tflm_patch_stretch_3x3, scaling) == 52, "assembly");

/* Twice a sum to a byte; see tflm_patch_scale_doubled. r7 is free. */
#define TO_BYTE(sum)                 \
  "smmulr " sum ", " sum ", r9\n\t"  \
  "add r7, r6, " sum ", asr #31\n\t" \
  "add " sum ", " sum ", r7\n\t"     \
  "asr " sum ", " sum ", r10\n\t"    \
  "ssat " sum ", #8, " sum "\n\t"

/* Two columns from words a and b, and c and d behind them. */
#define TWO_SUMS(a, b, c, d)            \
  "ldrd " c ", " d ", [r2, #8]\n\t"     \
  "smlad r0, " a ", r4, r3\n\t"         \
  "smlad r1, " b ", r4, r3\n\t"         \
  "smlad r0, " b ", r5, r0\n\t"         \
  "smlad r1, " c ", r5, r1\n\t"         \
  "smlad r0, " c ", r6, r0\n\t"         \
  "smlad r1, " d ", r6, r1\n\t"         \
  "strd r0, r1, [r2], #8\n\t"           \
  "subs r12, r12, #2\n\t"

/* The next channel: r2 its rows, r3 twice its bias, r4-r6 the weights of two rows,
 * r12 the columns, lr the job; to 8 with a shift that is not for the short way. */
#define NEXT_CHANNEL                         \
  "5:\n\t"                                    \
  "ldr lr, [sp]\n\t"                          \
  "add r12, lr, #16\n\t"                      \
  "ldmia r12, {r4, r5, r6, r7, r8}\n\t"       \
  "ldr r3, [r4], #4\n\t"                      \
  "ldr r9, [r5]\n\t"                          \
  "ldrsb r10, [r6]\n\t"                       \
  "add r5, r5, r7\n\t"                        \
  "add r6, r6, r7, lsr #2\n\t"                \
  "stmia r12, {r4, r5, r6}\n\t"               \
  "mvn r10, r10\n\t"                          \
  "cmp r10, #22\n\t"                          \
  "bhs 8f\n\t"                                \
  "lsl r8, r8, r10\n\t"                       \
  "add r10, r10, #1\n\t"                      \
  "add r12, lr, #52\n\t"                      \
  "stmia r12, {r8, r9, r10}\n\t"              \
  "lsl r3, r3, #1\n\t"                        \
  "ldrd r4, r2, [lr]\n\t"                     \
  "ldr r12, [lr, #36]\n\t"                    \
  "ldmia r4, {r4, r5, r6}\n\t"

/* From the first sums on: r11 the third row, r2 the sums, r12 two less than the
 * columns that are left. An odd last column is made twice, both at its place. */
#define FINISH_CHANNEL(THIRD_ROW)      \
  "ldr r4, [lr]\n\t"                    \
  "ldr r2, [lr, #4]\n\t"                \
  "ldr r11, [lr, #8]\n\t"               \
  "ldrd r12, r3, [lr, #36]\n\t"         \
  "ldrd r6, r9, [lr, #52]\n\t"          \
  "ldr r10, [lr, #60]\n\t"              \
  "ldrd r4, r5, [r4, #12]\n\t"          \
  "ldr lr, [lr, #12]\n\t"               \
  "ldr r8, [r11], #4\n\t"               \
  "subs r12, r12, #2\n\t"               \
  "blt 4f\n"                            \
  "3:\n\t" THIRD_ROW                    \
  TO_BYTE("r0")                         \
  TO_BYTE("r1")                         \
  "strb r1, [lr, r3]\n\t"               \
  "strb r0, [lr]\n\t"                   \
  "add lr, lr, r3, lsl #1\n\t"          \
  "subs r12, r12, #2\n\t"               \
  "bge 3b\n"                            \
  "4:\n\t"                              \
  "cmn r12, #1\n\t"                     \
  "itt eq\n\t"                          \
  "moveq r3, #0\n\t"                    \
  "beq 3b\n\t"                          \
  "ldr lr, [sp]\n\t"                    \
  "ldmia lr, {r4, r5, r6, r7}\n\t"      \
  "ldrd r8, r9, [lr, #44]\n\t"          \
  "add r4, r4, #20\n\t"                 \
  "add r5, r5, r8\n\t"                  \
  "add r6, r6, r8\n\t"                  \
  "add r7, r7, #1\n\t"                  \
  "stmia lr, {r4, r5, r6, r7}\n\t"      \
  "subs r9, r9, #1\n\t"                 \
  "str r9, [lr, #48]\n\t"               \
  "bne 5b\n\t"                          \
  "mov r0, #0\n\t"                      \
  "b 9f\n"                              \
  "8:\n\t"                              \
  "mov r0, #1\n"                        \
  "9:\n\t"                              \
  "add sp, sp, #4\n\t"                  \
  "pop {r4-r11, pc}\n\t"

TFLM_PATCH_ASSEMBLY int32_t tflm_patch_make_3x3_stride_1(
    tflm_patch_stretch_3x3* s __attribute__((unused))) {
  __asm__ volatile(
      "push {r0, r4-r11, lr}\n"
      NEXT_CHANNEL
      "ldrd r7, r8, [r2]\n"
      "1:\n\t" TWO_SUMS("r7", "r8", "r9", "r10")
      "ble 2f\n\t" TWO_SUMS("r9", "r10", "r7", "r8")
      "bgt 1b\n"
      "2:\n\t"
      FINISH_CHANNEL("mov r7, r8\n\t"
                     "ldr r8, [r11], #4\n\t"
                     "ldrd r0, r1, [r2], #8\n\t"
                     "smlad r0, r7, r4, r0\n\t"
                     "smlatb r1, r7, r4, r1\n\t"
                     "smlabt r0, r8, r5, r0\n\t"
                     "smlad r1, r8, r5, r1\n\t"));
}

TFLM_PATCH_ASSEMBLY int32_t tflm_patch_make_3x3_stride_2(
    tflm_patch_stretch_3x3* s __attribute__((unused))) {
  __asm__ volatile(
      "push {r0, r4-r11, lr}\n"
      NEXT_CHANNEL
      "mov r11, r2\n\t"
      "ldr r10, [r2], #4\n"
      "1:\n\t"
      "mov r7, r10\n\t"
      "ldrd r8, r9, [r2], #8\n\t"
      "smlad r0, r7, r4, r3\n\t"
      "smlad r0, r8, r5, r0\n\t"
      "smlad r1, r9, r4, r3\n\t"
      "ldrd r8, r10, [r2], #8\n\t"
      "smlad r0, r9, r6, r0\n\t"
      "smlad r1, r8, r5, r1\n\t"
      "smlad r1, r10, r6, r1\n\t"
      "strd r0, r1, [r11], #8\n\t"
      "subs r12, r12, #2\n\t"
      "bgt 1b\n\t"
      FINISH_CHANNEL("mov r7, r8\n\t"
                     "ldrd r0, r1, [r2], #8\n\t"
                     "smlad r0, r7, r4, r0\n\t"
                     "ldr r7, [r11], #4\n\t"
                     "ldr r8, [r11], #4\n\t"
                     "smlabt r0, r7, r5, r0\n\t"
                     "smlad r1, r7, r4, r1\n\t"
                     "smlabt r1, r8, r5, r1\n\t"));
}

#endif /* TFLM_PATCH_IS_DSP */
