/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * SPLIT along channels or columns: a step makes a row of every output.
 */
#include "kernels.h"
#include "rowwise.h"

static int splits_columns(const tflm_patch_map* input,
                          const tflm_patch_map* first_output) {
  return first_output->cols != input->cols;
}

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  if (op->n_inputs != 1 || op->n_outputs == 0) {
    return TFLM_PATCH_BAD_OP;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const int by_cols =
      splits_columns(input, tflm_patch_output_map(stage, op, 0));
  uint32_t total = 0;
  for (uint32_t i = 0; i < op->n_outputs; ++i) {
    const tflm_patch_map* output = tflm_patch_output_map(stage, op, i);
    const int fits = by_cols ? output->channels == input->channels
                             : output->cols == input->cols;
    if (!fits || output->type != input->type || output->rows != input->rows) {
      return TFLM_PATCH_BAD_OP;
    }
    total += by_cols ? output->cols : output->channels;
  }
  return total == (by_cols ? input->cols : input->channels)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const uint32_t value_bytes = tflm_patch_type_bytes(input->type);
  const uint32_t cells =
      splits_columns(input, tflm_patch_output_map(stage, op, 0)) ? 1
                                                                 : input->cols;
  const int32_t input_step =
      (int32_t)(tflm_patch_row_values(input) * value_bytes / cells);
  for (uint32_t row = step; row < step + count; ++row) {
    const uint8_t* in = tflm_patch_map_row(stage, input, row);
    for (uint32_t i = 0; i < op->n_outputs; ++i) {
      const tflm_patch_map* output = tflm_patch_output_map(stage, op, i);
      const uint32_t cell_bytes =
          tflm_patch_row_values(output) * value_bytes / cells;
      tflm_patch_copy_cells(in, input_step,
                            tflm_patch_map_row(stage, output, row),
                            (int32_t)cell_bytes, cell_bytes, cells);
      in += cell_bytes;
    }
  }
}

const tflm_patch_kernel tflm_patch_split_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
};
