/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * LOOKUP: elementwise operators of 8-bit maps by a table of all results.
 */
#include "kernels.h"

void tflm_patch_lookup_x8(const uint8_t* table, const uint8_t* input, uint8_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = table[input[i]];
  }
}

static uint32_t table_at(const tflm_patch_task* task) {
  return ((const tflm_patch_lookup_params*)task->params)->table_at;
}

static int is_8_bit(const tflm_patch_map* map) { return tflm_patch_type_bytes(map->type) == 1; }

static tflm_patch_status check(const tflm_patch_task* task) {
  return is_8_bit(task->input) && is_8_bit(task->output)
             ? tflm_patch_check_constant(task->stage, table_at(task), 256, 1)
             : TFLM_PATCH_BAD_OP;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  (void)count;
  tflm_patch_lookup_x8((const uint8_t*)tflm_patch_constant(task->stage, table_at(task)),
                       (const uint8_t*)tflm_patch_input_row(task, step),
                       (uint8_t*)tflm_patch_output_row(task, step),
                       tflm_patch_row_values(task->input));
}

const tflm_patch_kernel tflm_patch_lookup_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_lookup_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_ANY_TYPES | TFLM_PATCH_SAME_SHAPE,
};
