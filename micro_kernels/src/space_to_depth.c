/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * SPACE_TO_DEPTH: an output row gathers `block` input rows.
 */
#include "blocks.h"
#include "kernels.h"

static tflm_patch_status check(const tflm_patch_task* task) {
  return tflm_patch_check_blocks(task, task->input, task->output);
}

static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  const uint32_t block = tflm_patch_block(task);
  rows->first = (int32_t)(step * block);
  rows->last = rows->first + (int32_t)block - 1;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const uint32_t block = tflm_patch_block(task);
  const uint32_t bytes = tflm_patch_block_row_bytes(task->input, block);
  uint8_t* out = (uint8_t*)tflm_patch_output_row(task, step);
  (void)count;
  for (uint32_t i = 0; i < block; ++i) {
    tflm_patch_copy_cells((const uint8_t*)tflm_patch_input_row(task, step * block + i),
                          (int32_t)bytes, out, (int32_t)(block * bytes), bytes, task->output->cols);
    out += bytes;
  }
}

const tflm_patch_kernel tflm_patch_space_to_depth_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_block_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES,
};
