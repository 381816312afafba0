/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * GEMM micro-kernels of the dsp family for widened pixels: tiles of three or two pixels by
 * two channels, all tiles of two channels one behind the other. Of the blockings that fit
 * 14 registers these take the fewest cycles a product, 1.17 and 1.19: loads stand in groups,
 * of which the core takes one a cycle behind the first.
 */
#include <stddef.h>

#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "arith.h"
#include "assembly.h"
#include "gemm.h"

/* Pairs of channels of some tiles. The assembly knows where the members lie. */
typedef struct {
  const uint32_t* values; /* 0 */
  uint32_t tail;          /* 4: taps behind whole fours */
  uint32_t taps;          /* 8: to the second channel's weights */
  const int8_t* weights;  /* 12: of the pair at work */
  uint32_t entry; /* 16: bytes to where the loop over the taps is entered, then its address */
  const int32_t* next_bias;       /* 20: of the next pair, like what is called so below */
  int32_t bias[2];                /* 24: of the pair at work, like the scaling */
  tflm_patch_scaling scaling[2];  /* 32 */
  int8_t* tile;                   /* 56: output of the tile at work */
  uint32_t at_1;                  /* 60: the second pixel's output behind the first's */
  uint32_t at_2;                  /* 64 */
  uint32_t step;                  /* 68: to the next tile's output */
  uint32_t tiles;                 /* 72: that are left */
  uint32_t n_tiles;               /* 76 */
  int8_t* output;                 /* 80: of the pair at work */
  const int32_t* next_multiplier; /* 84 */
  const int8_t* next_shift;       /* 88 */
  uint32_t multiplier_step;       /* 92: bytes from a channel's multiplier to the next one's */
  int32_t round_unit;             /* 96: see tflm_patch_find_scaling */
  uint32_t whole;                 /* 100: taps in whole fours */
  const int8_t* weights_end;      /* 104 */
  uint32_t is_two;                /* 108: pixels a tile, not three */
} pair_job;

_Static_assert(offsetof(pair_job, weights) == 12, "assembly");
_Static_assert(offsetof(pair_job, bias) == 24, "assembly");
_Static_assert(offsetof(pair_job, scaling) == 32 && sizeof(tflm_patch_scaling) == 12, "assembly");
_Static_assert(offsetof(tflm_patch_scaling, multiplier) == 4, "assembly");
_Static_assert(offsetof(tflm_patch_scaling, exponent) == 8, "assembly");
_Static_assert(offsetof(pair_job, tile) == 56, "assembly");
_Static_assert(offsetof(pair_job, output) == 80, "assembly");
_Static_assert(offsetof(pair_job, weights_end) == 104, "assembly");

/* clang-format off */
/* Four taps of two pixels: r0 and r1 the first channel's sums, r3 and r4 the second's, r11
 * one word before the values, r12 the first channel's weights, lr taps. */
#define QUAD_OF_TWO \
  "ldr r9, [r12, lr]\n\t" \
  "ldr r8, [r12], #4\n\t" \
  PRODUCTS_OF_TWO("")

/* With the weights in r8 and r9. */
#define PRODUCTS_OF_TWO(SHIFT_WEIGHTS) \
  "ldr r2, [r11, #4]\n\t" \
  "ldr r5, [r11, #8]\n\t" \
  "ldr r6, [r11, #12]\n\t" \
  "ldr r7, [r11, #16]!\n\t" \
  SHIFT_WEIGHTS \
  "sxtb16 r10, r8\n\t" \
  "smlad r0, r10, r2, r0\n\t" \
  "smlad r1, r10, r5, r1\n\t" \
  "sxtb16 r10, r9\n\t" \
  "smlad r3, r10, r2, r3\n\t" \
  "smlad r4, r10, r5, r4\n\t" \
  "sxtb16 r8, r8, ror #8\n\t" \
  "sxtb16 r9, r9, ror #8\n\t" \
  "smlad r0, r8, r6, r0\n\t" \
  "smlad r1, r8, r7, r1\n\t" \
  "smlad r3, r9, r6, r3\n\t" \
  "smlad r4, r9, r7, r4\n\t"
#define QUAD_OF_TWO_BYTES 72u

/* Likewise of three: sums in r0 to r2 and r3 to r5. */
#define SIX_PRODUCTS(first, second) \
  "smlad r0, " first ", r8, r0\n\t" \
  "smlad r1, " first ", r9, r1\n\t" \
  "smlad r2, " first ", r10, r2\n\t" \
  "smlad r3, " second ", r8, r3\n\t" \
  "smlad r4, " second ", r9, r4\n\t" \
  "smlad r5, " second ", r10, r5\n\t"

#define EVEN_VALUES \
  "ldr r8, [r11, #4]\n\t" \
  "ldr r9, [r11, #8]\n\t" \
  "ldr r10, [r11, #12]\n\t"

#define ODD_VALUES \
  "ldr r8, [r11, #16]\n\t" \
  "ldr r9, [r11, #20]\n\t" \
  "ldr r10, [r11, #24]!\n\t"

/* The weights are loaded twice: no register is left for them. */
#define QUAD_OF_THREE \
  "ldr r6, [r12]\n\t" \
  "ldr r7, [r12, lr]\n\t" \
  EVEN_VALUES \
  "sxtb16 r6, r6\n\t" \
  "sxtb16 r7, r7\n\t" \
  SIX_PRODUCTS("r6", "r7") \
  "ldr r7, [r12, lr]\n\t" \
  "ldr r6, [r12], #4\n\t" \
  ODD_VALUES \
  "sxtb16 r6, r6, ror #8\n\t" \
  "sxtb16 r7, r7, ror #8\n\t" \
  SIX_PRODUCTS("r6", "r7")
#define QUAD_OF_THREE_BYTES 104u

#ifdef __OPTIMIZE_SIZE__
#define TIMES(QUAD) QUAD QUAD
#define N_QUADS 2u
#else
#define TIMES(QUAD) QUAD QUAD QUAD QUAD
#define N_QUADS 4u
#endif

/* On the stack: job, end of the first channel's whole fours, tail. */
#define START \
  "ldr r2, [r0, #4]\n\t" \
  "push {r0, r1, r2, r4-r11, lr}\n\t" \
  "mov lr, r0\n\t" \
  "ldr r1, [lr, #108]\n\t" \
  "ldr r0, [lr, #16]\n\t" \
  "adr.w r2, 10f\n\t" \
  "cbz r1, 7f\n\t" \
  "adr.w r2, 20f\n" \
  "7:\n\t" \
  "add r2, r2, r0\n\t" \
  "str r2, [lr, #16]\n" \
  "7:\n\t" \
  "ldr r6, [lr, #20]\n\t" \
  "ldr r7, [lr, #84]\n\t" \
  "ldr r8, [lr, #88]\n\t" \
  "ldr r9, [lr, #92]\n\t" \
  "ldr r10, [lr, #96]\n\t" \
  "ldr r0, [r6]\n\t" \
  "ldr r1, [r6, #4]\n\t" \
  "ldr r2, [r7]\n\t" \
  "ldrsb r3, [r8]\n\t" \
  "add r7, r7, r9\n\t" \
  "add r8, r8, r9, lsr #2\n\t" \
  "ldr r4, [r7]\n\t" \
  "ldrsb r5, [r8]\n\t" \
  "add r6, r6, #8\n\t" \
  "add r7, r7, r9\n\t" \
  "add r8, r8, r9, lsr #2\n\t" \
  "str r6, [lr, #20]\n\t" \
  "str r7, [lr, #84]\n\t" \
  "str r8, [lr, #88]\n\t" \
  "mvn r3, r3\n\t" \
  "mvn r5, r5\n\t" \
  "cmp r3, #23\n\t" \
  "bhs 8f\n\t" \
  "cmp r5, #23\n\t" \
  "bhs 8f\n\t" \
  "str r0, [lr, #24]\n\t" \
  "str r1, [lr, #28]\n\t" \
  "lsls r2, r2, #1\n\t" \
  "bpl 8f\n\t" \
  "lsls r4, r4, #1\n\t" \
  "bpl 8f\n\t" \
  "str r2, [lr, #36]\n\t" \
  "str r4, [lr, #48]\n\t" \
  "lsl r0, r10, r3\n\t" \
  "lsl r1, r10, r5\n\t" \
  "add r3, r3, #1\n\t" \
  "add r5, r5, #1\n\t" \
  "str r0, [lr, #32]\n\t" \
  "str r1, [lr, #44]\n\t" \
  "str r3, [lr, #40]\n\t" \
  "str r5, [lr, #52]\n\t" \
  "ldr r11, [lr]\n\t" \
  "ldr r6, [lr, #12]\n\t" \
  "ldr r7, [lr, #100]\n\t" \
  "ldr r8, [lr, #80]\n\t" \
  "ldr r9, [lr, #76]\n\t" \
  "add r6, r6, r7\n\t" \
  "sub r11, r11, #4\n\t" \
  "str r6, [sp, #4]\n\t" \
  "str r8, [lr, #56]\n\t" \
  "str r9, [lr, #72]\n"

#define START_TILE \
  "5:\n\t" \
  "ldr r12, [lr, #12]\n\t" \
  "ldr r6, [lr, #16]\n\t" \
  "ldr r0, [lr, #24]\n\t" \
  "ldr r3, [lr, #28]\n\t" \
  "ldr lr, [lr, #8]\n\t" \
  "mov r1, r0\n\t" \
  "mov r2, r0\n\t" \
  "mov r4, r3\n\t" \
  "mov r5, r3\n\t" \
  "mov pc, r6\n"

/* The loop over the taps, entered where the rest of a division by N_QUADS begins. To 6
 * without, on with a tail: the words that end with it at r12, r6 their bits before it. */
#define SUM(label, QUAD) \
  ".balign 4\n" \
  label ":\n\t" TIMES(QUAD) \
  "ldr r6, [sp, #4]\n\t" \
  "cmp r12, r6\n\t" \
  "bne " label "b\n\t" \
  "ldr r6, [sp, #8]\n\t" \
  "cbz r6, 6f\n\t" \
  "add r12, r12, r6\n\t" \
  "sub r12, r12, #4\n\t" \
  "rsb r6, r6, #4\n\t" \
  "lsl r6, r6, #3\n\t"

/* A channel's scaling to r6, r7 and r8. */
#define LOAD_SCALING(round, multiplier, exponent) \
  "ldr r6, [lr, #" round "]\n\t" \
  "ldr r7, [lr, #" multiplier "]\n\t" \
  "ldr r8, [lr, #" exponent "]\n\t"

/* A sum to a byte: tflm_patch_scale with twice the multiplier, less 2^32, in r7. A product
 * with it is short of the sum, which the multiplication adds. The sign is that of the sum
 * instead of the rounded product's: they differ where that is 0, which is less than a half
 * with either. */
#define TO_BYTE(sum) \
  "add r9, r6, " sum ", asr #31\n\t" \
  "smmlar " sum ", " sum ", r7, " sum "\n\t" \
  "add " sum ", " sum ", r9\n\t" \
  "asr " sum ", " sum ", r8\n\t" \
  "ssat " sum ", #8, " sum "\n\t"

#define END_TILE \
  "add r10, r10, r8\n\t" \
  "subs r9, r9, #1\n\t" \
  "str r10, [lr, #56]\n\t" \
  "str r9, [lr, #72]\n\t" \
  "bne 5b\n\t" \
  "ldr r6, [lr, #12]\n\t" \
  "ldr r7, [lr, #8]\n\t" \
  "ldr r8, [lr, #80]\n\t" \
  "ldr r9, [lr, #104]\n\t" \
  "add r6, r6, r7, lsl #1\n\t" \
  "add r8, r8, #2\n\t" \
  "str r6, [lr, #12]\n\t" \
  "str r8, [lr, #80]\n\t" \
  "cmp r6, r9\n\t" \
  "bne 7b\n" \
  "8:\n\t" \
  "pop {r0, r1, r2, r4-r11, pc}\n\t"
/* clang-format on */

/* Makes pairs of all tiles until all are made or one comes with a scaling that is not for
 * the short way to bytes: its weights and output are in the job then. Bytes are not clamped. */
static TFLM_PATCH_ASSEMBLY void make_pairs(pair_job* p __attribute__((unused))) {
  __asm__ volatile(START START_TILE
                   /* Three pixels: sums in r0-r2 and r3-r5. */
                   SUM("10", QUAD_OF_THREE)
                   "ldr r7, [r12, lr]\n\t"
                   "ldr r12, [r12]\n\t" EVEN_VALUES
                   "lsr r7, r7, r6\n\t"
                   "lsr r12, r12, r6\n\t"
                   "sxtb16 r6, r12\n\t"
                   "sxtb16 lr, r7\n\t" SIX_PRODUCTS("r6", "lr") ODD_VALUES
                   "sxtb16 r6, r12, ror #8\n\t"
                   "sxtb16 r7, r7, ror #8\n\t" SIX_PRODUCTS("r6", "r7")
                   "6:\n\t"
                   "ldr lr, [sp]\n\t" LOAD_SCALING("32", "36", "40")
                   TO_BYTE("r0") TO_BYTE("r1") TO_BYTE("r2")
                   LOAD_SCALING("44", "48", "52")
                   "ldr r10, [lr, #56]\n\t"
                   TO_BYTE("r3") TO_BYTE("r4") TO_BYTE("r5")
                   "ldr r6, [lr, #60]\n\t"
                   "ldr r7, [lr, #64]\n\t"
                   "ldr r8, [lr, #68]\n\t"
                   "ldr r9, [lr, #72]\n\t"
                   "add r7, r7, r10\n\t"
                   "add r6, r6, r10\n\t"
                   "strb r2, [r7]\n\t"
                   "strb r5, [r7, #1]\n\t"
                   "strb r1, [r6]\n\t"
                   "strb r4, [r6, #1]\n\t"
                   "strb r0, [r10]\n\t"
                   "strb r3, [r10, #1]\n\t" END_TILE
                   /* Two pixels. */
                   SUM("20", QUAD_OF_TWO)
                   "ldr r9, [r12, lr]\n\t"
                   "ldr r8, [r12]\n\t"
                   "mov lr, r6\n\t" PRODUCTS_OF_TWO("lsr r8, r8, lr\n\t"
                                                    "lsr r9, r9, lr\n\t")
                   "6:\n\t"
                   "ldr lr, [sp]\n\t" LOAD_SCALING("32", "36", "40")
                   TO_BYTE("r0") TO_BYTE("r1")
                   LOAD_SCALING("44", "48", "52")
                   "ldr r10, [lr, #56]\n\t"
                   TO_BYTE("r3") TO_BYTE("r4")
                   "ldr r6, [lr, #60]\n\t"
                   "ldr r8, [lr, #68]\n\t"
                   "ldr r9, [lr, #72]\n\t"
                   "add r6, r6, r10\n\t"
                   "strb r0, [r10]\n\t"
                   "strb r3, [r10, #1]\n\t"
                   "strb r1, [r6]\n\t"
                   "strb r4, [r6, #1]\n\t" END_TILE);
}

/* A channel that the short way to bytes is not for. */
static void make_slowly(const tflm_patch_dot_job* j, const uint32_t* values, uint32_t n_vectors,
                        uint32_t n_pixels, uint32_t channel, int8_t* output) {
  const int8_t* weights = j->first_weights + channel * j->taps;
  const uint32_t words = tflm_patch_wide_words(j->taps, n_vectors);
  for (uint32_t i = 0; i < n_pixels; ++i) {
    const uint32_t* pixel = values + i / n_vectors * words + i % n_vectors;
    uint32_t sum = (uint32_t)j->first_bias[channel];
    for (uint32_t k = 0; k < j->taps; ++k) {
      const uint32_t word = pixel[(k / 4 * 2 + k % 2) * n_vectors];
      sum += (uint32_t)((int16_t)(word >> k % 4 / 2 * 16) * weights[k]);
    }
    output[i * j->channels + channel] = tflm_patch_requantize_channel(j->requant, sum, channel);
  }
}

static uint32_t quad_bytes(uint32_t n_vectors) {
  return n_vectors == 2 ? QUAD_OF_TWO_BYTES : QUAD_OF_THREE_BYTES;
}

/* Channels [channel, end), an even number. */
static void make_channels(pair_job* p, const tflm_patch_dot_job* j, uint32_t n_vectors,
                          uint32_t channel, uint32_t end, int8_t* output) {
  const tflm_patch_requant_args* requant = j->requant;
  const uint32_t step = requant->channel_step;
  p->weights = j->first_weights + channel * j->taps;
  p->weights_end = j->first_weights + end * j->taps;
  p->output = output + channel;
  p->next_bias = j->first_bias + channel;
  p->next_multiplier = requant->multipliers + channel * step;
  p->next_shift = requant->shifts + channel * step;
  for (;;) {
    p->entry = (0u - j->taps / 4) % N_QUADS * quad_bytes(n_vectors);
    make_pairs(p);
    if (p->weights == p->weights_end) {
      return;
    }
    channel = (uint32_t)(p->output - output);
    make_slowly(j, p->values, n_vectors, p->n_tiles * n_vectors, channel, output);
    make_slowly(j, p->values, n_vectors, p->n_tiles * n_vectors, channel + 1, output);
    p->weights += 2 * j->taps;
    p->output += 2;
    if (p->weights == p->weights_end) {
      return;
    }
  }
}

void tflm_patch_make_wide(const tflm_patch_dot_job* j, const uint32_t* values, uint32_t n_vectors,
                          uint32_t n_pixels, int8_t* output) {
  const uint32_t channels = j->channels;
  pair_job p;
  if (channels == 1) {
    make_slowly(j, values, n_vectors, n_pixels, 0, output);
    return;
  }
  p.values = values;
  p.tail = j->tail;
  p.taps = j->taps;
  p.is_two = n_vectors == 2;
  p.at_1 = channels;
  p.at_2 = 2 * channels;
  p.step = n_vectors * channels;
  p.n_tiles = n_pixels / n_vectors;
  p.multiplier_step = j->step;
  p.round_unit = j->round_unit;
  p.whole = j->taps & ~3u;
  make_channels(&p, j, n_vectors, 0, channels & ~1u, output);
  if (channels % 2 != 0) { /* the one before once more */
    make_channels(&p, j, n_vectors, channels - 2, channels, output);
  }
}

#endif /* TFLM_PATCH_IS_DSP */
