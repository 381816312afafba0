/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * DEPTHWISE_CONV_2D of int16 maps.
 */
#include "kernels.h"
#include "requantize.h"
#include "weights.h"
#include "window_s16.h"

/* Output channels at a time; their sums are on the stack. */
#define BLOCK 16u

/* One tap of n output channels from `channel` on; cell is that of channel 0,
 * weights are those of `channel`. */
static void add_tap(const int16_t* cell, const int8_t* weights, uint32_t multiplier,
                    uint32_t channel, uint32_t n, int64_t* sums) {
  if (multiplier == 1) {
    cell += channel;
    for (uint32_t i = 0; i < n; ++i) {
      sums[i] += cell[i] * weights[i];
    }
    return;
  }
  for (uint32_t i = 0; i < n; ++i) {
    sums[i] += cell[(channel + i) / multiplier] * weights[i];
  }
}

/* The window of n of `channels` output channels. */
static void add_window(const tflm_patch_window_s16* w, uint32_t channels, uint32_t channel,
                       uint32_t n, int64_t* sums) {
  const tflm_patch_conv_args* args = w->args;
  const tflm_patch_window* window = &args->window;
  const size_t cell_step = (size_t)window->dilation_w * w->input->channels;
  uint32_t slot = w->rows.slot;
  for (uint32_t i = w->rows.inside.first; i < w->rows.inside.end; ++i) {
    const int16_t* cell = tflm_patch_first_cell_s16(w, slot);
    const int8_t* weights =
        args->weights + (size_t)(i * window->kernel_w + w->taps.first) * channels + channel;
    for (uint32_t j = w->taps.first; j < w->taps.end; ++j) {
      add_tap(cell, weights, args->depth_multiplier, channel, n, sums);
      cell += cell_step;
      weights += channels;
    }
    slot = tflm_patch_next_slot(&w->rows, w->input, slot);
  }
}

void tflm_patch_depthwise_conv_s16(const tflm_patch_depthwise_conv_args* args,
                                   const tflm_patch_rows* input, uint32_t row, int16_t* output) {
  const tflm_patch_int64* bias = (const tflm_patch_int64*)(const void*)args->bias;
  const uint32_t channels = input->channels * args->depth_multiplier;
  tflm_patch_window_s16 w;
  tflm_patch_open_window_s16(&w, args, input, row);
  for (uint32_t x = 0; x < args->output_cols; ++x) {
    tflm_patch_move_window_s16(&w, x);
    for (uint32_t channel = 0; channel < channels; channel += BLOCK) {
      const uint32_t left = channels - channel;
      const uint32_t n = left < BLOCK ? left : BLOCK;
      int64_t sums[BLOCK] = {0};
      add_window(&w, channels, channel, n, sums);
      for (uint32_t i = 0; i < n; ++i) {
        const int64_t sum =
            tflm_patch_add_int64(sums[i], tflm_patch_load_int64(&bias[channel + i]));
        *output++ = tflm_patch_requantize_channel_s16(&args->requant, sum, channel + i);
      }
    }
  }
}

/* ---- the operator ---- */

static void make_row(const tflm_patch_conv_args* args, const tflm_patch_rows* input, uint32_t row,
                     int8_t* output) {
  tflm_patch_depthwise_conv_s16(args, input, row, (int16_t*)(void*)output);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_run_conv(task, step, count, make_row);
}

const tflm_patch_kernel tflm_patch_depthwise_conv_2d_s16_kernel = {
    .check = tflm_patch_check_depthwise,
    .reads = tflm_patch_windowed_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_depthwise_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_IN_SERIES,
};
