/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * DEPTHWISE_CONV_2D of int8 maps.
 */
#include "depthwise_rows.h"
#include "family.h"
#include "kernels.h"
#include "needed.h"
#include "portable/portable.h"
#include "weights.h"

#if !TFLM_PATCH_HAS_OWN_DEPTHWISE_CONV
void tflm_patch_depthwise_conv_s8(const tflm_patch_depthwise_conv_args* args,
                                  const tflm_patch_rows* input, uint32_t row, int8_t* output) {
  tflm_patch_depthwise_conv_portable_s8(args, input, row, output);
}
#endif

tflm_patch_status tflm_patch_check_depthwise(const tflm_patch_task* task) {
  const tflm_patch_depthwise_params* params = (const tflm_patch_depthwise_params*)task->params;
  const tflm_patch_window* window = &params->window;
  const uint32_t channels = task->output->channels;
  const tflm_patch_status status = tflm_patch_check_window(window, task->input, task->output);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  /* There are channels: the multiplier is not 0. */
  if ((uint32_t)task->input->channels * params->depth_multiplier != channels) {
    return TFLM_PATCH_BAD_OP;
  }
  const tflm_patch_status found = tflm_patch_check_weights(
      task, &params->requant, channels, (uint32_t)window->kernel_h * window->kernel_w, channels);
  return found == TFLM_PATCH_OK && !tflm_patch_is_depthwise_there(task) ? TFLM_PATCH_BAD_OP : found;
}

void tflm_patch_depthwise_conv_rows_s8(const tflm_patch_depthwise_conv_args* args,
                                       const tflm_patch_rows* input, const tflm_patch_rows* output,
                                       uint32_t row, uint32_t count) {
#if TFLM_PATCH_HAS_OWN_DEPTHWISE_ROWS
  tflm_patch_depthwise_rows_s8(args, input, output, row, count);
#else
  for (; count > 0; --count) {
    int8_t* to = (int8_t*)(uintptr_t)tflm_patch_slot_row(output, row % output->ring_rows);
    tflm_patch_depthwise_conv_s8(args, input, row, to);
    ++row;
  }
#endif
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_depthwise_conv_args args;
  tflm_patch_rows input;
  tflm_patch_rows output;
  tflm_patch_find_conv(task, &args);
  tflm_patch_view_rows(task->stage, task->input, &input);
  tflm_patch_view_rows(task->stage, task->output, &output);
  tflm_patch_depthwise_conv_rows_s8(&args, &input, &output, step, count);
}

const tflm_patch_kernel tflm_patch_depthwise_conv_2d_kernel = {
    .check = tflm_patch_check_depthwise,
    .reads = tflm_patch_windowed_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_depthwise_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_IN_SERIES,
};
