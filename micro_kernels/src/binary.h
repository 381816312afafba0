/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What operators of two maps share: broadcasting. Internal.
 */
#ifndef TFLM_PATCH_SRC_BINARY_H_
#define TFLM_PATCH_SRC_BINARY_H_

#include "kernel.h"

/* output[i] = f(a[i * a_step], b[i * b_step]); params is the kind's record. The
 * pointers are to values of the maps' type. */
typedef void (*tflm_patch_binary_row)(const void* params, int32_t a_zero_point,
                                      int32_t b_zero_point, const int8_t* a, uint32_t a_step,
                                      const int8_t* b, uint32_t b_step, int8_t* output, uint32_t n);

/* Every dimension of an input is the output's, or 1. */
tflm_patch_status tflm_patch_check_binary(const tflm_patch_task* task);

/* The same with a tflm_patch_add_params record (src/add.c). */
tflm_patch_status tflm_patch_check_add(const tflm_patch_task* task);

/* The same of SQUARED_DIFFERENCE, but for the zero point (src/squared_difference.c). */
tflm_patch_status tflm_patch_check_squared_difference(const tflm_patch_task* task);

void tflm_patch_binary_reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows);

void tflm_patch_run_binary(const tflm_patch_task* task, uint32_t step, uint32_t count,
                           tflm_patch_binary_row row_kernel);

#endif /* TFLM_PATCH_SRC_BINARY_H_ */
