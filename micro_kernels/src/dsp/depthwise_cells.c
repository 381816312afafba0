/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stretches of few columns of 3 x 3 depthwise convolutions, in the dsp family: four channels
 * of a cell at a time. What the windows of a stretch see is copied first, by column, so that
 * a window is nine words one behind the other, borders included: of a column two words of
 * two channels in the first two kernel rows, and a word of the third row. The products of
 * two taps are made at once.
 *
 * In place: all that a stretch overwrites for its channels has been read before.
 */
#include <stddef.h>

#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "depthwise.h"

#if TFLM_PATCH_HAS_CELLS

#include "arith.h"
#include "assembly.h"

#define CHANNELS TFLM_PATCH_DEPTHWISE_CHANNELS
#define KERNEL 3u

typedef struct {
  int8_t* output;                             /* 0 */
  uint32_t pitch;                             /* 4: of the output's cells */
  uint32_t step;                              /* 8: from a window to the next one, in bytes */
  const uint32_t* end;                        /* 12: where the windows end */
  const uint32_t* cells;                      /* 16 */
  const tflm_patch_cell_constants* constants; /* 20 */
} cell_job;

_Static_assert(offsetof(tflm_patch_cell_constants, pairs) == 16, "assembly");
_Static_assert(offsetof(tflm_patch_cell_constants, last) == 80, "assembly");
_Static_assert(offsetof(tflm_patch_cell_constants, scaling) == 88, "assembly");
_Static_assert(sizeof(tflm_patch_cell_constants) == 136, "assembly");
_Static_assert(offsetof(cell_job, constants) == 20, "assembly");

/* clang-format off */
/* Two taps with their weights, at an offset of the constants, from words of two channels
 * of both each, or from words of four channels of a tap each, which PAIR makes such. */
#define TWO_TAPS(first, second, a, b, c, d, PAIR) \
  "ldr r6, [r12, #" first "]\n\t" \
  "ldr r7, [r12, #" second "]\n\t" \
  "ldr r8, [lr, #" a "]\n\t" \
  "ldr r9, [lr, #" b "]\n\t" \
  "ldr r10, [lr, #" c "]\n\t" \
  "ldr r11, [lr, #" d "]\n\t" \
  PAIR \
  "sxtb16 r4, r6\n\t" \
  "sxtb16 r6, r6, ror #8\n\t" \
  "sxtb16 r5, r7\n\t" \
  "sxtb16 r7, r7, ror #8\n\t" \
  "smlad r0, r4, r8, r0\n\t" \
  "smlad r1, r6, r9, r1\n\t" \
  "smlad r2, r5, r10, r2\n\t" \
  "smlad r3, r7, r11, r3\n\t"

#define PAIR_TAPS \
  "pkhtb r4, r7, r6, asr #16\n\t" \
  "pkhbt r6, r6, r7, lsl #16\n\t" \
  "mov r7, r4\n\t"

/* Twice two sums to bytes; see tflm_patch_scale_doubled. */
#define TO_BYTES(first, second, at) \
  "ldr r4, [lr, #" at "]\n\t" \
  "ldr r5, [lr, #" at " + 4]\n\t" \
  "ldr r6, [lr, #" at " + 8]\n\t" \
  "ldr r7, [lr, #" at " + 12]\n\t" \
  "ldr r8, [lr, #" at " + 16]\n\t" \
  "ldr r9, [lr, #" at " + 20]\n\t" \
  "smmulr " first ", " first ", r4\n\t" \
  "smmulr " second ", " second ", r7\n\t" \
  "add r4, r5, " first ", asr #31\n\t" \
  "add r7, r8, " second ", asr #31\n\t" \
  "add " first ", " first ", r4\n\t" \
  "add " second ", " second ", r7\n\t" \
  "asr " first ", " first ", r6\n\t" \
  "asr " second ", " second ", r9\n\t" \
  "ssat " first ", #8, " first "\n\t" \
  "ssat " second ", #8, " second "\n\t"
/* clang-format on */

/* Makes the cells of all windows. Bytes are not clamped. */
static TFLM_PATCH_ASSEMBLY void make_cells(const cell_job* j __attribute__((unused))) {
  /* r0-r3 sums, r12 the window, lr constants; output, pitch, step and end on the stack. */
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "ldmia r0, {r4, r5, r6, r7, r12, lr}\n\t"
      "push {r4, r5, r6, r7}\n"
      "1:\n\t"
      "ldr r0, [lr]\n\t"
      "ldr r1, [lr, #4]\n\t"
      "ldr r2, [lr, #8]\n\t"
      "ldr r3, [lr, #12]\n\t" /* the next group of loads follows */
      TWO_TAPS("0", "4", "16", "20", "24", "28", "")
      TWO_TAPS("12", "16", "32", "36", "40", "44", "")
      TWO_TAPS("24", "28", "48", "52", "56", "60", "")
      TWO_TAPS("8", "20", "64", "68", "72", "76", PAIR_TAPS)
      "ldr r4, [r12, #32]\n\t"
      "ldr r8, [lr, #80]\n\t"
      "ldr r9, [lr, #84]\n\t"
      "sxtb16 r6, r4\n\t"
      "sxtb16 r7, r4, ror #8\n\t"
      "smlabb r0, r6, r8, r0\n\t"
      "smlabb r1, r7, r9, r1\n\t"
      "smlatt r2, r6, r8, r2\n\t"
      "smlatt r3, r7, r9, r3\n\t"
      TO_BYTES("r0", "r1", "88") TO_BYTES("r2", "r3", "112")
      "ldr r4, [sp]\n\t"
      "ldr r5, [sp, #4]\n\t"
      "ldr r6, [sp, #8]\n\t"
      "ldr r7, [sp, #12]\n\t"
      "add r12, r12, r6\n\t"
      "strb r0, [r4]\n\t"
      "strb r1, [r4, #1]\n\t"
      "strb r2, [r4, #2]\n\t"
      "strb r3, [r4, #3]\n\t"
      "add r4, r4, r5\n\t"
      "cmp r12, r7\n\t"
      "str r4, [sp]\n\t"
      "bne 1b\n\t"
      "add sp, sp, #16\n\t"
      "pop {r4-r11, pc}\n\t");
}

/* The scaling of four channels; whether all have a shift for the short way to bytes. */
static int find_scalings(const tflm_patch_requant_args* requant, uint32_t channel,
                         tflm_patch_cell_constants* constants) {
  const uint32_t step = requant->channel_step;
  const int32_t* multipliers = requant->multipliers + channel * step;
  const int8_t* shifts = requant->shifts + channel * step;
  const int32_t round_unit = 2 * requant->output_zero_point + 1;
  for (uint32_t i = 0; i < CHANNELS; ++i) {
    const int32_t shift = *shifts;
    if (!tflm_patch_is_scaling_shift(shift)) {
      return 0;
    }
    constants->scaling[i].multiplier = *multipliers;
    constants->scaling[i].round = (int32_t)((uint32_t)round_unit << (-1 - shift));
    constants->scaling[i].exponent = -shift;
    multipliers += step;
    shifts += step;
  }
  return 1;
}

/* Twice the weights of two taps. */
static inline void put_pair(uint32_t to[CHANNELS], uint32_t a, uint32_t b) {
  const uint32_t low = tflm_patch_low_halves(a, b);
  const uint32_t high = tflm_patch_high_halves(a, b);
  to[0] = tflm_patch_twice_halves(tflm_patch_even_bytes(low));
  to[1] = tflm_patch_twice_halves(tflm_patch_odd_bytes(low));
  to[2] = tflm_patch_twice_halves(tflm_patch_even_bytes(high));
  to[3] = tflm_patch_twice_halves(tflm_patch_odd_bytes(high));
}

static void find_weights(const tflm_patch_depthwise_conv_args* args, uint32_t channel,
                         uint32_t channels, tflm_patch_cell_constants* constants) {
  const int32_t* bias = args->bias + channel;
  const int8_t* top = args->weights + channel;
  const int8_t* middle = top + 3 * channels;
  const int8_t* bottom = middle + 3 * channels;
  for (uint32_t i = 0; i < CHANNELS; ++i) {
    constants->bias[i] = (int32_t)(2u * (uint32_t)bias[i]);
  }
  for (uint32_t i = 0; i < KERNEL; ++i) {
    put_pair(constants->pairs[i], tflm_patch_load_word(top), tflm_patch_load_word(middle));
    top += channels;
    middle += channels;
  }
  put_pair(constants->pairs[3], tflm_patch_load_word(bottom),
           tflm_patch_load_word(bottom + channels));
  const uint32_t last = tflm_patch_load_word(bottom + 2 * channels);
  constants->last[0] = tflm_patch_twice_halves(tflm_patch_even_bytes(last));
  constants->last[1] = tflm_patch_twice_halves(tflm_patch_odd_bytes(last));
}

static uint32_t* put_outside(uint32_t* to, const uint32_t* end, uint32_t outside) {
  for (; to != end; to += KERNEL) {
    to[0] = outside;
    to[1] = outside;
    to[2] = outside;
  }
  return to;
}

/* n columns of the three kernel rows. */
static void copy_columns(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                         uint32_t n) {
  const tflm_patch_columns* columns = &s->columns[0];
  const uint32_t end = columns->inside.end < n ? columns->inside.end : n;
  const uint32_t first = columns->inside.first < end ? columns->inside.first : end;
  uint32_t* to = put_outside(s->buffer, s->buffer + KERNEL * first, d->outside);
  const uint32_t* copied = s->buffer + KERNEL * end;
  const int8_t* a = tflm_patch_find_cells(d, s, columns, 0);
  const int8_t* b = tflm_patch_find_cells(d, s, columns, 1);
  const int8_t* c = tflm_patch_find_cells(d, s, columns, 2);
  const uint32_t a_step = d->step[0];
  const uint32_t b_step = d->step[1];
  const uint32_t c_step = d->step[2];
  for (; to != copied; to += KERNEL) {
    const uint32_t top = tflm_patch_load_word(a);
    const uint32_t middle = tflm_patch_load_word(b);
    const uint32_t bottom = tflm_patch_load_word(c);
    to[0] = tflm_patch_low_halves(top, middle);
    to[1] = tflm_patch_high_halves(top, middle);
    to[2] = bottom;
    a += a_step;
    b += b_step;
    c += c_step;
  }
  (void)put_outside(to, s->buffer + KERNEL * n, d->outside);
}

uint32_t tflm_patch_max_cells_3x3(uint32_t stride, uint32_t words) {
  return (CHANNELS * words / KERNEL - KERNEL) / stride + 1;
}

int tflm_patch_find_cell_constants(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                                   tflm_patch_cell_constants* constants) {
  const uint32_t channel = s->channel - s->back;
  if (!find_scalings(&d->args->requant, channel, constants)) {
    return 0;
  }
  find_weights(d->args, channel, d->channels, constants);
  return 1;
}

void tflm_patch_make_cells_3x3(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                               const tflm_patch_cell_constants* constants, int8_t* output) {
  const uint32_t stride = d->args->window.stride_w;
  copy_columns(d, s, (s->n - 1) * stride + KERNEL);
  const uint32_t step = KERNEL * stride;
  cell_job job = {
      .output = output,
      .pitch = d->channels,
      .step = step * sizeof(uint32_t),
      .end = s->buffer + s->n * step,
      .cells = s->buffer,
      .constants = constants,
  };
  if (s->back == 0) {
    make_cells(&job);
    return;
  }
  /* Over windows that were read. */
  const int8_t* made = (const int8_t*)s->buffer + s->back;
  job.output = (int8_t*)s->buffer;
  job.pitch = CHANNELS;
  make_cells(&job);
  for (uint32_t n = s->n; n != 0; --n) {
    for (uint32_t i = 0; i < s->n_channels; ++i) {
      output[i] = made[i];
    }
    made += CHANNELS;
    output += d->channels;
  }
}

#endif /* TFLM_PATCH_HAS_CELLS */

#endif /* TFLM_PATCH_IS_DSP */
