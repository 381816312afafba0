/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * PRELU of an int8 map with a map of slopes.
 */
#include "binary.h"
#include "requantize.h"

void tflm_patch_prelu_s8(const tflm_patch_prelu_params* params, int32_t a_zero_point,
                         int32_t b_zero_point, const int8_t* a, uint32_t a_step, const int8_t* b,
                         uint32_t b_step, int8_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    int32_t value = *a - a_zero_point;
    const int part = value < 0;
    if (part) {
      value *= *b - b_zero_point;
    }
    output[i] = (int8_t)tflm_patch_requantize(value, params->multiplier[part], params->shift[part],
                                              params->output_zero_point, INT8_MIN, INT8_MAX);
    a += a_step;
    b += b_step;
  }
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_prelu_params* params = (const tflm_patch_prelu_params*)task->params;
  return tflm_patch_is_shift(params->shift[0]) && tflm_patch_is_shift(params->shift[1]) &&
                 tflm_patch_is_int8(params->output_zero_point)
             ? tflm_patch_check_binary(task)
             : TFLM_PATCH_BAD_OP;
}

static void prelu_row(const void* params, int32_t a_zero_point, int32_t b_zero_point,
                      const int8_t* a, uint32_t a_step, const int8_t* b, uint32_t b_step,
                      int8_t* output, uint32_t n) {
  tflm_patch_prelu_s8((const tflm_patch_prelu_params*)params, a_zero_point, b_zero_point, a, a_step,
                      b, b_step, output, n);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_run_binary(task, step, count, prelu_row);
}

const tflm_patch_kernel tflm_patch_prelu_kernel = {
    .check = check,
    .reads = tflm_patch_binary_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_prelu_params),
    .inputs = 2,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_IN_SERIES,
};
