/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RESHAPE of maps of any type: the values stay in their order, the rows become
 * others.
 */
#include <string.h>

#include "kernels.h"

static uint64_t count_values(const tflm_patch_map* map) {
  return (uint64_t)tflm_patch_row_values(map) * map->rows;
}

/* 32 bits hold the number of a value. */
static tflm_patch_status check(const tflm_patch_task* task) {
  const uint64_t values = count_values(task->input);
  return values <= UINT32_MAX && values == count_values(task->output) ? TFLM_PATCH_OK
                                                                      : TFLM_PATCH_BAD_OP;
}

static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  const uint32_t n = tflm_patch_row_values(task->output);
  const uint32_t row_values = tflm_patch_row_values(task->input);
  rows->first = (int32_t)(step * n / row_values);
  rows->last = (int32_t)((step * n + n - 1u) / row_values);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const uint32_t value_bytes = tflm_patch_type_bytes(task->input->type);
  const uint32_t row_values = tflm_patch_row_values(task->input);
  const uint32_t n = tflm_patch_row_values(task->output);
  uint8_t* out = (uint8_t*)tflm_patch_output_row(task, step);
  tflm_patch_span rows;
  (void)count;
  reads(task, step, &rows);
  uint32_t source = (uint32_t)rows.first;
  uint32_t at = step * n - source * row_values; /* in its row */
  for (uint32_t left = n; left > 0; ++source) {
    const uint32_t rest = row_values - at;
    const uint32_t part = left < rest ? left : rest;
    const uint8_t* in = (const uint8_t*)tflm_patch_input_row(task, source);
    memmove(out, in + (size_t)at * value_bytes, (size_t)part * value_bytes);
    out += (size_t)part * value_bytes;
    left -= part;
    at = 0;
  }
}

const tflm_patch_kernel tflm_patch_reshape_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES,
};
