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

#include "pieces.h"
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

/* Two channels of four cells: every weight and gradient is read once for several products. */
static void pointwise_4x2(const float* accumulators, uint32_t outputs, const int8_t* weights,
                          uint32_t step, float* first, float* second, uint32_t result_step,
                          uint32_t added) {
  float s00 = 0, s01 = 0, s10 = 0, s11 = 0, s20 = 0, s21 = 0, s30 = 0, s31 = 0;
  const float* g0 = accumulators;
  const float* g1 = g0 + outputs;
  const float* g2 = g1 + outputs;
  const float* g3 = g2 + outputs;
  if (added) {
    s00 = first[0], s10 = first[result_step];
    s20 = first[2 * result_step], s30 = first[3 * result_step];
    s01 = second[0], s11 = second[result_step];
    s21 = second[2 * result_step], s31 = second[3 * result_step];
  }
  for (uint32_t o = 0; o < outputs; ++o) {
    const float w0 = (float)weights[0];
    const float w1 = (float)weights[1];
    weights += step;
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
  first[0] = s00, first[result_step] = s10;
  first[2 * result_step] = s20, first[3 * result_step] = s30;
  second[0] = s01, second[result_step] = s11;
  second[2 * result_step] = s21, second[3 * result_step] = s31;
}

void tflm_patch_pointwise_input(const tflm_patch_weights_view* weights, const float* accumulators,
                                uint32_t cells, uint32_t outputs, float* result,
                                uint32_t result_step, uint32_t added) {
  uint32_t cell = 0;
  while (cell < cells) {
    const uint32_t count = cells - cell < 4 ? cells - cell : 4;
    uint32_t j = 0;
    for (; count == 4 && j + 2 <= weights->n_channels; j += 2) {
      pointwise_4x2(accumulators, outputs, weights->at + j, weights->step,
                    result + tflm_patch_channel_of(weights, j),
                    result + tflm_patch_channel_of(weights, j + 1), result_step, added);
    }
    for (; j < weights->n_channels; ++j) {
      float* to = result + tflm_patch_channel_of(weights, j);
      for (uint32_t p = 0; p < count; ++p) {
        *to = add_products(added ? *to : 0.0f, accumulators + (size_t)p * outputs, weights->at + j,
                           weights->step, outputs);
        to += result_step;
      }
    }
    cell += count;
    accumulators += (size_t)count * outputs;
    result += (size_t)count * result_step;
  }
}

void tflm_patch_backward_conv_input(const tflm_patch_backward_geometry* geometry,
                                    const int8_t* weights, uint32_t n_channels,
                                    const uint16_t* channels, const float* accumulators,
                                    float* result, uint32_t added) {
  const tflm_patch_backward_geometry* g = geometry;
  const uint32_t outputs = g->output_channels, kernel_w = g->window.kernel_w;
  const uint32_t taps = g->window.kernel_h * kernel_w;
  const tflm_patch_weights_view view = {weights, taps * n_channels, n_channels, channels};
  if (tflm_patch_is_pointwise(g)) {
    tflm_patch_pointwise_input(&view, accumulators, g->rows * g->cols, outputs, result, g->channels,
                               added);
    return;
  }
  for (uint32_t cell = 0; cell < g->rows * g->cols; ++cell) {
    for (uint32_t j = 0; j < n_channels; ++j) {
      float* to = result + (size_t)cell * g->channels + tflm_patch_channel_of(&view, j);
      float sum = added ? *to : 0.0f;
      for (uint32_t tap = 0; tap < taps; ++tap) {
        const int32_t from = tflm_patch_output_cell(g, cell / g->cols, cell % g->cols,
                                                    tap / kernel_w, tap % kernel_w);
        if (from >= 0) {
          sum = add_products(sum, accumulators + (size_t)from * outputs,
                             weights + (size_t)tap * n_channels + j, view.step, outputs);
        }
      }
      *to = sum;
    }
  }
}
