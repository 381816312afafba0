/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONCATENATION along channels.
 */
#include "kernels.h"

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_map* output = task->output;
  uint32_t channels = 0;
  for (uint32_t i = 0; i < task->op->n_inputs; ++i) {
    const tflm_patch_map* input = tflm_patch_op_map(task->stage, task->op, i);
    if (input->rows != output->rows || input->cols != output->cols) {
      return TFLM_PATCH_BAD_OP;
    }
    channels += input->channels;
  }
  return channels == output->channels ? TFLM_PATCH_OK : TFLM_PATCH_BAD_OP;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_map* output = task->output;
  const uint32_t value_bytes = tflm_patch_type_bytes(output->type);
  uint8_t* out = (uint8_t*)tflm_patch_output_row(task, step);
  (void)count;
  for (uint32_t i = 0; i < task->op->n_inputs; ++i) {
    const tflm_patch_map* input = tflm_patch_op_map(task->stage, task->op, i);
    const uint32_t cell_bytes = input->channels * value_bytes;
    tflm_patch_copy_cells(
        (const uint8_t*)tflm_patch_map_row(task->stage, input, step),
        (int32_t)cell_bytes, out, (int32_t)(output->channels * value_bytes),
        cell_bytes, output->cols);
    out += cell_bytes;
  }
}

const tflm_patch_kernel tflm_patch_concatenation_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES,
};
