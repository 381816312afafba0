/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The operator kernels, one per file; src/kernel_table.c gathers them.
 * Internal.
 */
#ifndef TFLM_PATCH_SRC_KERNELS_H_
#define TFLM_PATCH_SRC_KERNELS_H_

#include "kernel.h"

extern const tflm_patch_kernel tflm_patch_conv_2d_kernel;
extern const tflm_patch_kernel tflm_patch_depthwise_conv_2d_kernel;
extern const tflm_patch_kernel tflm_patch_transpose_conv_kernel;
extern const tflm_patch_kernel tflm_patch_fully_connected_kernel;
extern const tflm_patch_kernel tflm_patch_average_pool_2d_kernel;
extern const tflm_patch_kernel tflm_patch_max_pool_2d_kernel;
extern const tflm_patch_kernel tflm_patch_add_kernel;
extern const tflm_patch_kernel tflm_patch_mul_kernel;
extern const tflm_patch_kernel tflm_patch_mean_kernel;
extern const tflm_patch_kernel tflm_patch_softmax_kernel;
extern const tflm_patch_kernel tflm_patch_quantize_kernel;
extern const tflm_patch_kernel tflm_patch_dequantize_kernel;
extern const tflm_patch_kernel tflm_patch_lookup_kernel;
extern const tflm_patch_kernel tflm_patch_pad_kernel;
extern const tflm_patch_kernel tflm_patch_transpose_kernel;
extern const tflm_patch_kernel tflm_patch_resize_nearest_kernel;
extern const tflm_patch_kernel tflm_patch_resize_bilinear_kernel;
extern const tflm_patch_kernel tflm_patch_concatenation_kernel;
extern const tflm_patch_kernel tflm_patch_sub_kernel;
extern const tflm_patch_kernel tflm_patch_maximum_kernel;
extern const tflm_patch_kernel tflm_patch_minimum_kernel;
extern const tflm_patch_kernel tflm_patch_prelu_kernel;
extern const tflm_patch_kernel tflm_patch_split_kernel;
extern const tflm_patch_kernel tflm_patch_strided_slice_kernel;
extern const tflm_patch_kernel tflm_patch_space_to_depth_kernel;
extern const tflm_patch_kernel tflm_patch_depth_to_space_kernel;
extern const tflm_patch_kernel tflm_patch_bottleneck_kernel;
extern const tflm_patch_kernel tflm_patch_conv_2d_s16_kernel;
extern const tflm_patch_kernel tflm_patch_depthwise_conv_2d_s16_kernel;
extern const tflm_patch_kernel tflm_patch_fully_connected_s16_kernel;
extern const tflm_patch_kernel tflm_patch_average_pool_2d_s16_kernel;
extern const tflm_patch_kernel tflm_patch_max_pool_2d_s16_kernel;
extern const tflm_patch_kernel tflm_patch_add_s16_kernel;
extern const tflm_patch_kernel tflm_patch_reshape_kernel;
extern const tflm_patch_kernel tflm_patch_feed_kernel;
extern const tflm_patch_kernel tflm_patch_crop_kernel;
extern const tflm_patch_kernel tflm_patch_join_kernel;

#endif /* TFLM_PATCH_SRC_KERNELS_H_ */
