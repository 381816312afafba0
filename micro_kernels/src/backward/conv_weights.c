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

/* Adds up over cells, of up to four channels; the values of the next cell are `value_step` on. */
static void add_cells(uint32_t cells, const int8_t* values, uint32_t value_step, int32_t zero_point,
                      const float* accumulators, uint32_t step, uint32_t channels, float* sums) {
  for (uint32_t cell = 0; cell < cells; ++cell) {
    const float one = *accumulators;
    for (uint32_t k = 0; k < channels; ++k) {
      sums[k] = sums[k] + one * (float)(values[k] - zero_point);
    }
    accumulators += step;
    values += value_step;
  }
}

/* The same in registers. */
static void add_cells_4(uint32_t cells, const int8_t* values, uint32_t value_step,
                        int32_t zero_point, const float* accumulators, uint32_t step, float* sums) {
  float s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  for (uint32_t cell = 0; cell < cells; ++cell) {
    const float one = *accumulators;
    s0 = s0 + one * (float)(values[0] - zero_point);
    s1 = s1 + one * (float)(values[1] - zero_point);
    s2 = s2 + one * (float)(values[2] - zero_point);
    s3 = s3 + one * (float)(values[3] - zero_point);
    accumulators += step;
    values += value_step;
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
      add_cells_4(cells, values + j, n_channels, zero_point, accumulators, step, sums);
    } else {
      add_cells(cells, values + j, n_channels, zero_point, accumulators, step, count, sums);
    }
    tflm_patch_learn_weights(layer, update, output * n_channels + j, output, sums, count);
  }
}

/* Sums of up to four channels at a tap. */
static void tap_sums(const tflm_patch_backward_geometry* g, const int8_t* values,
                     uint32_t n_channels, const float* accumulators, uint32_t tap,
                     uint32_t channels, float* sums) {
  const tflm_patch_window* w = &g->window;
  const tflm_patch_tap_range rows = tflm_patch_rows_of(g, tap / w->kernel_w);
  const tflm_patch_tap_range cols = tflm_patch_cols_of(g, tap % w->kernel_w);
  const uint32_t value_step = w->stride_w * n_channels;
  for (uint32_t k = 0; k < CHANNELS; ++k) {
    sums[k] = 0.0f;
  }
  for (uint32_t i = 0; i < rows.count; ++i) {
    const float* one = accumulators + ((size_t)(rows.first + i) * g->output_cols + cols.first) *
                                          g->output_channels;
    const int8_t* from =
        values + ((size_t)(rows.input + i * w->stride_h) * g->cols + cols.input) * n_channels;
    if (channels == CHANNELS) {
      add_cells_4(cols.count, from, value_step, g->input_zero_point, one, g->output_channels, sums);
    } else {
      add_cells(cols.count, from, value_step, g->input_zero_point, one, g->output_channels,
                channels, sums);
    }
  }
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
      for (uint32_t j = 0; j < n_channels; j += CHANNELS) {
        const uint32_t count = n_channels - j < CHANNELS ? n_channels - j : CHANNELS;
        float sums[CHANNELS];
        tap_sums(g, values + j, n_channels, accumulators + o, tap, count, sums);
        tflm_patch_learn_weights(layer, update, weight, o, sums, count);
        weight += count;
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
