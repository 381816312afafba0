/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * ADD_N of int8 maps of one scale, with the record of MUL.
 */
#include "kernels.h"
#include "requantize.h"

/* The sum of so many differences below 256 and of a zero point, in steps of 2^-19, is in int32. */
#define MAX_INPUTS 15
#define INTEGER_SHIFT 19

void tflm_patch_add_n_s8(const tflm_patch_mul_params* params, int32_t input_zero_point,
                         const int8_t* const* inputs, uint32_t count, int8_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    int32_t sum = -input_zero_point; /* TFLM begins with a value of 0, not of the zero point */
    for (uint32_t k = 0; k < count; ++k) {
      sum += inputs[k][i] - input_zero_point;
    }
    output[i] = (int8_t)tflm_patch_requantize(sum * (1 << INTEGER_SHIFT), params->output_multiplier,
                                              params->output_shift, params->output_zero_point,
                                              params->act_min, params->act_max);
  }
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_mul_params* params = (const tflm_patch_mul_params*)task->params;
  const tflm_patch_map* first = task->input;
  if (task->op->n_inputs > MAX_INPUTS || params->output_shift > 0 || params->output_shift < -31 ||
      !tflm_patch_is_int8(params->output_zero_point) ||
      !tflm_patch_is_clamp(TFLM_PATCH_INT8, params->act_min, params->act_max)) {
    return TFLM_PATCH_BAD_OP;
  }
  for (uint32_t i = 1; i < task->op->n_inputs; ++i) {
    const tflm_patch_map* input = tflm_patch_input_map(task->stage, task->op, i);
    if (input->rows != first->rows || input->cols != first->cols ||
        input->channels != first->channels || input->zero_point != first->zero_point) {
      return TFLM_PATCH_BAD_OP;
    }
  }
  return TFLM_PATCH_OK;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const int8_t* inputs[MAX_INPUTS];
  const uint32_t n_inputs = task->op->n_inputs;
  (void)count;
  for (uint32_t i = 0; i < n_inputs; ++i) {
    inputs[i] = (const int8_t*)tflm_patch_map_row(
        task->stage, tflm_patch_input_map(task->stage, task->op, i), step);
  }
  tflm_patch_add_n_s8((const tflm_patch_mul_params*)task->params, task->input->zero_point, inputs,
                      n_inputs, (int8_t*)tflm_patch_output_row(task, step),
                      tflm_patch_row_values(task->output));
}

const tflm_patch_kernel tflm_patch_add_n_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_mul_params),
    .inputs = 0,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_SAME_SHAPE,
};
