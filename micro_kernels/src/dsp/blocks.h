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

typedef struct {
  const int8_t* weights; /* [channels][taps] */
  const int32_t* bias;
  const tflm_patch_requant_args* requant; /* bounded */
  uint32_t taps;                          /* at least 4 */
  uint32_t channels;
} tflm_patch_dot_layer;

/* Words that tflm_patch_widen writes. */
static inline uint32_t tflm_patch_wide_words(uint32_t taps) {
  return (taps + 3) / 4 * 2 * TFLM_PATCH_WIDE_PIXELS;
}

/* Four vectors of n >= 4 values, `pitch` apart, of which the first n_vectors are
 * there (the last of them stands for the missing ones): for every four values
 * the even ones of the vectors, then the odd ones, as 16 bits. The last four are
 * filled up with zeros. */
void tflm_patch_widen(uint32_t* to, const int8_t* from, uint32_t pitch,
                      uint32_t n, uint32_t n_vectors);

/* One to four pixels, widened. Pixels are layer->channels bytes of the output
 * each, here and below. */
void tflm_patch_make_wide(const tflm_patch_dot_layer* layer,
                          const uint32_t* values, uint32_t n_pixels,
                          int8_t* output);

/* Two pixels, whose values lie one behind the other; one pixel. */
void tflm_patch_make_two(const tflm_patch_dot_layer* layer,
                         const int8_t* values, int8_t* output);
void tflm_patch_make_one(const tflm_patch_dot_layer* layer,
                         const int8_t* values, int8_t* output);

#endif /* TFLM_PATCH_SRC_DSP_BLOCKS_H_ */
