/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * DEPTH_TO_SPACE: an input row is spread over `block` output rows.
 */
#include "blocks.h"
#include "kernels.h"

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  const tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  return status != TFLM_PATCH_OK
             ? status
             : tflm_patch_check_blocks(stage, op,
                                       tflm_patch_output_map(stage, op, 0),
                                       tflm_patch_input_map(stage, op, 0));
}

static void reads(const tflm_patch_stage* stage, const tflm_patch_op* op,
                  uint32_t input, uint32_t step, int32_t* first,
                  int32_t* last) {
  (void)input;
  *first = (int32_t)(step / tflm_patch_block(stage, op));
  *last = *first;
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const uint32_t block = tflm_patch_block(stage, op);
  const uint32_t bytes = tflm_patch_block_row_bytes(output, block);
  for (uint32_t row = step; row < step + count; ++row) {
    tflm_patch_copy_cells(tflm_patch_map_row(stage, input, row / block) +
                              (size_t)(row % block) * bytes,
                          (int32_t)(block * bytes),
                          tflm_patch_map_row(stage, output, row),
                          (int32_t)bytes, bytes, input->cols);
  }
}

const tflm_patch_kernel tflm_patch_depth_to_space_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
};
