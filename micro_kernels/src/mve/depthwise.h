/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An output row of a depthwise convolution at work, and the two ways to make it.
 * Internal.
 */
#ifndef TFLM_PATCH_SRC_MVE_DEPTHWISE_H_
#define TFLM_PATCH_SRC_MVE_DEPTHWISE_H_

#include "../window.h"

#define TFLM_PATCH_DEPTHWISE_BLOCK 16u
#define TFLM_PATCH_DEPTHWISE_ROWS 32u /* of a kernel, at most */

typedef struct {
  const tflm_patch_depthwise_conv_args* args;
  const tflm_patch_rows* input;
  const int8_t* rows[TFLM_PATCH_DEPTHWISE_ROWS]; /* kernel rows in the map */
  tflm_patch_range rows_inside;
  uint32_t channels; /* of the output */
  int is_usual;      /* as tflm_patch_is_usual says of the requantization */
  int8_t* output;
} tflm_patch_depthwise_row;

/* All whole blocks of TFLM_PATCH_DEPTHWISE_BLOCK channels, for a depth multiplier
 * of 1 and weights without -128; returns how many channels that are. Any of the
 * output's cells may lie over cells of the input that are read for it, or were
 * before. */
uint32_t tflm_patch_mve_depthwise_blocks(const tflm_patch_depthwise_row* row);

/* Channels [channel, end), a window of up to 64 taps with columns side by side.
 * The output may lie over the input as above. */
void tflm_patch_mve_depthwise_strips(const tflm_patch_depthwise_row* row, uint32_t channel,
                                     uint32_t end);

#endif /* TFLM_PATCH_SRC_MVE_DEPTHWISE_H_ */
