/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * FULLY_CONNECTED of the dsp family: four outputs at a time where all have one scaling and
 * the inputs are fours, two otherwise.
 */
#include <stddef.h>

#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "../portable/portable.h"
#include "arith.h"
#include "assembly.h"
#include "gemm.h"

/* Builds for size make all outputs in twos. */
#ifndef __OPTIMIZE_SIZE__

/* Fours of outputs. The assembly knows where the members lie. */
typedef struct {
  const int32_t* bias;        /* 0: of the next four */
  const int8_t* values;       /* 4 */
  const int8_t* values_end;   /* 8 */
  uint32_t entry;             /* 12: bytes to where the loop is entered, then its address */
  uint32_t taps;              /* 16 */
  uint32_t last;              /* 20: from the next four taps back to the last output's weights */
  int8_t* output;             /* 24: of the next four */
  tflm_patch_scaling scaling; /* 28: with twice the multiplier */
  const int8_t* weights;      /* 40 */
  const int8_t* weights_end;  /* 44 */
} fours_job;

_Static_assert(offsetof(fours_job, last) == 20, "assembly");
_Static_assert(offsetof(fours_job, scaling) == 28, "assembly");
_Static_assert(offsetof(tflm_patch_scaling, multiplier) == 4, "assembly");
_Static_assert(offsetof(fours_job, weights_end) == 44, "assembly");

/* clang-format off */
/* Four taps of an output, whose weights are in a register. */
#define PRODUCTS(weights, sum) \
  "sxtb16 r8, " weights "\n\t" \
  "sxtb16 " weights ", " weights ", ror #8\n\t" \
  "smlad " sum ", r8, r9, " sum "\n\t" \
  "smlad " sum ", " weights ", r4, " sum "\n\t"

/* Four taps of four outputs. */
#define QUAD \
  "ldr r4, [r10], #4\n\t" \
  "ldr r6, [r11, lr]\n\t" \
  "ldr r7, [r11, lr, lsl #1]\n\t" \
  "ldr r5, [r11], #4\n\t" \
  "sxtb16 r9, r4\n\t" \
  "sxtb16 r4, r4, ror #8\n\t" \
  PRODUCTS("r5", "r0") \
  "ldr r5, [r11, r12]\n\t" \
  PRODUCTS("r6", "r1") \
  PRODUCTS("r7", "r2") \
  PRODUCTS("r5", "r3")
#define QUAD_BYTES 92u

#define QUADS QUAD QUAD QUAD QUAD
#define N_QUADS 4u

/* A sum to a byte, as in gemm_wide.c: r6 round, r7 multiplier, r8 exponent. */
#define TO_BYTE(sum) \
  "add r9, r6, " sum ", asr #31\n\t" \
  "smmlar " sum ", " sum ", r7, " sum "\n\t" \
  "add " sum ", " sum ", r9\n\t" \
  "asr " sum ", " sum ", r8\n\t" \
  "ssat " sum ", #8, " sum "\n\t"
/* clang-format on */

static TFLM_PATCH_ASSEMBLY void make_fours(fours_job* j __attribute__((unused))) {
  /* r0-r3 sums, r10 values, r11 weights, r12 from them to the last output's, lr the job or
   * the taps. On the stack: job, end of the values. */
  __asm__ volatile(
      "ldr r1, [r0, #8]\n\t"
      "ldr r2, [r0, #12]\n\t"
      "push {r0, r1, r4-r11, lr}\n\t"
      "mov lr, r0\n\t"
      "adr r3, 1f\n\t"
      "add r2, r2, r3\n\t"
      "ldr r11, [lr, #40]\n\t"
      "str r2, [lr, #12]\n"
      "5:\n\t"
      "ldr r4, [lr]\n\t"
      "ldr r10, [lr, #4]\n\t"
      "ldr r5, [lr, #12]\n\t"
      "ldr r12, [lr, #20]\n\t"
      "ldr r0, [r4]\n\t"
      "ldr r1, [r4, #4]\n\t"
      "ldr r2, [r4, #8]\n\t"
      "ldr r3, [r4, #12]\n\t"
      "add r4, r4, #16\n\t"
      "str r4, [lr]\n\t"
      "ldr lr, [lr, #16]\n\t"
      "mov pc, r5\n\t"
      ".balign 4\n"
      "1:\n\t" QUADS
      "ldr r4, [sp, #4]\n\t"
      "cmp r10, r4\n\t"
      "bne 1b\n\t"
      "ldr lr, [sp]\n\t"
      "ldr r6, [lr, #28]\n\t"
      "ldr r7, [lr, #32]\n\t"
      "ldr r8, [lr, #36]\n\t"
      "ldr r10, [lr, #24]\n\t"
      "ldr r5, [lr, #44]\n\t"
      "add r11, r11, r12\n\t"
      "add r11, r11, #4\n\t" /* behind the last output's weights */
      TO_BYTE("r0") TO_BYTE("r1") TO_BYTE("r2") TO_BYTE("r3")
      "strb r0, [r10]\n\t"
      "strb r1, [r10, #1]\n\t"
      "strb r2, [r10, #2]\n\t"
      "strb r3, [r10, #3]\n\t"
      "add r10, r10, #4\n\t"
      "cmp r11, r5\n\t"
      "str r10, [lr, #24]\n\t"
      "bne 5b\n\t"
      "pop {r0, r1, r4-r11, pc}\n\t");
}

/* Returns how many outputs, from the first on, are made so: none where it is not for
 * that. */
static uint32_t make_first_fours(const tflm_patch_fully_connected_args* args, const int8_t* input,
                                 int8_t* output) {
  const tflm_patch_requant_args* requant = &args->requant;
  const uint32_t fours = args->outputs & ~3u;
  const uint32_t taps = args->inputs;
  const int32_t multiplier = requant->multipliers[0];
  const int32_t shift = requant->shifts[0];
  if (fours == 0 || taps % 4 != 0 || requant->channel_step != 0 || multiplier < 1 << 30 ||
      !tflm_patch_is_scaling_shift(shift)) {
    return 0;
  }
  fours_job j = {
      .bias = args->bias,
      .values = input,
      .values_end = input + taps,
      .entry = (0u - taps / 4) % N_QUADS * QUAD_BYTES,
      .taps = taps,
      .last = 3 * taps - 4,
      .output = output,
      .scaling = tflm_patch_find_scaling(multiplier, shift, requant->output_zero_point),
      .weights = args->weights,
      .weights_end = args->weights + fours * taps,
  };
  j.scaling.multiplier = (int32_t)(2u * (uint32_t)multiplier);
  make_fours(&j);
  return fours;
}

#else

static uint32_t make_first_fours(const tflm_patch_fully_connected_args* args, const int8_t* input,
                                 int8_t* output) {
  (void)args;
  (void)input;
  (void)output;
  return 0;
}

#endif

void tflm_patch_fully_connected_s8(const tflm_patch_fully_connected_args* args, const int8_t* input,
                                   int8_t* output) {
  if (TFLM_PATCH_HAS_FALLBACK && !tflm_patch_is_dsp_fully_connected(args->inputs, &args->requant)) {
    tflm_patch_fully_connected_portable_s8(args, input, output);
    return;
  }
  const uint32_t made = make_first_fours(args, input, output);
  if (made != args->outputs) {
    tflm_patch_requant_args requant = args->requant;
    requant.multipliers += made * requant.channel_step;
    requant.shifts += made * requant.channel_step;
    tflm_patch_dot_job j;
    tflm_patch_init_dot_job(&j, args->weights + made * args->inputs, args->bias + made, &requant,
                            args->inputs, args->outputs - made);
    tflm_patch_make_few(&j, input, 1, output + made);
  }
  tflm_patch_clamp_bytes(&args->requant, output, args->outputs);
}

#endif /* TFLM_PATCH_IS_DSP */
