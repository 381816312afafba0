/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What SPACE_TO_DEPTH and DEPTH_TO_SPACE share. Internal.
 */
#ifndef TFLM_PATCH_SRC_BLOCKS_H_
#define TFLM_PATCH_SRC_BLOCKS_H_

#include "kernel.h"

static inline uint32_t tflm_patch_block(const tflm_patch_task* task) {
  return ((const tflm_patch_block_params*)task->params)->block;
}

/* The cells of `space` in blocks are those of `depth` (src/check.c). */
tflm_patch_status tflm_patch_check_blocks(const tflm_patch_task* task, const tflm_patch_map* space,
                                          const tflm_patch_map* depth);

/* Bytes of a block's cells that lie in one row. */
static inline uint32_t tflm_patch_block_row_bytes(const tflm_patch_map* space, uint32_t block) {
  return block * space->channels * tflm_patch_type_bytes(space->type);
}

#endif /* TFLM_PATCH_SRC_BLOCKS_H_ */
