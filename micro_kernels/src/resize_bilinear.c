/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RESIZE_BILINEAR of int8 maps: every value is a mean of up to four, with
 * weights in 1/1024 along each axis.
 */
#include "kernels.h"

enum { WHOLE = 1 << TFLM_PATCH_BETWEEN_BITS };

/* A sum of four products to int8, rounded to nearest, ties away from zero. */
static inline int8_t round_sum(int32_t sum) {
  const int32_t half = WHOLE * WHOLE / 2;
  return (int8_t)((sum + (sum > 0 ? half : -half)) / (WHOLE * WHOLE));
}

void tflm_patch_resize_bilinear_s8(const tflm_patch_between* cols, uint32_t n,
                                   const int8_t* above, const int8_t* below,
                                   uint32_t below_weight, uint32_t channels,
                                   int8_t* output) {
  const int32_t low = (int32_t)below_weight;
  const int32_t high = WHOLE - low;
  for (uint32_t x = 0; x < n; ++x) {
    const int32_t right = cols[x].weight;
    const int32_t left = WHOLE - right;
    const size_t at = (size_t)cols[x].index * channels;
    const size_t next = right != 0 ? at + channels : at;
    for (uint32_t c = 0; c < channels; ++c) {
      const int32_t a = above[at + c] * high + below[at + c] * low;
      const int32_t b = above[next + c] * high + below[next + c] * low;
      *output++ = round_sum(a * left + b * right);
    }
  }
}

static const tflm_patch_resize_params* resize_params(
    const tflm_patch_task* task) {
  return (const tflm_patch_resize_params*)task->params;
}

static const tflm_patch_between* find_positions(const tflm_patch_task* task,
                                                uint32_t at) {
  return (const tflm_patch_between*)tflm_patch_constant(task->stage, at);
}

static uint32_t last_index(const tflm_patch_between* position) {
  return (uint32_t)position->index + (position->weight != 0);
}

/* n positions below size; neither of the indices that they read decreases. */
static tflm_patch_status check_positions(const tflm_patch_task* task,
                                         uint32_t at, uint32_t n,
                                         uint32_t size) {
  const tflm_patch_status status =
      tflm_patch_check_constant(task->stage, at, 2 * n, sizeof(uint16_t));
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_between* position = find_positions(task, at);
  uint32_t first = 0;
  uint32_t last = 0;
  for (; n > 0; --n) {
    if (position->weight >= WHOLE || last_index(position) >= size ||
        position->index < first || last_index(position) < last) {
      return TFLM_PATCH_BAD_OP;
    }
    first = position->index;
    last = last_index(position);
    ++position;
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
      check_positions(task, params->row_at, output->rows, input->rows);
  return status != TFLM_PATCH_OK
             ? status
             : check_positions(task, params->col_at, output->cols,
                               input->cols);
}

static void reads(const tflm_patch_task* task, uint32_t step,
                  tflm_patch_span* rows) {
  const tflm_patch_between* row =
      find_positions(task, resize_params(task)->row_at) + step;
  rows->first = row->index;
  rows->last = (int32_t)last_index(row);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_resize_params* params = resize_params(task);
  tflm_patch_span rows;
  (void)count;
  reads(task, step, &rows);
  tflm_patch_resize_bilinear_s8(
      find_positions(task, params->col_at), task->output->cols,
      (const int8_t*)tflm_patch_input_row(task, (uint32_t)rows.first),
      (const int8_t*)tflm_patch_input_row(task, (uint32_t)rows.last),
      find_positions(task, params->row_at)[step].weight, task->input->channels,
      (int8_t*)tflm_patch_output_row(task, step));
}

const tflm_patch_kernel tflm_patch_resize_bilinear_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_resize_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8,
};
