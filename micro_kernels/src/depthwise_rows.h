/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * DEPTHWISE_CONV_2D of families that have TFLM_PATCH_HAS_OWN_DEPTHWISE_ROWS. Internal.
 */
#ifndef TFLM_PATCH_SRC_DEPTHWISE_ROWS_H_
#define TFLM_PATCH_SRC_DEPTHWISE_ROWS_H_

#include "tflm_patch/kernels.h"

/* tflm_patch_depthwise_conv_s8 of the rows [row, row + count) of `output`, the map that is
 * written; it may lie over input rows that no later row is made of. */
void tflm_patch_depthwise_rows_s8(const tflm_patch_depthwise_conv_args* args,
                                  const tflm_patch_rows* input, const tflm_patch_rows* output,
                                  uint32_t row, uint32_t count);

/* Whether channels of two maps that may overlap lie over the same channels: their rows are
 * whole cells of a's, and whole cells apart. */
static inline int tflm_patch_are_cells_aligned(const tflm_patch_rows* a, const tflm_patch_rows* b) {
  const uint32_t cell = a->channels;
  const int8_t* const pieces[] = {a->split < a->ring_rows ? a->split_base : a->base, b->base,
                                  b->split < b->ring_rows ? b->split_base : b->base};
  for (uint32_t i = 0; i < sizeof(pieces) / sizeof(*pieces); ++i) {
    const uintptr_t p = (uintptr_t)pieces[i];
    const uintptr_t first = (uintptr_t)a->base;
    if ((p < first ? first - p : p - first) % cell != 0) {
      return 0;
    }
  }
  return a->row_bytes % (int32_t)cell == 0 && b->row_bytes % (int32_t)cell == 0;
}

#endif /* TFLM_PATCH_SRC_DEPTHWISE_ROWS_H_ */
