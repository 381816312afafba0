/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * SPLIT along channels or columns: a step makes a row of every output.
 */
#include "kernels.h"

/* Whether the outputs have some of the columns each, not of the channels. */
static int splits_columns(const tflm_patch_task* task) {
  return task->output->cols != task->input->cols;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_map* input = task->input;
  const int by_cols = splits_columns(task);
  uint32_t total = 0;
  for (uint32_t i = 0; i < task->op->n_outputs; ++i) {
    const tflm_patch_map* output =
        tflm_patch_output_map(task->stage, task->op, i);
    const int fits = by_cols ? output->channels == input->channels
                             : output->cols == input->cols;
    if (!fits || output->rows != input->rows) {
      return TFLM_PATCH_BAD_OP;
    }
    total += by_cols ? output->cols : output->channels;
  }
  return total == (by_cols ? input->cols : input->channels)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_map* input = task->input;
  const uint32_t cells = splits_columns(task) ? 1 : input->cols;
  const uint32_t value_bytes = tflm_patch_type_bytes(input->type);
  const uint8_t* in = (const uint8_t*)tflm_patch_input_row(task, step);
  (void)count;
  for (uint32_t i = 0; i < task->op->n_outputs; ++i) {
    const tflm_patch_map* output =
        tflm_patch_output_map(task->stage, task->op, i);
    const uint32_t cell_bytes =
        tflm_patch_row_values(output) / cells * value_bytes;
    tflm_patch_copy_cells(
        in, (int32_t)(tflm_patch_row_values(input) / cells * value_bytes),
        (uint8_t*)tflm_patch_map_row(task->stage, output, step),
        (int32_t)cell_bytes, cell_bytes, cells);
    in += cell_bytes;
  }
}

const tflm_patch_kernel tflm_patch_split_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .inputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES,
};
