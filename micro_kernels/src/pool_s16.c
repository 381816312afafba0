/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * AVERAGE_POOL_2D and MAX_POOL_2D of int16 maps.
 */
#define OWN_ROWS 0
#define VALUE int16_t
#define VALUE_MIN INT16_MIN
#define AVERAGE_ROW tflm_patch_average_pool_s16
#define AVERAGE_ADD tflm_patch_average_pool_accumulate_s16
#define AVERAGE_FINISH tflm_patch_average_pool_finish_s16
#define MAX_ROW tflm_patch_max_pool_s16
#include "pool_rows.h"

static tflm_patch_status check_average(const tflm_patch_stage* stage,
                                       const tflm_patch_op* op) {
  return tflm_patch_check_average_pool(stage, op, TFLM_PATCH_INT16);
}

static tflm_patch_status check_max(const tflm_patch_stage* stage,
                                   const tflm_patch_op* op) {
  return tflm_patch_check_max_pool(stage, op, TFLM_PATCH_INT16);
}

const tflm_patch_kernel tflm_patch_average_pool_2d_s16_kernel = {
    .check = check_average,
    .reads = tflm_patch_pool_reads,
    .run = run_average,
    .accumulates = 2,
    .is_accumulating = tflm_patch_pool_accumulates,
};

const tflm_patch_kernel tflm_patch_max_pool_2d_s16_kernel = {
    .check = check_max,
    .reads = tflm_patch_pool_reads,
    .run = run_max,
};
