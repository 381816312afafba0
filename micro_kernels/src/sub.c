/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * SUB of int8 maps, scaled like ADD.
 *
 * Inner loops.
 */
#include "binary.h"
#include "family.h"
#include "requantize.h"

#if !TFLM_PATCH_HAS_OWN_SUB
void tflm_patch_sub_s8(const tflm_patch_add_params* params, int32_t a_zero_point,
                       int32_t b_zero_point, const int8_t* a, uint32_t a_step, const int8_t* b,
                       uint32_t b_step, int8_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = (int8_t)tflm_patch_scaled_sum(params, *a - a_zero_point, *b - b_zero_point, -1);
    a += a_step;
    b += b_step;
  }
}
#endif

static void sub_row(const void* params, int32_t a_zero_point, int32_t b_zero_point, const int8_t* a,
                    uint32_t a_step, const int8_t* b, uint32_t b_step, int8_t* output, uint32_t n) {
  tflm_patch_sub_s8((const tflm_patch_add_params*)params, a_zero_point, b_zero_point, a, a_step, b,
                    b_step, output, n);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_run_binary(task, step, count, sub_row);
}

const tflm_patch_kernel tflm_patch_sub_kernel = {
    .check = tflm_patch_check_add,
    .reads = tflm_patch_binary_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_add_params),
    .inputs = 2,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_IN_SERIES,
};
