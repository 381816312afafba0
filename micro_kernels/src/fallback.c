/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONV_2D and DEPTHWISE_CONV_2D of int8 maps for what the kernels of a family are
 * not for: small, not fast. Cells outside the map count as the input's zero point,
 * as in portable/conv.c.
 */
#include "family.h"

#if TFLM_PATCH_HAS_OWN_CONV && TFLM_PATCH_HAS_OWN_DEPTHWISE_CONV && TFLM_PATCH_HAS_FALLBACK

#include <stddef.h>

#include "portable/portable.h"
#include "requantize.h"
#include "window.h"

/* An output channel of an output row; its weights begin at `weights`, those of the
 * next tap are tap_step further on, those of a tap lie one behind the other. */
static uint32_t add_taps(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                         uint32_t row, uint32_t col, uint32_t channel, const int8_t* weights,
                         uint32_t tap_step) {
  const tflm_patch_window* window = &args->window;
  const uint32_t depth = input->channels / args->groups;
  const uint32_t first = channel / (args->output_channels / args->groups) * depth;
  uint32_t sum = (uint32_t)args->bias[channel];
  int32_t r = (int32_t)(row * window->stride_h) - window->pad_top;
  for (uint32_t i = 0; i < window->kernel_h; ++i) {
    int32_t c = tflm_patch_first_col(window, col);
    for (uint32_t j = 0; j < window->kernel_w; ++j) {
      /* As unsigned numbers, negative ones are large. */
      const int is_inside = (uint32_t)r < input->rows && (uint32_t)c < input->cols;
      const int8_t* cell = NULL;
      if (is_inside) {
        cell = tflm_patch_slot_row(input, (uint32_t)r % input->ring_rows) +
               (size_t)c * input->channels + first;
      }
      for (uint32_t k = 0; k < depth; ++k) {
        const int32_t value = is_inside ? cell[k] : args->input_zero_point;
        sum += (uint32_t)(value * weights[k]);
      }
      weights += tap_step;
      c += window->dilation_w;
    }
    r += window->dilation_h;
  }
  return sum;
}

/* Column by column, each with its channels one after the other. */
static void make_row(const tflm_patch_conv_args* args, const tflm_patch_rows* input, uint32_t row,
                     uint32_t channel_step, uint32_t tap_step, int8_t* output) {
  for (uint32_t x = 0; x < args->output_cols; ++x) {
    const int8_t* weights = args->weights;
    for (uint32_t channel = 0; channel < args->output_channels; ++channel) {
      const uint32_t sum = add_taps(args, input, row, x, channel, weights, tap_step);
      *output++ = tflm_patch_requantize_channel(&args->requant, sum, channel);
      weights += channel_step;
    }
  }
}

void tflm_patch_conv_portable_s8(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                                 uint32_t row, int8_t* output) {
  const tflm_patch_window* window = &args->window;
  const uint32_t depth = input->channels / args->groups;
  make_row(args, input, row, (uint32_t)window->kernel_h * window->kernel_w * depth, depth, output);
}

/* A convolution of as many groups as there are channels. */
void tflm_patch_depthwise_conv_portable_s8(const tflm_patch_depthwise_conv_args* args,
                                           const tflm_patch_rows* input, uint32_t row,
                                           int8_t* output) {
  const tflm_patch_conv_args conv = {
      .window = args->window,
      .requant = args->requant,
      .weights = args->weights,
      .bias = args->bias,
      .input_zero_point = args->input_zero_point,
      .groups = input->channels,
      .output_cols = args->output_cols,
      .output_channels = input->channels * args->depth_multiplier,
  };
  make_row(&conv, input, row, 1, conv.output_channels, output);
}

#endif /* TFLM_PATCH_HAS_OWN_CONV && ... */
