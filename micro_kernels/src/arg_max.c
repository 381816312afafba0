/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * ARG_MAX and ARG_MIN over the channels of int8 maps: the first place of the
 * largest or least value of each cell.
 */
#include "kernels.h"

void tflm_patch_arg_max_s8(const int8_t* input, uint32_t cols, uint32_t channels, int sign,
                           int32_t* output) {
  for (uint32_t col = 0; col < cols; ++col) {
    uint32_t best = 0;
    for (uint32_t channel = 1; channel < channels; ++channel) {
      if (sign * input[channel] > sign * input[best]) {
        best = channel;
      }
    }
    output[col] = (int32_t)best;
    input += channels;
  }
}

static int32_t sign_of(const tflm_patch_task* task) {
  return ((const tflm_patch_arg_max_params*)task->params)->sign;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* output = task->output;
  return input->type == TFLM_PATCH_INT8 && output->type == TFLM_PATCH_INT32 &&
                 output->rows == input->rows && output->cols == input->cols &&
                 output->channels == 1 && (sign_of(task) == 1 || sign_of(task) == -1)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  (void)count;
  tflm_patch_arg_max_s8((const int8_t*)tflm_patch_input_row(task, step), task->input->cols,
                        task->input->channels, sign_of(task),
                        (int32_t*)tflm_patch_output_row(task, step));
}

const tflm_patch_kernel tflm_patch_arg_max_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_arg_max_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_ANY_TYPES,
};
