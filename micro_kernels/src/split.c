/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * SPLIT along channels or columns: a step makes a row of every output.
 */
#include "kernels.h"
#include "parts.h"

static tflm_patch_parts find_parts(const tflm_patch_task* task) {
  const tflm_patch_parts parts = {
      .whole = task->input,
      .first = 1,
      .end = 1u + task->op->n_outputs,
      .by_cols = task->output->cols != task->input->cols,
  };
  return parts;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_parts parts = find_parts(task);
  return tflm_patch_check_parts(task, &parts);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_parts parts = find_parts(task);
  (void)count;
  tflm_patch_copy_parts(task, &parts, step, 0);
}

const tflm_patch_kernel tflm_patch_split_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .inputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES,
};
