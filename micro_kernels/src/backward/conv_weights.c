/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The gradients of a convolution's weights and biases: sums over output cells, rows first.
 *
 * Inner loops.
 */
#include "exact.h"

#include <stddef.h>

#include "pieces.h"
#include "taps.h"
#include "tflm_patch/training.h"

#define CHANNELS 4u

/* Sums over the cells of a pointwise convolution, of up to four channels. */
static void pointwise_sums(uint32_t cells, const int8_t* values, uint32_t n_channels,
                           int32_t zero_point, const float* accumulators, uint32_t step,
                           uint32_t channels, float* sums) {
  for (uint32_t cell = 0; cell < cells; ++cell) {
    const float one = *accumulators;
    for (uint32_t k = 0; k < channels; ++k) {
      sums[k] = sums[k] + one * (float)(values[k] - zero_point);
    }
    accumulators += step;
    values += n_channels;
  }
}

/* The same in registers. */
static void pointwise_sums_4(uint32_t cells, const int8_t* values, uint32_t n_channels,
                             int32_t zero_point, const float* accumulators, uint32_t step,
                             float* sums) {
  float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  for (uint32_t cell = 0; cell < cells; ++cell) {
    const float one = *accumulators;
    s0 = s0 + one * (float)(values[0] - zero_point);
    s1 = s1 + one * (float)(values[1] - zero_point);
    s2 = s2 + one * (float)(values[2] - zero_point);
    s3 = s3 + one * (float)(values[3] - zero_point);
    accumulators += step;
    values += n_channels;
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

void tflm_patch_pointwise_weights(uint32_t cells, const int8_t* values, uint32_t n_channels,
                                  const float* accumulators, uint32_t step, uint32_t output,
                                  const tflm_patch_trained_layer* layer,
                                  const tflm_patch_update* update) {
  const int32_t zero_point = layer->input_zero_point;
  for (uint32_t j = 0; j < n_channels; j += CHANNELS) {
    const uint32_t count = n_channels - j < CHANNELS ? n_channels - j : CHANNELS;
    float sums[CHANNELS] = {0.0f, 0.0f, 0.0f, 0.0f};
    if (count == CHANNELS) {
      pointwise_sums_4(cells, values + j, n_channels, zero_point, accumulators, step, sums);
    } else {
      pointwise_sums(cells, values + j, n_channels, zero_point, accumulators, step, count, sums);
    }
    for (uint32_t k = 0; k < count; ++k) {
      tflm_patch_learn_weight(layer, update, output * n_channels + j + k, output, sums[k]);
    }
  }
}

static float tap_sum(const tflm_patch_backward_geometry* g, const int8_t* values,
                     uint32_t n_channels, const float* accumulators, uint32_t tap) {
  const uint32_t kernel_w = g->window.kernel_w;
  float sum = 0.0f;
  for (uint32_t row = 0; row < g->output_rows; ++row) {
    for (uint32_t col = 0; col < g->output_cols; ++col) {
      const int32_t from = tflm_patch_input_cell(g, row, col, tap / kernel_w, tap % kernel_w);
      if (from >= 0) {
        const int32_t value = values[(uint32_t)from * n_channels] - g->input_zero_point;
        sum = sum + *accumulators * (float)value;
      }
      accumulators += g->output_channels;
    }
  }
  return sum;
}

void tflm_patch_backward_conv_weights(const tflm_patch_backward_geometry* geometry,
                                      const int8_t* values, uint32_t n_channels,
                                      const float* accumulators,
                                      const tflm_patch_trained_layer* layer,
                                      const tflm_patch_update* update) {
  const tflm_patch_backward_geometry* g = geometry;
  const uint32_t taps = g->window.kernel_h * g->window.kernel_w;
  if (tflm_patch_is_pointwise(g)) {
    for (uint32_t o = 0; o < g->output_channels; ++o) {
      tflm_patch_pointwise_weights(g->rows * g->cols, values, n_channels, accumulators + o,
                                   g->output_channels, o, layer, update);
    }
    return;
  }
  uint32_t weight = 0;
  for (uint32_t o = 0; o < g->output_channels; ++o) {
    for (uint32_t tap = 0; tap < taps; ++tap) {
      for (uint32_t j = 0; j < n_channels; ++j, ++weight) {
        const float sum = tap_sum(g, values + j, n_channels, accumulators + o, tap);
        tflm_patch_learn_weight(layer, update, weight, o, sum);
      }
    }
  }
}

void tflm_patch_bias_column(uint32_t cells, const float* accumulators, uint32_t step,
                            uint32_t output, const tflm_patch_trained_layer* layer,
                            const tflm_patch_update* update) {
  float sum = 0.0f;
  for (uint32_t cell = 0; cell < cells; ++cell) {
    sum = sum + *accumulators;
    accumulators += step;
  }
  tflm_patch_learn_bias(layer, update, output, sum);
}

void tflm_patch_backward_bias(uint32_t cells, uint32_t channels, const float* accumulators,
                              const tflm_patch_trained_layer* layer,
                              const tflm_patch_update* update) {
  for (uint32_t c = 0; c < channels; ++c) {
    tflm_patch_bias_column(cells, accumulators + c, channels, c, layer, update);
  }
}
