/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CROP and JOIN: maps that lie in other maps' memory. Nothing is copied: they
 * only say which rows are there once which others are.
 */
#include "kernels.h"

static uint32_t crop_top(const tflm_patch_task* task) {
  return ((const tflm_patch_crop_params*)task->params)->top;
}

static tflm_patch_status check_crop(const tflm_patch_task* task) {
  const tflm_patch_map* whole = task->input;
  const tflm_patch_map* part = task->output;
  return whole->channels == part->channels && part->cols <= whole->cols &&
                 crop_top(task) + part->rows <= whole->rows
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void crop_reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  tflm_patch_rowwise_reads(task, crop_top(task) + step, rows);
}

static tflm_patch_status check_join(const tflm_patch_task* task) {
  for (uint32_t i = 0; i < task->op->n_inputs; ++i) {
    if (tflm_patch_op_map(task->stage, task->op, i)->channels != task->output->channels) {
      return TFLM_PATCH_BAD_OP;
    }
  }
  return TFLM_PATCH_OK;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  (void)task;
  (void)step;
  (void)count;
}

const tflm_patch_kernel tflm_patch_crop_kernel = {
    .check = check_crop,
    .reads = crop_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_crop_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES | TFLM_PATCH_IN_SERIES,
};

/* All parts are there before the whole is. */
const tflm_patch_kernel tflm_patch_join_kernel = {
    .check = check_join,
    .reads = tflm_patch_whole_reads,
    .run = run,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES | TFLM_PATCH_IN_SERIES,
};
