/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR share: the positions of output
 * rows and columns in the input. Internal.
 */
#ifndef TFLM_PATCH_SRC_RESIZE_H_
#define TFLM_PATCH_SRC_RESIZE_H_

#include "kernel.h"

tflm_patch_status tflm_patch_check_resize(const tflm_patch_task* task);

void tflm_patch_resize_reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows);

/* The positions of the output's columns: uint16_t or tflm_patch_between. */
static inline const void* tflm_patch_col_positions(const tflm_patch_task* task) {
  return tflm_patch_constant(task->stage, ((const tflm_patch_resize_params*)task->params)->col_at);
}

#endif /* TFLM_PATCH_SRC_RESIZE_H_ */
