/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * MAXIMUM and MINIMUM of int8 maps. TFLM compares the quantized values,
 * whatever the scales.
 */
#include "binary.h"

void tflm_patch_maximum_s8(const int8_t* a, uint32_t a_step, const int8_t* b, uint32_t b_step,
                           int8_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = *a > *b ? *a : *b;
    a += a_step;
    b += b_step;
  }
}

void tflm_patch_minimum_s8(const int8_t* a, uint32_t a_step, const int8_t* b, uint32_t b_step,
                           int8_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = *a < *b ? *a : *b;
    a += a_step;
    b += b_step;
  }
}

static void maximum_row(const void* params, int32_t a_zero_point, int32_t b_zero_point,
                        const int8_t* a, uint32_t a_step, const int8_t* b, uint32_t b_step,
                        int8_t* output, uint32_t n) {
  (void)params;
  (void)a_zero_point;
  (void)b_zero_point;
  tflm_patch_maximum_s8(a, a_step, b, b_step, output, n);
}

static void minimum_row(const void* params, int32_t a_zero_point, int32_t b_zero_point,
                        const int8_t* a, uint32_t a_step, const int8_t* b, uint32_t b_step,
                        int8_t* output, uint32_t n) {
  (void)params;
  (void)a_zero_point;
  (void)b_zero_point;
  tflm_patch_minimum_s8(a, a_step, b, b_step, output, n);
}

static void run_maximum(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_run_binary(task, step, count, maximum_row);
}

static void run_minimum(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_run_binary(task, step, count, minimum_row);
}

const tflm_patch_kernel tflm_patch_maximum_kernel = {
    .check = tflm_patch_check_binary,
    .reads = tflm_patch_binary_reads,
    .run = run_maximum,
    .inputs = 2,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_IN_SERIES,
};

const tflm_patch_kernel tflm_patch_minimum_kernel = {
    .check = tflm_patch_check_binary,
    .reads = tflm_patch_binary_reads,
    .run = run_minimum,
    .inputs = 2,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_IN_SERIES,
};
