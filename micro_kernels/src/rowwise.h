/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What operators share that make each output row from the same row of the
 * input. Internal.
 */
#ifndef TFLM_PATCH_SRC_ROWWISE_H_
#define TFLM_PATCH_SRC_ROWWISE_H_

#include "kernel.h"

static inline int tflm_patch_is_8_bit(const tflm_patch_map* map) {
  return map->type == TFLM_PATCH_INT8 || map->type == TFLM_PATCH_UINT8;
}

/* One input and one output of the same shape. */
static inline tflm_patch_status tflm_patch_check_rowwise(
    const tflm_patch_stage* stage, const tflm_patch_op* op) {
  const tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  return input->rows == output->rows && input->cols == output->cols &&
                 input->channels == output->channels
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

/* The `reads` of these operators. */
static inline void tflm_patch_rowwise_reads(const tflm_patch_stage* stage,
                                            const tflm_patch_op* op,
                                            uint32_t input, uint32_t step,
                                            int32_t* first, int32_t* last) {
  (void)stage;
  (void)op;
  (void)input;
  *first = (int32_t)step;
  *last = (int32_t)step;
}

/* Values of a row. */
static inline uint32_t tflm_patch_row_values(const tflm_patch_map* map) {
  return (uint32_t)map->cols * map->channels;
}

#endif /* TFLM_PATCH_SRC_ROWWISE_H_ */
