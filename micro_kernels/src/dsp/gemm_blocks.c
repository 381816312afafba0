/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * GEMM micro-kernels of the dsp family for many pixels: tiles of three or two pixels by two
 * channels, with weights that are widened once for all tiles. Unpacking them takes 13 cycles
 * for four taps, and the products of a tile of three 24 instead of 28: the fourth tile pays.
 */
#include <stddef.h>

#include "../family.h"

#if TFLM_PATCH_HAS_OWN_CONV_BLOCKS && !defined(__OPTIMIZE_SIZE__)

#include "arith.h"
#include "assembly.h"
#include "gemm_blocks.h"

#define UNUSED __attribute__((unused))

/* Two channels of rows of tiles. Passed by value behind four other arguments: it lies on the
 * stack, where the assembly finds the members at the offsets that follow. */
typedef struct {
  const uint32_t* weights_end;   /* 0 */
  int32_t bias[2];               /* 4 */
  tflm_patch_scaling scaling[2]; /* 12: with twice the multiplier */
  uint32_t pixel;                /* 36 */
  uint32_t channels;             /* 40 */
  int32_t values_skip;           /* 44: from behind a tile's first pixel to the next tile */
  uint32_t tiles;                /* 48: of a row */
  uint32_t rows;                 /* 52 */
  int32_t row_values;            /* 56: from behind a row to the next one */
  int32_t row_output;            /* 60 */
} rows_job;

_Static_assert(offsetof(rows_job, bias) == 4 && offsetof(rows_job, scaling) == 12, "assembly");
_Static_assert(sizeof(tflm_patch_scaling) == 12, "assembly");
_Static_assert(offsetof(tflm_patch_scaling, multiplier) == 4, "assembly");
_Static_assert(offsetof(tflm_patch_scaling, exponent) == 8, "assembly");
_Static_assert(offsetof(rows_job, pixel) == 36 && offsetof(rows_job, values_skip) == 44,
               "assembly");
_Static_assert(offsetof(rows_job, tiles) == 48 && offsetof(rows_job, row_output) == 60, "assembly");

/* clang-format off */
/* Half of four taps of three pixels: r0-r2 the first channel's sums, r3-r5 the second's, r11
 * values, r12 weights, lr from a pixel to the next one. */
#define HALF_OF_THREE \
  "ldr r7, [r12, #4]\n\t" \
  "ldr r6, [r12], #8\n\t" \
  "ldr r9, [r11, lr]\n\t" \
  "ldr r10, [r11, lr, lsl #1]\n\t" \
  "ldr r8, [r11], #4\n\t" \
  "smlad r1, r6, r9, r1\n\t" \
  "smlad r2, r6, r10, r2\n\t" \
  "smlad r0, r6, r8, r0\n\t" \
  "smlad r3, r7, r8, r3\n\t" \
  "smlad r4, r7, r9, r4\n\t" \
  "smlad r5, r7, r10, r5\n\t"
#define QUAD_OF_THREE HALF_OF_THREE HALF_OF_THREE
#define QUAD_OF_THREE_BYTES 88u

/* Likewise of two: r0 and r1, r3 and r4. */
#define HALF_OF_TWO \
  "ldr r7, [r12, #4]\n\t" \
  "ldr r6, [r12], #8\n\t" \
  "ldr r9, [r11, lr]\n\t" \
  "ldr r8, [r11], #4\n\t" \
  "smlad r1, r6, r9, r1\n\t" \
  "smlad r0, r6, r8, r0\n\t" \
  "smlad r3, r7, r8, r3\n\t" \
  "smlad r4, r7, r9, r4\n\t"
#define QUAD_OF_TWO HALF_OF_TWO HALF_OF_TWO
#define QUAD_OF_TWO_BYTES 64u

/* Threes are what most time goes into. */
#define QUADS_OF_TWO QUAD_OF_TWO QUAD_OF_TWO QUAD_OF_TWO QUAD_OF_TWO
#define N_QUADS_OF_TWO 4u
#define QUADS_OF_THREE \
  QUAD_OF_THREE QUAD_OF_THREE QUAD_OF_THREE QUAD_OF_THREE \
  QUAD_OF_THREE QUAD_OF_THREE QUAD_OF_THREE QUAD_OF_THREE
#define N_QUADS_OF_THREE 8u

/* Where the job's members lie behind what is pushed. */
#define JOB(offset) "[sp, #52 + " #offset "]"

/* On the stack: weights, output of the tile at work, where the loop is entered, tiles that
 * are left of the row. */
#define START \
  "push {r4-r11, lr}\n\t" \
  "ldr r5, [sp, #36 + 48]\n\t" \
  "adr.w r4, 1f\n\t" \
  "add r3, r3, r4\n\t" \
  "push {r1, r2, r3, r5}\n\t" \
  "mov r11, r0\n\t" \
  "mov r9, r3\n\t" \
  "ldr lr, " JOB(36) "\n"

/* r9 is where the loop is entered. */
#define START_TILE(MORE) \
  "2:\n\t" \
  "ldr r12, [sp]\n\t" \
  "ldr r0, " JOB(4) "\n\t" \
  "ldr r3, " JOB(8) "\n\t" \
  MORE

#define FIRST_SCALING \
  "ldr r6, " JOB(12) "\n\t" \
  "ldr r7, " JOB(16) "\n\t" \
  "ldr r8, " JOB(20) "\n\t"

/* And the tile's output to r10. */
#define SECOND_SCALING \
  "ldr r6, " JOB(24) "\n\t" \
  "ldr r7, " JOB(28) "\n\t" \
  "ldr r8, " JOB(32) "\n\t" \
  "ldr r10, [sp, #4]\n\t"

/* To r6 the channels, to r7 tiles that are left, to r8 the skip, to r9 the loop. */
#define LOAD_NEXT \
  "ldr r6, " JOB(40) "\n\t" \
  "ldr r7, [sp, #12]\n\t" \
  "ldr r8, " JOB(44) "\n\t" \
  "ldr r9, [sp, #8]\n\t"

/* r10 is the next tile's output. */
#define END_TILE \
  "add r11, r11, r8\n\t" \
  "subs r7, r7, #1\n\t" \
  "str r7, [sp, #12]\n\t" \
  "str r10, [sp, #4]\n\t" \
  "bne 2b\n\t" \
  "ldr r6, " JOB(52) "\n\t" \
  "ldr r7, " JOB(56) "\n\t" \
  "ldr r8, " JOB(60) "\n\t" \
  "ldr r5, " JOB(48) "\n\t" \
  "add r11, r11, r7\n\t" \
  "add r10, r10, r8\n\t" \
  "subs r6, r6, #1\n\t" \
  "str r6, " JOB(52) "\n\t" \
  "str r5, [sp, #12]\n\t" \
  "str r10, [sp, #4]\n\t" \
  "bne 2b\n\t" \
  "add sp, sp, #16\n\t" \
  "pop {r4-r11, pc}\n\t"
/* clang-format on */

/* Tiles of three. `entry` is how many bytes behind its start the loop over the taps is entered.
 * Outputs are those of the first channel. */
static TFLM_PATCH_ASSEMBLY void make_threes(const uint32_t* values UNUSED,
                                            const uint32_t* weights UNUSED, int8_t* output UNUSED,
                                            uint32_t entry UNUSED, rows_job j UNUSED) {
  __asm__ volatile(START START_TILE("mov r1, r0\n\t"
                                    "mov r2, r0\n\t"
                                    "mov r4, r3\n\t"
                                    "mov r5, r3\n\t"
                                    "mov pc, r9\n")
                   ".balign 4\n"
                   "1:\n\t" QUADS_OF_THREE
                   "ldr r6, " JOB(0) "\n\t"
                   "cmp r12, r6\n\t"
                   "bne 1b\n\t"
                   FIRST_SCALING TFLM_PATCH_TO_BYTE("r0") TFLM_PATCH_TO_BYTE("r1") TFLM_PATCH_TO_BYTE("r2")
                   SECOND_SCALING TFLM_PATCH_TO_BYTE("r3") TFLM_PATCH_TO_BYTE("r4") TFLM_PATCH_TO_BYTE("r5")
                   LOAD_NEXT
                   TFLM_PATCH_STORE_OF_THREE END_TILE);
}

static TFLM_PATCH_ASSEMBLY void make_twos(const uint32_t* values UNUSED,
                                          const uint32_t* weights UNUSED, int8_t* output UNUSED,
                                          uint32_t entry UNUSED, rows_job j UNUSED) {
  __asm__ volatile(START START_TILE("ldr r10, " JOB(0) "\n\t"
                                    "mov r1, r0\n\t"
                                    "mov r4, r3\n\t"
                                    "mov pc, r9\n")
                   ".balign 4\n"
                   "1:\n\t" QUADS_OF_TWO
                   "cmp r12, r10\n\t"
                   "bne 1b\n\t"
                   FIRST_SCALING TFLM_PATCH_TO_BYTE("r0") TFLM_PATCH_TO_BYTE("r1")
                   SECOND_SCALING TFLM_PATCH_TO_BYTE("r3") TFLM_PATCH_TO_BYTE("r4")
                   LOAD_NEXT
                   TFLM_PATCH_STORE_OF_TWO END_TILE);
}

/* Channels that the short way to bytes is not for. */
static TFLM_PATCH_NOINLINE void make_slowly(const tflm_patch_block* b, uint32_t channel) {
  for (uint32_t i = 0; i < b->rows * b->cols; ++i) {
    const int32_t row = (int32_t)(i / b->cols);
    const uint32_t col = i % b->cols;
    const uint8_t* at = (const uint8_t*)b->values + row * b->row + col * b->pixel;
    int8_t* output = b->output + row * b->output_row + col * b->channels;
    for (uint32_t k = 0; k < 2; ++k) {
      const uint32_t* values = (const uint32_t*)(const void*)at;
      const uint32_t* weights = b->weights + k;
      uint32_t sum = (uint32_t)b->bias[channel + k];
      for (uint32_t words = 2 * b->quads; words != 0; --words) {
        sum += (uint32_t)((int16_t)*values * (int16_t)*weights);
        sum += (uint32_t)((int16_t)(*values >> 16) * (int16_t)(*weights >> 16));
        values += 1;
        weights += 2;
      }
      output[channel + k] = tflm_patch_requantize_channel(b->requant, sum, channel + k);
    }
  }
}

/* A channel's scaling, with twice the multiplier; 0 where the short way is not for it. */
static int find_scaling(const tflm_patch_requant_args* requant, uint32_t channel,
                        tflm_patch_scaling* scaling) {
  const uint32_t i = channel * requant->channel_step;
  const int32_t multiplier = requant->multipliers[i];
  const int32_t shift = requant->shifts[i];
  if (multiplier < 1 << 30 || !tflm_patch_is_scaling_shift(shift)) {
    return 0;
  }
  *scaling = tflm_patch_find_scaling(multiplier, shift, requant->output_zero_point);
  scaling->multiplier = (int32_t)(2u * (uint32_t)multiplier);
  return 1;
}

/* Tiles of n pixels, 2 or 3, from a column on. */
static TFLM_PATCH_NOINLINE void make_tiles(const tflm_patch_block* b, uint32_t n, uint32_t first,
                                           uint32_t tiles, uint32_t channel, rows_job* j) {
  const uint32_t done = tiles * n;
  const uint32_t* values = b->values + first * b->pixel / 4;
  int8_t* output = b->output + channel + first * b->channels;
  if (tiles == 0) {
    return;
  }
  j->values_skip = (int32_t)(n * b->pixel - 8 * b->quads);
  j->tiles = tiles;
  j->rows = b->rows;
  j->row_values = b->row - (int32_t)(done * b->pixel);
  j->row_output = b->output_row - (int32_t)(done * b->channels);
  if (n == 2) {
    make_twos(values, b->weights, output, (0u - b->quads) % N_QUADS_OF_TWO * QUAD_OF_TWO_BYTES, *j);
  } else {
    make_threes(values, b->weights, output,
                (0u - b->quads) % N_QUADS_OF_THREE * QUAD_OF_THREE_BYTES, *j);
  }
}

void tflm_patch_make_block(const tflm_patch_block* b, uint32_t channel) {
  rows_job j;
  if (!find_scaling(b->requant, channel, &j.scaling[0]) ||
      !find_scaling(b->requant, channel + 1, &j.scaling[1])) {
    make_slowly(b, channel);
    return;
  }
  const uint32_t twos = (3 - b->cols % 3) % 3;
  const uint32_t threes = (b->cols - 2 * twos) / 3;
  j.weights_end = b->weights + 4 * b->quads;
  j.bias[0] = b->bias[channel];
  j.bias[1] = b->bias[channel + 1];
  j.pixel = b->pixel;
  j.channels = b->channels;
  make_tiles(b, 3, 0, threes, channel, &j);
  make_tiles(b, 2, 3 * threes, twos, channel, &j);
}

#endif /* TFLM_PATCH_HAS_OWN_CONV_BLOCKS */
