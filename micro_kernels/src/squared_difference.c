/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * SQUARED_DIFFERENCE of int8 maps.
 */
#include "binary.h"
#include "requantize.h"

/* The most that keep the square of twice an int8 difference in int32. */
#define MAX_LEFT_SHIFT 7

void tflm_patch_squared_difference_s8(const tflm_patch_add_params* params, int32_t a_zero_point,
                                      int32_t b_zero_point, const int8_t* a, uint32_t a_step,
                                      const int8_t* b, uint32_t b_step, int8_t* output,
                                      uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = (int8_t)tflm_patch_squared_difference(params, *a - a_zero_point, *b - b_zero_point);
    a += a_step;
    b += b_step;
  }
}

tflm_patch_status tflm_patch_check_squared_difference(const tflm_patch_task* task) {
  const tflm_patch_add_params* params = (const tflm_patch_add_params*)task->params;
  for (uint32_t i = 0; i < 2; ++i) {
    if (params->input_shift[i] > 0 || params->input_shift[i] < -31) {
      return TFLM_PATCH_BAD_OP;
    }
  }
  return tflm_patch_is_shift(params->output_shift) && params->left_shift >= 0 &&
                 params->left_shift <= MAX_LEFT_SHIFT &&
                 tflm_patch_is_clamp(task->output->type, params->act_min, params->act_max)
             ? tflm_patch_check_binary(task)
             : TFLM_PATCH_BAD_OP;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_add_params* params = (const tflm_patch_add_params*)task->params;
  return tflm_patch_is_int8(params->output_zero_point) ? tflm_patch_check_squared_difference(task)
                                                       : TFLM_PATCH_BAD_OP;
}

static void squared_difference_row(const void* params, int32_t a_zero_point, int32_t b_zero_point,
                                   const int8_t* a, uint32_t a_step, const int8_t* b,
                                   uint32_t b_step, int8_t* output, uint32_t n) {
  tflm_patch_squared_difference_s8((const tflm_patch_add_params*)params, a_zero_point, b_zero_point,
                                   a, a_step, b, b_step, output, n);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_run_binary(task, step, count, squared_difference_row);
}

const tflm_patch_kernel tflm_patch_squared_difference_kernel = {
    .check = check,
    .reads = tflm_patch_binary_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_add_params),
    .inputs = 2,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_IN_SERIES,
};
