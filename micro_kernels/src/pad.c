/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * PAD of 8-bit maps in rows, columns and channels.
 */
#include <string.h>

#include "kernels.h"
#include "rowwise.h"

void tflm_patch_pad_x8(const tflm_patch_pad_params* params, const int8_t* input,
                       uint32_t cols, uint32_t channels, int8_t* output,
                       uint32_t output_cols, uint32_t output_channels) {
  /* Bytes before, between and behind the cells of the input. */
  const size_t before =
      (size_t)params->left * output_channels + params->front;
  const size_t between = output_channels - channels;
  const size_t total = (size_t)output_cols * output_channels;
  if (input == NULL) {
    memset(output, params->value, total);
    return;
  }
  const int8_t* end = output + total;
  memset(output, params->value, before);
  output += before;
  if (between == 0) {
    channels *= cols;
    cols = 1;
  }
  for (uint32_t col = 0; col < cols; ++col) {
    if (col > 0) {
      memset(output, params->value, between);
      output += between;
    }
    memmove(output, input, channels);
    output += channels;
    input += channels;
  }
  memset(output, params->value, (size_t)(end - output));
}

static const tflm_patch_pad_params* pad_params(const tflm_patch_stage* stage,
                                               const tflm_patch_op* op) {
  return (const tflm_patch_pad_params*)tflm_patch_params(stage, op);
}

static int holds(uint32_t before, uint32_t size, uint32_t output) {
  return before + size <= output;
}

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  const tflm_patch_pad_params* params = pad_params(stage, op);
  const tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const int32_t low = input->type == TFLM_PATCH_INT8 ? INT8_MIN : 0;
  return tflm_patch_is_8_bit(input) && output->type == input->type &&
                 holds(params->top, input->rows, output->rows) &&
                 holds(params->left, input->cols, output->cols) &&
                 holds(params->front, input->channels, output->channels) &&
                 params->value >= low && params->value <= low + UINT8_MAX
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

/* Rows of padding read none; their first and last are those nearby. */
static void reads(const tflm_patch_stage* stage, const tflm_patch_op* op,
                  uint32_t input, uint32_t step, int32_t* first,
                  int32_t* last) {
  const int32_t rows = tflm_patch_input_map(stage, op, input)->rows;
  const int32_t row = (int32_t)step - pad_params(stage, op)->top;
  *first = row < 0 ? 0 : row < rows ? row : rows;
  *last = row < 0 ? -1 : row < rows ? row : rows - 1;
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_pad_params* params = pad_params(stage, op);
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  for (uint32_t row = step; row < step + count; ++row) {
    const int is_inside =
        row >= params->top && row - params->top < input->rows;
    tflm_patch_pad_x8(
        params,
        is_inside ? (const int8_t*)tflm_patch_map_row(stage, input,
                                                      row - params->top)
                  : NULL,
        input->cols, input->channels,
        (int8_t*)tflm_patch_map_row(stage, output, row), output->cols,
        output->channels);
  }
}

const tflm_patch_kernel tflm_patch_pad_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
};
