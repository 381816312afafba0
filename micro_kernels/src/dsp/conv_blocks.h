/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONV_2D of the dsp family with a scratch for many pixels. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_CONV_BLOCKS_H_
#define TFLM_PATCH_SRC_DSP_CONV_BLOCKS_H_

#include "tflm_patch/kernels.h"

/* tflm_patch_conv_rows_s8. Returns 0 where the scratch is too small or the convolution not for
 * that, and nothing is done. Of a pointwise convolution the output may lie over the input,
 * when it has no more channels. */
int tflm_patch_conv_blocks_s8(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                              const tflm_patch_rows* output, uint32_t row, uint32_t count);

#endif /* TFLM_PATCH_SRC_DSP_CONV_BLOCKS_H_ */
