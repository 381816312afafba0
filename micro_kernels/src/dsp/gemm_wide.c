/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * GEMM micro-kernels of the dsp family for widened pixels: tiles of three pixels and of two by
 * two channels, all tiles of two channels one behind the other. Of the blockings that fit
 * 14 registers these take the fewest cycles a product, 1.17 and 1.19: loads stand in groups,
 * of which the core takes one a cycle behind the first.
 */
#include "gemm_wide.h"

#include <stddef.h>

#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "arith.h"
#include "assembly.h"
#include "gemm.h"

#define UNUSED __attribute__((unused))

/* Pairs of channels of some tiles. The assembly copies it to its stack, and knows where the members
 * lie. */
typedef struct {
  const uint32_t* values;     /* 0 */
  const int8_t* weights;      /* 4: of the pair at work */
  uint32_t whole;             /* 8: taps in whole fours */
  uint32_t taps;              /* 12: to the second channel's weights */
  uint32_t tail;              /* 16: taps behind whole fours */
  const int32_t* bias;        /* 20: of the next pair */
  const int32_t* multipliers; /* 24: likewise */
  const int8_t* shifts;       /* 28 */
  uint32_t step;              /* 32: bytes from a pair's multipliers to the next one's */
  int32_t round_unit;         /* 36: see tflm_patch_find_scaling */
  int8_t* output;             /* 40: of the pair at work */
  uint32_t channels;          /* 44: from a pixel's output to the next one's */
  uint32_t threes;            /* 48: tiles */
  uint32_t twos;              /* 52 */
  uint32_t pairs;             /* 56: that are left */
} wide_job;

_Static_assert(offsetof(wide_job, tail) == 16 && offsetof(wide_job, shifts) == 28, "assembly");
_Static_assert(offsetof(wide_job, output) == 40 && sizeof(wide_job) == 60, "assembly");

/* clang-format off */
#define TWICE(QUAD) QUAD QUAD
#ifdef __OPTIMIZE_SIZE__
#define QUADS_OF_THREE TWICE(TFLM_PATCH_QUAD_OF_THREE)
#define QUADS_OF_TWO TWICE(TFLM_PATCH_QUAD_OF_TWO)
#define N_QUADS_OF_THREE 2u
#define N_QUADS_OF_TWO 2u
#else
/* Threes are what most time goes into. */
#define QUADS_OF_THREE TWICE(TWICE(TWICE(TFLM_PATCH_QUAD_OF_THREE)))
#define QUADS_OF_TWO TWICE(TWICE(TFLM_PATCH_QUAD_OF_TWO))
#define N_QUADS_OF_THREE 8u
#define N_QUADS_OF_TWO 4u
#endif

/* On the stack: where the loops over the taps of a tile of three and of two are entered and left,
 * the job, then for the pair at work: 60 its bias, 68 its scaling with twice the multiplier, less
 * 2^32, 92 tiles that are left, 96 the output of the tile at work, 100 where whole fours of the
 * first channel's weights end. */
#define JOB(offset) "[sp, #16 + " #offset "]"
#define ENTRY_OF_THREE "[sp]"
#define ENTRY_OF_TWO "[sp, #4]"
#define EXIT_OF_THREE "[sp, #8]"
#define EXIT_OF_TWO "[sp, #12]"

/* r1 and r2 are how many bytes behind its start a loop is entered. */
#define START \
  "push {r4-r11, lr}\n\t" \
  "sub sp, sp, #120\n\t" \
  "adr.w r3, 10f\n\t" \
  "add r1, r1, r3\n\t" \
  "adr.w r3, 20f\n\t" \
  "add r2, r2, r3\n\t" \
  "ldr r5, [r0, #16]\n\t" \
  "adr.w r3, 12f\n\t" \
  "adr.w r4, 22f\n\t" \
  "cmp r5, #0\n\t" \
  "itt ne\n\t" \
  "adrne.w r3, 11f\n\t" \
  "adrne.w r4, 21f\n\t" \
  "add r3, r3, #1\n\t" /* Thumb code, for what loads the PC */ \
  "add r4, r4, #1\n\t" \
  "mov r12, sp\n\t" \
  "stmia r12!, {r1, r2, r3, r4}\n\t" \
  "ldmia r0!, {r1-r8}\n\t" \
  "stmia r12!, {r1-r8}\n\t" \
  "mov lr, r4\n\t" \
  "ldmia r0, {r1-r7}\n\t" \
  "stmia r12, {r1-r7}\n"

/* The next pair, or to 8 with a scaling that is not for the short way to bytes. */
#define START_PAIR \
  "7:\n\t" \
  "ldr r6, " JOB(20) "\n\t" \
  "ldr r7, " JOB(24) "\n\t" \
  "ldr r8, " JOB(28) "\n\t" \
  "ldr r9, " JOB(32) "\n\t" \
  "ldr r10, " JOB(36) "\n\t" \
  "ldr r0, [r6]\n\t" \
  "ldr r1, [r6, #4]\n\t" \
  "ldr r2, [r7]\n\t" \
  "ldr r4, [r7, #4]\n\t" \
  "ldrsb r3, [r8]\n\t" \
  "ldrsb r5, [r8, #1]\n\t" \
  "add r6, r6, #8\n\t" \
  "add r7, r7, r9\n\t" \
  "add r8, r8, r9, lsr #2\n\t" \
  "str r6, " JOB(20) "\n\t" \
  "str r7, " JOB(24) "\n\t" \
  "str r8, " JOB(28) "\n\t" \
  "mvn r3, r3\n\t" \
  "mvn r5, r5\n\t" \
  "cmp r3, #23\n\t" \
  "it lo\n\t" \
  "cmplo r5, #23\n\t" \
  "bhs 8f\n\t" \
  "and r8, r2, r4\n\t" \
  "lsls r8, r8, #1\n\t" \
  "bpl 8f\n\t" \
  "str r0, " JOB(60) "\n\t" \
  "str r1, " JOB(64) "\n\t" \
  "lsl r6, r10, r3\n\t" \
  "lsl r7, r10, r5\n\t" \
  "lsl r2, r2, #1\n\t" \
  "lsl r4, r4, #1\n\t" \
  "add r3, r3, #1\n\t" \
  "add r5, r5, #1\n\t" \
  "str r6, " JOB(68) "\n\t" \
  "str r2, " JOB(72) "\n\t" \
  "str r3, " JOB(76) "\n\t" \
  "str r7, " JOB(80) "\n\t" \
  "str r4, " JOB(84) "\n\t" \
  "str r5, " JOB(88) "\n\t" \
  "ldr r9, " JOB(48) "\n\t" \
  "ldr r11, " JOB(0) "\n\t" \
  "ldr r12, " JOB(4) "\n\t" \
  "ldr r7, " JOB(8) "\n\t" \
  "ldr r10, " JOB(40) "\n\t" \
  "add r7, r7, r12\n\t" \
  "str r7, " JOB(100) "\n\t" \
  "str r9, " JOB(92) "\n\t" \
  "str r10, " JOB(96) "\n\t" \
  "cmp r9, #0\n\t" \
  "beq 9f\n"

#define START_TILE(ENTRY, MORE) \
  "5:\n\t" \
  "ldr r12, " JOB(4) "\n\t" \
  "ldr r6, " ENTRY "\n\t" \
  "ldr r0, " JOB(60) "\n\t" \
  "ldr r3, " JOB(64) "\n\t" \
  "mov r1, r0\n\t" \
  MORE \
  "mov r4, r3\n\t" \
  "mov pc, r6\n"

/* The loop over the taps, entered where the rest of a division by its quads begins. */
#define SUM(label, QUADS, EXIT) \
  ".balign 4\n" \
  label "0:\n\t" QUADS \
  "ldr r6, " JOB(100) "\n\t" \
  "cmp r12, r6\n\t" \
  "bne " label "0b\n\t" \
  "ldr pc, " EXIT "\n" \
  ".balign 4\n" \
  label "1:\n\t" /* the words that end with the tail, without their bits before it */ \
  "ldr r6, " JOB(16) "\n\t" \
  "add r12, r12, r6\n\t" \
  "sub r12, r12, #4\n\t" \
  "rsb r10, r6, #4\n\t" \
  "ldr r9, [r12, lr]\n\t" \
  "ldr r8, [r12]\n\t" \
  "lsl r10, r10, #3\n\t" \
  "lsr r9, r9, r10\n\t" \
  "lsr r8, r8, r10\n\t"

#define LABEL(label) \
  ".balign 4\n" \
  label "2:\n\t"

#define FIRST_SCALING \
  "ldr r6, " JOB(68) "\n\t" \
  "ldr r7, " JOB(72) "\n\t" \
  "ldr r8, " JOB(76) "\n\t"

#define SECOND_SCALING \
  "ldr r6, " JOB(80) "\n\t" \
  "ldr r7, " JOB(84) "\n\t" \
  "ldr r8, " JOB(88) "\n\t"

/* r10 to where the tile's output goes, r6 the channels, r7 tiles that are left. */
#define LOAD_PLACE \
  "ldr r10, " JOB(96) "\n\t" \
  "ldr r6, " JOB(44) "\n\t" \
  "ldr r7, " JOB(92) "\n\t"

/* r10 is the next tile's output. */
#define END_TILE \
  "str r10, " JOB(96) "\n\t" \
  "subs r7, r7, #1\n\t" \
  "str r7, " JOB(92) "\n\t" \
  "bne 5b\n"

#define END_PAIR \
  "6:\n\t" \
  "ldr r6, " JOB(4) "\n\t" \
  "ldr r8, " JOB(40) "\n\t" \
  "ldr r9, " JOB(56) "\n\t" \
  "add r6, r6, lr, lsl #1\n\t" \
  "add r8, r8, #2\n\t" \
  "str r6, " JOB(4) "\n\t" \
  "str r8, " JOB(40) "\n\t" \
  "subs r9, r9, #1\n\t" \
  "str r9, " JOB(56) "\n\t" \
  "bne 7b\n" \
  "8:\n\t" \
  "ldr r0, " JOB(56) "\n\t" \
  "add sp, sp, #120\n\t" \
  "pop {r4-r11, pc}\n\t"
/* clang-format on */

/* Makes pairs of all tiles until all are made or one comes with a scaling that is not for the
 * short way to bytes. Returns how many are left, with that one. Bytes are not clamped. */
static TFLM_PATCH_ASSEMBLY uint32_t make_pairs(const wide_job* j UNUSED,
                                               uint32_t entry_of_three UNUSED,
                                               uint32_t entry_of_two UNUSED) {
  __asm__ volatile(
      START START_PAIR
      /* Three pixels: sums in r0-r2 and r3-r5. */
      START_TILE(ENTRY_OF_THREE,
                 "mov r2, r0\n\t"
                 "mov r5, r3\n\t") SUM("1", QUADS_OF_THREE, EXIT_OF_THREE)
          TFLM_PATCH_PRODUCTS_OF_THREE LABEL("1") FIRST_SCALING
      TFLM_PATCH_TO_BYTE("r0") TFLM_PATCH_TO_BYTE("r1") TFLM_PATCH_TO_BYTE("r2") SECOND_SCALING
      TFLM_PATCH_TO_BYTE("r3") TFLM_PATCH_TO_BYTE("r4") TFLM_PATCH_TO_BYTE("r5") LOAD_PLACE
      TFLM_PATCH_STORE_OF_THREE END_TILE
      "9:\n\t"
      "ldr r9, " JOB(52) "\n\t"
      "cmp r9, #0\n\t"
      "beq 6f\n\t"
      "str r9, " JOB(92) "\n"
      /* Two pixels. */
      START_TILE(ENTRY_OF_TWO, "") SUM("2", QUADS_OF_TWO, EXIT_OF_TWO) TFLM_PATCH_PRODUCTS_OF_TWO LABEL("2")
          FIRST_SCALING
      TFLM_PATCH_TO_BYTE("r0") TFLM_PATCH_TO_BYTE("r1") SECOND_SCALING
      TFLM_PATCH_TO_BYTE("r3") TFLM_PATCH_TO_BYTE("r4") LOAD_PLACE
      TFLM_PATCH_STORE_OF_TWO END_TILE END_PAIR);
}

/* Tiles of a channel that the short way to bytes is not for. */
static void make_tiles_slowly(const tflm_patch_dot_job* j, const uint32_t* values,
                              uint32_t n_vectors, uint32_t tiles, uint32_t channel,
                              int8_t* output) {
  const int8_t* weights = j->first_weights + channel * j->taps;
  const uint32_t words = tflm_patch_wide_words(j->taps, n_vectors);
  for (uint32_t i = 0; i < tiles * n_vectors; ++i) {
    const uint32_t* pixel = values + i / n_vectors * words + i % n_vectors;
    uint32_t sum = (uint32_t)j->first_bias[channel];
    for (uint32_t k = 0; k < j->taps; ++k) {
      const uint32_t word = pixel[(k / 4 * 2 + k % 2) * n_vectors];
      sum += (uint32_t)((int16_t)(word >> k % 4 / 2 * 16) * weights[k]);
    }
    output[i * j->channels + channel] = tflm_patch_requantize_channel(j->requant, sum, channel);
  }
}

static TFLM_PATCH_NOINLINE void make_slowly(const tflm_patch_dot_job* j, const uint32_t* values,
                                            uint32_t threes, uint32_t twos, uint32_t channel,
                                            int8_t* output) {
  const uint32_t words = threes * tflm_patch_wide_words(j->taps, 3);
  make_tiles_slowly(j, values, 3, threes, channel, output);
  make_tiles_slowly(j, values + words, 2, twos, channel, output + 3 * threes * j->channels);
}

/* One function, for the stack. */
void tflm_patch_make_wide(const tflm_patch_dot_job* j, const uint32_t* values, uint32_t threes,
                          uint32_t twos, int8_t* output) {
  const tflm_patch_requant_args* requant = j->requant;
  const uint32_t channels = j->channels;
  const uint32_t step = requant->channel_step;
  const int32_t multipliers[2] = {requant->multipliers[0], requant->multipliers[0]};
  const int8_t shifts[2] = {requant->shifts[0], requant->shifts[0]};
  const uint32_t fours = 0u - j->taps / 4;
  uint32_t channel = 0;
  wide_job job;
  job.values = values;
  job.whole = j->taps & ~3u;
  job.taps = j->taps;
  job.tail = j->tail;
  job.step = 2 * j->step;
  job.round_unit = j->round_unit;
  job.channels = channels;
  job.threes = threes;
  job.twos = twos;
  if (channels == 1) {
    make_slowly(j, values, threes, twos, 0, output);
  }
  while (channel < channels && channels != 1) {
    /* The last of an odd number with the one before, once more. */
    const uint32_t left = channels - channel;
    channel -= left == 1;
    job.weights = j->first_weights + channel * j->taps;
    job.bias = j->first_bias + channel;
    job.multipliers = step != 0 ? requant->multipliers + channel : multipliers;
    job.shifts = step != 0 ? requant->shifts + channel : shifts;
    job.output = output + channel;
    job.pairs = left == 1 ? 1 : left / 2;
    const uint32_t pairs =
        make_pairs(&job, fours % N_QUADS_OF_THREE * TFLM_PATCH_QUAD_OF_THREE_BYTES,
                   fours % N_QUADS_OF_TWO * TFLM_PATCH_QUAD_OF_TWO_BYTES);
    channel += 2 * (job.pairs - pairs);
    if (pairs != 0) {
      make_slowly(j, values, threes, twos, channel, output);
      make_slowly(j, values, threes, twos, channel + 1, output);
      channel += 2;
    }
  }
}

#endif /* TFLM_PATCH_IS_DSP */
