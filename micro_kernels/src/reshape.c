/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RESHAPE of maps of any type: the values stay in their order, the rows become
 * others.
 */
#include <string.h>

#include "kernels.h"
#include "rowwise.h"

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  const tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  return input->type == output->type && op->steps == output->rows &&
                 (uint64_t)tflm_patch_row_values(input) * input->rows ==
                     (uint64_t)tflm_patch_row_values(output) * output->rows
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void reads(const tflm_patch_stage* stage, const tflm_patch_op* op,
                  uint32_t input, uint32_t step, int32_t* first,
                  int32_t* last) {
  const uint64_t n = tflm_patch_row_values(tflm_patch_output_map(stage, op, 0));
  const uint32_t row_values =
      tflm_patch_row_values(tflm_patch_input_map(stage, op, input));
  *first = (int32_t)(step * n / row_values);
  *last = (int32_t)(((step + 1u) * n - 1u) / row_values);
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const uint32_t value_bytes = tflm_patch_type_bytes(input->type);
  const size_t row_bytes = (size_t)tflm_patch_row_values(input) * value_bytes;
  const size_t n = (size_t)tflm_patch_row_values(output) * value_bytes;
  for (uint32_t row = step; row < step + count; ++row) {
    const uint64_t from = (uint64_t)row * n;
    uint32_t source = (uint32_t)(from / row_bytes);
    size_t at = (size_t)(from % row_bytes); /* in the input row */
    uint8_t* out = tflm_patch_map_row(stage, output, row);
    for (size_t left = n; left > 0; ++source) {
      const size_t rest = row_bytes - at;
      const size_t part = left < rest ? left : rest;
      memmove(out, tflm_patch_map_row(stage, input, source) + at, part);
      out += part;
      left -= part;
      at = 0;
    }
  }
}

const tflm_patch_kernel tflm_patch_reshape_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
};
