/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * TRANSPOSE_CONV of int16 maps, gathered as in transpose_conv.c.
 */
#include "dot.h"
#include "kernels.h"
#include "requantize.h"
#include "transpose_conv.h"
#include "weights.h"

/* The sum of an output channel over the taps whose input cell is in the map. */
static int64_t sum_taps(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                        tflm_patch_tap_start row, tflm_patch_tap_start col, uint32_t channel) {
  const tflm_patch_window* window = &args->window;
  const uint32_t depth = input->channels;
  int64_t sum = 0;
  for (int32_t i = row.tap, r = row.index; i < window->kernel_h && r >= 0;
       i += window->stride_h, --r) {
    if (r >= (int32_t)input->rows) {
      continue;
    }
    const int16_t* values = (const int16_t*)(const void*)tflm_patch_view_row(input, (uint32_t)r);
    for (int32_t j = col.tap, x = col.index; j < window->kernel_w && x >= 0;
         j += window->stride_w, --x) {
      if (x < (int32_t)input->cols) {
        const size_t at = (size_t)(i * window->kernel_w + j) * args->output_channels + channel;
        sum += tflm_patch_dot_s16(values + (size_t)x * depth, args->weights + at * depth, depth);
      }
    }
  }
  return sum;
}

void tflm_patch_transpose_conv_s16(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                                   uint32_t row, int16_t* output) {
  const tflm_patch_int64* bias = (const tflm_patch_int64*)(const void*)args->bias;
  const tflm_patch_window* window = &args->window;
  const tflm_patch_tap_start rows = tflm_patch_find_taps(row, window->pad_top, window->stride_h);
  for (uint32_t x = 0; x < args->output_cols; ++x) {
    const tflm_patch_tap_start cols = tflm_patch_find_taps(x, window->pad_left, window->stride_w);
    for (uint32_t o = 0; o < args->output_channels; ++o) {
      const int64_t sum = tflm_patch_add_int64(tflm_patch_load_int64(&bias[o]),
                                               sum_taps(args, input, rows, cols, o));
      *output++ = tflm_patch_requantize_channel_s16(&args->requant, sum, o);
    }
  }
}

/* ---- the operator ---- */

static void make_row(const tflm_patch_conv_args* args, const tflm_patch_rows* input, uint32_t row,
                     int8_t* output) {
  tflm_patch_transpose_conv_s16(args, input, row, (int16_t*)(void*)output);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_run_conv(task, step, count, make_row);
}

const tflm_patch_kernel tflm_patch_transpose_conv_s16_kernel = {
    .check = tflm_patch_check_transpose_conv,
    .reads = tflm_patch_transpose_conv_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_transpose_conv_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_IN_SERIES,
};
