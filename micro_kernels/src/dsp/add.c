/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * ADD of the dsp family: four values at a time, whose sums stay in registers while the
 * constants of the first input, of the second and of the output take turns. The input of the
 * larger scale is halved exactly: its values are shifted, no more.
 */
#include <stddef.h>

#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "../portable/portable.h"
#include "arith.h"
#include "assembly.h"

/* A term: ((value << up) + offset) * multiplier, rounded, then divided by 2^exponent,
 * rounded. */
typedef struct {
  int32_t offset;
  int32_t up; /* with the 1 of the doubling */
  tflm_patch_scaling scaling;
} term;

/* Fours of values. The assembly knows where the members lie. */
typedef struct {
  term first;                 /* 0 */
  term second;                /* 20 */
  tflm_patch_scaling scaling; /* 40 */
  int8_t* end;                /* 52: of the output */
  const int8_t* a;            /* 56 */
  const int8_t* b;
  int8_t* output;
} add_job;

_Static_assert(sizeof(term) == 20, "assembly");
_Static_assert(offsetof(tflm_patch_scaling, round) == 0, "assembly");
_Static_assert(offsetof(tflm_patch_scaling, multiplier) == 4, "assembly");
_Static_assert(offsetof(add_job, end) == 52, "assembly");
_Static_assert(offsetof(add_job, output) == 64, "assembly");

#define ONE_HALF (1 << 30)

/* Returns 0 when an input cannot be scaled in this way. */
static int find_term(term* t, int32_t zero_point, int32_t left_shift, int32_t multiplier,
                     int32_t shift) {
  t->up = left_shift + 1;
  if (shift == 0 && multiplier == ONE_HALF) {
    /* A half without rounding is twice as much and a quarter. */
    ++t->up;
    shift = -1;
  }
  t->offset = (int32_t)((uint32_t)-zero_point << t->up);
  t->scaling = tflm_patch_find_scaling(multiplier, shift, 0);
  return tflm_patch_is_scaling_shift(shift);
}

static inline int32_t scale_term(const term* t, int32_t value) {
  return tflm_patch_scale_doubled(t->scaling,
                                  (int32_t)(((uint32_t)value << t->up) + (uint32_t)t->offset));
}

/* clang-format off */
/* A value, at a place of the word in r4, to x >> 0; see tflm_patch_scale_doubled. r5 offset,
 * r6 up, r7 round, r8 multiplier, r9 exponent. */
#define TERM(to, byte)                    \
  "sxtb " to ", r4" byte "\n\t"           \
  "lsl " to ", " to ", r6\n\t"            \
  "add " to ", " to ", r5\n\t"            \
  SCALE(to)

#define SCALE(x)                          \
  "smmulr " x ", " x ", r8\n\t"           \
  "add lr, r7, " x ", asr #31\n\t"        \
  "add " x ", " x ", lr\n\t"              \
  "asr " x ", " x ", r9\n\t"

/* Half of a shifted value of the word in r4 added to a sum; r5 offset. */
#define HALF(sum, byte)                    \
  "sxtb lr, r4" byte "\n\t"               \
  "add lr, r5, lr, lsl #19\n\t"           \
  "add " sum ", " sum ", lr\n\t"

/* The same added to a sum; r4 is lost with the last one. */
#define SECOND_TERM(sum, term, byte)      \
  TERM(term, byte)                        \
  "add " sum ", " sum ", " term "\n\t"

/* With twice the multiplier less 2^32; see gemm_wide.c. */
#define TO_BYTE(sum) \
  "add lr, r7, " sum ", asr #31\n\t" \
  "smmlar " sum ", " sum ", r8, " sum "\n\t" \
  "add " sum ", " sum ", lr\n\t" \
  "asr " sum ", " sum ", r9\n\t" \
  "ssat " sum ", #8, " sum "\n\t"
/* clang-format on */

/* clang-format off */
/* r0-r3 sums, r10 a, r11 b, r12 the output; constants and end on the stack. */
#define START \
  "push {r4-r11, lr}\n\t" \
  "add r1, r0, #28\n\t" \
  "ldmia r1!, {r2-r8}\n\t" \
  "push {r2-r8}\n\t" \
  "ldmia r1, {r10, r11, r12}\n\t" \
  "ldmia r0, {r2-r8}\n\t" \
  "push {r2-r8}\n" \
  "1:\n\t"

#define FIRST_TERMS \
  "ldr r4, [r10], #4\n\t" \
  "ldr r5, [sp]\n\t" \
  "ldr r6, [sp, #4]\n\t" \
  "ldr r7, [sp, #8]\n\t" \
  "ldr r8, [sp, #12]\n\t" \
  "ldr r9, [sp, #16]\n\t" \
  TERM("r0", "") \
  TERM("r1", ", ror #8") \
  TERM("r2", ", ror #16") \
  TERM("r3", ", ror #24")

/* r6 is the end. */
#define PUT \
  TO_BYTE("r0") TO_BYTE("r1") TO_BYTE("r2") TO_BYTE("r3") \
  "strb r0, [r12]\n\t" \
  "strb r1, [r12, #1]\n\t" \
  "strb r2, [r12, #2]\n\t" \
  "strb r3, [r12, #3]\n\t" \
  "add r12, r12, #4\n\t" \
  "cmp r12, r6\n\t" \
  "bne 1b\n\t" \
  "add sp, sp, #56\n\t" \
  "pop {r4-r11, pc}\n\t"
/* clang-format on */

static TFLM_PATCH_ASSEMBLY void add_fours(const add_job* j __attribute__((unused))) {
  __asm__ volatile(
      START FIRST_TERMS
      "push {r10}\n\t"
      "ldr r4, [r11], #4\n\t"
      "ldr r5, [sp, #24]\n\t"
      "ldr r6, [sp, #28]\n\t"
      "ldr r7, [sp, #32]\n\t"
      "ldr r8, [sp, #36]\n\t"
      "ldr r9, [sp, #40]\n\t"
      SECOND_TERM("r0", "r10", "")
      SECOND_TERM("r1", "r10", ", ror #8")
      SECOND_TERM("r2", "r10", ", ror #16")
      SECOND_TERM("r3", "r10", ", ror #24")
      "pop {r10}\n\t"
      "ldr r7, [sp, #40]\n\t"
      "ldr r8, [sp, #44]\n\t"
      "ldr r9, [sp, #48]\n\t"
      "ldr r6, [sp, #52]\n\t" PUT);
}

#ifndef __OPTIMIZE_SIZE__

/* The second term is a half, its offset the second one's. */
static TFLM_PATCH_ASSEMBLY void add_halves(const add_job* j __attribute__((unused))) {
  __asm__ volatile(START FIRST_TERMS
                   "ldr r4, [r11], #4\n\t"
                   "ldr r5, [sp, #20]\n\t"
                   "ldr r7, [sp, #40]\n\t"
                   "ldr r8, [sp, #44]\n\t"
                   "ldr r9, [sp, #48]\n\t"
                   "ldr r6, [sp, #52]\n\t" HALF("r0", "") HALF("r1", ", ror #8")
                       HALF("r2", ", ror #16") HALF("r3", ", ror #24") PUT);
}

#define HALF_SHIFT 20

/* Whether a term is a half of values that are shifted by HALF_SHIFT. */
static int is_half(const tflm_patch_add_params* params, uint32_t input) {
  return params->left_shift == HALF_SHIFT && params->input_shift[input] == 0 &&
         params->input_multiplier[input] == ONE_HALF;
}

/* Fours of values. */
static void add(const tflm_patch_add_params* params, const add_job* j, int32_t a_zero_point,
                int32_t b_zero_point) {
  const int is_first = is_half(params, 0);
  if (!is_first && !is_half(params, 1)) {
    add_fours(j);
    return;
  }
  add_job halves = *j;
  if (is_first) { /* the other way round */
    halves.a = j->b;
    halves.b = j->a;
    halves.first = j->second;
  }
  const int32_t zero_point = is_first ? a_zero_point : b_zero_point;
  halves.second.offset = (int32_t)((uint32_t)-zero_point << (HALF_SHIFT - 1));
  add_halves(&halves);
}

#else

static void add(const tflm_patch_add_params* params, const add_job* j, int32_t a_zero_point,
                int32_t b_zero_point) {
  (void)params;
  (void)a_zero_point;
  (void)b_zero_point;
  add_fours(j);
}

#endif

void tflm_patch_add_s8(const tflm_patch_add_params* params, int32_t a_zero_point,
                       int32_t b_zero_point, const int8_t* a, uint32_t a_step, const int8_t* b,
                       uint32_t b_step, int8_t* output, uint32_t n) {
  add_job j;
  if (!find_term(&j.first, a_zero_point, params->left_shift, params->input_multiplier[0],
                 params->input_shift[0]) ||
      !find_term(&j.second, b_zero_point, params->left_shift, params->input_multiplier[1],
                 params->input_shift[1]) ||
      !tflm_patch_is_scaling_shift(params->output_shift)) {
    tflm_patch_add_portable_s8(params, a_zero_point, b_zero_point, a, a_step, b, b_step, output, n);
    return;
  }
  const tflm_patch_scaling scaling = tflm_patch_find_scaling(
      params->output_multiplier, params->output_shift, params->output_zero_point);
  const int32_t low = params->act_min;
  const int32_t high = params->act_max;
  if (n >= 4 && a_step == 1 && b_step == 1 && scaling.multiplier >= ONE_HALF) {
    const uint32_t fours = n & ~3u;
    j.scaling = scaling;
    j.scaling.multiplier = (int32_t)(2u * (uint32_t)scaling.multiplier);
    j.a = a;
    j.b = b;
    j.output = output;
    j.end = output + fours;
    add(params, &j, a_zero_point, b_zero_point);
    a += fours;
    b += fours;
    n -= fours;
    if (high - low == 255) {
      output = j.end;
    }
    for (; output != j.end; ++output) {
      *output = (int8_t)tflm_patch_clamp(*output, low, high);
    }
  }
  for (; n > 0; --n) {
    const int32_t sum = scale_term(&j.first, *a) + scale_term(&j.second, *b);
    const int32_t value = tflm_patch_saturate(tflm_patch_scale(scaling, sum));
    *output++ = (int8_t)tflm_patch_clamp(value, low, high);
    a += a_step;
    b += b_step;
  }
}

#endif /* TFLM_PATCH_IS_DSP */
