/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * FEED: rows of a frame from bands that the application writes one after the
 * other into the stage's input.
 */
#include <string.h>

#include "kernels.h"

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  const tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* band = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* frame = tflm_patch_output_map(stage, op, 0);
  if (band->producer != TFLM_PATCH_NONE || band->type != frame->type ||
      band->cols != frame->cols || band->channels != frame->channels ||
      op->steps != frame->rows || frame->rows % band->rows != 0) {
    return TFLM_PATCH_BAD_OP;
  }
  return TFLM_PATCH_OK;
}

static void reads(const tflm_patch_stage* stage, const tflm_patch_op* op,
                  uint32_t input, uint32_t step, int32_t* first,
                  int32_t* last) {
  *first = (int32_t)(step % tflm_patch_input_map(stage, op, input)->rows);
  *last = *first;
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_map* band = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* frame = tflm_patch_output_map(stage, op, 0);
  const size_t row_bytes = (size_t)frame->cols * frame->channels *
                           tflm_patch_type_bytes(frame->type);
  for (uint32_t row = step; row < step + count; ++row) {
    memcpy(tflm_patch_map_row(stage, frame, row),
           tflm_patch_map_row(stage, band, row % band->rows), row_bytes);
  }
}

const tflm_patch_kernel tflm_patch_feed_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
};
