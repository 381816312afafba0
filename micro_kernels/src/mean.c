/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * MEAN and SUM of int8 maps over rows, columns and channels. 1 / count is part of
 * the multiplier; program.h has the formula.
 */
#include <string.h>

#include "family.h"
#include "kernels.h"
#include "requantize.h"

/* The most values in a mean whose sum, less their zero points, is in int32. */
#define MAX_COUNT (1u << 23)

#if !TFLM_PATCH_HAS_OWN_MEAN
/* Sums are modulo 2^32: between two bands the application may write where they are. */
static int8_t finish(const tflm_patch_mean_params* params, int32_t input_zero_point, int32_t sum,
                     uint32_t count) {
  return (int8_t)tflm_patch_requantize(
      (int32_t)((uint32_t)sum - (uint32_t)input_zero_point * count), params->multiplier,
      params->shift, params->output_zero_point, INT8_MIN, INT8_MAX);
}

void tflm_patch_mean_cols_s8(const tflm_patch_mean_params* params, int32_t input_zero_point,
                             const int8_t* input, uint32_t cols, uint32_t channels,
                             int8_t* output) {
  for (uint32_t channel = 0; channel < channels; ++channel) {
    const int8_t* value = input + channel;
    int32_t sum = 0;
    for (uint32_t col = 0; col < cols; ++col) {
      sum += *value;
      value += channels;
    }
    output[channel] = finish(params, input_zero_point, sum, cols);
  }
}

void tflm_patch_mean_accumulate_s8(const tflm_patch_mean_params* params, const int8_t* input,
                                   uint32_t cols, uint32_t channels, int32_t* sums) {
  for (uint32_t col = 0; col < cols; ++col) {
    for (uint32_t channel = 0; channel < channels; ++channel) {
      sums[channel] = (int32_t)((uint32_t)sums[channel] + (uint32_t)*input++);
    }
    if (!params->over_cols) {
      sums += channels;
    }
  }
}

void tflm_patch_mean_finish_s8(const tflm_patch_mean_params* params, int32_t input_zero_point,
                               const int32_t* sums, uint32_t count, int8_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = finish(params, input_zero_point, sums[i], count);
  }
}
#endif

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_mean_params* params = (const tflm_patch_mean_params*)task->params;
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* output = task->output;
  const uint32_t rows = params->over_rows ? input->rows : 1;
  const uint32_t cols = params->over_cols ? input->cols : 1;
  const uint32_t channels = params->over_channels ? input->channels : 1;
  if (params->over_rows > 1 || params->over_cols > 1 || params->over_channels > 1 ||
      params->over_rows + params->over_cols + params->over_channels == 0 ||
      (uint64_t)rows * cols * channels > MAX_COUNT || !tflm_patch_is_shift(params->shift) ||
      !tflm_patch_is_int8(params->output_zero_point) || output->rows * rows != input->rows ||
      output->cols * cols != input->cols || output->channels * channels != input->channels ||
      task->op->steps != input->rows) {
    return TFLM_PATCH_BAD_OP;
  }
  return params->over_rows ? tflm_patch_check_scratch(task->op, tflm_patch_row_values(output), 4)
                           : TFLM_PATCH_OK;
}

/* A row as the row functions see it: the values of a cell are columns of one channel where
 * channels are reduced. */
typedef struct {
  tflm_patch_mean_params params;
  uint32_t lines; /* parts of the row that are reduced one by one */
  uint32_t cols;
  uint32_t channels;
} row_shape;

static void find_shape(const tflm_patch_task* task, row_shape* row) {
  const tflm_patch_map* input = task->input;
  row->params = *(const tflm_patch_mean_params*)task->params;
  row->lines = 1;
  row->cols = input->cols;
  row->channels = input->channels;
  if (row->params.over_channels) {
    row->lines = row->params.over_cols ? 1 : input->cols;
    row->cols = tflm_patch_row_values(input) / row->lines;
    row->channels = 1;
    row->params.over_cols = 1;
  }
}

/* One step. */
static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const int32_t zero_point = task->input->zero_point;
  const int8_t* in = (const int8_t*)tflm_patch_input_row(task, step);
  const uint32_t n = tflm_patch_row_values(task->output);
  row_shape row;
  (void)count;
  find_shape(task, &row);
  int8_t* out = (int8_t*)tflm_patch_output_row(task, row.params.over_rows ? 0 : step);
  int32_t* sums = row.params.over_rows ? (int32_t*)tflm_patch_scratch(task) : NULL;
  if (sums != NULL && step == 0) {
    memset(sums, 0, (size_t)n * sizeof(*sums));
  }
  for (uint32_t line = 0; line < row.lines; ++line) {
    if (sums == NULL) {
      tflm_patch_mean_cols_s8(&row.params, zero_point, in, row.cols, row.channels, out + line);
    } else {
      tflm_patch_mean_accumulate_s8(&row.params, in, row.cols, row.channels, sums + line);
    }
    in += row.cols;
  }
  if (sums != NULL && step + 1 == task->op->steps) {
    const uint32_t values = (row.params.over_cols ? row.cols : 1u) * task->input->rows;
    tflm_patch_mean_finish_s8(&row.params, zero_point, sums, values, out, n);
  }
}

const tflm_patch_kernel tflm_patch_mean_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_mean_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_MAY_ACCUMULATE,
};
