/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Blocks of widened pixels by two channels whose weights are widened, too, in the dsp
 * family. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_GEMM_BLOCKS_H_
#define TFLM_PATCH_SRC_DSP_GEMM_BLOCKS_H_

#include "gemm.h"

/* Rows of pixels. */
typedef struct {
  const tflm_patch_requant_args* requant; /* bounded */
  const int32_t* bias;
  const uint32_t* values;  /* as tflm_patch_widen_runs makes them */
  const uint32_t* weights; /* as tflm_patch_widen_pair makes them */
  uint32_t quads;          /* taps of a pixel in fours, the last one filled up */
  uint32_t pixel;          /* bytes from a pixel's values to those of the next one */
  int32_t row;             /* likewise of rows */
  uint32_t rows;
  uint32_t cols; /* at least 2 */
  int8_t* output;
  uint32_t channels; /* bytes from a pixel's output to that of the next one */
  int32_t output_row;
} tflm_patch_block;

/* Channels `channel` and the next one of a block. Bytes are not clamped. */
void tflm_patch_make_block(const tflm_patch_block* b, uint32_t channel);

#endif /* TFLM_PATCH_SRC_DSP_GEMM_BLOCKS_H_ */
