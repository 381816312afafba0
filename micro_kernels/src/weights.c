/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Arguments of the row kernels of operators with weights.
 */
#include "weights.h"

void tflm_patch_find_requant(const tflm_patch_stage* stage, const tflm_patch_requant* requant,
                             tflm_patch_requant_args* args) {
  args->multipliers = (const int32_t*)tflm_patch_constant(stage, requant->multiplier_at);
  args->shifts = (const int8_t*)tflm_patch_constant(stage, requant->shift_at);
  args->channel_step = requant->per_channel;
  args->output_zero_point = requant->output_zero_point;
  args->act_min = requant->act_min;
  args->act_max = requant->act_max;
  args->bounded = requant->sums == TFLM_PATCH_SUMS_BOUNDED;
  args->wide = requant->sums == TFLM_PATCH_SUMS_WIDE;
}

void tflm_patch_find_conv(const tflm_patch_task* task, tflm_patch_conv_args* args) {
  const tflm_patch_stage* stage = task->stage;
  const tflm_patch_conv_params* params = (const tflm_patch_conv_params*)task->params;
  args->window = params->window;
  tflm_patch_find_requant(stage, &params->requant, &args->requant);
  args->weights = (const int8_t*)tflm_patch_constant(stage, params->weights_at);
  args->bias = (const int32_t*)tflm_patch_constant(stage, params->bias_at);
  args->input_zero_point = task->input->zero_point;
  args->groups = params->groups;
  args->output_cols = task->output->cols;
  args->output_channels = task->output->channels;
  args->scratch = tflm_patch_scratch(task);
  args->scratch_bytes = task->op->scratch_bytes;
}

void tflm_patch_run_conv(const tflm_patch_task* task, uint32_t step, uint32_t count,
                         tflm_patch_conv_row make_row) {
  const uint32_t end = step + count;
  tflm_patch_conv_args args;
  tflm_patch_rows input;
  tflm_patch_find_conv(task, &args);
  tflm_patch_view_rows(task->stage, task->input, &input);
  for (; step < end; ++step) {
    make_row(&args, &input, step, (int8_t*)tflm_patch_output_row(task, step));
  }
}
