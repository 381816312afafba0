/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * REQUANTIZE: QUANTIZE from int8, int16 or int32 to another of these types, and of int16 maps
 * whose zero points are not 0.
 */
#include "integers.h"
#include "kernels.h"
#include "requantize.h"

void tflm_patch_requantize_row(const tflm_patch_requantize_params* params, const void* input,
                               uint32_t from, void* output, uint32_t to, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t value =
        tflm_patch_wrapping_add(tflm_patch_load_integer(input, from, i), -params->input_zero_point);
    const int32_t made = tflm_patch_wrapping_add(
        tflm_patch_multiply_by_quantized_multiplier(value, params->multiplier, params->shift),
        params->output_zero_point);
    switch (to) {
      case TFLM_PATCH_INT8:
        ((int8_t*)output)[i] = (int8_t)tflm_patch_clamp(made, INT8_MIN, INT8_MAX);
        break;
      case TFLM_PATCH_INT16:
        ((int16_t*)output)[i] = (int16_t)tflm_patch_clamp(made, INT16_MIN, INT16_MAX);
        break;
      default:
        ((int32_t*)output)[i] = made;
        break;
    }
  }
}

/* ---- the operator ---- */

static int is_zero_point(uint8_t type, int32_t zero_point) {
  switch (type) {
    case TFLM_PATCH_INT8:
      return tflm_patch_is_int8(zero_point);
    case TFLM_PATCH_INT16:
      return zero_point >= INT16_MIN && zero_point <= INT16_MAX;
    default:
      return type == TFLM_PATCH_INT32 && zero_point == 0;
  }
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_requantize_params* params = (const tflm_patch_requantize_params*)task->params;
  return tflm_patch_is_shift(params->shift) && params->multiplier >= 0 &&
                 is_zero_point(task->input->type, params->input_zero_point) &&
                 is_zero_point(task->output->type, params->output_zero_point)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  (void)count;
  tflm_patch_requantize_row((const tflm_patch_requantize_params*)task->params,
                            tflm_patch_input_row(task, step), task->input->type,
                            tflm_patch_output_row(task, step), task->output->type,
                            tflm_patch_row_values(task->input));
}

const tflm_patch_kernel tflm_patch_requantize_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_requantize_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_ANY_TYPES | TFLM_PATCH_SAME_SHAPE,
};
