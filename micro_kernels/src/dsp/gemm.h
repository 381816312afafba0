/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Blocks of pixels of an operator whose output channels are dot products of the
 * same `taps` values with their weights, in the dsp family. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_GEMM_H_
#define TFLM_PATCH_SRC_DSP_GEMM_H_

#include <stdint.h>

#include "scratch.h"
#include "tflm_patch/kernels.h"

/* An operator and the pixels at work. The assembly in gemm.c knows where the
 * members up to taps lie. */
typedef struct {
  const int32_t* bias;         /* 0: of the next channel */
  uint32_t entry;              /* 4: where the loop over the taps is entered */
  const int8_t* values;        /* 8 */
  uint32_t loops;              /* 12: how often it runs */
  const int32_t* multipliers;  /* 16: of the next channel, like what follows */
  const int8_t* shifts;        /* 20 */
  int8_t* output;              /* 24 */
  int32_t round_unit;          /* 28: see tflm_patch_find_scaling */
  uint32_t step;               /* 32: of the multipliers, in bytes */
  uint32_t at_1;               /* 36: the second pixel's output behind the first's */
  const int8_t* weights;       /* 40: of the next channel */
  const int8_t* weights_end;   /* 44 */
  int32_t sums[4];             /* 48 */
  uint32_t next_pixel;         /* 64: the second pixel's values behind the first's */
  uint32_t tail;               /* 68: taps behind whole fours */
  uint32_t taps;               /* 72: at least 4 */
  const int8_t* first_weights; /* [channels][taps] */
  const int32_t* first_bias;
  const tflm_patch_requant_args* requant; /* bounded */
  uint32_t channels;
} tflm_patch_dot_job;

/* Whether FULLY_CONNECTED can be made in this way. */
static inline int tflm_patch_is_dsp_fully_connected(uint32_t inputs,
                                                    const tflm_patch_requant_args* requant) {
  return inputs >= 4 && requant->bounded;
}

void tflm_patch_init_dot_job(tflm_patch_dot_job* j, const int8_t* weights, const int32_t* bias,
                             const tflm_patch_requant_args* requant, uint32_t taps,
                             uint32_t channels);

/* `count` of n_vectors interleaved vectors of n values, each `skip` bytes behind the end of the
 * one before: for every four values a word of the even ones and, n_vectors words further on, a
 * word of the odd ones; then come those of the next four. n is at least 4; the last four are
 * filled up with zeros. */
void tflm_patch_widen(uint32_t* to, uint32_t n_vectors, const int8_t* from, uint32_t n,
                      uint32_t count, int32_t skip);

/* `count` runs of n values, 4 or more of them: of every four a word of the even ones, then one
 * of the odd ones. The skips are bytes from behind a run's whole fours, and from behind what
 * it became, to the next one. What the last word is filled up with is no matter here, and 0
 * below. */
void tflm_patch_widen_runs(uint32_t* to, const int8_t* from, uint32_t n, uint32_t count,
                           int32_t from_skip, int32_t to_skip);

/* The same of two vectors, the second one `second` bytes further on, word by word in turns. */
void tflm_patch_widen_pair(uint32_t* to, const int8_t* from, uint32_t n, uint32_t count,
                           uint32_t second, int32_t skip);

/* Pixels that are widened in tiles of three, then some in tiles of two, one tile behind the
 * other. Pixels are j->channels bytes of the output each and not clamped, here and below. */
void tflm_patch_make_wide(const tflm_patch_dot_job* j, const uint32_t* values, uint32_t threes,
                          uint32_t twos, int8_t* output);

/* One pixel, or two, whose values lie one behind the other. */
void tflm_patch_make_few(tflm_patch_dot_job* j, const int8_t* values, uint32_t n_pixels,
                         int8_t* output);

/* Clamps n bytes, where that is not to all of int8. */
void tflm_patch_clamp_bytes(const tflm_patch_requant_args* requant, int8_t* bytes, uint32_t n);

#endif /* TFLM_PATCH_SRC_DSP_GEMM_H_ */
