/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The registry of operator kernels: one line per kind. A build that runs known
 * models only needs their kinds: it names a header with their lines, see
 * src/family.h; then the linker leaves the other kernels out. A program that
 * needs one of those is rejected like one of an unknown kind.
 */
#include "family.h"
#include "kernels.h"

/* As long as the highest kind needs. */
static const tflm_patch_kernel* const kKernels[] = {
#ifdef TFLM_PATCH_KERNEL_ENTRIES
    TFLM_PATCH_KERNEL_ENTRIES
#else
    [TFLM_PATCH_CONV_2D] = &tflm_patch_conv_2d_kernel,
    [TFLM_PATCH_DEPTHWISE_CONV_2D] = &tflm_patch_depthwise_conv_2d_kernel,
    [TFLM_PATCH_FULLY_CONNECTED] = &tflm_patch_fully_connected_kernel,
    [TFLM_PATCH_AVERAGE_POOL_2D] = &tflm_patch_average_pool_2d_kernel,
    [TFLM_PATCH_MAX_POOL_2D] = &tflm_patch_max_pool_2d_kernel,
    [TFLM_PATCH_ADD] = &tflm_patch_add_kernel,
    [TFLM_PATCH_MUL] = &tflm_patch_mul_kernel,
    [TFLM_PATCH_MEAN] = &tflm_patch_mean_kernel,
    [TFLM_PATCH_SOFTMAX] = &tflm_patch_softmax_kernel,
    [TFLM_PATCH_QUANTIZE] = &tflm_patch_quantize_kernel,
    [TFLM_PATCH_DEQUANTIZE] = &tflm_patch_dequantize_kernel,
    [TFLM_PATCH_LOOKUP] = &tflm_patch_lookup_kernel,
    [TFLM_PATCH_PAD] = &tflm_patch_pad_kernel,
    [TFLM_PATCH_TRANSPOSE] = &tflm_patch_transpose_kernel,
    [TFLM_PATCH_RESIZE_NEAREST] = &tflm_patch_resize_nearest_kernel,
    [TFLM_PATCH_CONCATENATION] = &tflm_patch_concatenation_kernel,
    [TFLM_PATCH_SUB] = &tflm_patch_sub_kernel,
    [TFLM_PATCH_MAXIMUM] = &tflm_patch_maximum_kernel,
    [TFLM_PATCH_MINIMUM] = &tflm_patch_minimum_kernel,
    [TFLM_PATCH_PRELU] = &tflm_patch_prelu_kernel,
    [TFLM_PATCH_SPLIT] = &tflm_patch_split_kernel,
    [TFLM_PATCH_STRIDED_SLICE] = &tflm_patch_strided_slice_kernel,
    [TFLM_PATCH_SPACE_TO_DEPTH] = &tflm_patch_space_to_depth_kernel,
    [TFLM_PATCH_DEPTH_TO_SPACE] = &tflm_patch_depth_to_space_kernel,
    [TFLM_PATCH_RESIZE_BILINEAR] = &tflm_patch_resize_bilinear_kernel,
    [TFLM_PATCH_TRANSPOSE_CONV] = &tflm_patch_transpose_conv_kernel,
    [TFLM_PATCH_BOTTLENECK] = &tflm_patch_bottleneck_kernel,
    [TFLM_PATCH_CONV_2D_S16] = &tflm_patch_conv_2d_s16_kernel,
    [TFLM_PATCH_DEPTHWISE_CONV_2D_S16] = &tflm_patch_depthwise_conv_2d_s16_kernel,
    [TFLM_PATCH_FULLY_CONNECTED_S16] = &tflm_patch_fully_connected_s16_kernel,
    [TFLM_PATCH_AVERAGE_POOL_2D_S16] = &tflm_patch_average_pool_2d_s16_kernel,
    [TFLM_PATCH_MAX_POOL_2D_S16] = &tflm_patch_max_pool_2d_s16_kernel,
    [TFLM_PATCH_ADD_S16] = &tflm_patch_add_s16_kernel,
    [TFLM_PATCH_RESHAPE] = &tflm_patch_reshape_kernel,
    [TFLM_PATCH_FEED] = &tflm_patch_feed_kernel,
    [TFLM_PATCH_CROP] = &tflm_patch_crop_kernel,
    [TFLM_PATCH_JOIN] = &tflm_patch_join_kernel,
#endif
};

#define KERNEL_COUNT (sizeof(kKernels) / sizeof(kKernels[0]))

const tflm_patch_kernel* tflm_patch_find_kernel(uint32_t kind) {
  return kind < KERNEL_COUNT ? kKernels[kind] : NULL;
}
