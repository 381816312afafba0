/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CAST of integers to integers and float32.
 */
#include "integers.h"
#include "kernels.h"

void tflm_patch_cast_row(const void* input, uint32_t from, void* output, uint32_t to, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t value = tflm_patch_load_integer(input, from, i);
    switch (to) {
      case TFLM_PATCH_INT8:
        ((int8_t*)output)[i] = (int8_t)(uint8_t)value;
        break;
      case TFLM_PATCH_INT16:
        ((int16_t*)output)[i] = (int16_t)(uint16_t)value;
        break;
      case TFLM_PATCH_INT32:
        ((int32_t*)output)[i] = value;
        break;
      default:
        ((float*)output)[i] = (float)value;
        break;
    }
  }
}

static int is_integer(uint8_t type) {
  return type == TFLM_PATCH_INT8 || type == TFLM_PATCH_INT16 || type == TFLM_PATCH_INT32;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const uint8_t to = task->output->type;
  return is_integer(task->input->type) && (is_integer(to) || to == TFLM_PATCH_FLOAT32)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  (void)count;
  tflm_patch_cast_row(tflm_patch_input_row(task, step), task->input->type,
                      tflm_patch_output_row(task, step), task->output->type,
                      tflm_patch_row_values(task->input));
}

const tflm_patch_kernel tflm_patch_cast_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_ANY_TYPES | TFLM_PATCH_SAME_SHAPE,
};
