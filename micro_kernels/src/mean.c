/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * MEAN of int8 maps over rows, columns or both. 1 / count is part of the
 * multiplier; program.h has the formula.
 */
#include <string.h>

#include "family.h"
#include "kernels.h"
#include "requantize.h"

/* The most values in a mean whose sum, less their zero points, is in int32. */
#define MAX_COUNT (1u << 23)

#if !TFLM_PATCH_HAS_OWN_MEAN
static int8_t finish(const tflm_patch_mean_params* params,
                     int32_t input_zero_point, int32_t sum, uint32_t count) {
  return (int8_t)tflm_patch_requantize(
      sum - input_zero_point * (int32_t)count, params->multiplier,
      params->shift, params->output_zero_point, INT8_MIN, INT8_MAX);
}

void tflm_patch_mean_cols_s8(const tflm_patch_mean_params* params,
                             int32_t input_zero_point, const int8_t* input,
                             uint32_t cols, uint32_t channels, int8_t* output) {
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

void tflm_patch_mean_accumulate_s8(const tflm_patch_mean_params* params,
                                   const int8_t* input, uint32_t cols,
                                   uint32_t channels, int32_t* sums) {
  for (uint32_t col = 0; col < cols; ++col) {
    for (uint32_t channel = 0; channel < channels; ++channel) {
      sums[channel] += *input++;
    }
    if (!params->over_cols) {
      sums += channels;
    }
  }
}

void tflm_patch_mean_finish_s8(const tflm_patch_mean_params* params,
                               int32_t input_zero_point, const int32_t* sums,
                               uint32_t count, int8_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = finish(params, input_zero_point, sums[i], count);
  }
}
#endif

static const tflm_patch_mean_params* mean_params(const tflm_patch_stage* stage,
                                                 const tflm_patch_op* op) {
  return (const tflm_patch_mean_params*)tflm_patch_params(stage, op);
}

static int is_accumulating(const tflm_patch_stage* stage,
                           const tflm_patch_op* op) {
  return mean_params(stage, op)->over_rows;
}

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  const tflm_patch_mean_params* params = mean_params(stage, op);
  const tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const uint64_t count = (uint64_t)(params->over_rows ? input->rows : 1) *
                         (params->over_cols ? input->cols : 1);
  if (params->over_rows > 1 || params->over_cols > 1 ||
      params->over_rows + params->over_cols == 0 || params->variant != 0 ||
      count > MAX_COUNT || !tflm_patch_is_shift(params->shift) ||
      !tflm_patch_is_int8(params->output_zero_point) ||
      input->type != TFLM_PATCH_INT8 || output->type != TFLM_PATCH_INT8 ||
      output->rows != (params->over_rows ? 1 : input->rows) ||
      output->cols != (params->over_cols ? 1 : input->cols) ||
      output->channels != input->channels || op->steps != input->rows) {
    return TFLM_PATCH_BAD_OP;
  }
  return params->over_rows ? tflm_patch_check_scratch(
                                 op, 4ull * output->cols * output->channels)
                           : TFLM_PATCH_OK;
}

static void reads(const tflm_patch_stage* stage, const tflm_patch_op* op,
                  uint32_t input, uint32_t step, int32_t* first,
                  int32_t* last) {
  (void)stage;
  (void)op;
  (void)input;
  *first = (int32_t)step;
  *last = (int32_t)step;
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_mean_params* params = mean_params(stage, op);
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const uint32_t end = step + count;
  if (!params->over_rows) {
    for (; step < end; ++step) {
      tflm_patch_mean_cols_s8(
          params, input->zero_point,
          (const int8_t*)tflm_patch_map_row(stage, input, step), input->cols,
          input->channels, (int8_t*)tflm_patch_map_row(stage, output, step));
    }
    return;
  }
  int32_t* sums = (int32_t*)tflm_patch_scratch(stage, op);
  const uint32_t n = (uint32_t)output->cols * output->channels;
  if (step == 0) {
    memset(sums, 0, (size_t)n * sizeof(*sums));
  }
  for (; step < end; ++step) {
    tflm_patch_mean_accumulate_s8(
        params, (const int8_t*)tflm_patch_map_row(stage, input, step),
        input->cols, input->channels, sums);
  }
  if (end == op->steps) {
    const uint32_t values =
        (uint32_t)input->rows * (params->over_cols ? input->cols : 1u);
    tflm_patch_mean_finish_s8(params, input->zero_point, sums, values,
                              (int8_t*)tflm_patch_map_row(stage, output, 0), n);
  }
}

const tflm_patch_kernel tflm_patch_mean_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .accumulates = 2,
    .is_accumulating = is_accumulating,
};
