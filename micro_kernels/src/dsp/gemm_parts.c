/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * GEMM micro-kernels of the dsp family for pixels of so many values that they are widened in
 * parts: tiles of three pixels or two by two channels, whose sums wait in memory for the next
 * part.
 */
#include "gemm_parts.h"

#include <stddef.h>

#include "../family.h"

#if TFLM_PATCH_IS_DSP && TFLM_PATCH_HAS_PARTS

#include "arith.h"
#include "assembly.h"
#include "gemm_wide.h"

#define UNUSED __attribute__((unused))

/* The assembly knows where the members lie. */
typedef struct {
  uint32_t entry; /* 0: bytes to where the loop over the taps is entered */
  uint32_t taps;  /* 4: to the second channel's weights */
  uint32_t n;     /* 8: of the part */
  uint32_t pairs; /* 12 */
} part_job;

_Static_assert(offsetof(part_job, taps) == 4 && offsetof(part_job, pairs) == 12, "assembly");

/* clang-format off */
#define QUADS_OF_THREE \
  TFLM_PATCH_QUAD_OF_THREE TFLM_PATCH_QUAD_OF_THREE \
  TFLM_PATCH_QUAD_OF_THREE TFLM_PATCH_QUAD_OF_THREE \
  TFLM_PATCH_QUAD_OF_THREE TFLM_PATCH_QUAD_OF_THREE \
  TFLM_PATCH_QUAD_OF_THREE TFLM_PATCH_QUAD_OF_THREE
#define N_QUADS_OF_THREE 8u

/* Most pixels are in threes. */
#define QUADS_OF_TWO \
  TFLM_PATCH_QUAD_OF_TWO TFLM_PATCH_QUAD_OF_TWO TFLM_PATCH_QUAD_OF_TWO TFLM_PATCH_QUAD_OF_TWO
#define N_QUADS_OF_TWO 4u

/* All pairs. r6 becomes how many bytes n values are, in words of all pixels. r11 values, r12
 * weights, lr taps. On the stack: sums of the next pair, values, where the loop is entered, pairs
 * that are left, where the values end, from behind a channel's weights to the next pair's. */
#define ADD_PAIRS(TO_BYTES, LOAD_SUMS, QUADS, STORE_SUMS) \
  "push {r4-r11, lr}\n\t" \
  "ldmia r3, {r4, r5, r6, r7}\n\t" \
  "adr.w r8, 1f\n\t" \
  "add r4, r4, r8\n\t" \
  "mov lr, r5\n\t" \
  "mov r12, r1\n\t" \
  "rsb r10, r6, r5, lsl #1\n\t" \
  TO_BYTES \
  "add r9, r2, r6\n\t" \
  "push {r0, r2, r4, r7, r9, r10}\n" \
  "2:\n\t" \
  "ldr r10, [sp]\n\t" \
  "ldr r11, [sp, #4]\n\t" \
  "ldr r9, [sp, #8]\n\t" \
  LOAD_SUMS \
  "mov pc, r9\n\t" \
  ".balign 4\n" \
  "1:\n\t" QUADS \
  "ldr r6, [sp, #16]\n\t" \
  "cmp r11, r6\n\t" \
  "bne 1b\n\t" \
  "ldr r10, [sp]\n\t" \
  "ldr r6, [sp, #20]\n\t" \
  "ldr r7, [sp, #12]\n\t" \
  STORE_SUMS \
  "add r12, r12, r6\n\t" \
  "str r10, [sp]\n\t" \
  "subs r7, r7, #1\n\t" \
  "str r7, [sp, #12]\n\t" \
  "bne 2b\n\t" \
  "add sp, sp, #24\n\t" \
  "pop {r4-r11, pc}\n\t"
/* clang-format on */

/* Sums in r0-r2 and r3-r5. */
static TFLM_PATCH_ASSEMBLY void add_threes(int32_t* sums UNUSED, const int8_t* weights UNUSED,
                                           const uint32_t* values UNUSED,
                                           const part_job* j UNUSED) {
  __asm__ volatile(
      ADD_PAIRS("add r6, r6, r6, lsl #1\n\t"
                "lsl r6, r6, #1\n\t",
                "ldmia r10, {r0, r1, r2, r3, r4, r5}\n\t", QUADS_OF_THREE,
                "stmia r10!, {r0, r1, r2, r3, r4, r5}\n\t"));
}

/* r0 and r1, r3 and r4. */
static TFLM_PATCH_ASSEMBLY void add_twos(int32_t* sums UNUSED, const int8_t* weights UNUSED,
                                         const uint32_t* values UNUSED, const part_job* j UNUSED) {
  __asm__ volatile(ADD_PAIRS("lsl r6, r6, #2\n\t", "ldmia r10, {r0, r1, r3, r4}\n\t", QUADS_OF_TWO,
                             "stmia r10!, {r0, r1, r3, r4}\n\t"));
}

void tflm_patch_start_parts(const tflm_patch_dot_job* j, uint32_t pixels, uint32_t channel,
                            uint32_t n, int32_t* sums) {
  for (const int32_t* bias = j->first_bias + channel; n != 0; --n) {
    const int32_t sum = *bias++;
    for (const int32_t* end = sums + pixels; sums != end; ++sums) {
      *sums = sum;
    }
  }
}

void tflm_patch_add_part(const tflm_patch_dot_job* j, uint32_t pixels, const uint32_t* values,
                         uint32_t first, uint32_t n, uint32_t channel, uint32_t pairs,
                         int32_t* sums) {
  const int8_t* weights = j->first_weights + channel * j->taps + first;
  const uint32_t fours = 0u - n / 4;
  part_job job = {.taps = j->taps, .n = n, .pairs = pairs};
  if (pixels == 2) {
    job.entry = fours % N_QUADS_OF_TWO * TFLM_PATCH_QUAD_OF_TWO_BYTES;
    add_twos(sums, weights, values, &job);
  } else {
    job.entry = fours % N_QUADS_OF_THREE * TFLM_PATCH_QUAD_OF_THREE_BYTES;
    add_threes(sums, weights, values, &job);
  }
}

void tflm_patch_finish_parts(const tflm_patch_dot_job* j, uint32_t pixels, const int32_t* sums,
                             uint32_t channel, uint32_t n, int8_t* output) {
  const tflm_patch_requant_args* requant = j->requant;
  const uint32_t channels = j->channels;
  output += channel;
  for (const uint32_t end = channel + n; channel != end; ++channel) {
    const uint32_t at = channel * requant->channel_step;
    const int32_t multiplier = requant->multipliers[at];
    const int32_t shift = requant->shifts[at];
    if (tflm_patch_is_scaling_shift(shift)) {
      const tflm_patch_scaling scaling =
          tflm_patch_find_scaling(multiplier, shift, requant->output_zero_point);
      output[0] = (int8_t)tflm_patch_saturate(tflm_patch_scale(scaling, sums[0]));
      output[channels] = (int8_t)tflm_patch_saturate(tflm_patch_scale(scaling, sums[1]));
      if (pixels > 2) {
        output[2 * channels] = (int8_t)tflm_patch_saturate(tflm_patch_scale(scaling, sums[2]));
      }
    } else {
      for (uint32_t i = 0; i < pixels; ++i) {
        output[i * channels] = tflm_patch_requantize_channel(requant, (uint32_t)sums[i], channel);
      }
    }
    sums += pixels;
    ++output;
  }
}

#endif
