/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pointwise CONV_2D of families that have TFLM_PATCH_HAS_OWN_CONV_LINE. Internal.
 */
#ifndef TFLM_PATCH_SRC_CONV_LINE_H_
#define TFLM_PATCH_SRC_CONV_LINE_H_

#include "tflm_patch/kernels.h"

/* tflm_patch_conv_s8 of a pointwise convolution and an input of one row of any
 * length, which the output may lie over. Returns 0 when it is not for that, and
 * nothing is done. */
int tflm_patch_conv_line_s8(const tflm_patch_conv_args* args, const tflm_patch_rows* line,
                            int8_t* output);

#endif /* TFLM_PATCH_SRC_CONV_LINE_H_ */
