/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * MEAN of int16 maps over rows, columns or both, as in mean.c.
 */
#include <string.h>

#include "kernels.h"
#include "requantize.h"

/* The most values whose sum is in int32. */
#define MAX_COUNT (1u << 16)

/* Sums are modulo 2^32: between two bands the application may write where they are. */
static int16_t finish(const tflm_patch_mean_params* params, int32_t sum) {
  return (int16_t)tflm_patch_requantize(sum, params->multiplier, params->shift, 0, INT16_MIN,
                                        INT16_MAX);
}

void tflm_patch_mean_cols_s16(const tflm_patch_mean_params* params, const int16_t* input,
                              uint32_t cols, uint32_t channels, int16_t* output) {
  for (uint32_t channel = 0; channel < channels; ++channel) {
    const int16_t* value = input + channel;
    int32_t sum = 0;
    for (uint32_t col = 0; col < cols; ++col) {
      sum += *value;
      value += channels;
    }
    output[channel] = finish(params, sum);
  }
}

void tflm_patch_mean_accumulate_s16(const tflm_patch_mean_params* params, const int16_t* input,
                                    uint32_t cols, uint32_t channels, int32_t* sums) {
  for (uint32_t col = 0; col < cols; ++col) {
    for (uint32_t channel = 0; channel < channels; ++channel) {
      sums[channel] = tflm_patch_wrapping_add(sums[channel], *input++);
    }
    if (!params->over_cols) {
      sums += channels;
    }
  }
}

void tflm_patch_mean_finish_s16(const tflm_patch_mean_params* params, const int32_t* sums,
                                int16_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = finish(params, sums[i]);
  }
}

/* ---- the operator ---- */

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_mean_params* params = (const tflm_patch_mean_params*)task->params;
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* output = task->output;
  const uint32_t rows = params->over_rows ? input->rows : 1;
  const uint32_t cols = params->over_cols ? input->cols : 1;
  if (params->over_rows > 1 || params->over_cols > 1 ||
      params->over_rows + params->over_cols == 0 || rows * cols > MAX_COUNT ||
      !tflm_patch_is_shift(params->shift) || params->output_zero_point != 0 ||
      output->rows * rows != input->rows || output->cols * cols != input->cols ||
      output->channels != input->channels || task->op->steps != input->rows) {
    return TFLM_PATCH_BAD_OP;
  }
  return params->over_rows ? tflm_patch_check_scratch(task->op, tflm_patch_row_values(output), 4)
                           : TFLM_PATCH_OK;
}

/* One step. */
static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_mean_params* params = (const tflm_patch_mean_params*)task->params;
  const tflm_patch_map* input = task->input;
  const int16_t* in = (const int16_t*)tflm_patch_input_row(task, step);
  int16_t* out = (int16_t*)tflm_patch_output_row(task, params->over_rows ? 0 : step);
  (void)count;
  if (!params->over_rows) {
    tflm_patch_mean_cols_s16(params, in, input->cols, input->channels, out);
    return;
  }
  const uint32_t n = tflm_patch_row_values(task->output);
  int32_t* sums = (int32_t*)tflm_patch_scratch(task);
  if (step == 0) {
    memset(sums, 0, (size_t)n * sizeof(*sums));
  }
  tflm_patch_mean_accumulate_s16(params, in, input->cols, input->channels, sums);
  if (step + 1 == task->op->steps) {
    tflm_patch_mean_finish_s16(params, sums, out, n);
  }
}

const tflm_patch_kernel tflm_patch_mean_s16_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_mean_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_MAY_ACCUMULATE,
};
