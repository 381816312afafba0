/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stretches of 3 x 3 depthwise convolutions, for Armv7E-M. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_DEPTHWISE_3X3_H_
#define TFLM_PATCH_SRC_DSP_DEPTHWISE_3X3_H_

#include <stdint.h>

/* A channel of a stretch of n >= 1 output columns. The assembly knows where the
 * members lie. */
typedef struct {
  uint32_t weights[5]; /* 0: twice (w00, w10), (w01, w11), (w02, w12), (w20, w21),
                          (w21, w22) */
  uint32_t* rows;      /* 20: words of the values of the first two kernel rows, by
                          column; the sums take their place */
  const uint32_t* row; /* 24: words of two columns of the third kernel row */
  int32_t bias;        /* 28: twice */
  uint32_t n;          /* 32 */
  int8_t* output;      /* 36 */
  uint32_t pitch;      /* 40: of the output's columns */
  int32_t round;       /* 44: tflm_patch_scaling */
  int32_t multiplier;  /* 48 */
  int32_t exponent;    /* 52 */
} tflm_patch_stretch_3x3;

/* n is rounded up to an even number for reading: rows has two (stride 1) or one
 * (stride 2) words more than stride * n, row one more than half as many. Values are
 * not clamped to less than int8. */
void tflm_patch_make_3x3_stride_1(const tflm_patch_stretch_3x3* s);
void tflm_patch_make_3x3_stride_2(const tflm_patch_stretch_3x3* s);

#endif /* TFLM_PATCH_SRC_DSP_DEPTHWISE_3X3_H_ */
