/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * DEPTH_TO_SPACE: an input row is spread over `block` output rows.
 */
#include "blocks.h"
#include "kernels.h"

static tflm_patch_status check(const tflm_patch_task* task) {
  return tflm_patch_check_blocks(task, task->output, task->input);
}

static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  tflm_patch_rowwise_reads(task, step / tflm_patch_block(task), rows);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const uint32_t block = tflm_patch_block(task);
  const uint32_t bytes = tflm_patch_block_row_bytes(task->output, block);
  const uint8_t* in = (const uint8_t*)tflm_patch_input_row(task, step / block);
  (void)count;
  tflm_patch_copy_cells(in + (size_t)(step % block) * bytes, (int32_t)(block * bytes),
                        (uint8_t*)tflm_patch_output_row(task, step), (int32_t)bytes, bytes,
                        task->input->cols);
}

const tflm_patch_kernel tflm_patch_depth_to_space_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_block_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES,
};
