/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stretches of 3 x 3 depthwise convolutions, in the dsp family: first the products of two
 * kernel rows, from words of their values by column, then those of the third, from
 * words of two columns, and the bytes.
 *
 * In place: all that a stretch overwrites for its channels has been read before.
 */
#include <stddef.h>

#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "arith.h"
#include "assembly.h"
#include "depthwise.h"
#include "planes.h"

#define CHANNELS TFLM_PATCH_DEPTHWISE_CHANNELS
#define KERNEL 3u

/* Some channels of a stretch of n >= 1 output columns. The assembly knows where the
 * members lie. */
typedef struct {
  const uint32_t* weights;    /* 0: of the next channel: twice (w00, w10), (w01, w11),
                                 (w02, w12), (w20, w21), (w21, w22) */
  uint32_t* rows;             /* 4: words of the values of the first two kernel rows,
                                 by column; the sums take their place */
  const uint32_t* row;        /* 8: words of two columns of the third kernel row */
  int8_t* output;             /* 12 */
  const int32_t* bias;        /* 16: of the next channel */
  const int32_t* multipliers; /* 20 */
  const int8_t* shifts;       /* 24 */
  uint32_t step;              /* 28: of the multipliers, in bytes */
  int32_t round_unit;         /* 32: see tflm_patch_find_scaling */
  uint32_t n;                 /* 36 */
  uint32_t pitch;             /* 40: of the output's columns */
  uint32_t plane_bytes;       /* 44: from a channel's rows and row to the next one's */
  uint32_t channels;          /* 48: that are left */
  uint32_t slow;              /* 52: bits of channels with another shift, by how many were
                                 left */
  tflm_patch_scaling scaling; /* 56: of the channel at work: round, multiplier,
                                 exponent */
  uint32_t is_stride_2;       /* 68 */
} stretch_3x3;

_Static_assert(offsetof(stretch_3x3, output) == 12, "assembly");
_Static_assert(offsetof(stretch_3x3, shifts) == 24, "assembly");
_Static_assert(offsetof(stretch_3x3, n) == 36, "assembly");
_Static_assert(offsetof(stretch_3x3, channels) == 48, "assembly");
_Static_assert(offsetof(stretch_3x3, scaling) == 56, "assembly");
_Static_assert(offsetof(stretch_3x3, is_stride_2) == 68, "assembly");

/* clang-format off */
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
 * r7 whether the stride is 2, r12 the columns, lr the job; to 8 with a shift that is not for the short way. */
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
  "cmp r10, #23\n\t"                          \
  "bhs 8f\n\t"                                \
  "lsl r8, r8, r10\n\t"                       \
  "add r10, r10, #1\n\t"                      \
  "add r12, lr, #56\n\t"                      \
  "stmia r12, {r8, r9, r10}\n\t"              \
  "lsl r3, r3, #1\n\t"                        \
  "ldr r7, [lr, #68]\n\t"                     \
  "ldrd r4, r2, [lr]\n\t"                     \
  "ldr r12, [lr, #36]\n\t"                    \
  "ldmia r4, {r4, r5, r6}\n\t"

/* The bytes of two columns at a time: r11 the third row, r2 the sums, r12 two less than
 * the columns that are left. An odd last column is made twice, both at its place. */
#define PUT_CHANNEL(label, THIRD_ROW)  \
  "subs r12, r12, #2\n\t"               \
  "blt 4f\n"                            \
  label ":\n\t" THIRD_ROW               \
  TO_BYTE("r0")                         \
  TO_BYTE("r1")                         \
  "strb r1, [lr, r3]\n\t"               \
  "strb r0, [lr]\n\t"                   \
  "add lr, lr, r3, lsl #1\n\t"          \
  "subs r12, r12, #2\n\t"               \
  "bge " label "b\n"                    \
  "4:\n\t"                              \
  "cmn r12, #1\n\t"                     \
  "itt eq\n\t"                          \
  "moveq r3, #0\n\t"                    \
  "beq " label "b\n\t"
/* clang-format on */

/* Makes the channels but slow ones. n is rounded up to an even number for reading: rows
 * has two (stride 1) or one (stride 2) words more than stride * n, row one more than half
 * as many. Values are not clamped to less than int8. */
static TFLM_PATCH_ASSEMBLY void make_channels(stretch_3x3* s __attribute__((unused))) {
  __asm__ volatile(
      "push {r0, r4-r11, lr}\n"
      NEXT_CHANNEL
      "cbnz r7, 11f\n\t"
      "ldrd r7, r8, [r2]\n"
      "1:\n\t" TWO_SUMS("r7", "r8", "r9", "r10")
      "ble 2f\n\t" TWO_SUMS("r9", "r10", "r7", "r8")
      "bgt 1b\n\t"
      "b 2f\n"
      "11:\n\t"
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
      "bgt 1b\n"
      "2:\n\t"
      "ldmia lr, {r4, r8, r11}\n\t"
      "mov r2, r8\n\t"
      "ldrd r12, r3, [lr, #36]\n\t"
      "ldrd r6, r9, [lr, #56]\n\t"
      "ldrd r10, r7, [lr, #64]\n\t"
      "ldrd r4, r5, [r4, #12]\n\t"
      "ldr lr, [lr, #12]\n\t"
      "ldr r8, [r11], #4\n\t"
      "cbnz r7, 13f\n\t"
      PUT_CHANNEL("3", "mov r7, r8\n\t"
                       "ldr r8, [r11], #4\n\t"
                       "ldrd r0, r1, [r2], #8\n\t"
                       "smlad r0, r7, r4, r0\n\t"
                       "smlatb r1, r7, r4, r1\n\t"
                       "smlabt r0, r8, r5, r0\n\t"
                       "smlad r1, r8, r5, r1\n\t")
      "b 6f\n"
      "13:\n\t"
      PUT_CHANNEL("3", "mov r7, r8\n\t"
                       "ldrd r0, r1, [r2], #8\n\t"
                       "smlad r0, r7, r4, r0\n\t"
                       "ldr r7, [r11], #4\n\t"
                       "ldr r8, [r11], #4\n\t"
                       "smlabt r0, r7, r5, r0\n\t"
                       "smlad r1, r7, r4, r1\n\t"
                       "smlabt r1, r8, r5, r1\n\t")
      "6:\n\t"
      "ldr lr, [sp]\n"
      "7:\n\t"
      "ldmia lr, {r4, r5, r6, r7}\n\t"
      "ldrd r8, r9, [lr, #44]\n\t"
      "add r4, r4, #20\n\t"
      "add r5, r5, r8\n\t"
      "add r6, r6, r8\n\t"
      "add r7, r7, #1\n\t"
      "stmia lr, {r4, r5, r6, r7}\n\t"
      "subs r9, r9, #1\n\t"
      "str r9, [lr, #48]\n\t"
      "bne 5b\n\t"
      "pop {r0, r4-r11, pc}\n"
      "8:\n\t"
      "ldrd r0, r1, [lr, #48]\n\t"
      "movs r2, #1\n\t"
      "lsls r2, r2, r0\n\t"
      "orrs r1, r1, r2\n\t"
      "str r1, [lr, #52]\n\t"
      "b 7b\n\t");
}

/* ---- stretches ---- */

void tflm_patch_find_columns_3x3(const tflm_patch_depthwise_row* d, tflm_patch_stretch* s) {
  const tflm_patch_window* window = &d->args->window;
  tflm_patch_columns* c = &s->columns[0];
  c->first = tflm_patch_first_col(window, s->first);
  c->step = 1;
  c->n = (((s->n + 1) & ~1u) * window->stride_w + KERNEL) & ~1u;
  c->inside = tflm_patch_taps_inside(c->first, c->n, 1, d->in_cols);
}

/* Columns of the last kernel row, two in a word. */
static void pair_cols(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                      uint32_t* to) {
  const tflm_patch_columns* columns = &s->columns[0];
  const uint32_t step = d->step[KERNEL - 1];
  const uint32_t left = columns->inside.first;
  const uint32_t* end = to + columns->n / 2;
  const int8_t* cell = tflm_patch_find_cells(d, s, columns, KERNEL - 1);
  uint32_t inside = columns->inside.end - left;
  if (left > 1) {
    tflm_patch_put_outside(d, s, to, left / 2);
    to += left / 2;
  }
  if (left % 2 != 0 && inside != 0) {
    tflm_patch_put_pairs(to++, s->pitch, d->outside, tflm_patch_load_word(cell));
    cell += step;
    --inside;
  }
  if (inside >= 2) {
    tflm_patch_pair_words(to, s->pitch * sizeof(uint32_t), cell, cell + step, 2 * step, 2 * step,
                          inside / 2);
    to += inside / 2;
    cell += (inside & ~1u) * step;
  }
  if (inside % 2 != 0) {
    tflm_patch_put_pairs(to++, s->pitch, tflm_patch_load_word(cell), d->outside);
  }
  if (to != end) {
    tflm_patch_put_outside(d, s, to, (uint32_t)(end - to));
  }
}

/* tflm_patch_put_pairs of twice the values, five words apart. */
static inline void put_pairs_twice(uint32_t* to, uint32_t a, uint32_t b) {
  const uint32_t low = tflm_patch_low_halves(a, b);
  const uint32_t high = tflm_patch_high_halves(a, b);
  to[0] = tflm_patch_twice_halves(tflm_patch_even_bytes(low));
  to[5] = tflm_patch_twice_halves(tflm_patch_odd_bytes(low));
  to[10] = tflm_patch_twice_halves(tflm_patch_even_bytes(high));
  to[15] = tflm_patch_twice_halves(tflm_patch_odd_bytes(high));
}

/* The weights, by channel: see stretch_3x3. */
static void pair_weights(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                         uint32_t words[CHANNELS * 5]) {
  const uint32_t channels = d->channels;
  const int8_t* w = d->args->weights + s->channel - s->back;
  uint32_t taps[9];
  for (uint32_t i = 0; i < 9; ++i) {
    taps[i] = tflm_patch_load_word(w);
    w += channels;
  }
  for (uint32_t j = 0; j < 3; ++j) {
    put_pairs_twice(words + j, taps[j], taps[3 + j]);
  }
  put_pairs_twice(words + 3, taps[6], taps[7]);
  put_pairs_twice(words + 4, taps[7], taps[8]);
}

uint32_t tflm_patch_make_stretch_3x3(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                                     int8_t* output) {
  const tflm_patch_depthwise_conv_args* args = d->args;
  const tflm_patch_requant_args* requant = &args->requant;
  const tflm_patch_columns* columns = &s->columns[0];
  const uint32_t at = s->channel * requant->channel_step;
  uint32_t* rows = s->buffer + s->back * s->pitch;
  uint32_t words[CHANNELS * 5];
  tflm_patch_pair_rows(d, s, columns, 0, 1, s->buffer);
  pair_cols(d, s, s->buffer + columns->n);
  pair_weights(d, s, words);
  stretch_3x3 job = {
      .weights = words + 5 * s->back,
      .rows = rows,
      .row = rows + columns->n,
      .output = output,
      .bias = args->bias + s->channel,
      .multipliers = requant->multipliers + at,
      .shifts = requant->shifts + at,
      .step = requant->channel_step * sizeof(int32_t),
      .round_unit = 2 * requant->output_zero_point + 1,
      .n = s->n,
      .pitch = d->channels,
      .plane_bytes = s->pitch * sizeof(uint32_t),
      .channels = s->n_channels,
      .is_stride_2 = args->window.stride_w == 2,
  };
  make_channels(&job);
  return job.slow;
}

#endif /* TFLM_PATCH_IS_DSP */
