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
#define TFLM_PATCH_DEPTHWISE_LEAST 8u /* channels of a cell that are made at once */
#define TFLM_PATCH_DEPTHWISE_ROWS 32u /* of a kernel, at most */

typedef struct {
  const tflm_patch_depthwise_conv_args* args;
  const tflm_patch_rows* input;
  const int8_t* rows[TFLM_PATCH_DEPTHWISE_ROWS]; /* kernel rows in the map */
  tflm_patch_range rows_inside;
  tflm_patch_range cols_inside; /* for 3 x 3 windows: columns with all taps in the map */
  uint32_t channels;            /* of the output */
  int is_usual;                 /* as tflm_patch_is_usual says of the requantization */
  int8_t* output;
} tflm_patch_depthwise_row;

/* An output row of 3 x 3 windows: the rows of its windows, those outside the map
 * anywhere in it. */
typedef struct {
  const int8_t* rows[3];
  tflm_patch_range inside; /* of them, those in the map */
  int8_t* output;
} tflm_patch_depthwise_place;

/* n > 0 rows of all channels from `channel` on, block by block, for 3 x 3 windows in the usual
 * case, strides of columns 1 and 2, a depth multiplier of 1, and TFLM_PATCH_DEPTHWISE_LEAST
 * channels or more. Returns the first channel of a
 * block that it does not make, as a weight is -128, or where there is none as many as there are.
 * The output may lie over the input as below. Of `row` no rows, nor output, are read. */
uint32_t tflm_patch_mve_depthwise_3x3(const tflm_patch_depthwise_row* row,
                                      const tflm_patch_depthwise_place* places, uint32_t n,
                                      uint32_t channel);

/* The same for all channels of a cell of 1, 2, 4 or 8, for stride 1, as many output
 * columns as input ones, one column of padding at the left, and 16 outputs at least.
 * Returns 0, and does nothing, when a weight is -128. */
int tflm_patch_mve_depthwise_flat(const tflm_patch_depthwise_row* row,
                                  const tflm_patch_depthwise_place* places, uint32_t n);

/* All whole blocks of TFLM_PATCH_DEPTHWISE_BLOCK channels, one at least, and what is behind
 * them unless it is little, for a depth multiplier of 1 and weights without -128; returns how
 * many channels that are. Any of the output's cells may lie over cells of the input that are
 * read for it, or were before. */
uint32_t tflm_patch_mve_depthwise_blocks(const tflm_patch_depthwise_row* row);

/* Channels [channel, end), a window of up to 64 taps with columns side by side.
 * The output may lie over the input as above. */
void tflm_patch_mve_depthwise_strips(const tflm_patch_depthwise_row* row, uint32_t channel,
                                     uint32_t end);

#endif /* TFLM_PATCH_SRC_MVE_DEPTHWISE_H_ */
