/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Maps side by side in a whole one.
 */
#include "parts.h"

tflm_patch_status tflm_patch_check_parts(const tflm_patch_task* task,
                                         const tflm_patch_parts* parts) {
  const tflm_patch_map* whole = parts->whole;
  uint32_t cols = 0;
  uint32_t channels = 0;
  for (uint32_t i = parts->first; i < parts->end; ++i) {
    const tflm_patch_map* part = tflm_patch_op_map(task->stage, task->op, i);
    if (part->rows != whole->rows ||
        (parts->by_cols ? part->channels != whole->channels : part->cols != whole->cols)) {
      return TFLM_PATCH_BAD_OP;
    }
    cols += part->cols;
    channels += part->channels;
  }
  return (parts->by_cols ? cols == whole->cols : channels == whole->channels) ? TFLM_PATCH_OK
                                                                              : TFLM_PATCH_BAD_OP;
}

void tflm_patch_copy_parts(const tflm_patch_task* task, const tflm_patch_parts* parts, uint32_t row,
                           int into_whole) {
  const tflm_patch_map* whole = parts->whole;
  const uint32_t cells = parts->by_cols ? 1 : whole->cols;
  const uint32_t value_bytes = tflm_patch_type_bytes(whole->type);
  const int32_t step = (int32_t)(tflm_patch_row_values(whole) / cells * value_bytes);
  uint8_t* at = (uint8_t*)tflm_patch_map_row(task->stage, whole, row);
  for (uint32_t i = parts->first; i < parts->end; ++i) {
    const tflm_patch_map* part = tflm_patch_op_map(task->stage, task->op, i);
    const uint32_t bytes = tflm_patch_row_values(part) / cells * value_bytes;
    uint8_t* other = (uint8_t*)tflm_patch_map_row(task->stage, part, row);
    if (into_whole) {
      tflm_patch_copy_cells(other, (int32_t)bytes, at, step, bytes, cells);
    } else {
      tflm_patch_copy_cells(at, step, other, (int32_t)bytes, bytes, cells);
    }
    at += bytes;
  }
}
