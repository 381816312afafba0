/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Planes of single channels, in the dsp family.
 */
#include "planes.h"

#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "assembly.h"
#include "depthwise.h"

#define UNUSED __attribute__((unused))

TFLM_PATCH_ASSEMBLY void tflm_patch_pair_words(uint32_t* to UNUSED, uint32_t pitch_bytes UNUSED,
                                               const int8_t* a UNUSED, const int8_t* b UNUSED,
                                               uint32_t a_step UNUSED, uint32_t b_step UNUSED,
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

void tflm_patch_put_outside(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                            uint32_t* to, uint32_t n) {
  const uint32_t pitch = s->pitch;
  const uint32_t outside = tflm_patch_even_bytes(d->outside);
  do {
    to[0] = outside;
    to[pitch] = outside;
    to[2 * pitch] = outside;
    to[3 * pitch] = outside;
    ++to;
  } while (--n != 0);
}

void tflm_patch_pair_rows(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                          const tflm_patch_columns* columns, uint32_t a, uint32_t b, uint32_t* to) {
  const uint32_t left = columns->inside.first;
  const uint32_t n = columns->inside.end - left;
  const uint32_t right = columns->n - columns->inside.end;
  if (left != 0) {
    tflm_patch_put_outside(d, s, to, left);
    to += left;
  }
  if (n != 0) {
    tflm_patch_pair_words(to, s->pitch * sizeof(uint32_t), tflm_patch_find_cells(d, s, columns, a),
                          tflm_patch_find_cells(d, s, columns, b), d->step[a] * columns->step,
                          d->step[b] * columns->step, n);
  }
  if (right != 0) {
    tflm_patch_put_outside(d, s, to + n, right);
  }
}

#endif /* TFLM_PATCH_IS_DSP */
