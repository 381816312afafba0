/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inner loops.
 */
#include "binary.h"

static int broadcasts_to(uint32_t size, uint32_t output) { return size == output || size == 1; }

tflm_patch_status tflm_patch_check_binary(const tflm_patch_task* task) {
  const tflm_patch_map* output = task->output;
  for (uint32_t i = 0; i < 2; ++i) {
    const tflm_patch_map* input = tflm_patch_op_map(task->stage, task->op, i);
    if (!broadcasts_to(input->rows, output->rows) || !broadcasts_to(input->cols, output->cols) ||
        !broadcasts_to(input->channels, output->channels)) {
      return TFLM_PATCH_BAD_OP;
    }
  }
  return TFLM_PATCH_OK;
}

void tflm_patch_binary_reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  tflm_patch_rowwise_reads(task, task->input->rows == 1 ? 0 : step, rows);
}

/* How one operand is walked along a row. */
typedef struct {
  const tflm_patch_map* map;
  uint32_t row_step;     /* 0 when rows are broadcast */
  uint32_t col_step;     /* in bytes; 0 when columns are broadcast */
  uint32_t channel_step; /* 0 when channels are broadcast */
  int whole_row;         /* channel_step holds for the whole row */
} operand;

static void open_operand(const tflm_patch_task* task, uint32_t i, operand* x) {
  const tflm_patch_map* map = tflm_patch_op_map(task->stage, task->op, i);
  const tflm_patch_map* output = task->output;
  const int same_cols = map->cols == output->cols;
  const int same_channels = map->channels == output->channels;
  const int one_value = map->cols == 1 && map->channels == 1;
  x->map = map;
  x->row_step = map->rows == output->rows;
  x->col_step = same_cols ? map->channels * tflm_patch_type_bytes(map->type) : 0;
  x->whole_row = one_value || (same_cols && same_channels);
  x->channel_step = same_channels && !one_value;
}

static const int8_t* operand_row(const tflm_patch_task* task, const operand* x, uint32_t row) {
  return (const int8_t*)tflm_patch_map_row(task->stage, x->map, row * x->row_step);
}

void tflm_patch_run_binary(const tflm_patch_task* task, uint32_t step, uint32_t count,
                           tflm_patch_binary_row row_kernel) {
  const tflm_patch_map* output = task->output;
  const uint32_t end = step + count;
  uint32_t calls = output->cols;
  uint32_t n = output->channels;
  operand a;
  operand b;
  open_operand(task, 0, &a);
  open_operand(task, 1, &b);
  if (a.whole_row && b.whole_row) {
    n *= calls;
    calls = 1;
  }
  const uint32_t n_bytes = n * tflm_patch_type_bytes(output->type);
  for (; step < end; ++step) {
    const int8_t* a_row = operand_row(task, &a, step);
    const int8_t* b_row = operand_row(task, &b, step);
    int8_t* out = (int8_t*)tflm_patch_output_row(task, step);
    for (uint32_t i = 0; i < calls; ++i) {
      row_kernel(task->params, a.map->zero_point, b.map->zero_point, a_row, a.channel_step, b_row,
                 b.channel_step, out, n);
      a_row += a.col_step;
      b_row += b.col_step;
      out += n_bytes;
    }
  }
}
