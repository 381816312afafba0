/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONV_2D of int16 maps.
 */
#include "dot.h"
#include "kernels.h"
#include "requantize.h"
#include "weights.h"
#include "window_s16.h"

/* The sum of an output channel of a group of `depth` input channels, of which
 * group_channel is the first; `weights` are the channel's. */
static int64_t sum_window(const tflm_patch_window_s16* w, const int8_t* weights, uint32_t depth,
                          uint32_t group_channel) {
  const tflm_patch_window* window = &w->args->window;
  const tflm_patch_range inside = w->rows.inside;
  const size_t row_weights = (size_t)window->kernel_w * depth;
  const size_t cell_step = (size_t)window->dilation_w * w->input->channels;
  uint32_t slot = w->rows.slot;
  uint32_t taps = w->taps.end - w->taps.first;
  size_t n = depth;
  int64_t sum = 0;
  if (cell_step == depth) { /* the taps read what lies side by side */
    n *= taps;
    taps = 1;
  }
  weights += inside.first * row_weights + (size_t)w->taps.first * depth;
  for (uint32_t i = inside.first; i < inside.end; ++i) {
    const int16_t* cell = tflm_patch_first_cell_s16(w, slot) + group_channel;
    const int8_t* tap_weights = weights;
    for (uint32_t j = 0; j < taps; ++j) {
      sum += tflm_patch_dot_s16(cell, tap_weights, n);
      cell += cell_step;
      tap_weights += n;
    }
    slot = tflm_patch_next_slot(&w->rows, w->input, slot);
    weights += row_weights;
  }
  return sum;
}

void tflm_patch_conv_s16(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                         uint32_t row, int16_t* output) {
  const tflm_patch_int64* bias = (const tflm_patch_int64*)(const void*)args->bias;
  const uint32_t depth = input->channels / args->groups;
  const uint32_t group_outputs = args->output_channels / args->groups;
  const size_t kernel_bytes = (size_t)args->window.kernel_h * args->window.kernel_w * depth;
  tflm_patch_window_s16 w;
  tflm_patch_open_window_s16(&w, args, input, row);
  for (uint32_t x = 0; x < args->output_cols; ++x) {
    const int8_t* weights = args->weights;
    tflm_patch_move_window_s16(&w, x);
    for (uint32_t o = 0; o < args->output_channels; ++o) {
      const int64_t sum =
          tflm_patch_add_int64(tflm_patch_load_int64(&bias[o]),
                               sum_window(&w, weights, depth, o / group_outputs * depth));
      *output++ = tflm_patch_requantize_channel_s16(&args->requant, sum, o);
      weights += kernel_bytes;
    }
  }
}

/* ---- the operator ---- */

static void make_row(const tflm_patch_conv_args* args, const tflm_patch_rows* input, uint32_t row,
                     int8_t* output) {
  tflm_patch_conv_s16(args, input, row, (int16_t*)(void*)output);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_run_conv(task, step, count, make_row);
}

const tflm_patch_kernel tflm_patch_conv_2d_s16_kernel = {
    .check = tflm_patch_check_conv,
    .reads = tflm_patch_windowed_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_conv_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_IN_SERIES,
};
