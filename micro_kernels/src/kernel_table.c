/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The registry of operator kernels: one line per kind. A build that runs known
 * models only needs their kinds: it names a file with their lines, made by
 * `tflm-patch export` or tflm_patch.codegen, in TFLM_PATCH_KERNEL_TABLE_FILE;
 * then the linker leaves the other kernels out. A program that needs one of
 * those is rejected like one of an unknown kind.
 */
#include "kernels.h"

typedef struct {
  const tflm_patch_kernel* kernel;
  uint32_t params_bytes;
} kernel_entry;

/* As long as the highest kind needs. */
static const kernel_entry kKernels[] = {
#ifdef TFLM_PATCH_KERNEL_TABLE_FILE
#include TFLM_PATCH_KERNEL_TABLE_FILE
#else
    [TFLM_PATCH_CONV_2D] = {&tflm_patch_conv_2d_kernel,
                            sizeof(tflm_patch_conv_params)},
    [TFLM_PATCH_DEPTHWISE_CONV_2D] = {&tflm_patch_depthwise_conv_2d_kernel,
                                      sizeof(tflm_patch_depthwise_params)},
    [TFLM_PATCH_FULLY_CONNECTED] = {&tflm_patch_fully_connected_kernel,
                                    sizeof(tflm_patch_fully_connected_params)},
    [TFLM_PATCH_AVERAGE_POOL_2D] = {&tflm_patch_average_pool_2d_kernel,
                                    sizeof(tflm_patch_pool_params)},
    [TFLM_PATCH_MAX_POOL_2D] = {&tflm_patch_max_pool_2d_kernel,
                                sizeof(tflm_patch_pool_params)},
    [TFLM_PATCH_ADD] = {&tflm_patch_add_kernel, sizeof(tflm_patch_add_params)},
    [TFLM_PATCH_MUL] = {&tflm_patch_mul_kernel, sizeof(tflm_patch_mul_params)},
    [TFLM_PATCH_MEAN] = {&tflm_patch_mean_kernel,
                         sizeof(tflm_patch_mean_params)},
    [TFLM_PATCH_SOFTMAX] = {&tflm_patch_softmax_kernel,
                            sizeof(tflm_patch_softmax_params)},
    [TFLM_PATCH_QUANTIZE] = {&tflm_patch_quantize_kernel,
                             sizeof(tflm_patch_quantize_params)},
    [TFLM_PATCH_DEQUANTIZE] = {&tflm_patch_dequantize_kernel,
                               sizeof(tflm_patch_quantize_params)},
    [TFLM_PATCH_LOOKUP] = {&tflm_patch_lookup_kernel,
                           sizeof(tflm_patch_lookup_params)},
    [TFLM_PATCH_PAD] = {&tflm_patch_pad_kernel, sizeof(tflm_patch_pad_params)},
    [TFLM_PATCH_TRANSPOSE] = {&tflm_patch_transpose_kernel, 0},
    [TFLM_PATCH_RESIZE_NEAREST] = {&tflm_patch_resize_nearest_kernel,
                                   sizeof(tflm_patch_resize_params)},
    [TFLM_PATCH_CONCATENATION] = {&tflm_patch_concatenation_kernel, 0},
    [TFLM_PATCH_SUB] = {&tflm_patch_sub_kernel, sizeof(tflm_patch_add_params)},
    [TFLM_PATCH_MAXIMUM] = {&tflm_patch_maximum_kernel, 0},
    [TFLM_PATCH_MINIMUM] = {&tflm_patch_minimum_kernel, 0},
    [TFLM_PATCH_PRELU] = {&tflm_patch_prelu_kernel,
                          sizeof(tflm_patch_prelu_params)},
    [TFLM_PATCH_SPLIT] = {&tflm_patch_split_kernel, 0},
    [TFLM_PATCH_STRIDED_SLICE] = {&tflm_patch_strided_slice_kernel,
                                  sizeof(tflm_patch_strided_slice_params)},
    [TFLM_PATCH_SPACE_TO_DEPTH] = {&tflm_patch_space_to_depth_kernel,
                                   sizeof(tflm_patch_block_params)},
    [TFLM_PATCH_DEPTH_TO_SPACE] = {&tflm_patch_depth_to_space_kernel,
                                   sizeof(tflm_patch_block_params)},
    [TFLM_PATCH_RESIZE_BILINEAR] = {&tflm_patch_resize_bilinear_kernel,
                                    sizeof(tflm_patch_resize_params)},
    [TFLM_PATCH_TRANSPOSE_CONV] = {&tflm_patch_transpose_conv_kernel,
                                   sizeof(tflm_patch_transpose_conv_params)},
    [TFLM_PATCH_BOTTLENECK] = {&tflm_patch_bottleneck_kernel,
                               sizeof(tflm_patch_bottleneck_params)},
    [TFLM_PATCH_CONV_2D_S16] = {&tflm_patch_conv_2d_s16_kernel,
                                sizeof(tflm_patch_conv_params)},
    [TFLM_PATCH_DEPTHWISE_CONV_2D_S16] =
        {&tflm_patch_depthwise_conv_2d_s16_kernel,
         sizeof(tflm_patch_depthwise_params)},
    [TFLM_PATCH_FULLY_CONNECTED_S16] =
        {&tflm_patch_fully_connected_s16_kernel,
         sizeof(tflm_patch_fully_connected_params)},
    [TFLM_PATCH_AVERAGE_POOL_2D_S16] = {&tflm_patch_average_pool_2d_s16_kernel,
                                        sizeof(tflm_patch_pool_params)},
    [TFLM_PATCH_MAX_POOL_2D_S16] = {&tflm_patch_max_pool_2d_s16_kernel,
                                    sizeof(tflm_patch_pool_params)},
    [TFLM_PATCH_ADD_S16] = {&tflm_patch_add_s16_kernel,
                            sizeof(tflm_patch_add_params)},
    [TFLM_PATCH_RESHAPE] = {&tflm_patch_reshape_kernel, 0},
    [TFLM_PATCH_FEED] = {&tflm_patch_feed_kernel, 0},
    [TFLM_PATCH_CROP] = {&tflm_patch_crop_kernel,
                         sizeof(tflm_patch_crop_params)},
    [TFLM_PATCH_JOIN] = {&tflm_patch_join_kernel, 0},
#endif
};

#define KERNEL_COUNT (sizeof(kKernels) / sizeof(kKernels[0]))

const tflm_patch_kernel* tflm_patch_find_kernel(uint32_t kind) {
  return kind < KERNEL_COUNT ? kKernels[kind].kernel : NULL;
}

uint32_t tflm_patch_params_bytes(uint32_t kind) {
  return kind < KERNEL_COUNT ? kKernels[kind].params_bytes : 0;
}
