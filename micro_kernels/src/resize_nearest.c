/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RESIZE_NEAREST_NEIGHBOR: rows and columns are copied by index.
 */
#include <string.h>

#include "kernels.h"
#include "resize.h"

void tflm_patch_resize_nearest_row(const uint16_t* index, const uint8_t* input, uint32_t cell_bytes,
                                   uint8_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    memmove(output, input + (size_t)index[i] * cell_bytes, cell_bytes);
    output += cell_bytes;
  }
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_map* input = task->input;
  tflm_patch_span rows;
  (void)count;
  tflm_patch_resize_reads(task, step, &rows);
  tflm_patch_resize_nearest_row((const uint16_t*)tflm_patch_col_positions(task),
                                (const uint8_t*)tflm_patch_input_row(task, (uint32_t)rows.first),
                                input->channels * tflm_patch_type_bytes(input->type),
                                (uint8_t*)tflm_patch_output_row(task, step), task->output->cols);
}

const tflm_patch_kernel tflm_patch_resize_nearest_kernel = {
    .check = tflm_patch_check_resize,
    .reads = tflm_patch_resize_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_resize_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES,
};
