/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The row kernels in plain C that a kernel family may replace: what runs where
 * it does not. As in tflm_patch/kernels.h. Internal.
 */
#ifndef TFLM_PATCH_SRC_PORTABLE_PORTABLE_H_
#define TFLM_PATCH_SRC_PORTABLE_PORTABLE_H_

#include "tflm_patch/kernels.h"

void tflm_patch_conv_portable_s8(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                                 uint32_t row, int8_t* output);

void tflm_patch_depthwise_conv_portable_s8(const tflm_patch_depthwise_conv_args* args,
                                           const tflm_patch_rows* input, uint32_t row,
                                           int8_t* output);

void tflm_patch_fully_connected_portable_s8(const tflm_patch_fully_connected_args* args,
                                            const int8_t* input, int8_t* output);

void tflm_patch_add_portable_s8(const tflm_patch_add_params* params, int32_t a_zero_point,
                                int32_t b_zero_point, const int8_t* a, uint32_t a_step,
                                const int8_t* b, uint32_t b_step, int8_t* output, uint32_t n);

#endif /* TFLM_PATCH_SRC_PORTABLE_PORTABLE_H_ */
