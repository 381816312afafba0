/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Blocks of pixels for Armv7E-M.
 *
 * Whole loops over the channels are assembly: compilers neither keep the sums and
 * operands of a block in the registers nor load several words at once.
 */
#include <stddef.h>

#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "../dot.h"
#include "arith.h"
#include "blocks.h"
#include "loops.h"

#define PIXELS TFLM_PATCH_WIDE_PIXELS

/* ---- jobs ---- */

/* Sums of n_pixels of a channel that the short way to bytes is not for. */
static __attribute__((noinline, noclone)) void put_slowly(
    const tflm_patch_dot_job* j, uint32_t channel, const int32_t* sums,
    uint32_t n_pixels, int8_t* output) {
  for (uint32_t p = 0; p < n_pixels; ++p) {
    output[channel] =
        tflm_patch_requantize_channel(j->requant, (uint32_t)sums[p], channel);
    output += j->channels;
  }
}

_Static_assert(offsetof(tflm_patch_dot_job, multipliers) == 16, "as in the assembly");
_Static_assert(offsetof(tflm_patch_dot_job, at_1) == 36, "as in the assembly");
_Static_assert(offsetof(tflm_patch_dot_job, weights) == 48, "as in the assembly");
_Static_assert(offsetof(tflm_patch_dot_job, is_clamped) == 56, "as in the assembly");
_Static_assert(offsetof(tflm_patch_dot_job, sums) == 68, "as in the assembly");
_Static_assert(offsetof(tflm_patch_dot_job, taps) == 84, "as in the assembly");

/* Four weights, in r8, with the widened values of four pixels. */
#define PRODUCTS                   \
  "ldmia r10!, {r4, r5, r6, r7}\n\t" \
  "sxtb16 r9, r8\n\t"              \
  "smlad r0, r9, r4, r0\n\t"       \
  "smlad r1, r9, r5, r1\n\t"       \
  "smlad r2, r9, r6, r2\n\t"       \
  "smlad r3, r9, r7, r3\n\t"       \
  "ldmia r10!, {r4, r5, r6, r7}\n\t" \
  "sxtb16 r8, r8, ror #8\n\t"      \
  "smlad r0, r8, r4, r0\n\t"       \
  "smlad r1, r8, r5, r1\n\t"       \
  "smlad r2, r8, r6, r2\n\t"       \
  "smlad r3, r8, r7, r3\n\t"

#define QUAD "ldr r8, [r11], #4\n\t" PRODUCTS

/* One of the four sums to a value; see tflm_patch_scale. */
#define SCALE(sum)              \
  "lsl " sum ", " sum ", #1\n\t" \
  "smmulr " sum ", " sum ", r9\n\t" \
  "add r8, r7, " sum ", asr #31\n\t" \
  "add " sum ", " sum ", r8\n\t" \
  "asr " sum ", " sum ", r10\n\t" \
  "ssat " sum ", #8, " sum "\n\t"

#define CLAMP(value)             \
  "cmp " value ", r8\n\t"         \
  "it lt\n\t"                    \
  "movlt " value ", r8\n\t"       \
  "cmp " value ", r9\n\t"         \
  "it gt\n\t"                    \
  "movgt " value ", r9\n\t"

/* Makes channels until all are made (returns 0) or one comes whose shift is not
 * for the short way to bytes (returns 1): its sums are in the job then, and the
 * job stands behind it. */
static TFLM_PATCH_ASSEMBLY int32_t make_wide_channels(
    tflm_patch_dot_job* j __attribute__((unused))) {
  /* r0-r3 sums, r10 values, r11 weights, r12 quads left, lr the job. */
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "mov lr, r0\n\t"
      "ldr r11, [lr, #48]\n"
      "5:\n\t"
      "ldmia lr, {r4, r10, r12}\n\t"
      "ldr r0, [r4], #4\n\t"
      "str r4, [lr]\n\t"
      "mov r1, r0\n\t"
      "mov r2, r0\n\t"
      "mov r3, r0\n\t"
      TFLM_PATCH_FOR_QUADS("r12", QUAD)
      "ldr r4, [lr, #12]\n\t"
      "cbz r4, 6f\n\t"
      /* The last taps: a word that ends with them. */
      "add r11, r11, r4\n\t"
      "ldr r8, [r11, #-4]\n\t"
      "rsb r4, r4, #4\n\t"
      "lsl r4, r4, #3\n\t"
      "lsr r8, r8, r4\n\t"
      PRODUCTS
      "6:\n\t"
      "add r12, lr, #16\n\t"
      "ldmia r12, {r4, r5, r6, r7, r8}\n\t"
      "ldr r9, [r4]\n\t"
      "ldrsb r10, [r5]\n\t"
      "add r4, r4, r8\n\t"
      "add r5, r5, r8, lsr #2\n\t"
      "mvn r10, r10\n\t"
      "cmp r10, #23\n\t"
      "bhs 8f\n\t"
      "lsl r7, r7, r10\n\t"
      "add r10, r10, #1\n\t"
      SCALE("r0") SCALE("r1") SCALE("r2") SCALE("r3")
      "ldr r8, [lr, #56]\n\t"
      "cmp r8, #0\n\t"
      "bne 9f\n"
      "7:\n\t"
      "ldrd r8, r9, [lr, #40]\n\t"
      "ldr r7, [lr, #36]\n\t"
      "strb r3, [r6, r9]\n\t"
      "strb r2, [r6, r8]\n\t"
      "strb r1, [r6, r7]\n\t"
      "strb r0, [r6], #1\n\t"
      "stmia r12, {r4, r5, r6}\n\t"
      "ldr r4, [lr, #52]\n\t"
      "cmp r11, r4\n\t"
      "bne 5b\n\t"
      "mov r0, #0\n\t"
      "str r11, [lr, #48]\n\t"
      "pop {r4-r11, pc}\n"
      "8:\n\t"
      "add r6, r6, #1\n\t"
      "stmia r12, {r4, r5, r6}\n\t"
      "str r11, [lr, #48]\n\t"
      "add r12, lr, #68\n\t"
      "stmia r12, {r0, r1, r2, r3}\n\t"
      "mov r0, #1\n\t"
      "pop {r4-r11, pc}\n"
      "9:\n\t"
      "ldrd r8, r9, [lr, #60]\n\t"
      CLAMP("r0") CLAMP("r1") CLAMP("r2") CLAMP("r3")
      "b 7b\n\t");
}

/* Four values of two vectors with those of two channels, r0 and r1 the sums of
 * the first channel; the second vector and channel are lr bytes further on. */
#define QUAD_2_BY_2                 \
  "ldr r5, [r10, lr]\n\t"           \
  "ldr r4, [r10], #4\n\t"           \
  "ldr r8, [r11, lr]\n\t"           \
  "sxtb16 r6, r4\n\t"               \
  "sxtb16 r7, r5\n\t"               \
  "sxtb16 r4, r4, ror #8\n\t"       \
  "sxtb16 r5, r5, ror #8\n\t"       \
  "sxtb16 r9, r8\n\t"               \
  "sxtb16 r8, r8, ror #8\n\t"       \
  "smlad r2, r9, r6, r2\n\t"        \
  "smlad r3, r9, r7, r3\n\t"        \
  "smlad r2, r8, r4, r2\n\t"        \
  "smlad r3, r8, r5, r3\n\t"        \
  "ldr r8, [r11], #4\n\t"           \
  "sxtb16 r9, r8\n\t"               \
  "sxtb16 r8, r8, ror #8\n\t"       \
  "smlad r0, r9, r6, r0\n\t"        \
  "smlad r1, r9, r7, r1\n\t"        \
  "smlad r0, r8, r4, r0\n\t"        \
  "smlad r1, r8, r5, r1\n\t"

/* The tail of the same, r4 values: words that end with them. */
#define TAIL_2_BY_2                 \
  "add r10, r10, r4\n\t"            \
  "add r11, r11, r4\n\t"            \
  "sub r10, r10, #4\n\t"            \
  "sub r11, r11, #4\n\t"            \
  "rsb r12, r4, #4\n\t"             \
  "lsl r12, r12, #3\n\t"            \
  "ldr r5, [r10, lr]\n\t"           \
  "ldr r4, [r10]\n\t"               \
  "lsr r5, r5, r12\n\t"             \
  "lsr r4, r4, r12\n\t"             \
  "sxtb16 r6, r4\n\t"               \
  "sxtb16 r7, r5\n\t"               \
  "sxtb16 r4, r4, ror #8\n\t"       \
  "sxtb16 r5, r5, ror #8\n\t"       \
  "ldr r8, [r11, lr]\n\t"           \
  "lsr r8, r8, r12\n\t"             \
  "sxtb16 r9, r8\n\t"               \
  "sxtb16 r8, r8, ror #8\n\t"       \
  "smlad r2, r9, r6, r2\n\t"        \
  "smlad r3, r9, r7, r3\n\t"        \
  "smlad r2, r8, r4, r2\n\t"        \
  "smlad r3, r8, r5, r3\n\t"        \
  "ldr r8, [r11], #4\n\t"           \
  "lsr r8, r8, r12\n\t"             \
  "sxtb16 r9, r8\n\t"               \
  "sxtb16 r8, r8, ror #8\n\t"       \
  "smlad r0, r9, r6, r0\n\t"        \
  "smlad r1, r9, r7, r1\n\t"        \
  "smlad r0, r8, r4, r0\n\t"        \
  "smlad r1, r8, r5, r1\n\t"

/* The next channel's scaling, for SCALE: the job's members from r12 on are in
 * r4, r5, r6, r7 and r8; r5 has the shift. r6 stays the output. */
#define NEXT_SCALING                \
  "ldr r9, [r4]\n\t"                \
  "ldrsb r10, [r5]\n\t"             \
  "add r4, r4, r8\n\t"              \
  "add r5, r5, r8, lsr #2\n\t"      \
  "mvn r10, r10\n\t"                \
  "cmp r10, #23\n\t"

/* r0-r3 sums, r10 values, r11 weights, r12 quads left, lr taps. */
#define PAIRS_OF_TWO(QUAD, TAIL)     \
  "push {r0, r4-r11, lr}\n\t" \
  "mov lr, r0\n\t" \
  "ldr r11, [lr, #48]\n" \
  "5:\n\t" \
  "ldmia lr, {r4, r10, r12}\n\t" \
  "ldr r2, [r4, #4]\n\t" \
  "ldr r0, [r4], #8\n\t" \
  "str r4, [lr]\n\t" \
  "mov r1, r0\n\t" \
  "mov r3, r2\n\t" \
  "ldr lr, [lr, #84]\n\t" \
  TFLM_PATCH_FOR_QUADS_SMALL("r12", QUAD) \
  "ldr r5, [sp]\n\t" \
  "ldr r4, [r5, #12]\n\t" \
  "cbz r4, 6f\n\t" \
  TAIL \
  "6:\n\t" \
  "add r11, r11, lr\n\t" \
  "ldr lr, [sp]\n\t" \
  "add r12, lr, #68\n\t" \
  "stmia r12, {r0, r1, r2, r3}\n\t" \
  "add r12, lr, #16\n\t" \
  "ldmia r12, {r4, r5, r6, r7, r8}\n\t" \
  NEXT_SCALING \
  "bhs 8f\n\t" \
  "lsl r7, r7, r10\n\t" \
  "add r10, r10, #1\n\t" \
  SCALE("r0") SCALE("r1") \
  "ldrd r7, r8, [lr, #28]\n\t" \
  NEXT_SCALING \
  "bhs 10f\n\t" \
  "lsl r7, r7, r10\n\t" \
  "add r10, r10, #1\n\t" \
  SCALE("r2") SCALE("r3") \
  "ldr r8, [lr, #56]\n\t" \
  "cmp r8, #0\n\t" \
  "bne 9f\n" \
  "7:\n\t" \
  "ldr r7, [lr, #36]\n\t" \
  "strb r1, [r6, r7]\n\t" \
  "strb r0, [r6], #1\n\t" \
  "strb r3, [r6, r7]\n\t" \
  "strb r2, [r6], #1\n\t" \
  "stmia r12, {r4, r5, r6}\n\t" \
  "ldr r4, [lr, #52]\n\t" \
  "cmp r11, r4\n\t" \
  "bne 5b\n\t" \
  "mov r0, #0\n\t" \
  "b 11f\n" \
  "8:\n\t" \
  "add r4, r4, r8\n\t" \
  "add r5, r5, r8, lsr #2\n" \
  "10:\n\t" \
  "add r6, r6, #2\n\t" \
  "stmia r12, {r4, r5, r6}\n\t" \
  "mov r0, #1\n" \
  "11:\n\t" \
  "str r11, [lr, #48]\n\t" \
  "add sp, sp, #4\n\t" \
  "pop {r4-r11, pc}\n" \
  "9:\n\t" \
  "ldrd r8, r9, [lr, #60]\n\t" \
  CLAMP("r0") CLAMP("r1") CLAMP("r2") CLAMP("r3") \
  "b 7b\n\t"

/* Makes pairs of channels of two pixels until all are made (returns 0) or a pair
 * comes with a shift that is not for the short way to bytes (returns 1): its sums
 * are in the job then, and the job stands behind it. */
static TFLM_PATCH_ASSEMBLY int32_t
make_pairs_of_two(tflm_patch_dot_job* j __attribute__((unused))) {
  __asm__ volatile(PAIRS_OF_TWO(QUAD_2_BY_2, TAIL_2_BY_2));
}

/* The same of two widened pixels: lr bytes is the second channel's distance. */
#define QUAD_2_BY_WIDE_2                \
  "ldr r8, [r11, lr]\n\t"               \
  "ldmia r10!, {r4, r5, r6, r7}\n\t"    \
  "sxtb16 r9, r8\n\t"                   \
  "sxtb16 r8, r8, ror #8\n\t"           \
  "smlad r2, r9, r4, r2\n\t"            \
  "smlad r3, r9, r5, r3\n\t"            \
  "smlad r2, r8, r6, r2\n\t"            \
  "smlad r3, r8, r7, r3\n\t"            \
  "ldr r8, [r11], #4\n\t"               \
  "sxtb16 r9, r8\n\t"                   \
  "sxtb16 r8, r8, ror #8\n\t"           \
  "smlad r0, r9, r4, r0\n\t"            \
  "smlad r1, r9, r5, r1\n\t"            \
  "smlad r0, r8, r6, r0\n\t"            \
  "smlad r1, r8, r7, r1\n\t"

/* Fours of taps only. */
static TFLM_PATCH_ASSEMBLY int32_t
make_pairs_of_wide_two(tflm_patch_dot_job* j __attribute__((unused))) {
  __asm__ volatile(PAIRS_OF_TWO(QUAD_2_BY_WIDE_2, ""));
}

/* Four values of a vector with those of two channels; the second channel is lr
 * bytes behind the first. */
#define QUAD_1_BY_2                 \
  "ldr r4, [r10], #4\n\t"           \
  "ldr r5, [r11, lr]\n\t"           \
  "ldr r8, [r11], #4\n\t"           \
  PRODUCTS_1_BY_2

#define PRODUCTS_1_BY_2             \
  "sxtb16 r6, r4\n\t"               \
  "sxtb16 r4, r4, ror #8\n\t"       \
  "sxtb16 r9, r8\n\t"               \
  "sxtb16 r8, r8, ror #8\n\t"       \
  "smlad r0, r9, r6, r0\n\t"        \
  "smlad r0, r8, r4, r0\n\t"        \
  "sxtb16 r9, r5\n\t"               \
  "sxtb16 r5, r5, ror #8\n\t"       \
  "smlad r1, r9, r6, r1\n\t"        \
  "smlad r1, r5, r4, r1\n\t"

/* As make_pairs_of_two, of one pixel: sums[0] and sums[1]. */
static TFLM_PATCH_ASSEMBLY int32_t make_pairs_of_one(
    tflm_patch_dot_job* j __attribute__((unused))) {
  __asm__ volatile(
      "push {r0, r4-r11, lr}\n\t"
      "mov lr, r0\n\t"
      "ldr r11, [lr, #48]\n"
      "5:\n\t"
      "ldmia lr, {r4, r10, r12}\n\t"
      "ldrd r0, r1, [r4], #8\n\t"
      "str r4, [lr]\n\t"
      "ldr lr, [lr, #84]\n\t"
      TFLM_PATCH_FOR_QUADS_SMALL("r12", QUAD_1_BY_2)
      "ldr r5, [sp]\n\t"
      "ldr r4, [r5, #12]\n\t"
      "cbz r4, 6f\n\t"
      "add r10, r10, r4\n\t"
      "add r11, r11, r4\n\t"
      "rsb r12, r4, #4\n\t"
      "lsl r12, r12, #3\n\t"
      "ldr r4, [r10, #-4]\n\t"
      "ldr r8, [r11, #-4]\n\t"
      "add r5, r11, lr\n\t"
      "ldr r5, [r5, #-4]\n\t"
      "lsr r4, r4, r12\n\t"
      "lsr r5, r5, r12\n\t"
      "lsr r8, r8, r12\n\t"
      PRODUCTS_1_BY_2
      "6:\n\t"
      "add r11, r11, lr\n\t" /* the second channel's weights */
      "ldr lr, [sp]\n\t"
      "strd r0, r1, [lr, #68]\n\t"
      "add r12, lr, #16\n\t"
      "ldmia r12, {r4, r5, r6, r7, r8}\n\t"
      NEXT_SCALING
      "bhs 8f\n\t"
      "lsl r7, r7, r10\n\t"
      "add r10, r10, #1\n\t"
      SCALE("r0")
      "ldrd r7, r8, [lr, #28]\n\t"
      NEXT_SCALING
      "bhs 10f\n\t"
      "lsl r7, r7, r10\n\t"
      "add r10, r10, #1\n\t"
      SCALE("r1")
      "ldr r8, [lr, #56]\n\t"
      "cmp r8, #0\n\t"
      "bne 9f\n"
      "7:\n\t"
      "strb r0, [r6], #1\n\t"
      "strb r1, [r6], #1\n\t"
      "stmia r12, {r4, r5, r6}\n\t"
      "ldr r4, [lr, #52]\n\t"
      "cmp r11, r4\n\t"
      "bne 5b\n\t"
      "mov r0, #0\n\t"
      "b 11f\n"
      "8:\n\t"
      "add r4, r4, r8\n\t"
      "add r5, r5, r8, lsr #2\n"
      "10:\n\t"
      "add r6, r6, #2\n\t"
      "stmia r12, {r4, r5, r6}\n\t"
      "mov r0, #1\n"
      "11:\n\t"
      "str r11, [lr, #48]\n\t"
      "add sp, sp, #4\n\t"
      "pop {r4-r11, pc}\n"
      "9:\n\t"
      "ldrd r8, r9, [lr, #60]\n\t"
      CLAMP("r0") CLAMP("r1")
      "b 7b\n\t");
}

/* ---- blocks ---- */

void tflm_patch_init_dot_job(tflm_patch_dot_job* j, const int8_t* weights,
                             const int32_t* bias,
                             const tflm_patch_requant_args* requant,
                             uint32_t taps, uint32_t channels) {
  j->first_weights = weights;
  j->first_bias = bias;
  j->requant = requant;
  j->channels = channels;
  j->taps = taps;
  j->quads = taps / 4;
  j->tail = taps % 4;
  j->round_unit = 2 * requant->output_zero_point + 1;
  j->step = requant->channel_step * sizeof(int32_t);
  j->is_clamped = requant->act_max - requant->act_min != 255;
  j->low = requant->act_min;
  j->high = requant->act_max;
}

/* At the first of `channels` channels of some pixels. */
static void start(tflm_patch_dot_job* j, const void* values, uint32_t channels,
                  int8_t* output) {
  j->values = values;
  j->output = output;
  j->bias = j->first_bias;
  j->weights = j->first_weights;
  j->weights_end = j->weights + j->taps * channels;
  j->multipliers = j->requant->multipliers;
  j->shifts = j->requant->shifts;
}

/* Channels made so far. */
static uint32_t progress(const tflm_patch_dot_job* j, const int8_t* output) {
  return (uint32_t)(j->output - output);
}

void tflm_patch_make_wide(tflm_patch_dot_job* j, const uint32_t* values,
                          uint32_t n_pixels, int8_t* output) {
  const uint32_t pitch = j->channels;
  start(j, values, pitch, output);
  /* The last pixel stands for the missing ones in its output, too. */
  j->at_1 = n_pixels > 1 ? pitch : 0;
  j->at_2 = n_pixels > 2 ? 2 * pitch : pitch * (n_pixels - 1);
  j->at_3 = pitch * (n_pixels - 1);
  while (j->weights != j->weights_end && make_wide_channels(j)) {
    put_slowly(j, progress(j, output) - 1, j->sums, n_pixels, output);
  }
}

typedef int32_t (*make_pairs)(tflm_patch_dot_job* j);

/* Pairs of channels; the other pixels are at_1 behind the first. */
static void make_even_channels(tflm_patch_dot_job* j, const void* values,
                               uint32_t n_pixels, make_pairs make,
                               int8_t* output) {
  start(j, values, j->channels & ~1u, output);
  j->at_1 = j->channels;
  while (j->weights != j->weights_end && make(j)) {
    const uint32_t next = progress(j, output);
    put_slowly(j, next - 2, j->sums, n_pixels, output);
    put_slowly(j, next - 1, j->sums + n_pixels, n_pixels, output);
  }
}

/* The last of an odd number of channels. */
static void make_last(const tflm_patch_dot_job* j, const int8_t* values,
                      uint32_t n_pixels, int8_t* output) {
  const uint32_t channel = j->channels - 1;
  const int8_t* weights = j->first_weights + channel * j->taps;
  for (uint32_t p = 0; p < n_pixels; ++p) {
    const int32_t sum = (int32_t)((uint32_t)j->first_bias[channel] +
                                  tflm_patch_dot(values, weights, j->taps));
    put_slowly(j, channel, &sum, 1, output);
    values += j->taps;
    output += j->channels;
  }
}

static void make_channels(tflm_patch_dot_job* j, const int8_t* values,
                          uint32_t n_pixels, make_pairs make, int8_t* output) {
  make_even_channels(j, values, n_pixels, make, output);
  if (j->channels % 2 != 0) {
    make_last(j, values, n_pixels, output);
  }
}

void tflm_patch_make_wide_two(tflm_patch_dot_job* j, const uint32_t* values,
                              int8_t* output) {
  make_even_channels(j, values, 2, make_pairs_of_wide_two, output);
}

void tflm_patch_make_two(tflm_patch_dot_job* j, const int8_t* values,
                         int8_t* output) {
  make_channels(j, values, 2, make_pairs_of_two, output);
}

void tflm_patch_make_one(tflm_patch_dot_job* j, const int8_t* values,
                         int8_t* output) {
  make_channels(j, values, 1, make_pairs_of_one, output);
}

#endif /* TFLM_PATCH_IS_DSP */
