/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RESIZE_NEAREST_NEIGHBOR: rows and columns are copied by index.
 */
#include <string.h>

#include "kernels.h"

void tflm_patch_resize_nearest_row(const uint16_t* index, const uint8_t* input,
                                   uint32_t cell_bytes, uint8_t* output,
                                   uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    memmove(output, input + (size_t)index[i] * cell_bytes, cell_bytes);
    output += cell_bytes;
  }
}

static const tflm_patch_resize_params* resize_params(
    const tflm_patch_stage* stage, const tflm_patch_op* op) {
  return (const tflm_patch_resize_params*)tflm_patch_params(stage, op);
}

static const uint16_t* find_index(const tflm_patch_stage* stage, uint32_t at) {
  return (const uint16_t*)tflm_patch_constant(stage, at);
}

/* n indices below size, none smaller than the one before. */
static tflm_patch_status check_index(const tflm_patch_stage* stage, uint32_t at,
                                     uint32_t n, uint32_t size) {
  if (at % sizeof(uint16_t) != 0) {
    return TFLM_PATCH_BAD_ALIGNMENT;
  }
  if (!tflm_patch_constant_fits(stage, at, (uint64_t)n * sizeof(uint16_t),
                                sizeof(uint16_t))) {
    return TFLM_PATCH_BAD_SIZE;
  }
  const uint16_t* index = find_index(stage, at);
  uint32_t before = 0;
  for (uint32_t i = 0; i < n; ++i) {
    if (index[i] < before || index[i] >= size) {
      return TFLM_PATCH_BAD_OP;
    }
    before = index[i];
  }
  return TFLM_PATCH_OK;
}

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  const tflm_patch_resize_params* params = resize_params(stage, op);
  tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  if (input->type != output->type || input->channels != output->channels ||
      op->steps != output->rows) {
    return TFLM_PATCH_BAD_OP;
  }
  status = check_index(stage, params->row_at, output->rows, input->rows);
  return status != TFLM_PATCH_OK
             ? status
             : check_index(stage, params->col_at, output->cols, input->cols);
}

static void reads(const tflm_patch_stage* stage, const tflm_patch_op* op,
                  uint32_t input, uint32_t step, int32_t* first,
                  int32_t* last) {
  (void)input;
  *first = find_index(stage, resize_params(stage, op)->row_at)[step];
  *last = *first;
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_resize_params* params = resize_params(stage, op);
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const uint16_t* rows = find_index(stage, params->row_at);
  for (uint32_t row = step; row < step + count; ++row) {
    tflm_patch_resize_nearest_row(
        find_index(stage, params->col_at),
        tflm_patch_map_row(stage, input, rows[row]),
        input->channels * tflm_patch_type_bytes(input->type),
        tflm_patch_map_row(stage, output, row), output->cols);
  }
}

const tflm_patch_kernel tflm_patch_resize_nearest_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
};
