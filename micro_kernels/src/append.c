/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * APPEND: a window in the state that gets new rows at its end. Several may lie one
 * behind the other, each with its last rows where the first ones of the next lie,
 * which are not needed any more: then the first of them moves all down, so that
 * their oldest rows are gone.
 */
#include <string.h>

#include "kernels.h"
#include "validate.h"

static uint32_t rows_that_stay(const tflm_patch_task* task) {
  return (uint32_t)task->output->rows - task->input->rows;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_append_params* params = (const tflm_patch_append_params*)task->params;
  const uint32_t state = task->stage->header->state_bytes;
  const tflm_patch_status status = tflm_patch_slide_kernel.check(task);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  return tflm_patch_fits(params->at, params->distance, state) &&
                 tflm_patch_fits(params->at + params->distance, params->bytes, state)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  tflm_patch_slide_kernel.reads(task, step, rows);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_append_params* params = (const tflm_patch_append_params*)task->params;
  const uint32_t stay = rows_that_stay(task);
  const uint32_t end = step + count;
  if (step == 0 && params->bytes != 0) {
    uint8_t* to = task->stage->state + params->at;
    memmove(to, to + params->distance, params->bytes);
  }
  for (step = step < stay ? stay : step; step < end; ++step) {
    memcpy(tflm_patch_output_row(task, step), tflm_patch_input_row(task, step - stay),
           (size_t)tflm_patch_row_values(task->output) * tflm_patch_type_bytes(task->output->type));
  }
}

const tflm_patch_kernel tflm_patch_append_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_append_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES | TFLM_PATCH_IN_SERIES,
};
