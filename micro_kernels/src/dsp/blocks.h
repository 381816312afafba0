/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Blocks of pixels of an operator whose output channels are dot products of the
 * same `taps` values with their weights, for Armv7E-M. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_BLOCKS_H_
#define TFLM_PATCH_SRC_DSP_BLOCKS_H_

#include <stdint.h>

#include "tflm_patch/kernels.h"

#define TFLM_PATCH_WIDE_PIXELS 4u

/* An operator and the pixels at work. The assembly in blocks.c knows where the
 * members up to taps lie. */
typedef struct {
  const int32_t* bias;        /* 0: of the next channel */
  const void* values;         /* 4 */
  uint32_t quads;             /* 8: whole fours of taps */
  uint32_t tail;              /* 12: taps behind them */
  const int32_t* multipliers; /* 16: of the next channel, like what follows */
  const int8_t* shifts;       /* 20 */
  int8_t* output;             /* 24 */
  int32_t round_unit;         /* 28: see tflm_patch_find_scaling */
  uint32_t step;              /* 32: of the multipliers, in bytes */
  uint32_t at_1;              /* 36: the second pixel's output behind the first's */
  uint32_t at_2;              /* 40 */
  uint32_t at_3;              /* 44 */
  const int8_t* weights;      /* 48: of the next channel */
  const int8_t* weights_end;  /* 52 */
  int32_t is_clamped;         /* 56: the clamp is narrower than int8 */
  int32_t low;                /* 60 */
  int32_t high;               /* 64 */
  int32_t sums[4];            /* 68 */
  uint32_t taps;              /* 84: at least 4 */
  const int8_t* first_weights; /* [channels][taps] */
  const int32_t* first_bias;
  const tflm_patch_requant_args* requant; /* bounded */
  uint32_t channels;
} tflm_patch_dot_job;

void tflm_patch_init_dot_job(tflm_patch_dot_job* j, const int8_t* weights,
                             const int32_t* bias,
                             const tflm_patch_requant_args* requant,
                             uint32_t taps, uint32_t channels);

/* Words of n vectors of `taps` values that are widened. */
static inline uint32_t tflm_patch_wide_words(uint32_t taps, uint32_t n) {
  return (taps + 3) / 4 * 2 * n;
}

/* `count` of n_vectors interleaved vectors of n values, one behind the other: for every
 * four values a word of the even ones and, n_vectors words further on, a word of
 * the odd ones; then come those of the next four. n is at least 4; the last four are
 * filled up with zeros. */
void tflm_patch_widen(uint32_t* to, uint32_t n_vectors, const int8_t* from,
                      uint32_t n, uint32_t count);

/* One to four of four widened pixels; the words of the others may be anything. Pixels are j->channels bytes of the output
 * each, here and below. */
void tflm_patch_make_wide(tflm_patch_dot_job* j, const uint32_t* values,
                          uint32_t n_pixels, int8_t* output);

/* Two widened pixels of a multiple of 4 taps, for an even number of channels. */
void tflm_patch_make_wide_two(tflm_patch_dot_job* j, const uint32_t* values,
                              int8_t* output);

/* Two pixels, whose values lie one behind the other; one pixel. */
void tflm_patch_make_two(tflm_patch_dot_job* j, const int8_t* values,
                         int8_t* output);
void tflm_patch_make_one(tflm_patch_dot_job* j, const int8_t* values,
                         int8_t* output);

#endif /* TFLM_PATCH_SRC_DSP_BLOCKS_H_ */
