/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is particular to CONV_2D for MVE. Internal.
 */
#ifndef TFLM_PATCH_SRC_MVE_CONV_H_
#define TFLM_PATCH_SRC_MVE_CONV_H_

#include "tflm_patch/kernels.h"

/* Whether a pointwise convolution of `channels` input channels reads each pixel
 * before it writes that pixel's outputs, and one pixel after the other. */
int tflm_patch_mve_conv_reads_first(const tflm_patch_conv_args* args,
                                    uint32_t channels);

#endif /* TFLM_PATCH_SRC_MVE_CONV_H_ */
