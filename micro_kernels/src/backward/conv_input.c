/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The gradient of a convolution's input: sums over taps, rows first, and over output
 * channels.
 *
 * Inner loops.
 */
#include "exact.h"

#include <stddef.h>

#include "taps.h"
#include "tflm_patch/training.h"

/* sum + the products of n gradients, one after the other, with weights `step` apart. */
static float add_products(float sum, const float* gradients, const int8_t* weights, uint32_t step,
                          uint32_t n) {
  for (uint32_t o = 0; o < n; ++o) {
    sum = sum + (float)*weights * gradients[o];
    weights += step;
  }
  return sum;
}

static void put(float* result, float sum, uint32_t added) { *result = added ? *result + sum : sum; }

/* Four cells and two channels at a time: every weight and gradient is read once for several
 * products. accumulators and result of cell p at p * stride. */
static void pointwise_4x2(const float* accumulators, uint32_t outputs, const int8_t* weights,
                          uint32_t n_channels, float* const results[2], uint32_t stride,
                          uint32_t added) {
  float s00 = 0, s01 = 0, s10 = 0, s11 = 0, s20 = 0, s21 = 0, s30 = 0, s31 = 0;
  const float* g0 = accumulators;
  const float* g1 = g0 + outputs;
  const float* g2 = g1 + outputs;
  const float* g3 = g2 + outputs;
  for (uint32_t o = 0; o < outputs; ++o) {
    const float w0 = (float)weights[0];
    const float w1 = (float)weights[1];
    weights += n_channels;
    const float a0 = *g0++, a1 = *g1++, a2 = *g2++, a3 = *g3++;
    s00 = s00 + w0 * a0;
    s01 = s01 + w1 * a0;
    s10 = s10 + w0 * a1;
    s11 = s11 + w1 * a1;
    s20 = s20 + w0 * a2;
    s21 = s21 + w1 * a2;
    s30 = s30 + w0 * a3;
    s31 = s31 + w1 * a3;
  }
  put(results[0], s00, added);
  put(results[1], s01, added);
  put(results[0] + stride, s10, added);
  put(results[1] + stride, s11, added);
  put(results[0] + 2 * stride, s20, added);
  put(results[1] + 2 * stride, s21, added);
  put(results[0] + 3 * stride, s30, added);
  put(results[1] + 3 * stride, s31, added);
}

static uint32_t channel_of(const uint16_t* channels, uint32_t j) {
  return channels == NULL ? j : channels[j];
}

static void pointwise(const tflm_patch_backward_geometry* g, const int8_t* weights,
                      uint32_t n_channels, const uint16_t* channels, const float* accumulators,
                      float* result, uint32_t added) {
  const uint32_t cells = g->rows * g->cols, outputs = g->output_channels;
  uint32_t cell = 0;
  for (; cell + 4 <= cells; cell += 4) {
    const float* from = accumulators + (size_t)cell * outputs;
    float* to = result + (size_t)cell * g->channels;
    uint32_t j = 0;
    for (; j + 2 <= n_channels; j += 2) {
      float* const results[2] = {to + channel_of(channels, j), to + channel_of(channels, j + 1)};
      pointwise_4x2(from, outputs, weights + j, n_channels, results, g->channels, added);
    }
    for (; j < n_channels; ++j) {
      for (uint32_t p = 0; p < 4; ++p) {
        put(to + p * g->channels + channel_of(channels, j),
            add_products(0.0f, from + p * outputs, weights + j, n_channels, outputs), added);
      }
    }
  }
  for (; cell < cells; ++cell) {
    for (uint32_t j = 0; j < n_channels; ++j) {
      const float* from = accumulators + (size_t)cell * outputs;
      put(result + (size_t)cell * g->channels + channel_of(channels, j),
          add_products(0.0f, from, weights + j, n_channels, outputs), added);
    }
  }
}

void tflm_patch_backward_conv_input(const tflm_patch_backward_geometry* geometry,
                                    const int8_t* weights, uint32_t n_channels,
                                    const uint16_t* channels, const float* accumulators,
                                    float* result, uint32_t added) {
  const tflm_patch_backward_geometry* g = geometry;
  const uint32_t outputs = g->output_channels, kernel_w = g->window.kernel_w;
  const uint32_t taps = g->window.kernel_h * kernel_w;
  if (tflm_patch_is_pointwise(g)) {
    pointwise(g, weights, n_channels, channels, accumulators, result, added);
    return;
  }
  for (uint32_t cell = 0; cell < g->rows * g->cols; ++cell) {
    for (uint32_t j = 0; j < n_channels; ++j) {
      float sum = 0.0f;
      for (uint32_t tap = 0; tap < taps; ++tap) {
        const int32_t from = tflm_patch_output_cell(g, cell / g->cols, cell % g->cols,
                                                    tap / kernel_w, tap % kernel_w);
        if (from >= 0) {
          sum = add_products(sum, accumulators + (size_t)from * outputs,
                             weights + (size_t)tap * n_channels + j, taps * n_channels, outputs);
        }
      }
      put(result + (size_t)cell * g->channels + channel_of(channels, j), sum, added);
    }
  }
}
