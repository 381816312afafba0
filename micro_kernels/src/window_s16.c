/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The walk of windows over a row of int16 maps.
 */
#include "window_s16.h"

void tflm_patch_open_window_s16(tflm_patch_window_s16* w, const tflm_patch_conv_args* args,
                                const tflm_patch_rows* input, uint32_t row) {
  w->args = args;
  w->input = input;
  w->rows = tflm_patch_find_kernel_rows(&args->window, input, row);
}

void tflm_patch_move_window_s16(tflm_patch_window_s16* w, uint32_t output_col) {
  const tflm_patch_window* window = &w->args->window;
  const int32_t col = tflm_patch_first_col(window, output_col);
  w->taps = tflm_patch_taps_inside(col, window->kernel_w, window->dilation_w, w->input->cols);
  w->cell = 0;
  if (w->taps.first < w->taps.end) {
    w->cell = (uint32_t)(col + (int32_t)(w->taps.first * window->dilation_w)) * w->input->channels;
  }
}
