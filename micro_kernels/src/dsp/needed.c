/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the kernels of the dsp family are for, for builds that have nothing else.
 */
#include "../needed.h"

#if !TFLM_PATCH_HAS_FALLBACK

#include "../weights.h"
#include "arith.h"
#include "conv.h"
#include "depthwise.h"
#include "gemm.h"

int tflm_patch_is_fully_connected_there(const tflm_patch_task* task) {
  const tflm_patch_fully_connected_params* params =
      (const tflm_patch_fully_connected_params*)task->params;
  const uint32_t rows = params->flatten ? task->input->rows : 1;
  tflm_patch_requant_args requant;
  tflm_patch_find_requant(task->stage, &params->requant, &requant);
  return task->input->type != TFLM_PATCH_INT8 ||
         tflm_patch_is_dsp_fully_connected(tflm_patch_row_values(task->input) * rows, &requant);
}

int tflm_patch_is_conv_there(const tflm_patch_task* task) {
  tflm_patch_conv_args args;
  tflm_patch_find_conv(task, &args);
  return task->input->type != TFLM_PATCH_INT8 ||
         tflm_patch_is_dsp_conv(&args, task->input->channels);
}

int tflm_patch_is_depthwise_there(const tflm_patch_task* task) {
  tflm_patch_depthwise_conv_args args;
  tflm_patch_find_conv(task, &args);
  if (task->input->type != TFLM_PATCH_INT8) {
    return 1;
  }
#if TFLM_PATCH_HAS_COLUMNS
  if (tflm_patch_is_dsp_column(&args, task->input->channels)) {
    return 1;
  }
#endif
  if (!tflm_patch_is_dsp_depthwise(&args, task->input->channels)) {
    return 0;
  }
#if !TFLM_PATCH_HAS_PAIRS
  const uint32_t n = args.requant.channel_step != 0 ? task->input->channels : 1;
  for (uint32_t i = 0; i < n; ++i) {
    if (!tflm_patch_is_scaling_shift(args.requant.shifts[i])) {
      return 0;
    }
  }
  return tflm_patch_is_3x3(&args.window);
#else
  return 1;
#endif
}

#endif /* !TFLM_PATCH_HAS_FALLBACK */
