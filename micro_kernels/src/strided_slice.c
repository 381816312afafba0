/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * STRIDED_SLICE: rows, columns and channels at regular distances.
 */
#include "kernels.h"

void tflm_patch_strided_slice_row(const tflm_patch_strided_slice_params* params,
                                  const uint8_t* input, uint32_t channels, uint32_t value_bytes,
                                  uint8_t* output, uint32_t output_cols, uint32_t output_channels) {
  const int32_t cell_bytes = (int32_t)(channels * value_bytes);
  const int32_t output_bytes = (int32_t)(output_channels * value_bytes);
  input +=
      (size_t)params->begin_col * (size_t)cell_bytes + (size_t)params->begin_channel * value_bytes;
  if (params->channel_stride == 1) {
    tflm_patch_copy_cells(input, params->col_stride * cell_bytes, output, output_bytes,
                          (uint32_t)output_bytes, output_cols);
    return;
  }
  for (uint32_t col = 0; col < output_cols; ++col) {
    tflm_patch_copy_cells(input + (ptrdiff_t)col * params->col_stride * cell_bytes,
                          params->channel_stride * (int32_t)value_bytes, output,
                          (int32_t)value_bytes, value_bytes, output_channels);
    output += output_bytes;
  }
}

static const tflm_patch_strided_slice_params* slice_params(const tflm_patch_task* task) {
  return (const tflm_patch_strided_slice_params*)task->params;
}

/* Whether n indices from `begin` on, `stride` apart, are all below size. */
static int is_slice(uint32_t begin, int32_t stride, uint32_t n, uint32_t size) {
  if (n == 1) {
    return begin < size && stride == 1;
  }
  if (begin >= size || stride == 0) {
    return 0;
  }
  const uint32_t distance = stride < 0 ? 0u - (uint32_t)stride : (uint32_t)stride;
  /* Indices that are left in the direction of the stride. */
  const uint32_t left = stride < 0 ? begin : size - 1 - begin;
  return n - 1 <= left / distance;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_strided_slice_params* params = slice_params(task);
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* output = task->output;
  return is_slice(params->begin_row, params->row_stride, output->rows, input->rows) &&
                 is_slice(params->begin_col, params->col_stride, output->cols, input->cols) &&
                 is_slice(params->begin_channel, params->channel_stride, output->channels,
                          input->channels)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  const tflm_patch_strided_slice_params* params = slice_params(task);
  tflm_patch_rowwise_reads(task, params->begin_row + step * params->row_stride, rows);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_span rows;
  (void)count;
  reads(task, step, &rows);
  tflm_patch_strided_slice_row(
      slice_params(task), (const uint8_t*)tflm_patch_input_row(task, (uint32_t)rows.first),
      task->input->channels, tflm_patch_type_bytes(task->input->type),
      (uint8_t*)tflm_patch_output_row(task, step), task->output->cols, task->output->channels);
}

const tflm_patch_kernel tflm_patch_strided_slice_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_strided_slice_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES,
};
