/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * LOOKUP: elementwise operators of 8-bit maps by a table of all results.
 */
#include "kernels.h"
#include "rowwise.h"

void tflm_patch_lookup_x8(const uint8_t* table, const uint8_t* input,
                          uint8_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = table[input[i]];
  }
}

static const tflm_patch_lookup_params* lookup_params(
    const tflm_patch_stage* stage, const tflm_patch_op* op) {
  return (const tflm_patch_lookup_params*)tflm_patch_params(stage, op);
}

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  const tflm_patch_status status = tflm_patch_check_rowwise(stage, op);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  if (!tflm_patch_is_8_bit(tflm_patch_input_map(stage, op, 0)) ||
      !tflm_patch_is_8_bit(tflm_patch_output_map(stage, op, 0))) {
    return TFLM_PATCH_BAD_OP;
  }
  return tflm_patch_constant_fits(stage, lookup_params(stage, op)->table_at,
                                  256, 1)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_SIZE;
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const uint8_t* table = (const uint8_t*)tflm_patch_constant(
      stage, lookup_params(stage, op)->table_at);
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  for (uint32_t row = step; row < step + count; ++row) {
    tflm_patch_lookup_x8(table, tflm_patch_map_row(stage, input, row),
                         tflm_patch_map_row(stage, output, row),
                         tflm_patch_row_values(input));
  }
}

const tflm_patch_kernel tflm_patch_lookup_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
};
