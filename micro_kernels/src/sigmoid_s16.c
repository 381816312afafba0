/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * LOGISTIC and TANH of int16 maps.
 *
 * Inner loops.
 */
#include "kernels.h"
#include "sigmoid.h"

void tflm_patch_logistic_s16(const tflm_patch_sigmoid_params* params, const uint16_t* table,
                             const int16_t* input, int16_t* output, uint32_t n) {
  const int32_t multiplier = params->multiplier;
  const int32_t shift = params->shift;
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t x = tflm_patch_sigmoid_steps(multiplier, shift, input[i]);
    output[i] = tflm_patch_logistic_of(table, x);
  }
}

void tflm_patch_tanh_s16(const tflm_patch_sigmoid_params* params, const uint16_t* table,
                         const int16_t* input, int16_t* output, uint32_t n) {
  const int32_t multiplier = params->multiplier;
  const int32_t shift = params->shift;
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t x = tflm_patch_sigmoid_steps(multiplier, shift, input[i]);
    output[i] = tflm_patch_tanh_of(table, x);
  }
}

/* ---- the operators ---- */

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_sigmoid_params* params = (const tflm_patch_sigmoid_params*)task->params;
  return params->multiplier >= 0 && params->shift >= 0 && params->shift <= 31
             ? tflm_patch_check_constant(task->stage, params->table_at, TFLM_PATCH_SIGMOID_ENTRIES,
                                         sizeof(uint16_t))
             : TFLM_PATCH_BAD_OP;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_sigmoid_params* params = (const tflm_patch_sigmoid_params*)task->params;
  const uint16_t* table = (const uint16_t*)tflm_patch_constant(task->stage, params->table_at);
  const int16_t* in = (const int16_t*)tflm_patch_input_row(task, step);
  int16_t* out = (int16_t*)tflm_patch_output_row(task, step);
  const uint32_t n = tflm_patch_row_values(task->input);
  (void)count;
  if (task->op->kind == TFLM_PATCH_TANH_S16) {
    tflm_patch_tanh_s16(params, table, in, out, n);
  } else {
    tflm_patch_logistic_s16(params, table, in, out, n);
  }
}

const tflm_patch_kernel tflm_patch_logistic_s16_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_sigmoid_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_SAME_SHAPE,
};

const tflm_patch_kernel tflm_patch_tanh_s16_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_sigmoid_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_SAME_SHAPE,
};
