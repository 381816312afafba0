/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The forward pass of layers whose trained weights lie apart from the frozen ones.
 *
 * Inner loops.
 */
#include <stddef.h>

#include "../dot.h"
#include "../family.h"
#include "../requantize.h"
#include "../weights.h"
#include "taps.h"
#include "tflm_patch/training.h"

#if TFLM_PATCH_IS_DSP
#include "../dsp/dot_4.h"
#endif

#define CHANNELS TFLM_PATCH_DOT_CHANNELS

/* Adds the products of `channels` output channels at a tap. A cell outside the map counts as
 * the input's zero point, which the bias has for all weights. */
static void add_tap(const int8_t* weights, uint32_t weight_step, const int8_t* values,
                    uint32_t depth, int32_t zero_point, uint32_t channels, uint32_t* sums) {
#if TFLM_PATCH_IS_DSP
  if (values != NULL && channels == CHANNELS) {
    tflm_patch_dsp_dot_4(values, weights, weight_step, depth, sums);
    return;
  }
#endif
  if (values != NULL) {
    tflm_patch_dot_channels(values, weights, weight_step, depth, channels, sums);
    return;
  }
  for (uint32_t c = 0; c < channels; ++c) {
    sums[c] += (uint32_t)zero_point * tflm_patch_sum(weights + (size_t)c * weight_step, depth);
  }
}

void tflm_patch_conv_apart(const tflm_patch_backward_geometry* geometry,
                           const tflm_patch_requant_args* requant, const int8_t* weights,
                           const int8_t* trained, uint32_t n_trained, const int32_t* bias,
                           const int8_t* input, const int8_t* gathered, int8_t* output) {
  const tflm_patch_backward_geometry* g = geometry;
  const uint32_t kernel_w = g->window.kernel_w, taps = g->window.kernel_h * kernel_w;
  for (uint32_t cell = 0; cell < g->output_rows * g->output_cols; ++cell) {
    for (uint32_t o = 0; o < g->output_channels; o += CHANNELS) {
      const uint32_t n = g->output_channels - o < CHANNELS ? g->output_channels - o : CHANNELS;
      uint32_t sums[CHANNELS];
      for (uint32_t c = 0; c < n; ++c) {
        sums[c] = (uint32_t)bias[o + c];
      }
      for (uint32_t tap = 0; tap < taps; ++tap) {
        const int32_t at = tflm_patch_input_cell(g, cell / g->output_cols, cell % g->output_cols,
                                                 tap / kernel_w, tap % kernel_w);
        const int8_t* from = at < 0 ? NULL : input + (uint32_t)at * g->channels;
        const int8_t* chosen = at < 0 ? NULL : gathered + (uint32_t)at * n_trained;
        add_tap(weights + ((size_t)o * taps + tap) * g->channels, taps * g->channels, from,
                g->channels, g->input_zero_point, n, sums);
        add_tap(trained + ((size_t)o * taps + tap) * n_trained, taps * n_trained, chosen, n_trained,
                g->input_zero_point, n, sums);
      }
      for (uint32_t c = 0; c < n; ++c) {
        *output++ = tflm_patch_requantize_channel(requant, sums[c], o + c);
      }
    }
  }
}

void tflm_patch_depthwise_apart(const tflm_patch_backward_geometry* geometry,
                                const tflm_patch_requant_args* requant, const int8_t* trained,
                                const uint16_t* channels, uint32_t n_trained, const int32_t* bias,
                                const int8_t* gathered, int8_t* output) {
  const tflm_patch_backward_geometry* g = geometry;
  const uint32_t kernel_w = g->window.kernel_w, taps = g->window.kernel_h * kernel_w;
  for (uint32_t cell = 0; cell < g->output_rows * g->output_cols; ++cell) {
    for (uint32_t j = 0; j < n_trained; ++j) {
      uint32_t sum = (uint32_t)bias[channels[j]];
      for (uint32_t tap = 0; tap < taps; ++tap) {
        const int32_t at = tflm_patch_input_cell(g, cell / g->output_cols, cell % g->output_cols,
                                                 tap / kernel_w, tap % kernel_w);
        const int32_t value = at < 0 ? g->input_zero_point : gathered[(uint32_t)at * n_trained + j];
        sum += (uint32_t)(value * trained[tap * n_trained + j]);
      }
      output[channels[j]] = tflm_patch_requantize_channel(requant, sum, channels[j]);
    }
    output += g->output_channels;
  }
}
