/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The gradient of a convolution's input in integers.
 *
 * Inner loops.
 */
#include <stddef.h>

#include "../taps.h"
#include "shifts.h"

/* Four input channels beside each other: every gradient is read once for them. */
static void add_4(const int32_t* gradients, const int8_t* weights, uint32_t step, uint32_t outputs,
                  int32_t* sums) {
  int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  for (uint32_t o = 0; o < outputs; ++o) {
    const int32_t one = gradients[o];
    s0 += weights[0] * one;
    s1 += weights[1] * one;
    s2 += weights[2] * one;
    s3 += weights[3] * one;
    weights += step;
  }
  sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
}

static void add_few(const int32_t* gradients, const int8_t* weights, uint32_t step,
                    uint32_t outputs, uint32_t channels, int32_t* sums) {
  for (uint32_t o = 0; o < outputs; ++o) {
    for (uint32_t k = 0; k < channels; ++k) {
      sums[k] += weights[k] * gradients[o];
    }
    weights += step;
  }
}

/* Up to four channels of a cell of the input, from channel j on. */
static void add_taps(const tflm_patch_backward_geometry* g, const int8_t* weights,
                     uint32_t n_channels, const int32_t* accumulators, uint32_t cell, uint32_t j,
                     uint32_t channels, int32_t* sums) {
  const uint32_t kernel_w = g->window.kernel_w, taps = g->window.kernel_h * kernel_w;
  for (uint32_t tap = 0; tap < taps; ++tap) {
    const int32_t from =
        tflm_patch_output_cell(g, cell / g->cols, cell % g->cols, tap / kernel_w, tap % kernel_w);
    if (from < 0) {
      continue;
    }
    const int32_t* gradients = accumulators + (size_t)from * g->output_channels;
    const int8_t* first = weights + (size_t)tap * n_channels + j;
    if (channels == 4) {
      add_4(gradients, first, taps * n_channels, g->output_channels, sums);
    } else {
      add_few(gradients, first, taps * n_channels, g->output_channels, channels, sums);
    }
  }
}

void tflm_patch_integer_conv_input(const tflm_patch_backward_geometry* geometry,
                                   const int8_t* weights, uint32_t n_channels,
                                   const uint16_t* channels, const int32_t* accumulators,
                                   int32_t* result, const tflm_patch_integer_sum* sum) {
  const tflm_patch_backward_geometry* g = geometry;
  for (uint32_t cell = 0; cell < g->rows * g->cols; ++cell) {
    for (uint32_t j = 0; j < n_channels; j += 4) {
      const uint32_t count = n_channels - j < 4 ? n_channels - j : 4;
      int32_t sums[4] = {0, 0, 0, 0};
      add_taps(g, weights, n_channels, accumulators, cell, j, count, sums);
      for (uint32_t k = 0; k < count; ++k) {
        int32_t* to = result + (channels == NULL ? j + k : channels[j + k]);
        *to = tflm_patch_joined(*to, sums[k], sum);
      }
    }
    result += g->channels;
  }
}
