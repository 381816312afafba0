/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The taps of TRANSPOSE_CONV that reach an output cell. Internal.
 */
#ifndef TFLM_PATCH_SRC_TRANSPOSE_CONV_H_
#define TFLM_PATCH_SRC_TRANSPOSE_CONV_H_

#include "kernel.h"

/* The taps of an output row or column: `tap` reads input `index`, the tap that
 * is a stride further the input before it. */
typedef struct {
  int32_t tap;
  int32_t index;
} tflm_patch_tap_start;

static inline tflm_patch_tap_start tflm_patch_find_taps(uint32_t position, int32_t pad,
                                                        int32_t stride) {
  const int32_t at = (int32_t)position + pad;
  const tflm_patch_tap_start start = {at % stride, at / stride};
  return start;
}

/* The window and the weights (src/transpose_conv.c). */
tflm_patch_status tflm_patch_check_transpose_conv(const tflm_patch_task* task);

/* (src/transpose_conv.c) */
void tflm_patch_transpose_conv_reads(const tflm_patch_task* task, uint32_t step,
                                     tflm_patch_span* rows);

#endif /* TFLM_PATCH_SRC_TRANSPOSE_CONV_H_ */
