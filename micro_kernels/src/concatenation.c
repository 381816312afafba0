/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONCATENATION along channels of maps of equal quantization.
 */
#include <string.h>

#include "kernels.h"
#include "rowwise.h"

void tflm_patch_concatenation_row(const uint8_t* input, uint32_t cell_bytes,
                                  uint8_t* output, uint32_t stride,
                                  uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    memmove(output, input, cell_bytes);
    input += cell_bytes;
    output += stride;
  }
}

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  const tflm_patch_status status =
      tflm_patch_check_arity(op, op->n_inputs, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  uint32_t channels = 0;
  for (uint32_t i = 0; i < op->n_inputs; ++i) {
    const tflm_patch_map* input = tflm_patch_input_map(stage, op, i);
    if (input->type != output->type || input->rows != output->rows ||
        input->cols != output->cols) {
      return TFLM_PATCH_BAD_OP;
    }
    channels += input->channels;
  }
  return channels == output->channels ? TFLM_PATCH_OK : TFLM_PATCH_BAD_OP;
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const uint32_t value_bytes = tflm_patch_type_bytes(output->type);
  for (uint32_t row = step; row < step + count; ++row) {
    uint8_t* out = tflm_patch_map_row(stage, output, row);
    for (uint32_t i = 0; i < op->n_inputs; ++i) {
      const tflm_patch_map* input = tflm_patch_input_map(stage, op, i);
      const uint32_t cell_bytes = input->channels * value_bytes;
      tflm_patch_concatenation_row(tflm_patch_map_row(stage, input, row),
                                   cell_bytes, out,
                                   output->channels * value_bytes,
                                   output->cols);
      out += cell_bytes;
    }
  }
}

const tflm_patch_kernel tflm_patch_concatenation_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
};
