/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * ADD of int8 maps: both are brought to a common scale with `left_shift`
 * fractional bits, added, and brought to the output's scale.
 */
#include "binary.h"
#include "family.h"
#include "requantize.h"

/* The most that keeps (value - zero point) << left_shift in int32. */
#define MAX_LEFT_SHIFT 20

#if !TFLM_PATCH_HAS_OWN_ADD
void tflm_patch_add_s8(const tflm_patch_add_params* params,
                       int32_t a_zero_point, int32_t b_zero_point,
                       const int8_t* a, uint32_t a_step, const int8_t* b,
                       uint32_t b_step, int8_t* output, uint32_t n) {
  const int32_t unit = (int32_t)1 << params->left_shift;
  for (uint32_t i = 0; i < n; ++i) {
    /* A multiplier below one: neither the terms nor their sum leave int32. */
    const int32_t a_scaled = tflm_patch_multiply_by_quantized_multiplier(
        (*a - a_zero_point) * unit, params->input_multiplier[0],
        params->input_shift[0]);
    const int32_t b_scaled = tflm_patch_multiply_by_quantized_multiplier(
        (*b - b_zero_point) * unit, params->input_multiplier[1],
        params->input_shift[1]);
    output[i] = (int8_t)tflm_patch_requantize(
        a_scaled + b_scaled, params->output_multiplier, params->output_shift,
        params->output_zero_point, params->act_min, params->act_max);
    a += a_step;
    b += b_step;
  }
}
#endif

static int is_right_shift(int32_t shift) {
  return tflm_patch_is_shift(shift) && shift <= 0;
}

tflm_patch_status tflm_patch_check_add(const tflm_patch_stage* stage,
                                       const tflm_patch_op* op) {
  const tflm_patch_add_params* params =
      (const tflm_patch_add_params*)tflm_patch_params(stage, op);
  const tflm_patch_status status = tflm_patch_check_binary(stage, op);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  return is_right_shift(params->input_shift[0]) &&
                 is_right_shift(params->input_shift[1]) &&
                 is_right_shift(params->output_shift) &&
                 params->left_shift >= 0 &&
                 params->left_shift <= MAX_LEFT_SHIFT &&
                 tflm_patch_is_int8(params->output_zero_point) &&
                 tflm_patch_is_int8_range(params->act_min, params->act_max)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void add_row(const void* params, int32_t a_zero_point,
                    int32_t b_zero_point, const int8_t* a, uint32_t a_step,
                    const int8_t* b, uint32_t b_step, int8_t* output,
                    uint32_t n) {
  tflm_patch_add_s8((const tflm_patch_add_params*)params, a_zero_point,
                    b_zero_point, a, a_step, b, b_step, output, n);
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  tflm_patch_run_binary(stage, op, step, count, add_row);
}

const tflm_patch_kernel tflm_patch_add_kernel = {
    .check = tflm_patch_check_add,
    .reads = tflm_patch_binary_reads,
    .run = run,
};
