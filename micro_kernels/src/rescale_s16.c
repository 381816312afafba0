/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RESCALE of int16 maps: ABS, LEAKY_RELU, RELU, RELU6 and QUANTIZE to another
 * scale, value by value.
 *
 * Inner loops.
 */
#include "kernels.h"
#include "requantize.h"

void tflm_patch_rescale_s16(const tflm_patch_rescale_params* params, const int16_t* input,
                            int16_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    int32_t value = input[i];
    const int part = value < 0;
    value = part && params->magnitude ? -value : value;
    output[i] = (int16_t)tflm_patch_requantize(value, params->multiplier[part], params->shift[part],
                                               0, params->act_min, params->act_max);
  }
}

/* ---- the operator ---- */

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_rescale_params* params = (const tflm_patch_rescale_params*)task->params;
  return tflm_patch_is_shift(params->shift[0]) && tflm_patch_is_shift(params->shift[1]) &&
                 params->act_min <= params->act_max && params->magnitude <= 1
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  (void)count;
  tflm_patch_rescale_s16((const tflm_patch_rescale_params*)task->params,
                         (const int16_t*)tflm_patch_input_row(task, step),
                         (int16_t*)tflm_patch_output_row(task, step),
                         tflm_patch_row_values(task->input));
}

const tflm_patch_kernel tflm_patch_rescale_s16_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_rescale_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_SAME_SHAPE,
};
