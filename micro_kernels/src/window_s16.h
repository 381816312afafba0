/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The walk of windows over a row of int16 maps. Their zero point is 0: what lies
 * outside the map adds nothing. Internal.
 */
#ifndef TFLM_PATCH_SRC_WINDOW_S16_H_
#define TFLM_PATCH_SRC_WINDOW_S16_H_

#include "window.h"

/* An output row at work, and the window of one of its columns: the taps of a
 * kernel row that lie in the map, and the value of an input row that the first
 * of them reads. */
typedef struct {
  const tflm_patch_conv_args* args;
  const tflm_patch_rows* input;
  tflm_patch_kernel_rows rows;
  tflm_patch_range taps;
  uint32_t cell;
} tflm_patch_window_s16;

/* (src/window_s16.c) */
void tflm_patch_open_window_s16(tflm_patch_window_s16* w, const tflm_patch_conv_args* args,
                                const tflm_patch_rows* input, uint32_t row);
void tflm_patch_move_window_s16(tflm_patch_window_s16* w, uint32_t output_col);

/* What the first tap inside reads of the input row in a slot. */
static inline const int16_t* tflm_patch_first_cell_s16(const tflm_patch_window_s16* w,
                                                       uint32_t slot) {
  return (const int16_t*)(const void*)tflm_patch_slot_row(w->input, slot) + w->cell;
}

#endif /* TFLM_PATCH_SRC_WINDOW_S16_H_ */
