/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * MUL of int16 maps.
 *
 * Inner loops.
 */
#include "binary.h"
#include "kernels.h"
#include "requantize.h"

void tflm_patch_mul_s16(const tflm_patch_mul_params* params, const int16_t* a, uint32_t a_step,
                        const int16_t* b, uint32_t b_step, int16_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] =
        (int16_t)tflm_patch_requantize((int32_t)*a * *b, params->output_multiplier,
                                       params->output_shift, 0, params->act_min, params->act_max);
    a += a_step;
    b += b_step;
  }
}

/* ---- the operator ---- */

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_mul_params* params = (const tflm_patch_mul_params*)task->params;
  return tflm_patch_is_shift(params->output_shift) && params->output_zero_point == 0 &&
                 params->act_min <= params->act_max
             ? tflm_patch_check_binary(task)
             : TFLM_PATCH_BAD_OP;
}

static void mul_row(const void* params, int32_t a_zero_point, int32_t b_zero_point, const int8_t* a,
                    uint32_t a_step, const int8_t* b, uint32_t b_step, int8_t* output, uint32_t n) {
  (void)a_zero_point;
  (void)b_zero_point;
  tflm_patch_mul_s16((const tflm_patch_mul_params*)params, (const int16_t*)(const void*)a, a_step,
                     (const int16_t*)(const void*)b, b_step, (int16_t*)(void*)output, n);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_run_binary(task, step, count, mul_row);
}

const tflm_patch_kernel tflm_patch_mul_s16_kernel = {
    .check = check,
    .reads = tflm_patch_binary_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_mul_params),
    .inputs = 2,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_IN_SERIES,
};
