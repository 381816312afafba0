/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * SUB of int16 maps, with the record of ADD.
 */
#include "binary.h"
#include "kernels.h"
#include "requantize.h"

void tflm_patch_sub_s16(const tflm_patch_add_params* params, const int16_t* a, uint32_t a_step,
                        const int16_t* b, uint32_t b_step, int16_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = (int16_t)tflm_patch_scaled_sum(params, *a, *b, -1);
    a += a_step;
    b += b_step;
  }
}

static void sub_row(const void* params, int32_t a_zero_point, int32_t b_zero_point, const int8_t* a,
                    uint32_t a_step, const int8_t* b, uint32_t b_step, int8_t* output, uint32_t n) {
  (void)a_zero_point;
  (void)b_zero_point;
  tflm_patch_sub_s16((const tflm_patch_add_params*)params, (const int16_t*)(const void*)a, a_step,
                     (const int16_t*)(const void*)b, b_step, (int16_t*)(void*)output, n);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_run_binary(task, step, count, sub_row);
}

const tflm_patch_kernel tflm_patch_sub_s16_kernel = {
    .check = tflm_patch_check_add,
    .reads = tflm_patch_binary_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_add_params),
    .inputs = 2,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_IN_SERIES,
};
