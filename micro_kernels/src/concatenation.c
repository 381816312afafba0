/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONCATENATION along channels; along columns when the first input has not all of
 * them; along rows, one input after the other, when it has not all rows.
 */
#include <string.h>

#include "kernels.h"
#include "parts.h"

static int is_by_rows(const tflm_patch_task* task) {
  return tflm_patch_input_map(task->stage, task->op, 0)->rows != task->output->rows;
}

static tflm_patch_parts find_parts(const tflm_patch_task* task) {
  const tflm_patch_map* first = tflm_patch_input_map(task->stage, task->op, 0);
  const tflm_patch_parts parts = {
      .whole = task->output,
      .end = task->op->n_inputs,
      .by_cols = first->cols != task->output->cols,
  };
  return parts;
}

/* Inputs below each other; every map is one of them at most once, for reads() to tell. */
static tflm_patch_status check_rows(const tflm_patch_task* task) {
  uint32_t rows = 0;
  for (uint32_t i = 0; i < task->op->n_inputs; ++i) {
    const tflm_patch_map* part = tflm_patch_input_map(task->stage, task->op, i);
    for (uint32_t k = 0; k < i; ++k) {
      if (tflm_patch_input_map(task->stage, task->op, k) == part) {
        return TFLM_PATCH_BAD_OP;
      }
    }
    if (part->cols != task->output->cols || part->channels != task->output->channels) {
      return TFLM_PATCH_BAD_OP;
    }
    rows += part->rows;
  }
  return rows == task->output->rows ? TFLM_PATCH_OK : TFLM_PATCH_BAD_OP;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_parts parts = find_parts(task);
  return is_by_rows(task) ? check_rows(task) : tflm_patch_check_parts(task, &parts);
}

static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  if (!is_by_rows(task)) {
    tflm_patch_rowwise_reads(task, step, rows);
    return;
  }
  int32_t row = (int32_t)step;
  const tflm_patch_map* part;
  for (uint32_t i = 0;; ++i) {
    part = tflm_patch_input_map(task->stage, task->op, i);
    if (part == task->input) {
      break;
    }
    row -= part->rows;
  }
  rows->first = row < 0 ? 0 : row < part->rows ? row : part->rows;
  rows->last = row < 0 ? -1 : row < part->rows ? row : part->rows - 1;
}

static void copy_row(const tflm_patch_task* task, uint32_t step) {
  const uint32_t bytes =
      tflm_patch_row_values(task->output) * tflm_patch_type_bytes(task->output->type);
  uint32_t row = step;
  uint32_t i = 0;
  for (; row >= tflm_patch_input_map(task->stage, task->op, i)->rows; ++i) {
    row -= tflm_patch_input_map(task->stage, task->op, i)->rows;
  }
  memmove(tflm_patch_output_row(task, step),
          tflm_patch_map_row(task->stage, tflm_patch_input_map(task->stage, task->op, i), row),
          bytes);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_parts parts = find_parts(task);
  (void)count;
  if (is_by_rows(task)) {
    copy_row(task, step);
  } else {
    tflm_patch_copy_parts(task, &parts, step, 1);
  }
}

const tflm_patch_kernel tflm_patch_concatenation_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES,
};
