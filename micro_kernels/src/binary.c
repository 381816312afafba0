/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "binary.h"

static int broadcasts_to(uint32_t size, uint32_t output) {
  return size == output || size == 1;
}

tflm_patch_status tflm_patch_check_binary_of(const tflm_patch_stage* stage,
                                             const tflm_patch_op* op,
                                             uint8_t type) {
  const tflm_patch_status status = tflm_patch_check_arity(op, 2, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  for (uint32_t i = 0; i < 2; ++i) {
    const tflm_patch_map* input = tflm_patch_input_map(stage, op, i);
    if (input->type != type ||
        !broadcasts_to(input->rows, output->rows) ||
        !broadcasts_to(input->cols, output->cols) ||
        !broadcasts_to(input->channels, output->channels)) {
      return TFLM_PATCH_BAD_OP;
    }
  }
  return output->type == type ? TFLM_PATCH_OK : TFLM_PATCH_BAD_OP;
}

tflm_patch_status tflm_patch_check_binary(const tflm_patch_stage* stage,
                                          const tflm_patch_op* op) {
  return tflm_patch_check_binary_of(stage, op, TFLM_PATCH_INT8);
}

void tflm_patch_binary_reads(const tflm_patch_stage* stage,
                             const tflm_patch_op* op, uint32_t input,
                             uint32_t step, int32_t* first, int32_t* last) {
  const tflm_patch_map* map = tflm_patch_input_map(stage, op, input);
  const int32_t row = map->rows == 1 ? 0 : (int32_t)step;
  *first = row;
  *last = row;
}

/* How one operand is walked along a row. */
typedef struct {
  const tflm_patch_map* map;
  uint32_t row_step;     /* 0 when rows are broadcast */
  uint32_t col_step;     /* in bytes; 0 when columns are broadcast */
  uint32_t channel_step; /* 0 when channels are broadcast */
  int whole_row;         /* channel_step holds for the whole row */
} operand;

static operand make_operand(const tflm_patch_map* map,
                            const tflm_patch_map* output) {
  const int same_cols = map->cols == output->cols;
  const int same_channels = map->channels == output->channels;
  const int one_value = map->cols == 1 && map->channels == 1;
  operand x;
  x.map = map;
  x.row_step = map->rows == output->rows;
  x.col_step =
      same_cols ? map->channels * tflm_patch_type_bytes(map->type) : 0;
  x.whole_row = one_value || (same_cols && same_channels);
  x.channel_step = same_channels && !one_value;
  return x;
}

static const int8_t* operand_row(const tflm_patch_stage* stage,
                                 const operand* x, uint32_t row) {
  return (const int8_t*)tflm_patch_map_row(stage, x->map, row * x->row_step);
}

void tflm_patch_run_binary(const tflm_patch_stage* stage,
                           const tflm_patch_op* op, uint32_t step,
                           uint32_t count, tflm_patch_binary_row row_kernel) {
  const void* params = tflm_patch_params(stage, op);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const operand a = make_operand(tflm_patch_input_map(stage, op, 0), output);
  const operand b = make_operand(tflm_patch_input_map(stage, op, 1), output);
  uint32_t calls = output->cols;
  uint32_t n = output->channels;
  uint32_t n_bytes;
  if (a.whole_row && b.whole_row) {
    n *= calls;
    calls = 1;
  }
  n_bytes = n * tflm_patch_type_bytes(output->type);
  for (uint32_t row = step; row < step + count; ++row) {
    const int8_t* a_row = operand_row(stage, &a, row);
    const int8_t* b_row = operand_row(stage, &b, row);
    int8_t* out = (int8_t*)tflm_patch_map_row(stage, output, row);
    for (uint32_t i = 0; i < calls; ++i) {
      row_kernel(params, a.map->zero_point, b.map->zero_point, a_row,
                 a.channel_step, b_row, b.channel_step, out, n);
      a_row += a.col_step;
      b_row += b.col_step;
      out += n_bytes;
    }
  }
}
