/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * DEPTHWISE_CONV_2D of int8 maps.
 */
#include "family.h"
#include "kernels.h"
#include "portable/portable.h"
#include "typed.h"
#include "weights.h"

#if !TFLM_PATCH_HAS_OWN_DEPTHWISE_CONV
void tflm_patch_depthwise_conv_s8(const tflm_patch_depthwise_conv_args* args,
                                  const tflm_patch_rows* input, uint32_t row,
                                  int8_t* output) {
  tflm_patch_depthwise_conv_portable_s8(args, input, row, output);
}
#endif

static const tflm_patch_depthwise_params* depthwise_params(
    const tflm_patch_stage* stage, const tflm_patch_op* op) {
  return (const tflm_patch_depthwise_params*)tflm_patch_params(stage, op);
}

tflm_patch_status tflm_patch_check_depthwise(const tflm_patch_stage* stage,
                                             const tflm_patch_op* op,
                                             uint8_t type) {
  const tflm_patch_depthwise_params* params = depthwise_params(stage, op);
  const tflm_patch_window* window = &params->window;
  tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  status = tflm_patch_check_window(window, input, output);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  if (input->type != type || output->type != type ||
      params->depth_multiplier == 0 ||
      (uint32_t)input->channels * params->depth_multiplier !=
          output->channels) {
    return TFLM_PATCH_BAD_OP;
  }
  return tflm_patch_check_weights(
      stage, type, params->weights_at,
      (uint64_t)output->channels * window->kernel_h * window->kernel_w,
      params->bias_at, &params->requant, output->channels);
}

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  return tflm_patch_check_depthwise(stage, op, TFLM_PATCH_INT8);
}

void tflm_patch_depthwise_reads(const tflm_patch_stage* stage,
                                const tflm_patch_op* op, uint32_t input,
                                uint32_t step, int32_t* first, int32_t* last) {
  tflm_patch_window_reads(&depthwise_params(stage, op)->window,
                          tflm_patch_input_map(stage, op, input)->rows, step,
                          first, last);
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_depthwise_params* params = depthwise_params(stage, op);
  const tflm_patch_map* input_map = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const tflm_patch_rows input = tflm_patch_view_rows(stage, input_map);
  const tflm_patch_depthwise_conv_args args = {
      .window = params->window,
      .requant = tflm_patch_find_requant(stage, &params->requant),
      .weights = (const int8_t*)tflm_patch_constant(stage, params->weights_at),
      .bias = (const int32_t*)tflm_patch_constant(stage, params->bias_at),
      .input_zero_point = input_map->zero_point,
      .depth_multiplier = params->depth_multiplier,
      .output_cols = output->cols,
      .scratch = tflm_patch_spare_scratch(stage, op),
      .scratch_bytes = op->scratch_bytes,
  };
  for (uint32_t row = step; row < step + count; ++row) {
    tflm_patch_depthwise_conv_s8(
        &args, &input, row, (int8_t*)tflm_patch_map_row(stage, output, row));
  }
}

const tflm_patch_kernel tflm_patch_depthwise_conv_2d_kernel = {
    .check = check,
    .reads = tflm_patch_depthwise_reads,
    .run = run,
};
