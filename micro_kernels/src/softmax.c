/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * SOFTMAX over the channels of int8 maps, to int8 or int16, in TFLM's fixed-point arithmetic.
 *
 * With d = maximum of the row - value, 0 <= d <= 255, exp_table[d] is
 * exp(-d * beta * scale) in Q0.31:
 *
 *   (m, s) = QuantizeMultiplier(min(beta * scale * 2^26, 2^31 - 1))
 *   x      = MultiplyByQuantizedMultiplier(-d, m, s), a Q5.26 number
 *   entry  = gemmlowp's exp_on_negative_values(x)
 *
 * which planner/lowering/operators/softmax_table.py computes when a model is converted.
 * Differences with -d < diff_min = -floor(31 * 2^26 / 2^s) are left out. What
 * depends on the row is done here: the sum in Q12.19, its reciprocal by three
 * Newton steps, and the products.
 */
#include "exponential.h"
#include "kernels.h"
#include "requantize.h"

/* What an exponential is multiplied with, and shifted by to the right for outputs of 32 bits. */
typedef struct {
  int32_t max;
  int32_t reciprocal;
  int32_t exponent;
} row_scale;

static row_scale scale_of(const int32_t* exp_table, int32_t diff_min, const int8_t* input,
                          uint32_t n) {
  const int32_t max = tflm_patch_largest(input, n);
  const uint32_t sum = tflm_patch_sum_of_exps(exp_table, diff_min, max, input, n);
  const int32_t headroom = tflm_patch_leading_zeros(sum);
  const row_scale scale = {
      max,
      tflm_patch_one_over_one_plus((int32_t)((sum << headroom) - 0x80000000u)),
      TFLM_PATCH_SUM_INTEGER_BITS - headroom + 31,
  };
  return scale;
}

void tflm_patch_softmax_s8(const int32_t* exp_table, int32_t diff_min, const int8_t* input,
                           int8_t* output, uint32_t n) {
  const row_scale scale = scale_of(exp_table, diff_min, input, n);
  const int32_t exponent = scale.exponent - 8;
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t diff = input[i] - scale.max;
    int32_t value = 0;
    /* A damaged program may have written an input here: its diff is positive.
     * With a sum of 512 or more, where TFLM stops the program, the exponent is
     * above 31, and all outputs are less than half a unit. */
    if (diff >= diff_min && diff <= 0 && exponent <= 31) {
      value = tflm_patch_multiply_shared(scale.reciprocal, exp_table[-diff], -exponent);
    }
    output[i] = (int8_t)tflm_patch_clamp(value + INT8_MIN, INT8_MIN, INT8_MAX);
  }
}

void tflm_patch_softmax_s8_s16(const int32_t* exp_table, int32_t diff_min, const int8_t* input,
                               int16_t* output, uint32_t n) {
  const row_scale scale = scale_of(exp_table, diff_min, input, n);
  const int32_t exponent = scale.exponent - 16; /* below 0 with a damaged table alone */
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t diff = input[i] - scale.max;
    int32_t value = 0;
    if (diff >= diff_min && diff <= 0) { /* as above */
      value = tflm_patch_multiply_shared(scale.reciprocal, exp_table[-diff], -exponent);
    }
    output[i] =
        (int16_t)tflm_patch_clamp(tflm_patch_wrapping_add(value, INT16_MIN), INT16_MIN, INT16_MAX);
  }
}

/* ---- the operators ---- */

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_softmax_params* params = (const tflm_patch_softmax_params*)task->params;
  return params->diff_min >= -255 && params->diff_min <= 0
             ? tflm_patch_check_constant(task->stage, params->exp_table_at, 256, sizeof(int32_t))
             : TFLM_PATCH_BAD_OP;
}

static tflm_patch_status check_s16(const tflm_patch_task* task) {
  return task->input->type == TFLM_PATCH_INT8 && task->output->type == TFLM_PATCH_INT16
             ? check(task)
             : TFLM_PATCH_BAD_OP;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_softmax_params* params = (const tflm_patch_softmax_params*)task->params;
  const int32_t* exp_table = (const int32_t*)tflm_patch_constant(task->stage, params->exp_table_at);
  const uint32_t channels = task->input->channels;
  const int8_t* in = (const int8_t*)tflm_patch_input_row(task, step);
  int8_t* out = (int8_t*)tflm_patch_output_row(task, step);
  (void)count;
  for (uint32_t col = 0; col < task->input->cols; ++col) {
    tflm_patch_softmax_s8(exp_table, params->diff_min, in, out, channels);
    in += channels;
    out += channels;
  }
}

static void run_s16(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_softmax_params* params = (const tflm_patch_softmax_params*)task->params;
  const int32_t* exp_table = (const int32_t*)tflm_patch_constant(task->stage, params->exp_table_at);
  const uint32_t channels = task->input->channels;
  const int8_t* in = (const int8_t*)tflm_patch_input_row(task, step);
  int16_t* out = (int16_t*)tflm_patch_output_row(task, step);
  (void)count;
  for (uint32_t col = 0; col < task->input->cols; ++col) {
    tflm_patch_softmax_s8_s16(exp_table, params->diff_min, in, out, channels);
    in += channels;
    out += channels;
  }
}

const tflm_patch_kernel tflm_patch_softmax_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_softmax_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_SAME_SHAPE,
};

const tflm_patch_kernel tflm_patch_softmax_s8_s16_kernel = {
    .check = check_s16,
    .reads = tflm_patch_rowwise_reads,
    .run = run_s16,
    .params_bytes = sizeof(tflm_patch_softmax_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_ANY_TYPES | TFLM_PATCH_SAME_SHAPE,
};
