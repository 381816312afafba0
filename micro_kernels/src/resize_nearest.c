/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RESIZE_NEAREST_NEIGHBOR: rows and columns are copied by index.
 */
#include <string.h>

#include "kernels.h"

void tflm_patch_resize_nearest_row(const uint16_t* index, const uint8_t* input,
                                   uint32_t cell_bytes, uint8_t* output,
                                   uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    memmove(output, input + (size_t)index[i] * cell_bytes, cell_bytes);
    output += cell_bytes;
  }
}

static const tflm_patch_resize_params* resize_params(
    const tflm_patch_task* task) {
  return (const tflm_patch_resize_params*)task->params;
}

static const uint16_t* find_index(const tflm_patch_task* task, uint32_t at) {
  return (const uint16_t*)tflm_patch_constant(task->stage, at);
}

/* n indices below size, none smaller than the one before. */
static tflm_patch_status check_index(const tflm_patch_task* task, uint32_t at,
                                     uint32_t n, uint32_t size) {
  const tflm_patch_status status =
      tflm_patch_check_constant(task->stage, at, n, sizeof(uint16_t));
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const uint16_t* index = find_index(task, at);
  uint32_t before = 0;
  for (uint32_t i = 0; i < n; ++i) {
    if (index[i] < before || index[i] >= size) {
      return TFLM_PATCH_BAD_OP;
    }
    before = index[i];
  }
  return TFLM_PATCH_OK;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_resize_params* params = resize_params(task);
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* output = task->output;
  if (input->channels != output->channels) {
    return TFLM_PATCH_BAD_OP;
  }
  const tflm_patch_status status =
      check_index(task, params->row_at, output->rows, input->rows);
  return status != TFLM_PATCH_OK
             ? status
             : check_index(task, params->col_at, output->cols, input->cols);
}

static void reads(const tflm_patch_task* task, uint32_t step,
                  tflm_patch_span* rows) {
  tflm_patch_rowwise_reads(
      task, find_index(task, resize_params(task)->row_at)[step], rows);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_map* input = task->input;
  tflm_patch_span rows;
  (void)count;
  reads(task, step, &rows);
  tflm_patch_resize_nearest_row(
      find_index(task, resize_params(task)->col_at),
      (const uint8_t*)tflm_patch_input_row(task, (uint32_t)rows.first),
      input->channels * tflm_patch_type_bytes(input->type),
      (uint8_t*)tflm_patch_output_row(task, step), task->output->cols);
}

const tflm_patch_kernel tflm_patch_resize_nearest_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_resize_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES,
};
