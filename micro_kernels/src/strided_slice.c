/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * STRIDED_SLICE: rows, columns and channels at regular distances.
 */
#include "kernels.h"

void tflm_patch_strided_slice_row(const tflm_patch_strided_slice_params* params,
                                  const uint8_t* input, uint32_t channels,
                                  uint32_t value_bytes, uint8_t* output,
                                  uint32_t output_cols,
                                  uint32_t output_channels) {
  const int32_t cell_bytes = (int32_t)(channels * value_bytes);
  const int32_t output_bytes = (int32_t)(output_channels * value_bytes);
  input += (size_t)params->begin_col * (size_t)cell_bytes +
           (size_t)params->begin_channel * value_bytes;
  if (params->channel_stride == 1) {
    const int whole_cells = output_channels == channels;
    if (whole_cells && params->col_stride == 1) {
      tflm_patch_copy_cells(input, 0, output, 0,
                            output_cols * (uint32_t)cell_bytes, 1);
    } else {
      tflm_patch_copy_cells(input, params->col_stride * cell_bytes, output,
                            output_bytes, (uint32_t)output_bytes, output_cols);
    }
    return;
  }
  for (uint32_t col = 0; col < output_cols; ++col) {
    tflm_patch_copy_cells(
        input + (ptrdiff_t)col * params->col_stride * cell_bytes,
        params->channel_stride * (int32_t)value_bytes, output,
        (int32_t)value_bytes, value_bytes, output_channels);
    output += output_bytes;
  }
}

static const tflm_patch_strided_slice_params* slice_params(
    const tflm_patch_stage* stage, const tflm_patch_op* op) {
  return (const tflm_patch_strided_slice_params*)tflm_patch_params(stage, op);
}

/* Whether n indices from `begin` on, `stride` apart, are all below size. */
static int is_slice(uint32_t begin, int64_t stride, uint32_t n, uint32_t size) {
  const int64_t last = begin + (n - 1) * stride;
  return begin < size && last >= 0 && last < size &&
         (n == 1 ? stride == 1 : stride != 0);
}

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  const tflm_patch_strided_slice_params* params = slice_params(stage, op);
  const tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  return input->type == output->type && op->steps == output->rows &&
                 is_slice(params->begin_row, params->row_stride, output->rows,
                          input->rows) &&
                 is_slice(params->begin_col, params->col_stride, output->cols,
                          input->cols) &&
                 is_slice(params->begin_channel, params->channel_stride,
                          output->channels, input->channels)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static uint32_t source_row(const tflm_patch_strided_slice_params* params,
                           uint32_t row) {
  return params->begin_row + row * params->row_stride;
}

static void reads(const tflm_patch_stage* stage, const tflm_patch_op* op,
                  uint32_t input, uint32_t step, int32_t* first,
                  int32_t* last) {
  (void)input;
  *first = (int32_t)source_row(slice_params(stage, op), step);
  *last = *first;
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_strided_slice_params* params = slice_params(stage, op);
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  for (uint32_t row = step; row < step + count; ++row) {
    tflm_patch_strided_slice_row(
        params, tflm_patch_map_row(stage, input, source_row(params, row)),
        input->channels, tflm_patch_type_bytes(input->type),
        tflm_patch_map_row(stage, output, row), output->cols,
        output->channels);
  }
}

const tflm_patch_kernel tflm_patch_strided_slice_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
};
