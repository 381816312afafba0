/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * MAXIMUM and MINIMUM of int16 maps, of the quantized values as in
 * maximum_minimum.c.
 */
#include "binary.h"
#include "kernels.h"

void tflm_patch_maximum_s16(const int16_t* a, uint32_t a_step, const int16_t* b, uint32_t b_step,
                            int16_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = *a > *b ? *a : *b;
    a += a_step;
    b += b_step;
  }
}

void tflm_patch_minimum_s16(const int16_t* a, uint32_t a_step, const int16_t* b, uint32_t b_step,
                            int16_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = *a < *b ? *a : *b;
    a += a_step;
    b += b_step;
  }
}

/* ---- the operators ---- */

static void maximum_row(const void* params, int32_t a_zero_point, int32_t b_zero_point,
                        const int8_t* a, uint32_t a_step, const int8_t* b, uint32_t b_step,
                        int8_t* output, uint32_t n) {
  (void)params;
  (void)a_zero_point;
  (void)b_zero_point;
  tflm_patch_maximum_s16((const int16_t*)(const void*)a, a_step, (const int16_t*)(const void*)b,
                         b_step, (int16_t*)(void*)output, n);
}

static void minimum_row(const void* params, int32_t a_zero_point, int32_t b_zero_point,
                        const int8_t* a, uint32_t a_step, const int8_t* b, uint32_t b_step,
                        int8_t* output, uint32_t n) {
  (void)params;
  (void)a_zero_point;
  (void)b_zero_point;
  tflm_patch_minimum_s16((const int16_t*)(const void*)a, a_step, (const int16_t*)(const void*)b,
                         b_step, (int16_t*)(void*)output, n);
}

static void run_maximum(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_run_binary(task, step, count, maximum_row);
}

static void run_minimum(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_run_binary(task, step, count, minimum_row);
}

const tflm_patch_kernel tflm_patch_maximum_s16_kernel = {
    .check = tflm_patch_check_binary,
    .reads = tflm_patch_binary_reads,
    .run = run_maximum,
    .inputs = 2,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_IN_SERIES,
};

const tflm_patch_kernel tflm_patch_minimum_s16_kernel = {
    .check = tflm_patch_check_binary,
    .reads = tflm_patch_binary_reads,
    .run = run_minimum,
    .inputs = 2,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_IN_SERIES,
};
