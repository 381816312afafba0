/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The positions of RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR: an index, and for
 * the latter a weight behind it.
 */
#include "resize.h"

static uint32_t words_of(const tflm_patch_task* task) {
  return task->op->kind == TFLM_PATCH_RESIZE_BILINEAR ? 2 : 1;
}

/* The indices that a position of one or two words reads. */
static void find_span(const uint16_t* position, uint32_t words, tflm_patch_span* span) {
  span->first = position[0];
  span->last = position[0] + (words > 1 && position[1] != 0);
}

/* n positions below size; neither of the indices that they read decreases. */
static tflm_patch_status check_positions(const tflm_patch_task* task, uint32_t at, uint32_t n,
                                         uint32_t size) {
  const uint32_t words = words_of(task);
  const tflm_patch_status status =
      tflm_patch_check_constant(task->stage, at, words * n, sizeof(uint16_t));
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const uint16_t* position = (const uint16_t*)tflm_patch_constant(task->stage, at);
  tflm_patch_span before = {0, 0};
  for (; n > 0; --n) {
    tflm_patch_span span;
    find_span(position, words, &span);
    if (span.first < before.first || span.last < before.last || span.last >= (int32_t)size ||
        (words > 1 && position[1] >> TFLM_PATCH_BETWEEN_BITS != 0)) {
      return TFLM_PATCH_BAD_OP;
    }
    before = span;
    position += words;
  }
  return TFLM_PATCH_OK;
}

tflm_patch_status tflm_patch_check_resize(const tflm_patch_task* task) {
  const tflm_patch_resize_params* params = (const tflm_patch_resize_params*)task->params;
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* output = task->output;
  if (input->channels != output->channels) {
    return TFLM_PATCH_BAD_OP;
  }
  const tflm_patch_status status = check_positions(task, params->row_at, output->rows, input->rows);
  return status != TFLM_PATCH_OK ? status
                                 : check_positions(task, params->col_at, output->cols, input->cols);
}

void tflm_patch_resize_reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  const uint32_t words = words_of(task);
  const uint32_t row_at = ((const tflm_patch_resize_params*)task->params)->row_at;
  find_span((const uint16_t*)tflm_patch_constant(task->stage, row_at) + step * words, words, rows);
}
