/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * TRANSPOSE_CONV of int8 maps, gathered: an output cell is the sum over the taps
 * whose input cell is in the map. Which taps these are depends on the cell, so
 * the input's zero point is taken off tap by tap.
 */
#include "transpose_conv.h"
#include "dot.h"
#include "kernels.h"
#include "requantize.h"
#include "weights.h"

#define CHANNELS TFLM_PATCH_DOT_CHANNELS

static void add_taps(const tflm_patch_conv_args* args, const int32_t* offsets,
                     const tflm_patch_rows* input, tflm_patch_tap_start row,
                     tflm_patch_tap_start col, uint32_t channel, uint32_t n, uint32_t* sums) {
  const tflm_patch_window* window = &args->window;
  const uint32_t depth = input->channels;
  for (int32_t i = row.tap, r = row.index; i < window->kernel_h && r >= 0;
       i += window->stride_h, --r) {
    if (r >= (int32_t)input->rows) {
      continue;
    }
    const int8_t* values = tflm_patch_view_row(input, (uint32_t)r);
    for (int32_t j = col.tap, x = col.index; j < window->kernel_w && x >= 0;
         j += window->stride_w, --x) {
      if (x < (int32_t)input->cols) {
        const size_t at = (size_t)(i * window->kernel_w + j) * args->output_channels + channel;
        for (uint32_t c = 0; c < n; ++c) {
          sums[c] += (uint32_t)offsets[at + c];
        }
        tflm_patch_dot_channels(values + (size_t)x * depth, args->weights + at * depth, depth,
                                depth, n, sums);
      }
    }
  }
}

void tflm_patch_transpose_conv_s8(const tflm_patch_conv_args* args, const int32_t* offsets,
                                  const tflm_patch_rows* input, uint32_t row, int8_t* output) {
  const tflm_patch_window* window = &args->window;
  const tflm_patch_tap_start rows = tflm_patch_find_taps(row, window->pad_top, window->stride_h);
  for (uint32_t x = 0; x < args->output_cols; ++x) {
    const tflm_patch_tap_start cols = tflm_patch_find_taps(x, window->pad_left, window->stride_w);
    uint32_t n;
    for (uint32_t channel = 0; channel < args->output_channels; channel += n) {
      const uint32_t left = args->output_channels - channel;
      uint32_t sums[CHANNELS];
      n = left < CHANNELS ? left : CHANNELS;
      for (uint32_t i = 0; i < n; ++i) {
        sums[i] = (uint32_t)args->bias[channel + i];
      }
      add_taps(args, offsets, input, rows, cols, channel, n, sums);
      for (uint32_t i = 0; i < n; ++i) {
        *output++ = tflm_patch_requantize_channel(&args->requant, sums[i], channel + i);
      }
    }
  }
}

/* ---- the operator ---- */

static uint32_t filters_of(const tflm_patch_task* task) {
  const tflm_patch_window* window = (const tflm_patch_window*)task->params;
  return (uint32_t)task->output->channels * window->kernel_h * window->kernel_w;
}

tflm_patch_status tflm_patch_check_transpose_conv(const tflm_patch_task* task) {
  const tflm_patch_transpose_conv_params* params =
      (const tflm_patch_transpose_conv_params*)task->params;
  const tflm_patch_window* window = &params->window;
  if (window->kernel_h == 0 || window->kernel_w == 0 || window->stride_h == 0 ||
      window->stride_w == 0 || window->dilation_h != 1 || window->dilation_w != 1 ||
      window->pad_top < 0 || window->pad_left < 0) {
    return TFLM_PATCH_BAD_OP;
  }
  return tflm_patch_check_weights(task, &params->requant, filters_of(task), task->input->channels,
                                  task->output->channels);
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_transpose_conv_params* params =
      (const tflm_patch_transpose_conv_params*)task->params;
  const tflm_patch_status status = tflm_patch_check_transpose_conv(task);
  return status != TFLM_PATCH_OK ? status
                                 : tflm_patch_check_constant(task->stage, params->offsets_at,
                                                             filters_of(task), sizeof(int32_t));
}

void tflm_patch_transpose_conv_reads(const tflm_patch_task* task, uint32_t step,
                                     tflm_patch_span* rows) {
  const tflm_patch_window* window = (const tflm_patch_window*)task->params;
  const int32_t end = task->input->rows;
  const int32_t at = (int32_t)step + window->pad_top;
  const int32_t low = at - window->kernel_h + window->stride_h;
  const int32_t high = at / window->stride_h;
  rows->first = low < 0 ? 0 : low / window->stride_h;
  rows->last = high < end ? high : end - 1;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_transpose_conv_params* params =
      (const tflm_patch_transpose_conv_params*)task->params;
  tflm_patch_conv_args args;
  tflm_patch_rows input;
  (void)count;
  tflm_patch_find_conv(task, &args);
  tflm_patch_view_rows(task->stage, task->input, &input);
  tflm_patch_transpose_conv_s8(&args,
                               (const int32_t*)tflm_patch_constant(task->stage, params->offsets_at),
                               &input, step, (int8_t*)tflm_patch_output_row(task, step));
}

const tflm_patch_kernel tflm_patch_transpose_conv_kernel = {
    .check = check,
    .reads = tflm_patch_transpose_conv_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_transpose_conv_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8,
};
