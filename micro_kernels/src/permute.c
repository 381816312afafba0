/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * PERMUTE: TRANSPOSE of a map's rows, columns and channels in any order.
 */
#include "kernels.h"

/* The axes of the input that are the output's rows, columns and channels. */
static const uint8_t* order_of(const tflm_patch_task* task) {
  return ((const tflm_patch_permute_params*)task->params)->order;
}

static uint32_t size_of(const tflm_patch_map* map, uint32_t axis) {
  return axis == 0 ? map->rows : axis == 1 ? map->cols : map->channels;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const uint8_t* order = order_of(task);
  uint32_t seen = 0;
  for (uint32_t axis = 0; axis < 3; ++axis) {
    if (order[axis] > 2 || size_of(task->output, axis) != size_of(task->input, order[axis])) {
      return TFLM_PATCH_BAD_OP;
    }
    seen |= 1u << order[axis];
  }
  return seen == 7u ? TFLM_PATCH_OK : TFLM_PATCH_BAD_OP;
}

static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  if (order_of(task)[0] == 0) {
    tflm_patch_rowwise_reads(task, step, rows);
  } else {
    tflm_patch_whole_reads(task, step, rows);
  }
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* output = task->output;
  const uint8_t* order = order_of(task);
  const uint32_t bytes = tflm_patch_type_bytes(input->type);
  /* From a value to the next along each axis, within a row. */
  const int32_t in_step[3] = {0, (int32_t)(input->channels * bytes), (int32_t)bytes};
  const int32_t out_step[3] = {0, (int32_t)(output->channels * bytes), (int32_t)bytes};
  uint8_t* out = (uint8_t*)tflm_patch_output_row(task, step);
  (void)count;
  if (order[0] == 0) {
    const uint8_t* in = (const uint8_t*)tflm_patch_input_row(task, step);
    for (uint32_t col = 0; col < output->cols; ++col) {
      tflm_patch_copy_cells(in + (ptrdiff_t)col * in_step[order[1]], in_step[order[2]],
                            out + (ptrdiff_t)col * out_step[1], (int32_t)bytes, bytes,
                            output->channels);
    }
    return;
  }
  /* Every input row gives a line of the output row: along the other axis. */
  const uint32_t across = order[1] == 0 ? 1 : 2;
  const uint32_t along = 3 - across;
  for (uint32_t row = 0; row < input->rows; ++row) {
    const uint8_t* in = (const uint8_t*)tflm_patch_input_row(task, row);
    tflm_patch_copy_cells(in + (ptrdiff_t)step * in_step[order[0]], in_step[order[along]],
                          out + (ptrdiff_t)row * out_step[across], out_step[along], bytes,
                          size_of(output, along));
  }
}

const tflm_patch_kernel tflm_patch_permute_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_permute_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES,
};
