/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * PAD of 8-bit and int16 maps in rows, columns and channels.
 */
#include <string.h>

#include "kernels.h"

/* Fills n bytes with values of value_bytes; returns where they end. */
static uint8_t* fill(uint8_t* output, int16_t value, uint32_t value_bytes, size_t n) {
  if (value_bytes == 1) {
    memset(output, value, n);
    return output + n;
  }
  for (const uint8_t* end = output + n; output < end; output += sizeof(value)) {
    memcpy(output, &value, sizeof(value));
  }
  return output;
}

void tflm_patch_pad(const tflm_patch_pad_params* params, const void* input, uint32_t cols,
                    uint32_t channels, void* output, uint32_t output_cols, uint32_t output_channels,
                    uint32_t value_bytes) {
  const uint8_t* in = (const uint8_t*)input;
  uint8_t* out = (uint8_t*)output;
  /* Bytes before, between and behind the cells of the input. */
  const size_t before = ((size_t)params->left * output_channels + params->front) * value_bytes;
  const size_t between = (size_t)(output_channels - channels) * value_bytes;
  const size_t total = (size_t)output_cols * output_channels * value_bytes;
  const uint8_t* end = out + total;
  size_t cell_bytes = (size_t)channels * value_bytes;
  if (in == NULL) {
    cols = 0;
  } else {
    out = fill(out, params->value, value_bytes, before);
  }
  if (between == 0) {
    cell_bytes *= cols;
    cols = cols > 0;
  }
  for (uint32_t col = 0; col < cols; ++col) {
    if (col > 0) {
      out = fill(out, params->value, value_bytes, between);
    }
    memmove(out, in, cell_bytes);
    out += cell_bytes;
    in += cell_bytes;
  }
  fill(out, params->value, value_bytes, (size_t)(end - out));
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

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_pad_params* params = (const tflm_patch_pad_params*)task->params;
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* output = task->output;
  return is_value(input->type, params->value) && holds(params->top, input->rows, output->rows) &&
                 holds(params->left, input->cols, output->cols) &&
                 holds(params->front, input->channels, output->channels)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

/* Rows of padding read none; their first and last are those nearby. */
static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* span) {
  const int32_t rows = task->input->rows;
  const int32_t row = (int32_t)step - ((const tflm_patch_pad_params*)task->params)->top;
  span->first = row < 0 ? 0 : row < rows ? row : rows;
  span->last = row < 0 ? -1 : row < rows ? row : rows - 1;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_pad_params* params = (const tflm_patch_pad_params*)task->params;
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* output = task->output;
  const uint32_t row = step - params->top; /* large above the first */
  (void)count;
  tflm_patch_pad(params, row < input->rows ? tflm_patch_input_row(task, row) : NULL, input->cols,
                 input->channels, tflm_patch_output_row(task, step), output->cols, output->channels,
                 tflm_patch_type_bytes(output->type));
}

const tflm_patch_kernel tflm_patch_pad_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_pad_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES,
};
