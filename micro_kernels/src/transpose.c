/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * TRANSPOSE from NCHW to NHWC: the input's rows are its channel planes.
 */
#include "kernels.h"

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* output = task->output;
  return input->rows == output->channels && input->cols == output->rows &&
                 input->channels == output->cols
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const uint32_t bytes = tflm_patch_type_bytes(task->input->type);
  const uint32_t channels = task->output->channels;
  const uint32_t n = task->input->channels;
  uint8_t* out = (uint8_t*)tflm_patch_output_row(task, step);
  (void)count;
  for (uint32_t channel = 0; channel < channels; ++channel) {
    const uint8_t* in = (const uint8_t*)tflm_patch_input_row(task, channel);
    tflm_patch_copy_cells(in + (size_t)step * n * bytes, (int32_t)bytes, out,
                          (int32_t)(channels * bytes), bytes, n);
    out += bytes;
  }
}

const tflm_patch_kernel tflm_patch_transpose_kernel = {
    .check = check,
    .reads = tflm_patch_whole_reads,
    .run = run,
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES,
};
