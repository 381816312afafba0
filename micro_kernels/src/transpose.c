/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * TRANSPOSE from NCHW to NHWC: the input's rows are its channel planes.
 */
#include "kernels.h"

void tflm_patch_transpose_line(const uint8_t* input, uint32_t n,
                               uint32_t value_bytes, uint8_t* output,
                               uint32_t stride) {
  for (uint32_t i = 0; i < n; ++i) {
    for (uint32_t byte = 0; byte < value_bytes; ++byte) {
      output[byte] = *input++;
    }
    output += stride;
  }
}

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  const tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  return input->type == output->type && input->rows == output->channels &&
                 input->cols == output->rows && input->channels == output->cols
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void reads(const tflm_patch_stage* stage, const tflm_patch_op* op,
                  uint32_t input, uint32_t step, int32_t* first,
                  int32_t* last) {
  (void)step;
  *first = 0;
  *last = tflm_patch_input_map(stage, op, input)->rows - 1;
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const uint32_t value_bytes = tflm_patch_type_bytes(input->type);
  const uint32_t line = input->channels * value_bytes;
  for (uint32_t row = step; row < step + count; ++row) {
    uint8_t* out = tflm_patch_map_row(stage, output, row);
    for (uint32_t channel = 0; channel < output->channels; ++channel) {
      tflm_patch_transpose_line(
          tflm_patch_map_row(stage, input, channel) + (size_t)row * line,
          input->channels, value_bytes, out + channel * value_bytes,
          output->channels * value_bytes);
    }
  }
}

const tflm_patch_kernel tflm_patch_transpose_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
};
