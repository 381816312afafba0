/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * FEED: rows of a frame from bands that the application writes one after the
 * other into the stage's input.
 */
#include <string.h>

#include "kernels.h"

/* Whether no row of the frame lies in the band's tensor: there the application
 * writes between two bands, and rows are copied to other memory. */
static int is_apart(const tflm_patch_map* frame, const tflm_patch_map* band) {
  return frame->region != band->region &&
         (frame->split == frame->ring_rows || frame->split_region != band->region);
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_map* band = task->input;
  const tflm_patch_map* frame = task->output;
  return band->producer == TFLM_PATCH_NONE && band->cols == frame->cols &&
                 band->channels == frame->channels && frame->rows % band->rows == 0 &&
                 is_apart(frame, band)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  tflm_patch_rowwise_reads(task, step % task->input->rows, rows);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_map* band = task->input;
  (void)count;
  memcpy(tflm_patch_output_row(task, step), tflm_patch_input_row(task, step % band->rows),
         (size_t)tflm_patch_row_values(band) * tflm_patch_type_bytes(band->type));
}

const tflm_patch_kernel tflm_patch_feed_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_SAME_TYPES,
};
