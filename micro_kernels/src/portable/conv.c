/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONV_2D of int8 maps.
 *
 * A cell outside the map counts as the input's zero point: the bias holds
 * -zero_point * sum(all weights), so that such a cell adds nothing in the end,
 * as in TFLM, which leaves it out.
 */
#include "../family.h"

#if !TFLM_PATCH_HAS_OWN_CONV

#include "../dot.h"
#include "../requantize.h"
#include "../window.h"
#include "portable.h"

#define CHANNELS TFLM_PATCH_DOT_CHANNELS
#define PIXELS TFLM_PATCH_DOT_PIXELS

/* An output row at work. */
typedef struct {
  const tflm_patch_conv_args* args;
  const tflm_patch_rows* input;
  tflm_patch_kernel_rows rows;
  tflm_patch_range inside; /* output columns whose window lies in the map */
  uint32_t depth;          /* input channels that an output channel reads */
  uint32_t kernel_bytes;   /* weights of an output channel */
} conv_row;

/* Output channels [channel, channel + n_channels) of n_pixels columns. */
typedef struct {
  uint32_t channel;
  uint32_t n_channels;
  uint32_t n_pixels;
  int32_t col;            /* input column of the first pixel's first tap */
  uint32_t group_channel; /* first input channel of the group */
} conv_block;

/* A run of weights times values outside the map. */
static void add_outside(const conv_row* c, const conv_block* block, const int8_t* weights,
                        uint32_t run, uint32_t* sums) {
  const uint32_t zero_point = (uint32_t)c->args->input_zero_point;
  for (uint32_t i = 0; i < block->n_channels; ++i) {
    const uint32_t term = zero_point * tflm_patch_sum(weights, run);
    for (uint32_t p = 0; p < block->n_pixels; ++p) {
      sums[p * CHANNELS + i] += term;
    }
    weights += c->kernel_bytes;
  }
}

/* A run of weights times values of the map. */
static void add_inside(const conv_row* c, const conv_block* block, const int8_t* weights,
                       const int8_t* values, uint32_t run, uint32_t* sums) {
  const size_t pixel_stride = (size_t)c->args->window.stride_w * c->input->channels;
  if (block->n_channels == CHANNELS) {
    if (block->n_pixels == PIXELS) {
      tflm_patch_dot_4x2(values, pixel_stride, weights, c->kernel_bytes, run, sums);
    } else {
      tflm_patch_dot_4(values, weights, c->kernel_bytes, run, sums);
    }
    return;
  }
  for (uint32_t i = 0; i < block->n_channels; ++i) {
    for (uint32_t p = 0; p < block->n_pixels; ++p) {
      sums[p * CHANNELS + i] += tflm_patch_dot(values + p * pixel_stride, weights, run);
    }
    weights += c->kernel_bytes;
  }
}

/* A block of pixels; all of them in the same place with respect to the map's
 * sides: whole windows inside, or a single pixel. */
static void add_windows(const conv_row* c, const conv_block* block, uint32_t runs, uint32_t run,
                        uint32_t* sums) {
  const tflm_patch_window* window = &c->args->window;
  const tflm_patch_rows* input = c->input;
  const int8_t* weights = c->args->weights + (size_t)block->channel * c->kernel_bytes;
  uint32_t slot = c->rows.slot;
  for (uint32_t i = 0; i < window->kernel_h; ++i) {
    const int is_row = i >= c->rows.inside.first && i < c->rows.inside.end;
    const int8_t* row = tflm_patch_slot_row(input, slot);
    int32_t col = block->col;
    for (uint32_t j = 0; j < runs; ++j) {
      if (is_row && col >= 0 && col < (int32_t)input->cols) {
        add_inside(c, block, weights, row + (size_t)col * input->channels + block->group_channel,
                   run, sums);
      } else {
        add_outside(c, block, weights, run, sums);
      }
      weights += run;
      col += window->dilation_w;
    }
    if (is_row) {
      slot = tflm_patch_next_slot(&c->rows, input, slot);
    }
  }
}

static void make_channels(const conv_row* c, conv_block* block, int8_t* output) {
  const tflm_patch_conv_args* args = c->args;
  const tflm_patch_window* window = &args->window;
  const tflm_patch_requant_args requant = args->requant;
  /* Inside the map, neighbouring taps of all channels are one run of bytes. */
  const int joined = window->dilation_w == 1 && args->groups == 1;
  const uint32_t taps = window->kernel_w;
  output += block->channel;
  for (uint32_t x = 0; x < args->output_cols; x += block->n_pixels) {
    const int is_inside = x >= c->inside.first && x < c->inside.end;
    block->n_pixels = is_inside && c->inside.end - x >= PIXELS ? PIXELS : 1;
    block->col = tflm_patch_first_col(window, x);
    uint32_t sums[CHANNELS * PIXELS] = {0};
    if (is_inside && joined) {
      add_windows(c, block, 1, taps * c->depth, sums);
    } else {
      add_windows(c, block, taps, c->depth, sums);
    }
    for (uint32_t p = 0; p < block->n_pixels; ++p) {
      for (uint32_t i = 0; i < block->n_channels; ++i) {
        const uint32_t channel = block->channel + i;
        output[i] = tflm_patch_requantize_channel(
            &requant, sums[p * CHANNELS + i] + (uint32_t)args->bias[channel], channel);
      }
      output += args->output_channels;
    }
  }
}

void tflm_patch_conv_portable_s8(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                                 uint32_t row, int8_t* output) {
  const uint32_t depth = input->channels / args->groups;
  const uint32_t group_outputs = args->output_channels / args->groups;
  const conv_row c = {
      .args = args,
      .input = input,
      .rows = tflm_patch_find_kernel_rows(&args->window, input, row),
      .inside = tflm_patch_cols_inside(&args->window, input->cols, args->output_cols),
      .depth = depth,
      .kernel_bytes = (uint32_t)args->window.kernel_h * args->window.kernel_w * depth,
  };
  for (uint32_t group = 0; group < args->groups; ++group) {
    conv_block block = {.channel = group * group_outputs, .group_channel = group * depth};
    const uint32_t end = block.channel + group_outputs;
    for (; block.channel < end; block.channel += block.n_channels) {
      const uint32_t left = end - block.channel;
      block.n_channels = left < CHANNELS ? left : CHANNELS;
      make_channels(&c, &block, output);
    }
  }
}

#endif /* !TFLM_PATCH_HAS_OWN_CONV */
