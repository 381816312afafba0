/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * PAD of 8-bit and int16 maps in rows, columns and channels.
 */
#include <string.h>

#include "kernels.h"
#include "rowwise.h"

/* Fills n bytes with values of value_bytes; returns where they end. */
static uint8_t* fill(uint8_t* output, int16_t value, uint32_t value_bytes,
                     size_t n) {
  if (value_bytes == 1) {
    memset(output, value, n);
    return output + n;
  }
  for (const uint8_t* end = output + n; output < end; output += sizeof(value)) {
    memcpy(output, &value, sizeof(value));
  }
  return output;
}

static void pad(const tflm_patch_pad_params* params, uint32_t value_bytes,
                const uint8_t* input, uint32_t cols, uint32_t channels,
                uint8_t* output, uint32_t output_cols,
                uint32_t output_channels) {
  /* Bytes before, between and behind the cells of the input. */
  const size_t before =
      ((size_t)params->left * output_channels + params->front) * value_bytes;
  const size_t between = (size_t)(output_channels - channels) * value_bytes;
  const size_t total = (size_t)output_cols * output_channels * value_bytes;
  const uint8_t* end = output + total;
  size_t cell_bytes = (size_t)channels * value_bytes;
  if (input == NULL) {
    fill(output, params->value, value_bytes, total);
    return;
  }
  output = fill(output, params->value, value_bytes, before);
  if (between == 0) {
    cell_bytes *= cols;
    cols = 1;
  }
  for (uint32_t col = 0; col < cols; ++col) {
    if (col > 0) {
      output = fill(output, params->value, value_bytes, between);
    }
    memmove(output, input, cell_bytes);
    output += cell_bytes;
    input += cell_bytes;
  }
  fill(output, params->value, value_bytes, (size_t)(end - output));
}

void tflm_patch_pad_x8(const tflm_patch_pad_params* params, const int8_t* input,
                       uint32_t cols, uint32_t channels, int8_t* output,
                       uint32_t output_cols, uint32_t output_channels) {
  pad(params, 1, (const uint8_t*)input, cols, channels, (uint8_t*)output,
      output_cols, output_channels);
}

void tflm_patch_pad_s16(const tflm_patch_pad_params* params,
                        const int16_t* input, uint32_t cols, uint32_t channels,
                        int16_t* output, uint32_t output_cols,
                        uint32_t output_channels) {
  pad(params, sizeof(*output), (const uint8_t*)(const void*)input, cols,
      channels, (uint8_t*)(void*)output, output_cols, output_channels);
}

static const tflm_patch_pad_params* pad_params(const tflm_patch_stage* stage,
                                               const tflm_patch_op* op) {
  return (const tflm_patch_pad_params*)tflm_patch_params(stage, op);
}

static int is_value(uint8_t type, int16_t value) {
  switch (type) {
    case TFLM_PATCH_INT8:
      return tflm_patch_is_int8(value);
    case TFLM_PATCH_UINT8:
      return value >= 0 && value <= UINT8_MAX;
    default:
      return type == TFLM_PATCH_INT16;
  }
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
  return output->type == input->type && is_value(input->type, params->value) &&
                 holds(params->top, input->rows, output->rows) &&
                 holds(params->left, input->cols, output->cols) &&
                 holds(params->front, input->channels, output->channels)
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
  const uint32_t value_bytes = tflm_patch_type_bytes(output->type);
  for (uint32_t row = step; row < step + count; ++row) {
    const int is_inside =
        row >= params->top && row - params->top < input->rows;
    pad(params, value_bytes,
        is_inside ? tflm_patch_map_row(stage, input, row - params->top) : NULL,
        input->cols, input->channels, tflm_patch_map_row(stage, output, row),
        output->cols, output->channels);
  }
}

const tflm_patch_kernel tflm_patch_pad_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
};
