/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * DEPTHWISE_CONV_2D of families that have TFLM_PATCH_HAS_OWN_DEPTHWISE_ROWS. Internal.
 */
#ifndef TFLM_PATCH_SRC_DEPTHWISE_ROWS_H_
#define TFLM_PATCH_SRC_DEPTHWISE_ROWS_H_

#include "tflm_patch/kernels.h"

/* tflm_patch_depthwise_conv_s8 of the rows [row, row + count) of `output`, the map that is
 * written; it may lie over input rows that no later row is made of. */
void tflm_patch_depthwise_rows_s8(const tflm_patch_depthwise_conv_args* args,
                                  const tflm_patch_rows* input, const tflm_patch_rows* output,
                                  uint32_t row, uint32_t count);

#endif /* TFLM_PATCH_SRC_DEPTHWISE_ROWS_H_ */
