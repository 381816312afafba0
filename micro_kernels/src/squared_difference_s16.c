/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * SQUARED_DIFFERENCE of int16 maps, with the record of ADD.
 */
#include "binary.h"
#include "kernels.h"
#include "requantize.h"

void tflm_patch_squared_difference_s16(const tflm_patch_add_params* params, const int16_t* a,
                                       uint32_t a_step, const int16_t* b, uint32_t b_step,
                                       int16_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = (int16_t)tflm_patch_squared_difference(params, *a, *b);
    a += a_step;
    b += b_step;
  }
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_add_params* params = (const tflm_patch_add_params*)task->params;
  return params->output_zero_point == 0 && params->left_shift == 0
             ? tflm_patch_check_squared_difference(task)
             : TFLM_PATCH_BAD_OP;
}

static void row_kernel(const void* params, int32_t a_zero_point, int32_t b_zero_point,
                       const int8_t* a, uint32_t a_step, const int8_t* b, uint32_t b_step,
                       int8_t* output, uint32_t n) {
  (void)a_zero_point;
  (void)b_zero_point;
  tflm_patch_squared_difference_s16(
      (const tflm_patch_add_params*)params, (const int16_t*)(const void*)a, a_step,
      (const int16_t*)(const void*)b, b_step, (int16_t*)(void*)output, n);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_run_binary(task, step, count, row_kernel);
}

const tflm_patch_kernel tflm_patch_squared_difference_s16_kernel = {
    .check = check,
    .reads = tflm_patch_binary_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_add_params),
    .inputs = 2,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_IN_SERIES,
};
