/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the kernels of an operator for int8 and for int16 maps share: checks, with
 * the type of the maps, and the rows that steps read. Internal.
 */
#ifndef TFLM_PATCH_SRC_TYPED_H_
#define TFLM_PATCH_SRC_TYPED_H_

#include "kernel.h"

/* ---- conv.c ---- */
tflm_patch_status tflm_patch_check_conv(const tflm_patch_stage* stage,
                                        const tflm_patch_op* op, uint8_t type);
void tflm_patch_conv_reads(const tflm_patch_stage* stage,
                           const tflm_patch_op* op, uint32_t input,
                           uint32_t step, int32_t* first, int32_t* last);

/* ---- depthwise_conv.c ---- */
tflm_patch_status tflm_patch_check_depthwise(const tflm_patch_stage* stage,
                                             const tflm_patch_op* op,
                                             uint8_t type);
void tflm_patch_depthwise_reads(const tflm_patch_stage* stage,
                                const tflm_patch_op* op, uint32_t input,
                                uint32_t step, int32_t* first, int32_t* last);

/* ---- fully_connected.c ---- */
tflm_patch_status tflm_patch_check_fully_connected(
    const tflm_patch_stage* stage, const tflm_patch_op* op, uint8_t type);
int tflm_patch_fully_connected_accumulates(const tflm_patch_stage* stage,
                                           const tflm_patch_op* op);

/* ---- pool.c ---- */
tflm_patch_status tflm_patch_check_average_pool(const tflm_patch_stage* stage,
                                                const tflm_patch_op* op,
                                                uint8_t type);
tflm_patch_status tflm_patch_check_max_pool(const tflm_patch_stage* stage,
                                            const tflm_patch_op* op,
                                            uint8_t type);
int tflm_patch_pool_accumulates(const tflm_patch_stage* stage,
                                const tflm_patch_op* op);
void tflm_patch_pool_reads(const tflm_patch_stage* stage,
                           const tflm_patch_op* op, uint32_t input,
                           uint32_t step, int32_t* first, int32_t* last);

/* ---- add.c ---- */

/* Of a record of tflm_patch_add_params. */
tflm_patch_status tflm_patch_check_add_of(const tflm_patch_stage* stage,
                                          const tflm_patch_op* op,
                                          uint8_t type);

#endif /* TFLM_PATCH_SRC_TYPED_H_ */
