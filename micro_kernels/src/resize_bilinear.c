/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RESIZE_BILINEAR of int8 maps: every value is a mean of up to four, with
 * weights in 1/1024 along each axis.
 */
#include "kernels.h"
#include "resize.h"

enum { WHOLE = 1 << TFLM_PATCH_BETWEEN_BITS };

/* A sum of four products to int8, rounded to nearest, ties away from zero. */
static inline int8_t round_sum(int32_t sum) {
  const int32_t half = WHOLE * WHOLE / 2;
  return (int8_t)((sum + (sum > 0 ? half : -half)) / (WHOLE * WHOLE));
}

void tflm_patch_resize_bilinear_s8(const tflm_patch_between* cols, uint32_t n, const int8_t* above,
                                   const int8_t* below, uint32_t below_weight, uint32_t channels,
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

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const uint32_t row_at = ((const tflm_patch_resize_params*)task->params)->row_at;
  const tflm_patch_between* positions =
      (const tflm_patch_between*)tflm_patch_constant(task->stage, row_at);
  tflm_patch_span rows;
  (void)count;
  tflm_patch_resize_reads(task, step, &rows);
  tflm_patch_resize_bilinear_s8(
      (const tflm_patch_between*)tflm_patch_col_positions(task), task->output->cols,
      (const int8_t*)tflm_patch_input_row(task, (uint32_t)rows.first),
      (const int8_t*)tflm_patch_input_row(task, (uint32_t)rows.last), positions[step].weight,
      task->input->channels, (int8_t*)tflm_patch_output_row(task, step));
}

const tflm_patch_kernel tflm_patch_resize_bilinear_kernel = {
    .check = tflm_patch_check_resize,
    .reads = tflm_patch_resize_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_resize_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8,
};
