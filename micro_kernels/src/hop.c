/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * HOP: the window over the rows that the application gives, some each invocation.
 * The executor counts the invocations until it is full.
 */
#include "kernels.h"

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* window = task->output;
  return window->kept && input->producer == TFLM_PATCH_NONE &&
                 ((const tflm_patch_hop_params*)task->params)->invocations != 0 &&
                 input->cols == window->cols && input->channels == window->channels &&
                 input->rows <= window->rows
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  tflm_patch_slide_kernel.reads(task, step, rows);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_slide_kernel.run(task, step, count);
}

const tflm_patch_kernel tflm_patch_hop_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_hop_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES | TFLM_PATCH_IN_SERIES,
};
