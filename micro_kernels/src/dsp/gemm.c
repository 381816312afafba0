/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * GEMM micro-kernels of the dsp family for few pixels: tiles of two pixels by two channels
 * and of a pixel by two channels. src/dsp/gemm_wide.c is for more.
 *
 * Whole loops over the channels are assembly: compilers neither keep the sums and
 * operands of a block in the registers nor load several words at once.
 */
#include <stddef.h>

#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "../dot.h"
#include "arith.h"
#include "assembly.h"
#include "gemm.h"

/* ---- assembly ---- */

_Static_assert(offsetof(tflm_patch_dot_job, multipliers) == 16, "assembly");
_Static_assert(offsetof(tflm_patch_dot_job, at_1) == 36, "assembly");
_Static_assert(offsetof(tflm_patch_dot_job, weights) == 40, "assembly");
_Static_assert(offsetof(tflm_patch_dot_job, sums) == 48, "assembly");
_Static_assert(offsetof(tflm_patch_dot_job, taps) == 72, "assembly");

/* clang-format off */
/* One of the four sums to a value; see tflm_patch_scale. */
#define SCALE(sum)              \
  "lsl " sum ", " sum ", #1\n\t" \
  "smmulr " sum ", " sum ", r9\n\t" \
  "add r8, r7, " sum ", asr #31\n\t" \
  "add " sum ", " sum ", r8\n\t" \
  "asr " sum ", " sum ", r10\n\t" \
  "ssat " sum ", #8, " sum "\n\t"

/* The next channel's scaling, for SCALE: the job's members from r12 on are in
 * r4, r5, r6, r7 and r8; r5 has the shift. r6 stays the output. */
#define NEXT_SCALING                \
  "ldr r9, [r4]\n\t"                \
  "ldrsb r10, [r5]\n\t"             \
  "add r4, r4, r8\n\t"              \
  "add r5, r5, r8, lsr #2\n\t"      \
  "mvn r10, r10\n\t"                \
  "cmp r10, #23\n\t"
/* clang-format on */

/* clang-format off */
/* Four values, in r4 and r5, of two vectors with those of two channels, r0 and r1 the
 * sums of the first channel; the second channel is lr bytes further on. */
#define PRODUCTS_2_BY_2(SECOND, FIRST) \
  SECOND                            \
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
  FIRST                             \
  "sxtb16 r9, r8\n\t"               \
  "sxtb16 r8, r8, ror #8\n\t"       \
  "smlad r0, r9, r6, r0\n\t"        \
  "smlad r1, r9, r7, r1\n\t"        \
  "smlad r0, r8, r4, r0\n\t"        \
  "smlad r1, r8, r5, r1\n\t"

/* Two pixels, the second one lr bytes further on. */
#define QUAD_OF_TWO                 \
  "ldr r5, [r10, lr]\n\t"           \
  "ldr r4, [r10], #4\n\t"           \
  PRODUCTS_2_BY_2("ldr r8, [r11, lr]\n\t", "ldr r8, [r11], #4\n\t")

/* One pixel: r0 and r2. */
#define QUAD_OF_ONE                 \
  "ldr r4, [r10], #4\n\t"           \
  "ldr r5, [r11, lr]\n\t"           \
  "ldr r8, [r11], #4\n\t"           \
  "sxtb16 r6, r4\n\t"               \
  "sxtb16 r4, r4, ror #8\n\t"       \
  "sxtb16 r9, r8\n\t"               \
  "sxtb16 r8, r8, ror #8\n\t"       \
  "smlad r0, r9, r6, r0\n\t"        \
  "smlad r0, r8, r4, r0\n\t"        \
  "sxtb16 r9, r5\n\t"               \
  "sxtb16 r5, r5, ror #8\n\t"       \
  "smlad r2, r9, r6, r2\n\t"        \
  "smlad r2, r5, r4, r2\n\t"

/* r12 loops of two quads. The first is entered at one of two labels. */
#define LOOP(first, second, QUAD)   \
  first ":\n\t" QUAD               \
  second ":\n\t" QUAD              \
  "subs r12, r12, #1\n\t"         \
  "bne " first "b\n\t"
/* clang-format on */

/* Makes pairs of channels of one or two pixels until all are made (returns 0) or a
 * pair comes with a shift that is not for the short way to bytes (returns 1): its sums
 * are in the job then, and the job stands behind it. */
static TFLM_PATCH_ASSEMBLY int32_t make_pairs(tflm_patch_dot_job* j __attribute__((unused))) {
  /* r0 and r1 the first channel's sums, r2 and r3 the second's, r5 where the loop is
   * entered, r10 values, r11 weights, lr taps, then the job. */
  __asm__ volatile(
      "push {r0, r4-r11, lr}\n\t"
      "mov lr, r0\n\t"
      "ldr r11, [lr, #40]\n"
      "5:\n\t"
      "ldmia lr, {r4, r5, r10, r12}\n\t"
      "ldrd r0, r2, [r4], #8\n\t"
      "str r4, [lr]\n\t"
      "mov r1, r0\n\t"
      "mov r3, r2\n\t"
      "ldr lr, [lr, #72]\n\t"
      "tbb [pc, r5]\n"
      "20:\n\t"
      ".byte (21f-20b)/2, (22f-20b)/2\n\t"
      ".byte (23f-20b)/2, (24f-20b)/2\n"
      LOOP("21", "22", QUAD_OF_ONE)
      "b 7f\n"
      LOOP("23", "24", QUAD_OF_TWO)
      "7:\n\t"
      /* The last taps: words that end with them. */
      "ldr r5, [sp]\n\t"
      "ldr r4, [r5, #68]\n\t"
      "cbz r4, 6f\n\t"
      "ldr r9, [r5, #64]\n\t"
      "add r10, r10, r4\n\t"
      "add r11, r11, r4\n\t"
      "sub r10, r10, #4\n\t"
      "sub r11, r11, #4\n\t"
      "rsb r12, r4, #4\n\t"
      "lsl r12, r12, #3\n\t"
      "ldr r5, [r10, r9]\n\t"
      "ldr r4, [r10]\n\t"
      "lsr r5, r5, r12\n\t"
      "lsr r4, r4, r12\n\t"
      PRODUCTS_2_BY_2("ldr r8, [r11, lr]\n\t"
                      "lsr r8, r8, r12\n\t",
                      "ldr r8, [r11], #4\n\t"
                      "lsr r8, r8, r12\n\t")
      "6:\n\t"
      "add r11, r11, lr\n\t" /* behind the second channel's weights */
      "ldr lr, [sp]\n\t"
      "add r12, lr, #48\n\t"
      "stmia r12, {r0, r1, r2, r3}\n\t"
      "add r12, lr, #16\n\t"
      "ldmia r12, {r4, r5, r6, r7, r8}\n\t"
      NEXT_SCALING
      "bhs 8f\n\t"
      "lsl r7, r7, r10\n\t"
      "add r10, r10, #1\n\t"
      SCALE("r0")
      "ldr r8, [lr, #36]\n\t"
      "cmp r8, #0\n\t"
      "beq 1f\n\t" /* a single pixel */
      SCALE("r1")
      "1:\n\t"
      "ldrd r7, r8, [lr, #28]\n\t"
      NEXT_SCALING
      "bhs 10f\n\t"
      "lsl r7, r7, r10\n\t"
      "add r10, r10, #1\n\t"
      SCALE("r2")
      "strb r2, [r6, #1]\n\t"
      "ldr r2, [lr, #36]\n\t"
      "strb r0, [r6], #2\n\t"
      "cbz r2, 1f\n\t"
      SCALE("r3")
      "add r2, r2, r6\n\t"
      "strb r1, [r2, #-2]\n\t"
      "strb r3, [r2, #-1]\n"
      "1:\n\t"
      "stmia r12, {r4, r5, r6}\n\t"
      "ldr r4, [lr, #44]\n\t"
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
      "str r11, [lr, #40]\n\t"
      "add sp, sp, #4\n\t"
      "pop {r4-r11, pc}\n\t");
}

/* ---- jobs ---- */

void tflm_patch_init_dot_job(tflm_patch_dot_job* j, const int8_t* weights, const int32_t* bias,
                             const tflm_patch_requant_args* requant, uint32_t taps,
                             uint32_t channels) {
  j->first_weights = weights;
  j->first_bias = bias;
  j->requant = requant;
  j->channels = channels;
  j->taps = taps;
  j->tail = taps % 4;
  j->round_unit = 2 * requant->output_zero_point + 1;
  j->step = requant->channel_step * sizeof(int32_t);
}

/* At the first of `channels` channels of some pixels. */
static void start(tflm_patch_dot_job* j, const int8_t* values, uint32_t channels, int8_t* output) {
  j->values = values;
  j->output = output;
  j->bias = j->first_bias;
  j->weights = j->first_weights;
  j->weights_end = j->weights + j->taps * channels;
  j->multipliers = j->requant->multipliers;
  j->shifts = j->requant->shifts;
}

/* Sums of n_pixels of a channel that the short way to bytes is not for. */
static void put_slowly(const tflm_patch_dot_job* j, uint32_t channel, const int32_t* sums,
                       uint32_t n_pixels, int8_t* output) {
  for (uint32_t p = 0; p < n_pixels; ++p) {
    output[channel] = tflm_patch_requantize_channel(j->requant, (uint32_t)sums[p], channel);
    output += j->channels;
  }
}

/* Pairs of channels; a second pixel is made of `next_pixel` bytes further on. */
static void make_even_channels(tflm_patch_dot_job* j, const int8_t* values, uint32_t n_pixels,
                               int8_t* output) {
  start(j, values, j->channels & ~1u, output);
  j->loops = (j->taps / 4 + 1) / 2;
  j->entry = 2 * (n_pixels - 1) + j->taps / 4 % 2;
  j->next_pixel = n_pixels == 1 ? 0 : j->taps;
  j->at_1 = n_pixels == 1 ? 0 : j->channels;
  while (j->weights != j->weights_end && make_pairs(j)) {
    const uint32_t next = (uint32_t)(j->output - output);
    put_slowly(j, next - 2, j->sums, n_pixels, output);
    put_slowly(j, next - 1, j->sums + 2, n_pixels, output);
  }
}

/* The last of an odd number of channels. */
static void make_last(const tflm_patch_dot_job* j, const int8_t* values, int8_t* output) {
  const uint32_t channel = j->channels - 1;
  const int8_t* weights = j->first_weights + channel * j->taps;
  const int32_t sum =
      (int32_t)((uint32_t)j->first_bias[channel] + tflm_patch_dot(values, weights, j->taps));
  put_slowly(j, channel, &sum, 1, output);
}

void tflm_patch_make_few(tflm_patch_dot_job* j, const int8_t* values, uint32_t n_pixels,
                         int8_t* output) {
  make_even_channels(j, values, n_pixels, output);
  if (j->channels % 2 != 0) {
    make_last(j, values, output);
    if (n_pixels == 2) {
      make_last(j, values + j->taps, output + j->channels);
    }
  }
}

void tflm_patch_clamp_bytes(const tflm_patch_requant_args* requant, int8_t* bytes, uint32_t n) {
  const int32_t low = requant->act_min;
  const int32_t high = requant->act_max;
  if (high - low == 255) {
    return;
  }
  for (const int8_t* end = bytes + n; bytes != end; ++bytes) {
    *bytes = (int8_t)tflm_patch_clamp(*bytes, low, high);
  }
}

#endif /* TFLM_PATCH_IS_DSP */
