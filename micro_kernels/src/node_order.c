/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * NODE_ORDER: the rows of a whole map in another order, by exchanges in its own memory.
 *
 * Into another order, step by step, the row that is next leaves its place to the row whose turn
 * this is not yet (a shuffle by Fisher and Yates); back, the new row goes to its place, and the
 * row there behind all that are there. So no second map is needed.
 */
#include "kernels.h"

void tflm_patch_displace_row(uint8_t* place, const uint8_t* row, uint8_t* to, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; ++i) {
    const uint8_t displaced = place[i];
    const uint8_t value = row[i];
    to[i] = displaced; /* first: it may be the place itself */
    place[i] = value;
  }
}

static const tflm_patch_node_order_params* node_order_params(const tflm_patch_task* task) {
  return (const tflm_patch_node_order_params*)task->params;
}

static const uint16_t* exchanges(const tflm_patch_task* task) {
  return (const uint16_t*)tflm_patch_constant(task->stage, node_order_params(task)->exchanges_at);
}

/* The map in whose memory rows are exchanged: it is there as a whole, and may be written. */
static int is_place(const tflm_patch_map* map) {
  return map->ring_rows == map->rows && map->region != TFLM_PATCH_REGION_CONSTANTS && !map->kept &&
         (map->split == map->rows || map->split_region != TFLM_PATCH_REGION_CONSTANTS);
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_node_order_params* params = node_order_params(task);
  const uint32_t rows = task->output->rows;
  const tflm_patch_status status =
      tflm_patch_check_constant(task->stage, params->exchanges_at, rows, sizeof(uint16_t));
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const uint16_t* with = exchanges(task);
  for (uint32_t i = 0; i < rows; ++i) {
    if (params->back ? with[i] > i : with[i] < i || with[i] >= rows) {
      return TFLM_PATCH_BAD_OP;
    }
  }
  return params->back <= 1 && is_place(params->back ? task->output : task->input)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  rows->first = (int32_t)step;
  rows->last = node_order_params(task)->back ? (int32_t)step : task->input->rows - 1;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const uint32_t at = exchanges(task)[step];
  (void)count;
  tflm_patch_displace_row(
      (uint8_t*)(node_order_params(task)->back ? tflm_patch_output_row(task, at)
                                               : tflm_patch_input_row(task, at)),
      (const uint8_t*)tflm_patch_input_row(task, step), (uint8_t*)tflm_patch_output_row(task, step),
      tflm_patch_row_values(task->input) * tflm_patch_type_bytes(task->input->type));
}

const tflm_patch_kernel tflm_patch_node_order_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_node_order_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES | TFLM_PATCH_SAME_SHAPE,
};
