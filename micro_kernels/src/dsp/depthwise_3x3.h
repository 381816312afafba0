/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stretches of 3 x 3 depthwise convolutions, for Armv7E-M. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_DEPTHWISE_3X3_H_
#define TFLM_PATCH_SRC_DSP_DEPTHWISE_3X3_H_

#include "arith.h"

/* Some channels of a stretch of n >= 1 output columns. The assembly knows where the
 * members lie. */
typedef struct {
  const uint32_t* weights; /* 0: of the next channel: twice (w00, w10), (w01, w11),
                              (w02, w12), (w20, w21), (w21, w22) */
  uint32_t* rows;          /* 4: words of the values of the first two kernel rows,
                              by column; the sums take their place */
  const uint32_t* row;     /* 8: words of two columns of the third kernel row */
  int8_t* output;          /* 12 */
  const int32_t* bias;     /* 16: of the next channel */
  const int32_t* multipliers; /* 20 */
  const int8_t* shifts;    /* 24 */
  uint32_t step;           /* 28: of the multipliers, in bytes */
  int32_t round_unit;      /* 32: see tflm_patch_find_scaling */
  uint32_t n;              /* 36 */
  uint32_t pitch;          /* 40: of the output's columns */
  uint32_t plane_bytes;    /* 44: from a channel's rows and row to the next one's */
  uint32_t channels;       /* 48: that are left */
  tflm_patch_scaling scaling; /* 52: of the channel at work: round, multiplier,
                                 exponent */
} tflm_patch_stretch_3x3;

/* Makes channels until all are made (returns 0) or one comes whose shift is not for
 * the short way to bytes (returns 1): it is not made, its bias, multiplier and shift
 * are taken. n is rounded up to an even number for reading: rows has two (stride 1)
 * or one (stride 2) words more than stride * n, row one more than half as many.
 * Values are not clamped to less than int8. */
int32_t tflm_patch_make_3x3_stride_1(tflm_patch_stretch_3x3* s);
int32_t tflm_patch_make_3x3_stride_2(tflm_patch_stretch_3x3* s);

#endif /* TFLM_PATCH_SRC_DSP_DEPTHWISE_3X3_H_ */
