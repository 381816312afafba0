/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONV_2D of int16 maps. Their zero point is 0: what lies outside the map adds
 * nothing.
 */
#include "dot.h"
#include "kernels.h"
#include "requantize.h"
#include "typed.h"
#include "weights.h"
#include "window.h"

/* An output row at work, and the part of the window of its current column that
 * lies in the map. */
typedef struct {
  const tflm_patch_conv_s16_args* args;
  const tflm_patch_rows* input;
  tflm_patch_kernel_rows rows;
  uint32_t depth;         /* input channels that an output channel reads */
  tflm_patch_range taps;  /* of a kernel row */
  uint32_t cell;          /* value of an input row that the first tap reads */
  uint32_t group_channel; /* first input channel of the group */
} conv_row;

/* A kernel row whose first tap inside has the weights given. */
static int64_t sum_taps(const conv_row* c, const int16_t* row,
                        const int8_t* weights) {
  const uint32_t taps = c->taps.end - c->taps.first;
  const uint32_t dilation = c->args->window.dilation_w;
  const int16_t* cell = row + c->cell + c->group_channel;
  int64_t sum = 0;
  if (dilation == 1 && c->args->groups == 1) {
    return tflm_patch_dot_s16(cell, weights, (size_t)taps * c->depth);
  }
  for (uint32_t i = 0; i < taps; ++i) {
    sum += tflm_patch_dot_s16(cell, weights, c->depth);
    cell += (size_t)dilation * c->input->channels;
    weights += c->depth;
  }
  return sum;
}

/* An output channel of the current column; `weights` are the channel's. */
static int64_t sum_window(const conv_row* c, const int8_t* weights) {
  const size_t row_weights = (size_t)c->args->window.kernel_w * c->depth;
  const tflm_patch_range inside = c->rows.inside;
  uint32_t slot = c->rows.slot;
  int64_t sum = 0;
  weights += inside.first * row_weights + (size_t)c->taps.first * c->depth;
  for (uint32_t i = inside.first; i < inside.end; ++i) {
    sum += sum_taps(
        c, (const int16_t*)(const void*)tflm_patch_slot_row(c->input, slot),
        weights);
    slot = tflm_patch_next_slot(&c->rows, c->input, slot);
    weights += row_weights;
  }
  return sum;
}

void tflm_patch_conv_s16(const tflm_patch_conv_s16_args* args,
                         const tflm_patch_rows* input, uint32_t row,
                         int16_t* output) {
  const tflm_patch_window* window = &args->window;
  const uint32_t group_outputs = args->output_channels / args->groups;
  conv_row c = {
      .args = args,
      .input = input,
      .rows = tflm_patch_find_kernel_rows(window, input, row),
      .depth = input->channels / args->groups,
  };
  const size_t kernel_bytes =
      (size_t)window->kernel_h * window->kernel_w * c.depth;
  for (uint32_t x = 0; x < args->output_cols; ++x) {
    const int32_t col = tflm_patch_first_col(window, x);
    c.taps = tflm_patch_taps_inside(col, window->kernel_w, window->dilation_w,
                                    input->cols);
    const int is_inside = c.taps.first < c.taps.end;
    if (is_inside) {
      c.cell =
          (uint32_t)(col + (int32_t)(c.taps.first * window->dilation_w)) *
          input->channels;
    }
    for (uint32_t o = 0; o < args->output_channels; ++o) {
      int64_t sum = tflm_patch_load_int64(&args->bias[o]);
      c.group_channel = o / group_outputs * c.depth;
      if (is_inside) {
        sum = tflm_patch_add_int64(
            sum, sum_window(&c, args->weights + o * kernel_bytes));
      }
      *output++ = tflm_patch_requantize_channel_s16(&args->requant, sum, o);
    }
  }
}

/* ---- the operator ---- */

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  return tflm_patch_check_conv(stage, op, TFLM_PATCH_INT16);
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_conv_params* params =
      (const tflm_patch_conv_params*)tflm_patch_params(stage, op);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const tflm_patch_rows input =
      tflm_patch_view_rows(stage, tflm_patch_input_map(stage, op, 0));
  const tflm_patch_conv_s16_args args = {
      .window = params->window,
      .requant = tflm_patch_find_requant(stage, &params->requant),
      .weights = (const int8_t*)tflm_patch_constant(stage, params->weights_at),
      .bias = (const tflm_patch_int64*)tflm_patch_constant(stage,
                                                           params->bias_at),
      .groups = params->groups,
      .output_cols = output->cols,
      .output_channels = output->channels,
  };
  for (uint32_t row = step; row < step + count; ++row) {
    tflm_patch_conv_s16(
        &args, &input, row,
        (int16_t*)(void*)tflm_patch_map_row(stage, output, row));
  }
}

const tflm_patch_kernel tflm_patch_conv_2d_s16_kernel = {
    .check = check,
    .reads = tflm_patch_conv_reads,
    .run = run,
};
