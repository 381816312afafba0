/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * REDUCE_MAX and REDUCE_MIN of int8 maps over rows, columns and channels.
 *
 * Inner loops.
 */
#include <string.h>

#include "kernels.h"

static void fold_max(const int8_t* input, uint32_t n, int8_t* result) {
  for (uint32_t i = 0; i < n; ++i) {
    result[i] = input[i] > result[i] ? input[i] : result[i];
  }
}

static void fold_min(const int8_t* input, uint32_t n, int8_t* result) {
  for (uint32_t i = 0; i < n; ++i) {
    result[i] = input[i] < result[i] ? input[i] : result[i];
  }
}

static int8_t max_of(const int8_t* input, uint32_t n, int8_t result) {
  for (uint32_t i = 0; i < n; ++i) {
    result = input[i] > result ? input[i] : result;
  }
  return result;
}

static int8_t min_of(const int8_t* input, uint32_t n, int8_t result) {
  for (uint32_t i = 0; i < n; ++i) {
    result = input[i] < result ? input[i] : result;
  }
  return result;
}

/* How a kind takes in values: one by one, or all into one result. */
typedef struct {
  void (*fold)(const int8_t* input, uint32_t n, int8_t* result);
  int8_t (*all)(const int8_t* input, uint32_t n, int8_t result);
  int8_t start;
} reducer;

static const reducer kMax = {fold_max, max_of, INT8_MIN};
static const reducer kMin = {fold_min, min_of, INT8_MAX};

static void take_in(const reducer* by, const tflm_patch_reduce_params* params, const int8_t* input,
                    uint32_t cols, uint32_t channels, int8_t* results) {
  if (!params->over_cols && !params->over_channels) {
    by->fold(input, cols * channels, results);
    return;
  }
  for (uint32_t col = 0; col < cols; ++col) {
    if (params->over_channels) {
      *results = by->all(input, channels, *results);
      results += !params->over_cols;
    } else {
      by->fold(input, channels, results);
    }
    input += channels;
  }
}

void tflm_patch_reduce_max_s8(const tflm_patch_reduce_params* params, const int8_t* input,
                              uint32_t cols, uint32_t channels, int8_t* results) {
  take_in(&kMax, params, input, cols, channels, results);
}

void tflm_patch_reduce_min_s8(const tflm_patch_reduce_params* params, const int8_t* input,
                              uint32_t cols, uint32_t channels, int8_t* results) {
  take_in(&kMin, params, input, cols, channels, results);
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_reduce_params* params = (const tflm_patch_reduce_params*)task->params;
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* output = task->output;
  const uint32_t n = (uint32_t)params->over_rows + params->over_cols + params->over_channels;
  if (params->over_rows > 1 || params->over_cols > 1 || params->over_channels > 1 || n == 0 ||
      output->rows != (params->over_rows ? 1 : input->rows) ||
      output->cols != (params->over_cols ? 1 : input->cols) ||
      output->channels != (params->over_channels ? 1 : input->channels) ||
      task->op->steps != input->rows) {
    return TFLM_PATCH_BAD_OP;
  }
  return params->over_rows ? tflm_patch_check_scratch(task->op, tflm_patch_row_values(output), 1)
                           : TFLM_PATCH_OK;
}

static void run(const tflm_patch_task* task, uint32_t step, const reducer* by) {
  const tflm_patch_reduce_params* params = (const tflm_patch_reduce_params*)task->params;
  const uint32_t n = tflm_patch_row_values(task->output);
  int8_t* out = (int8_t*)tflm_patch_output_row(task, params->over_rows ? 0 : step);
  int8_t* results = params->over_rows ? (int8_t*)tflm_patch_scratch(task) : out;
  if (step == 0 || !params->over_rows) {
    memset(results, by->start, n);
  }
  take_in(by, params, (const int8_t*)tflm_patch_input_row(task, step), task->input->cols,
          task->input->channels, results);
  if (params->over_rows && step + 1 == task->op->steps) {
    memcpy(out, results, n);
  }
}

static void run_max(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  (void)count;
  run(task, step, &kMax);
}

static void run_min(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  (void)count;
  run(task, step, &kMin);
}

const tflm_patch_kernel tflm_patch_reduce_max_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run_max,
    .params_bytes = sizeof(tflm_patch_reduce_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_MAY_ACCUMULATE,
};

const tflm_patch_kernel tflm_patch_reduce_min_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run_min,
    .params_bytes = sizeof(tflm_patch_reduce_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_MAY_ACCUMULATE,
};
