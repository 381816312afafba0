/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two rows of few columns of 3 x 3 depthwise convolutions, one behind the other, in the dsp
 * family: two channels of a cell of both rows at a time. What the windows see is copied
 * first, four channels of a column after the other, borders included: of the four input rows
 * the upper two are in one word, the lower two in another one. A row takes two products at
 * once from its own pair, and one from the other's.
 *
 * In place: all that the rows overwrite for their channels has been read before.
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
#define COLUMN 4u /* words: those of the first two channels, those of the others */

typedef struct {
  int8_t* output;          /* 0: of the first row */
  uint32_t pitch;          /* 4: of the output's cells */
  int32_t second;          /* 8: the second row's output behind the first's */
  uint32_t step;           /* 12: from a window to the next one, in bytes */
  const uint32_t* end;     /* 16: where the windows end */
  const uint32_t* windows; /* 20 */
  const tflm_patch_row_pair_constants* constants; /* 24 */
} pair_job;

_Static_assert(offsetof(tflm_patch_row_pair_constants, weights) == 8, "assembly");
_Static_assert(offsetof(tflm_patch_row_pair_constants, scaling) == 56, "assembly");
_Static_assert(sizeof(tflm_patch_row_pair_constants) == 80, "assembly");
_Static_assert(offsetof(pair_job, constants) == 24, "assembly");

/* clang-format off */
/* A column of the windows and its weights to r4 to r9. */
#define LOAD(upper, lower, a, b, c, d) \
  "ldr r4, [r12, #" upper "]\n\t" \
  "ldr r5, [r12, #" lower "]\n\t" \
  "ldr r6, [lr, #" a "]\n\t" \
  "ldr r7, [lr, #" b "]\n\t" \
  "ldr r8, [lr, #" c "]\n\t" \
  "ldr r9, [lr, #" d "]\n\t"

/* r0 and r1 the sums of the first channel in both rows, r2 and r3 of the second one. */
#define PRODUCTS \
  "sxtb16 r10, r4\n\t" \
  "sxtb16 r11, r5\n\t" \
  "sxtb16 r4, r4, ror #8\n\t" \
  "sxtb16 r5, r5, ror #8\n\t" \
  "smlad r0, r10, r6, r0\n\t" \
  "smlad r1, r11, r7, r1\n\t" \
  "smlad r2, r4, r8, r2\n\t" \
  "smlad r3, r5, r9, r3\n\t" \
  "smlabt r0, r11, r7, r0\n\t" \
  "smlatb r1, r10, r6, r1\n\t" \
  "smlabt r2, r5, r9, r2\n\t" \
  "smlatb r3, r4, r8, r3\n\t"

/* Steps of tflm_patch_scale_doubled. */
#define MULTIPLY(sum, multiplier) "smmulr " sum ", " sum ", " multiplier "\n\t"
#define ROUND(to, round, sum) "add " to ", " round ", " sum ", asr #31\n\t"
#define ADD(sum, rounded) "add " sum ", " sum ", " rounded "\n\t"
#define TO_BYTE(sum, exponent) \
  "asr " sum ", " sum ", " exponent "\n\t" \
  "ssat " sum ", #8, " sum "\n\t"
/* clang-format on */

/* Makes two channels of the cells of all windows. Bytes are not clamped. */
static TFLM_PATCH_ASSEMBLY void make_pairs(const pair_job* j __attribute__((unused))) {
  /* r12 the window, lr constants; output, pitch, second, step and end on the stack. */
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "ldmia r0, {r4, r5, r6, r7, r8, r12, lr}\n\t"
      "push {r4, r5, r6, r7, r8}\n"
      "1:\n\t"
      "ldr r0, [lr]\n\t"
      "ldr r2, [lr, #4]\n\t"
      LOAD("0", "4", "8", "12", "16", "20")
      "mov r1, r0\n\t"
      "mov r3, r2\n\t"
      PRODUCTS
      LOAD("16", "20", "24", "28", "32", "36") PRODUCTS
      LOAD("32", "36", "40", "44", "48", "52") PRODUCTS
      "ldr r4, [lr, #56]\n\t"
      "ldr r5, [lr, #60]\n\t"
      "ldr r6, [lr, #64]\n\t"
      "ldr r7, [lr, #68]\n\t"
      "ldr r8, [lr, #72]\n\t"
      "ldr r9, [lr, #76]\n\t"
      MULTIPLY("r0", "r4") MULTIPLY("r1", "r4") MULTIPLY("r2", "r7") MULTIPLY("r3", "r7")
      ROUND("r4", "r5", "r0") ROUND("r10", "r5", "r1")
      ROUND("r7", "r8", "r2") ROUND("r11", "r8", "r3")
      ADD("r0", "r4") ADD("r1", "r10") ADD("r2", "r7") ADD("r3", "r11")
      TO_BYTE("r0", "r6") TO_BYTE("r1", "r6") TO_BYTE("r2", "r9") TO_BYTE("r3", "r9")
      "ldr r4, [sp]\n\t"
      "ldr r5, [sp, #4]\n\t"
      "ldr r6, [sp, #8]\n\t"
      "ldr r7, [sp, #12]\n\t"
      "ldr r8, [sp, #16]\n\t"
      "add r6, r6, r4\n\t"
      "add r12, r12, r7\n\t"
      "strb r1, [r6]\n\t"
      "strb r3, [r6, #1]\n\t"
      "strb r0, [r4]\n\t"
      "strb r2, [r4, #1]\n\t"
      "add r4, r4, r5\n\t"
      "cmp r12, r8\n\t"
      "str r4, [sp]\n\t"
      "bne 1b\n\t"
      "add sp, sp, #20\n\t"
      "pop {r4-r11, pc}\n\t");
}

/* Twice the weights of two rows of a column, a above. */
static void put_weights(tflm_patch_row_pair_constants to[2], uint32_t column, uint32_t which,
                        uint32_t a, uint32_t b) {
  const uint32_t low = tflm_patch_low_halves(a, b);
  const uint32_t high = tflm_patch_high_halves(a, b);
  to[0].weights[column][0][which] = tflm_patch_twice_halves(tflm_patch_even_bytes(low));
  to[0].weights[column][1][which] = tflm_patch_twice_halves(tflm_patch_odd_bytes(low));
  to[1].weights[column][0][which] = tflm_patch_twice_halves(tflm_patch_even_bytes(high));
  to[1].weights[column][1][which] = tflm_patch_twice_halves(tflm_patch_odd_bytes(high));
}

int tflm_patch_find_row_pair_constants(const tflm_patch_depthwise_row* d, uint32_t channel,
                                       tflm_patch_row_pair_constants constants[2]) {
  const tflm_patch_requant_args* requant = &d->args->requant;
  const int8_t* weights = d->args->weights + channel;
  const uint32_t row = KERNEL * d->channels;
  for (uint32_t i = 0; i < CHANNELS; ++i) {
    const uint32_t at = (channel + i) * requant->channel_step;
    const int32_t shift = requant->shifts[at];
    if (!tflm_patch_is_scaling_shift(shift)) {
      return 0;
    }
    const tflm_patch_scaling found =
        tflm_patch_find_scaling(requant->multipliers[at], shift, requant->output_zero_point);
    tflm_patch_row_pair_constants* to = &constants[i / 2];
    to->bias[i % 2] = (int32_t)(2u * (uint32_t)d->args->bias[channel + i]);
    to->scaling[i % 2].multiplier = found.multiplier;
    to->scaling[i % 2].round = found.round;
    to->scaling[i % 2].exponent = found.exponent;
  }
  for (uint32_t i = 0; i < KERNEL; ++i) {
    const uint32_t middle = tflm_patch_load_word(weights + row);
    put_weights(constants, i, 0, tflm_patch_load_word(weights), middle);
    put_weights(constants, i, 1, middle, tflm_patch_load_word(weights + 2 * row));
    weights += d->channels;
  }
  return 1;
}

static uint32_t* put_outside(uint32_t* to, uint32_t n, uint32_t outside) {
  for (; n != 0; --n) {
    to[0] = outside;
    to[1] = outside;
    to[2] = outside;
    to[3] = outside;
    to += COLUMN;
  }
  return to;
}

/* A word of each of four rows. */
typedef struct {
  const int8_t* at[4];
  uint32_t step[4]; /* to the next column's; 0 for rows outside the map */
} four_rows;

static inline void set_row(four_rows* f, uint32_t i, const tflm_patch_row_of_cells* row,
                           uint32_t kernel_row, uint32_t first) {
  f->step[i] = row->step[kernel_row];
  f->at[i] = row->cells[kernel_row] + (f->step[i] != 0 ? first : 0);
}

/* n columns of them; returns where they end. */
static uint32_t* copy_columns(const four_rows* f, uint32_t n, uint32_t* to) {
  const int8_t* a = f->at[0];
  const int8_t* b = f->at[1];
  const int8_t* c = f->at[2];
  const int8_t* d = f->at[3];
  for (uint32_t* end = to + COLUMN * n; to != end; to += COLUMN) {
    const uint32_t words[4] = {tflm_patch_load_word(a), tflm_patch_load_word(b),
                               tflm_patch_load_word(c), tflm_patch_load_word(d)};
    to[0] = tflm_patch_low_halves(words[0], words[1]);
    to[1] = tflm_patch_low_halves(words[2], words[3]);
    to[2] = tflm_patch_high_halves(words[0], words[1]);
    to[3] = tflm_patch_high_halves(words[2], words[3]);
    a += f->step[0];
    b += f->step[1];
    c += f->step[2];
    d += f->step[3];
  }
  return to;
}

uint32_t tflm_patch_max_row_pair_cells(uint32_t stride, uint32_t words) {
  const uint32_t columns = CHANNELS * words / COLUMN;
  return columns < KERNEL ? 0 : (columns - KERNEL) / stride + 1;
}

void tflm_patch_make_row_pairs(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                               const tflm_patch_row_pair_constants constants[2],
                               const tflm_patch_row_of_cells* rows, uint32_t count) {
  const uint32_t stride = d->args->window.stride_w;
  const tflm_patch_columns* columns = &s->columns[0];
  const uint32_t n = (s->n - 1) * stride + KERNEL;
  const uint32_t end = columns->inside.end < n ? columns->inside.end : n;
  const uint32_t left = columns->inside.first < end ? columns->inside.first : end;
  const uint32_t first = (uint32_t)(columns->first + (int32_t)left) * d->channels + s->channel;
  uint32_t* windows = s->buffer;
  pair_job job = {
      .pitch = d->channels,
      .step = COLUMN * stride * sizeof(uint32_t),
  };
  for (; count != 0; count -= 2) {
    four_rows f;
    set_row(&f, 0, &rows[0], 0, first);
    set_row(&f, 1, &rows[0], 1, first);
    set_row(&f, 2, &rows[0], 2, first);
    set_row(&f, 3, &rows[1], 2, first);
    uint32_t* to = put_outside(windows, left, d->outside);
    to = copy_columns(&f, end - left, to);
    (void)put_outside(to, n - end, d->outside);
    job.output = rows[0].output + s->channel;
    job.second = (int32_t)((uintptr_t)rows[1].output - (uintptr_t)rows[0].output);
    job.windows = windows;
    job.end = windows + s->n * COLUMN * stride;
    job.constants = &constants[0];
    make_pairs(&job);
    job.output += 2;
    job.windows += 2;
    job.end += 2;
    job.constants = &constants[1];
    make_pairs(&job);
    rows += 2;
  }
}

#endif /* TFLM_PATCH_HAS_CELLS */

#endif /* TFLM_PATCH_IS_DSP */
