/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * GATHER: every output row, column and channel is one of the input's, by tables.
 */
#include <string.h>

#include "kernels.h"

void tflm_patch_gather_row(const uint16_t* cols, const uint16_t* channels, const uint8_t* input,
                           uint32_t input_channels, uint32_t value_bytes, uint8_t* output,
                           uint32_t output_cols, uint32_t output_channels) {
  const uint32_t cell_bytes = input_channels * value_bytes;
  for (uint32_t i = 0; i < output_cols; ++i) {
    const uint8_t* cell = input + (size_t)(cols == NULL ? i : cols[i]) * cell_bytes;
    if (channels == NULL) {
      memmove(output, cell, cell_bytes);
      output += cell_bytes;
      continue;
    }
    for (uint32_t k = 0; k < output_channels; ++k) {
      memmove(output, cell + (size_t)channels[k] * value_bytes, value_bytes);
      output += value_bytes;
    }
  }
}

static const tflm_patch_gather_params* gather_params(const tflm_patch_task* task) {
  return (const tflm_patch_gather_params*)task->params;
}

static const uint16_t* table(const tflm_patch_task* task, uint32_t at) {
  return at == TFLM_PATCH_NONE ? NULL : (const uint16_t*)tflm_patch_constant(task->stage, at);
}

/* n indices below size. */
static tflm_patch_status check_table(const tflm_patch_task* task, uint32_t at, uint32_t n,
                                     uint32_t size) {
  if (at == TFLM_PATCH_NONE) {
    return n == size ? TFLM_PATCH_OK : TFLM_PATCH_BAD_OP;
  }
  const tflm_patch_status status = tflm_patch_check_constant(task->stage, at, n, sizeof(uint16_t));
  const uint16_t* index = table(task, at);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  for (uint32_t i = 0; i < n; ++i) {
    if (index[i] >= size) {
      return TFLM_PATCH_BAD_OP;
    }
  }
  return TFLM_PATCH_OK;
}

/* first <= index <= last, below size; neither end decreases. */
static tflm_patch_status check_rows(const tflm_patch_task* task) {
  const uint32_t at = gather_params(task)->row_at;
  const uint32_t n = task->output->rows;
  const uint32_t size = task->input->rows;
  uint32_t first = 0;
  uint32_t last = 0;
  if (at == TFLM_PATCH_NONE) {
    return n == size ? TFLM_PATCH_OK : TFLM_PATCH_BAD_OP;
  }
  const tflm_patch_status status =
      tflm_patch_check_constant(task->stage, at, 3 * n, sizeof(uint16_t));
  const uint16_t* row = table(task, at);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  for (uint32_t i = 0; i < n; ++i, row += 3) {
    if (row[1] < first || row[2] < last || row[1] > row[0] || row[0] > row[2] || row[2] >= size) {
      return TFLM_PATCH_BAD_OP;
    }
    first = row[1];
    last = row[2];
  }
  return TFLM_PATCH_OK;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_gather_params* params = gather_params(task);
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* output = task->output;
  tflm_patch_status status = check_rows(task);
  if (status == TFLM_PATCH_OK) {
    status = check_table(task, params->col_at, output->cols, input->cols);
  }
  return status != TFLM_PATCH_OK
             ? status
             : check_table(task, params->channel_at, output->channels, input->channels);
}

static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  const uint16_t* row = table(task, gather_params(task)->row_at);
  rows->first = (int32_t)(row == NULL ? step : row[3 * step + 1]);
  rows->last = (int32_t)(row == NULL ? step : row[3 * step + 2]);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_gather_params* params = gather_params(task);
  const uint16_t* row = table(task, params->row_at);
  (void)count;
  tflm_patch_gather_row(
      table(task, params->col_at), table(task, params->channel_at),
      (const uint8_t*)tflm_patch_input_row(task, row == NULL ? step : row[3 * step]),
      task->input->channels, tflm_patch_type_bytes(task->input->type),
      (uint8_t*)tflm_patch_output_row(task, step), task->output->cols, task->output->channels);
}

const tflm_patch_kernel tflm_patch_gather_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_gather_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES,
};
