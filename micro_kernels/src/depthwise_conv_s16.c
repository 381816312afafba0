/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * DEPTHWISE_CONV_2D of int16 maps. Their zero point is 0: what lies outside the
 * map adds nothing.
 */
#include "kernels.h"
#include "requantize.h"
#include "typed.h"
#include "weights.h"
#include "window.h"

/* Output channels at a time; their sums are on the stack. */
#define BLOCK 16u

/* An output column at work: of each kernel row inside the map, the taps inside
 * it and the value of an input row that the first of them reads. */
typedef struct {
  const tflm_patch_depthwise_conv_s16_args* args;
  const tflm_patch_rows* input;
  tflm_patch_kernel_rows rows;
  tflm_patch_range taps;
  uint32_t cell;
  uint32_t channels; /* of the output */
} depthwise_column;

/* One tap of n output channels from `channel` on; cell and weights are those of
 * channel 0. */
static void add_tap(const int16_t* cell, const int8_t* weights,
                    uint32_t multiplier, uint32_t channel, uint32_t n,
                    int64_t* sums) {
  if (multiplier == 1) {
    for (uint32_t i = 0; i < n; ++i) {
      sums[i] += cell[channel + i] * weights[channel + i];
    }
    return;
  }
  for (uint32_t i = 0; i < n; ++i) {
    sums[i] += cell[(channel + i) / multiplier] * weights[channel + i];
  }
}

static void add_window(const depthwise_column* c, uint32_t channel, uint32_t n,
                       int64_t* sums) {
  const tflm_patch_window* window = &c->args->window;
  const tflm_patch_range inside = c->rows.inside;
  const size_t cell_step = (size_t)window->dilation_w * c->input->channels;
  uint32_t slot = c->rows.slot;
  for (uint32_t i = inside.first; i < inside.end; ++i) {
    const int16_t* cell =
        (const int16_t*)(const void*)tflm_patch_slot_row(c->input, slot) +
        c->cell;
    const int8_t* weights =
        c->args->weights +
        (size_t)(i * window->kernel_w + c->taps.first) * c->channels;
    for (uint32_t j = c->taps.first; j < c->taps.end; ++j) {
      add_tap(cell, weights, c->args->depth_multiplier, channel, n, sums);
      cell += cell_step;
      weights += c->channels;
    }
    slot = tflm_patch_next_slot(&c->rows, c->input, slot);
  }
}

static void make_channels(const depthwise_column* c, uint32_t channel,
                          uint32_t n, int16_t* output) {
  int64_t sums[BLOCK] = {0};
  if (c->taps.first < c->taps.end) {
    add_window(c, channel, n, sums);
  }
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = tflm_patch_requantize_channel_s16(
        &c->args->requant,
        tflm_patch_add_int64(
            sums[i], tflm_patch_load_int64(&c->args->bias[channel + i])),
        channel + i);
  }
}

void tflm_patch_depthwise_conv_s16(
    const tflm_patch_depthwise_conv_s16_args* args,
    const tflm_patch_rows* input, uint32_t row, int16_t* output) {
  const tflm_patch_window* window = &args->window;
  depthwise_column c = {
      .args = args,
      .input = input,
      .rows = tflm_patch_find_kernel_rows(window, input, row),
      .channels = input->channels * args->depth_multiplier,
  };
  for (uint32_t x = 0; x < args->output_cols; ++x) {
    const int32_t col = tflm_patch_first_col(window, x);
    c.taps = tflm_patch_taps_inside(col, window->kernel_w, window->dilation_w,
                                    input->cols);
    if (c.taps.first < c.taps.end) {
      c.cell =
          (uint32_t)(col + (int32_t)(c.taps.first * window->dilation_w)) *
          input->channels;
    }
    for (uint32_t channel = 0; channel < c.channels; channel += BLOCK) {
      const uint32_t left = c.channels - channel;
      make_channels(&c, channel, left < BLOCK ? left : BLOCK, output + channel);
    }
    output += c.channels;
  }
}

/* ---- the operator ---- */

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  return tflm_patch_check_depthwise(stage, op, TFLM_PATCH_INT16);
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_depthwise_params* params =
      (const tflm_patch_depthwise_params*)tflm_patch_params(stage, op);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const tflm_patch_rows input =
      tflm_patch_view_rows(stage, tflm_patch_input_map(stage, op, 0));
  const tflm_patch_depthwise_conv_s16_args args = {
      .window = params->window,
      .requant = tflm_patch_find_requant(stage, &params->requant),
      .weights = (const int8_t*)tflm_patch_constant(stage, params->weights_at),
      .bias = (const tflm_patch_int64*)tflm_patch_constant(stage,
                                                           params->bias_at),
      .depth_multiplier = params->depth_multiplier,
      .output_cols = output->cols,
  };
  for (uint32_t row = step; row < step + count; ++row) {
    tflm_patch_depthwise_conv_s16(
        &args, &input, row,
        (int16_t*)(void*)tflm_patch_map_row(stage, output, row));
  }
}

const tflm_patch_kernel tflm_patch_depthwise_conv_2d_s16_kernel = {
    .check = check,
    .reads = tflm_patch_depthwise_reads,
    .run = run,
};
