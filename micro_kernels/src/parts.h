/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What CONCATENATION and SPLIT share: maps side by side in a whole one. Internal.
 */
#ifndef TFLM_PATCH_SRC_PARTS_H_
#define TFLM_PATCH_SRC_PARTS_H_

#include "kernel.h"

/* The whole map, and the parts among the operator's maps. */
typedef struct {
  const tflm_patch_map* whole;
  uint32_t first;
  uint32_t end;
  int by_cols; /* the parts have some of the columns each, not of the channels */
} tflm_patch_parts;

tflm_patch_status tflm_patch_check_parts(const tflm_patch_task* task,
                                         const tflm_patch_parts* parts);

/* Copies the parts' row `row` out of the whole map's, or into it. */
void tflm_patch_copy_parts(const tflm_patch_task* task, const tflm_patch_parts* parts, uint32_t row,
                           int into_whole);

#endif /* TFLM_PATCH_SRC_PARTS_H_ */
