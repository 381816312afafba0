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

/* Inputs that are widened once for all outputs, on the stack; the rest of them is widened in
 * the loop, for every four outputs. */
#define WIDE_INPUTS 320u
/* For fewer outputs that takes longer. */
#define WIDE_OUTPUTS 32u

/* Fours of outputs. Passed by value behind four other arguments: it lies on the stack, where the
 * assembly finds the members at the offsets that follow. */
typedef struct {
  const int32_t* bias;        /* 0: of the next four */
  const uint32_t* values;     /* 4: widened ones: of every four the even ones, then the odd ones */
  const uint32_t* values_end; /* 8 */
  const int8_t* rest;         /* 12: the other values, or NULL */
  const int8_t* rest_end;     /* 16 */
  uint32_t taps;              /* 20 */
  int8_t* output;             /* 24: of the next four */
  tflm_patch_scaling scaling; /* 28: with twice the multiplier */
  const int8_t* weights_end;  /* 40 */
} fours_job;

_Static_assert(offsetof(fours_job, rest) == 12 && offsetof(fours_job, output) == 24, "assembly");
_Static_assert(offsetof(fours_job, scaling) == 28 && offsetof(fours_job, weights_end) == 40,
               "assembly");
_Static_assert(offsetof(tflm_patch_scaling, multiplier) == 4, "assembly");
_Static_assert(offsetof(tflm_patch_scaling, exponent) == 8, "assembly");

/* clang-format off */
/* Four taps of an output, whose weights are in a register. */
#define PRODUCTS(weights, sum) \
  "sxtb16 r8, " weights "\n\t" \
  "sxtb16 " weights ", " weights ", ror #8\n\t" \
  "smlad " sum ", r8, r9, " sum "\n\t" \
  "smlad " sum ", " weights ", r4, " sum "\n\t"

/* Four taps of four outputs, with their values in r9 and r4; MORE follows the last load. */
#define QUAD(VALUES, MORE) \
  "ldr r5, [r11, lr]\n\t" \
  "ldr r6, [r11, lr, lsl #1]\n\t" \
  "ldr r7, [r11, r12]\n\t" \
  VALUES \
  PRODUCTS("r5", "r1") \
  PRODUCTS("r6", "r2") \
  PRODUCTS("r7", "r3") \
  "ldr r5, [r11], #4\n\t" \
  MORE \
  PRODUCTS("r5", "r0")

/* Where the job's members lie behind what is pushed. */
#define JOB(offset) "[sp, #44 + " #offset "]"

#define WIDE_VALUES \
  "ldr r4, [r10, #4]\n\t" \
  "ldr r9, [r10], #8\n\t"
#define WIDE_QUAD QUAD(WIDE_VALUES, "")
#define WIDE_QUAD_BYTES 88u
/* The last one ends with where the values end in r6, and the rest in r7. */
#define WIDE_QUADS \
  WIDE_QUAD WIDE_QUAD WIDE_QUAD WIDE_QUAD WIDE_QUAD WIDE_QUAD WIDE_QUAD \
  QUAD(WIDE_VALUES, "ldr r6, " JOB(8) "\n\t" "ldr r7, " JOB(12) "\n\t")
#define N_WIDE_QUADS 8u

#define VALUES \
  "ldr r4, [r10], #4\n\t" \
  "sxtb16 r9, r4\n\t" \
  "sxtb16 r4, r4, ror #8\n\t"
#define PLAIN_QUAD QUAD(VALUES, "")
#define PLAIN_QUAD_BYTES 92u
#define PLAIN_QUADS \
  PLAIN_QUAD PLAIN_QUAD PLAIN_QUAD PLAIN_QUAD PLAIN_QUAD PLAIN_QUAD PLAIN_QUAD \
  QUAD(VALUES, "ldr r6, " JOB(16) "\n\t")
#define N_PLAIN_QUADS 8u

/* clang-format on */

/* The entries are how many bytes behind their starts the loops are entered, that over the rest and
 * that over what is widened; the latter is negative where nothing is. */
static TFLM_PATCH_ASSEMBLY void make_fours(const int8_t* weights __attribute__((unused)),
                                           uint32_t rest_entry __attribute__((unused)),
                                           int32_t entry __attribute__((unused)),
                                           uint32_t unused __attribute__((unused)),
                                           fours_job j __attribute__((unused))) {
  /* r0-r3 sums, r10 values, r11 weights, r12 three times lr, which is the taps. On the stack:
   * where the loops are entered, then the job. */
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "mov r11, r0\n\t"
      "adr.w r3, 3f\n\t"
      "add r1, r1, r3\n\t"
      "cmp r2, #0\n\t"
      "adr.w r3, 1f\n\t"
      "add r2, r2, r3\n\t"
      "it lt\n\t"
      "adrlt.w r2, 2f\n\t"
      "push {r1, r2}\n\t"
      "ldr lr, " JOB(20) "\n\t"
      "add r12, lr, lr, lsl #1\n"
      "5:\n\t"
      "ldr r4, " JOB(0) "\n\t"
      "ldr r10, " JOB(4) "\n\t"
      "ldr r5, [sp, #4]\n\t"
      "ldmia r4!, {r0, r1, r2, r3}\n\t"
      "str r4, " JOB(0) "\n\t"
      "mov pc, r5\n\t"
      ".balign 4\n"
      "1:\n\t" WIDE_QUADS
      "cmp r10, r6\n\t"
      "bne 1b\n\t"
      "cbz r7, 4f\n"
      "2:\n\t"
      "ldr r10, " JOB(12) "\n\t"
      "ldr r5, [sp]\n\t"
      "mov pc, r5\n"
      "4:\n\t"
      "ldr r6, " JOB(28) "\n\t"
      "ldr r7, " JOB(32) "\n\t"
      "ldr r8, " JOB(36) "\n\t"
      "ldr r10, " JOB(24) "\n\t"
      "ldr r5, " JOB(40) "\n\t"
      "add r11, r11, r12\n\t" /* behind the last output's weights */
      TFLM_PATCH_TO_BYTE("r0") TFLM_PATCH_TO_BYTE("r1") TFLM_PATCH_TO_BYTE("r2") TFLM_PATCH_TO_BYTE("r3")
      "strb r0, [r10]\n\t"
      "strb r1, [r10, #1]\n\t"
      "strb r2, [r10, #2]\n\t"
      "strb r3, [r10, #3]\n\t"
      "add r10, r10, #4\n\t"
      "cmp r11, r5\n\t"
      "str r10, " JOB(24) "\n\t"
      "bne 5b\n\t"
      "add sp, sp, #8\n\t"
      "pop {r4-r11, pc}\n\t"
      ".balign 4\n"
      "3:\n\t" PLAIN_QUADS
      "cmp r10, r6\n\t"
      "bne 3b\n\t"
      "b 4b\n\t");
}

static void widen_values(const int8_t* values, uint32_t n, uint32_t* to) {
  for (const int8_t* end = values + n; values != end; values += 4) {
    const uint32_t word = tflm_patch_load_word(values);
    *to++ = tflm_patch_even_bytes(word);
    *to++ = tflm_patch_odd_bytes(word);
  }
}

/* Apart, for the stack of the others. */
static TFLM_PATCH_NOINLINE void make_widened(const tflm_patch_fully_connected_args* args,
                                             const int8_t* values, uint32_t outputs,
                                             tflm_patch_scaling scaling, int8_t* output) {
  uint32_t wide[WIDE_INPUTS / 2];
  const uint32_t taps = args->inputs;
  const uint32_t most = outputs < WIDE_OUTPUTS ? 0 : WIDE_INPUTS;
  const uint32_t n = taps < most ? taps : most;
  const uint32_t rest = taps - n;
  const fours_job j = {
      .bias = args->bias,
      .values = wide,
      .values_end = wide + n / 2,
      .rest = rest != 0 ? values + n : NULL,
      .rest_end = values + taps,
      .taps = taps,
      .output = output,
      .scaling = scaling,
      .weights_end = args->weights + outputs * taps,
  };
  const uint32_t entry = (0u - n / 4) % N_WIDE_QUADS * WIDE_QUAD_BYTES;
  widen_values(values, n, wide);
  make_fours(args->weights, (0u - rest / 4) % N_PLAIN_QUADS * PLAIN_QUAD_BYTES,
             n == 0 ? -1 : (int32_t)entry, 0, j);
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
  tflm_patch_scaling scaling =
      tflm_patch_find_scaling(multiplier, shift, requant->output_zero_point);
  scaling.multiplier = (int32_t)(2u * (uint32_t)multiplier);
  make_widened(args, input, fours, scaling, output);
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
