/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * TRANSPOSE_CONV of int8 maps, gathered: an output cell is the sum over the taps
 * whose input cell is in the map. Which taps these are depends on the cell, so
 * the input's zero point is taken off tap by tap.
 */
#include "dot.h"
#include "kernels.h"
#include "requantize.h"
#include "weights.h"

#define CHANNELS TFLM_PATCH_DOT_CHANNELS

/* The taps of an output row or column: `tap` reads input `index`, the tap that
 * is a stride further the input before it. */
typedef struct {
  int32_t tap;
  int32_t index;
} tap_start;

static inline tap_start find_taps(uint32_t position, int32_t pad,
                                  int32_t stride) {
  const int32_t at = (int32_t)position + pad;
  const tap_start start = {at % stride, at / stride};
  return start;
}

/* n output channels of a tap, from `channel` on. */
static void add_tap(const tflm_patch_transpose_conv_args* args,
                    const int8_t* values, uint32_t depth, uint32_t tap,
                    uint32_t channel, uint32_t n, uint32_t* sums) {
  const size_t at = (size_t)tap * args->output_channels + channel;
  const int8_t* weights = args->weights + at * depth;
  const int32_t* offsets = args->offsets + at;
  for (uint32_t i = 0; i < n; ++i) {
    sums[i] += (uint32_t)offsets[i];
  }
  if (n == CHANNELS) {
    tflm_patch_dot_4(values, weights, depth, depth, sums);
    return;
  }
  for (uint32_t i = 0; i < n; ++i) {
    sums[i] += tflm_patch_dot(values, weights, depth);
    weights += depth;
  }
}

static void add_taps(const tflm_patch_transpose_conv_args* args,
                     const tflm_patch_rows* input, tap_start row, tap_start col,
                     uint32_t channel, uint32_t n, uint32_t* sums) {
  const tflm_patch_window* window = &args->window;
  for (int32_t i = row.tap, r = row.index; i < window->kernel_h && r >= 0;
       i += window->stride_h, --r) {
    if (r >= (int32_t)input->rows) {
      continue;
    }
    const int8_t* values =
        tflm_patch_slot_row(input, (uint32_t)r % input->ring_rows);
    for (int32_t j = col.tap, x = col.index; j < window->kernel_w && x >= 0;
         j += window->stride_w, --x) {
      if (x < (int32_t)input->cols) {
        add_tap(args, values + (size_t)x * input->channels, input->channels,
                (uint32_t)(i * window->kernel_w + j), channel, n, sums);
      }
    }
  }
}

void tflm_patch_transpose_conv_s8(const tflm_patch_transpose_conv_args* args,
                                  const tflm_patch_rows* input, uint32_t row,
                                  int8_t* output) {
  const tflm_patch_window* window = &args->window;
  const tap_start rows = find_taps(row, window->pad_top, window->stride_h);
  for (uint32_t x = 0; x < args->output_cols; ++x) {
    const tap_start cols = find_taps(x, window->pad_left, window->stride_w);
    uint32_t n;
    for (uint32_t channel = 0; channel < args->output_channels; channel += n) {
      const uint32_t left = args->output_channels - channel;
      uint32_t sums[CHANNELS];
      n = left < CHANNELS ? left : CHANNELS;
      for (uint32_t i = 0; i < n; ++i) {
        sums[i] = (uint32_t)args->bias[channel + i];
      }
      add_taps(args, input, rows, cols, channel, n, sums);
      for (uint32_t i = 0; i < n; ++i) {
        *output++ = tflm_patch_requantize_channel(&args->requant, sums[i],
                                                  channel + i);
      }
    }
  }
}

/* ---- the operator ---- */

static const tflm_patch_transpose_conv_params* transpose_conv_params(
    const tflm_patch_stage* stage, const tflm_patch_op* op) {
  return (const tflm_patch_transpose_conv_params*)tflm_patch_params(stage, op);
}

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  const tflm_patch_transpose_conv_params* params =
      transpose_conv_params(stage, op);
  const tflm_patch_window* window = &params->window;
  const tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const uint64_t filters = (uint64_t)window->kernel_h * window->kernel_w *
                           output->channels;
  if (input->type != TFLM_PATCH_INT8 || output->type != TFLM_PATCH_INT8 ||
      window->kernel_h == 0 || window->kernel_w == 0 || window->stride_h == 0 ||
      window->stride_w == 0 || window->dilation_h != 1 ||
      window->dilation_w != 1 || window->pad_top < 0 || window->pad_left < 0) {
    return TFLM_PATCH_BAD_OP;
  }
  if (params->offsets_at % sizeof(int32_t) != 0) {
    return TFLM_PATCH_BAD_ALIGNMENT;
  }
  if (!tflm_patch_constant_fits(stage, params->offsets_at,
                                filters * sizeof(int32_t), sizeof(int32_t))) {
    return TFLM_PATCH_BAD_SIZE;
  }
  return tflm_patch_check_weights(stage, TFLM_PATCH_INT8, params->weights_at,
                                  filters * input->channels, params->bias_at,
                                  &params->requant, output->channels);
}

static void reads(const tflm_patch_stage* stage, const tflm_patch_op* op,
                  uint32_t input, uint32_t step, int32_t* first,
                  int32_t* last) {
  const tflm_patch_window* window = &transpose_conv_params(stage, op)->window;
  const int32_t end = tflm_patch_input_map(stage, op, input)->rows;
  const int32_t at = (int32_t)step + window->pad_top;
  const int32_t low = at - window->kernel_h + window->stride_h;
  const int32_t high = at / window->stride_h;
  *first = low < 0 ? 0 : low / window->stride_h;
  *last = high < end ? high : end - 1;
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_transpose_conv_params* params =
      transpose_conv_params(stage, op);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const tflm_patch_rows input =
      tflm_patch_view_rows(stage, tflm_patch_input_map(stage, op, 0));
  const tflm_patch_transpose_conv_args args = {
      .window = params->window,
      .requant = tflm_patch_find_requant(stage, &params->requant),
      .weights = (const int8_t*)tflm_patch_constant(stage, params->weights_at),
      .bias = (const int32_t*)tflm_patch_constant(stage, params->bias_at),
      .offsets = (const int32_t*)tflm_patch_constant(stage, params->offsets_at),
      .output_cols = output->cols,
      .output_channels = output->channels,
  };
  for (uint32_t row = step; row < step + count; ++row) {
    tflm_patch_transpose_conv_s8(
        &args, &input, row, (int8_t*)tflm_patch_map_row(stage, output, row));
  }
}

const tflm_patch_kernel tflm_patch_transpose_conv_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
};
