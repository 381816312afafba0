/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONCATENATION along channels, or along columns when the first input has not all
 * of them.
 */
#include "kernels.h"
#include "parts.h"

static tflm_patch_parts find_parts(const tflm_patch_task* task) {
  const tflm_patch_parts parts = {
      .whole = task->output,
      .end = task->op->n_inputs,
      .by_cols = task->input->cols != task->output->cols,
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
  tflm_patch_copy_parts(task, &parts, step, 1);
}

const tflm_patch_kernel tflm_patch_concatenation_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES,
};
