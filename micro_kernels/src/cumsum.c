/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CUMSUM of int8 maps along rows, columns or channels.
 *
 * As in TFLM a sum is kept in units of 2^-19 of the input's scale and starts at minus the input's
 * zero point. It wraps in int32, as TFLM's does where the compiler lets it.
 */
#include "kernels.h"
#include "requantize.h"

#define UNIT ((int32_t)1 << 19)

enum { kRows = 0, kCols = 1, kChannels = 2 };

void tflm_patch_cumsum_begin_s8(int32_t input_zero_point, int32_t* sums, uint32_t width) {
  for (uint32_t i = 0; i < width; ++i) {
    sums[i] = -input_zero_point * UNIT;
  }
}

void tflm_patch_cumsum_s8(const tflm_patch_cumsum_params* params, int32_t input_zero_point,
                          const int8_t* input, int8_t* output, uint32_t n, uint32_t width,
                          int32_t step, int32_t* sums) {
  for (uint32_t at = 0; at < n; ++at) {
    for (uint32_t i = 0; i < width; ++i) {
      const int32_t before = sums[i];
      const int32_t after = tflm_patch_wrapping_add(before, (input[i] - input_zero_point) * UNIT);
      sums[i] = after;
      output[i] = (int8_t)tflm_patch_requantize(params->exclusive ? before : after,
                                                params->output_multiplier, params->output_shift,
                                                params->output_zero_point, INT8_MIN, INT8_MAX);
    }
    if (at + 1 < n) {
      input += step;
      output += step;
    }
  }
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_cumsum_params* params = (const tflm_patch_cumsum_params*)task->params;
  const tflm_patch_map* input = task->input;
  if (params->axis > kChannels || params->exclusive > 1 || params->reverse > 1 ||
      (params->axis == kRows && params->reverse) || params->output_multiplier < 0 ||
      !tflm_patch_is_shift(params->output_shift) ||
      !tflm_patch_is_int8(params->output_zero_point)) {
    return TFLM_PATCH_BAD_OP;
  }
  const uint32_t widths[] = {tflm_patch_row_values(input), input->channels, 1};
  return tflm_patch_check_scratch(task->op, widths[params->axis], sizeof(int32_t));
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_cumsum_params* params = (const tflm_patch_cumsum_params*)task->params;
  const int32_t zero_point = task->input->zero_point;
  const uint32_t values = tflm_patch_row_values(task->input);
  const uint32_t channels = task->input->channels;
  const int8_t* in = (const int8_t*)tflm_patch_input_row(task, step);
  int8_t* out = (int8_t*)tflm_patch_output_row(task, step);
  int32_t* sums = (int32_t*)tflm_patch_scratch(task);
  (void)count;
  if (params->axis == kRows) {
    if (step == 0) {
      tflm_patch_cumsum_begin_s8(zero_point, sums, values);
    }
    tflm_patch_cumsum_s8(params, zero_point, in, out, 1, values, 0, sums);
    return;
  }
  /* Lines of n positions. */
  const uint32_t width = params->axis == kCols ? channels : 1;
  const uint32_t n = params->axis == kCols ? task->input->cols : channels;
  const uint32_t first = params->reverse ? (n - 1) * width : 0;
  const int32_t by = params->reverse ? -(int32_t)width : (int32_t)width;
  for (uint32_t line = 0; line < values; line += n * width) {
    tflm_patch_cumsum_begin_s8(zero_point, sums, width);
    tflm_patch_cumsum_s8(params, zero_point, in + line + first, out + line + first, n, width, by,
                         sums);
  }
}

const tflm_patch_kernel tflm_patch_cumsum_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_cumsum_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_SAME_SHAPE,
};
