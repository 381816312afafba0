/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where the tables, maps and memory of a program are.
 */
#include "kernel.h"

void tflm_patch_open_stage(tflm_patch_stage* stage, const void* program, const void* constants) {
  const uint8_t* bytes = (const uint8_t*)program;
  const tflm_patch_header* header = (const tflm_patch_header*)program;
  stage->program = bytes;
  stage->header = header;
  stage->maps = (const tflm_patch_map*)(const void*)(bytes + header->maps);
  stage->ops = (const tflm_patch_op*)(const void*)(bytes + header->ops);
  stage->edges = (const uint16_t*)(const void*)(bytes + header->edges);
  stage->segments = (const tflm_patch_segment*)(const void*)(bytes + header->segments);
  stage->steps = (const tflm_patch_step*)(const void*)(bytes + header->steps);
  stage->constants = (const uint8_t*)constants;
  stage->constants_bytes = header->constants_bytes;
  stage->workspace = NULL;
  stage->state = NULL;
  stage->fast = NULL;
  stage->tensors = NULL;
}

void tflm_patch_open_task(tflm_patch_task* task, const tflm_patch_stage* stage,
                          const tflm_patch_op* op) {
  task->stage = stage;
  task->op = op;
  task->params = stage->program + op->params;
  task->input = tflm_patch_input_map(stage, op, 0);
  task->output = tflm_patch_output_map(stage, op, 0);
}

static uint8_t* find_place(const tflm_patch_stage* stage, uint32_t region, uint32_t offset) {
  switch (region) {
    case TFLM_PATCH_REGION_WORKSPACE:
      return stage->workspace + offset;
    case TFLM_PATCH_REGION_CONSTANTS:
      /* Constant maps are inputs only; nothing writes through this pointer. */
      return (uint8_t*)(uintptr_t)(stage->constants + offset);
    case TFLM_PATCH_REGION_STATE:
      return stage->state + offset;
    case TFLM_PATCH_REGION_FAST:
      return stage->fast + offset;
    default:
      return (uint8_t*)stage->tensors[region - TFLM_PATCH_REGION_TENSOR] + offset;
  }
}

void* tflm_patch_map_row(const tflm_patch_stage* stage, const tflm_patch_map* map, uint32_t row) {
  uint32_t region = map->region;
  uint32_t offset = map->offset;
  if (map->ring_rows != map->rows) {
    row %= map->ring_rows;
  }
  if (row >= map->split) {
    row -= map->split;
    region = map->split_region;
    offset = map->split_offset;
  }
  return find_place(stage, region, offset) + (int32_t)row * map->row_bytes;
}

void* tflm_patch_input_row(const tflm_patch_task* task, uint32_t row) {
  return tflm_patch_map_row(task->stage, task->input, row);
}

void* tflm_patch_output_row(const tflm_patch_task* task, uint32_t row) {
  return tflm_patch_map_row(task->stage, task->output, row);
}

void tflm_patch_view_rows(const tflm_patch_stage* stage, const tflm_patch_map* map,
                          tflm_patch_rows* view) {
  view->base = (const int8_t*)find_place(stage, map->region, map->offset);
  view->row_bytes = map->row_bytes;
  view->ring_rows = map->ring_rows;
  view->rows = map->rows;
  view->cols = map->cols;
  view->channels = map->channels;
  view->split_base = (const int8_t*)find_place(stage, map->split_region, map->split_offset);
  view->split = map->split;
}

const int8_t* tflm_patch_view_row(const tflm_patch_rows* view, uint32_t row) {
  return tflm_patch_slot_row(view, row % view->ring_rows);
}

void* tflm_patch_scratch(const tflm_patch_task* task) {
  const tflm_patch_op* op = task->op;
  return op->scratch_bytes == 0 ? NULL : find_place(task->stage, op->scratch_region, op->scratch);
}
