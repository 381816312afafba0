/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which convolutions the kernel of the dsp family is for. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_CONV_H_
#define TFLM_PATCH_SRC_DSP_CONV_H_

#include "tflm_patch/kernels.h"

int tflm_patch_is_dsp_conv(const tflm_patch_conv_args* args, uint32_t channels);

#endif /* TFLM_PATCH_SRC_DSP_CONV_H_ */
