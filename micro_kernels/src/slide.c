/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * SLIDE: a window over rows that go on from invocation to invocation. It lies in
 * the state: its last rows of the invocation before move to its front, and the
 * input's rows come behind them.
 */
#include <string.h>

#include "kernels.h"

static uint32_t rows_that_stay(const tflm_patch_task* task) {
  return (uint32_t)task->output->rows - task->input->rows;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* window = task->output;
  return window->kept && !input->kept && input->cols == window->cols &&
                 input->channels == window->channels && input->rows < window->rows
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  const int32_t row = (int32_t)step - (int32_t)rows_that_stay(task);
  rows->first = row < 0 ? 0 : row;
  rows->last = row;
}

/* A kept map has all its rows in one piece. */
static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_map* window = task->output;
  const uint32_t stay = rows_that_stay(task);
  const size_t row_bytes =
      (size_t)tflm_patch_row_values(window) * tflm_patch_type_bytes(window->type);
  if (step == 0 && stay != 0 && count >= stay && window->row_bytes == (int32_t)row_bytes) {
    memmove(tflm_patch_output_row(task, 0), tflm_patch_output_row(task, task->input->rows),
            stay * row_bytes);
    step += stay;
    count -= stay;
  }
  for (; count != 0; --count, ++step) {
    memcpy(tflm_patch_output_row(task, step),
           step < stay ? (const void*)tflm_patch_output_row(task, step + task->input->rows)
                       : tflm_patch_input_row(task, step - stay),
           row_bytes);
  }
}

const tflm_patch_kernel tflm_patch_slide_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES | TFLM_PATCH_IN_SERIES,
};
