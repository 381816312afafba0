/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The gradients of a convolution's weights and biases in integers.
 *
 * Inner loops.
 */
#include <stddef.h>

#include "../taps.h"
#include "pieces.h"
#include "shifts.h"

#define CHANNELS 4u

/* Adds up over cells; the values of the next one are `value_step` on. */
static void add_cells_4(uint32_t cells, const int8_t* values, uint32_t value_step,
                        int32_t zero_point, const int32_t* accumulators, uint32_t step,
                        int32_t* sums) {
  int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  for (uint32_t cell = 0; cell < cells; ++cell) {
    const int32_t one = *accumulators;
    s0 += one * (values[0] - zero_point);
    s1 += one * (values[1] - zero_point);
    s2 += one * (values[2] - zero_point);
    s3 += one * (values[3] - zero_point);
    accumulators += step;
    values += value_step;
  }
  sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
}

static void add_cells(uint32_t cells, const int8_t* values, uint32_t value_step, int32_t zero_point,
                      const int32_t* accumulators, uint32_t step, uint32_t channels,
                      int32_t* sums) {
  for (uint32_t cell = 0; cell < cells; ++cell) {
    for (uint32_t k = 0; k < channels; ++k) {
      sums[k] += *accumulators * (values[k] - zero_point);
    }
    accumulators += step;
    values += value_step;
  }
}

/* Sums of up to four channels at a tap. */
static void tap_sums(const tflm_patch_backward_geometry* g, const int8_t* values,
                     uint32_t n_channels, const int32_t* accumulators, uint32_t step, uint32_t tap,
                     uint32_t channels, int32_t* sums) {
  const tflm_patch_window* w = &g->window;
  const tflm_patch_tap_range rows = tflm_patch_rows_of(g, tap / w->kernel_w);
  const tflm_patch_tap_range cols = tflm_patch_cols_of(g, tap % w->kernel_w);
  const uint32_t value_step = w->stride_w * n_channels;
  for (uint32_t i = 0; i < rows.count; ++i) {
    const int32_t* one =
        accumulators + ((size_t)(rows.first + i) * g->output_cols + cols.first) * step;
    const int8_t* from =
        values + ((size_t)(rows.input + i * w->stride_h) * g->cols + cols.input) * n_channels;
    if (channels == CHANNELS) {
      add_cells_4(cols.count, from, value_step, g->input_zero_point, one, step, sums);
    } else {
      add_cells(cols.count, from, value_step, g->input_zero_point, one, step, channels, sums);
    }
  }
}

void tflm_patch_integer_weights_of(const tflm_patch_backward_geometry* geometry,
                                   const int8_t* values, uint32_t n_channels,
                                   const int32_t* accumulators, uint32_t step, int32_t exponent,
                                   uint32_t output, const tflm_patch_trained_layer* layer,
                                   const tflm_patch_update* update) {
  const uint32_t taps = geometry->window.kernel_h * geometry->window.kernel_w;
  const tflm_patch_integer_factor factor = tflm_patch_integer_factor_of(
      layer->weight_inverses[output * layer->inverse_step], update->rate, exponent);
  uint32_t weight = output * taps * n_channels;
  for (uint32_t tap = 0; tap < taps; ++tap) {
    for (uint32_t j = 0; j < n_channels; j += CHANNELS) {
      const uint32_t count = n_channels - j < CHANNELS ? n_channels - j : CHANNELS;
      int32_t sums[CHANNELS] = {0, 0, 0, 0};
      tap_sums(geometry, values + j, n_channels, accumulators, step, tap, count, sums);
      for (uint32_t k = 0; k < count; ++k, ++weight) {
        tflm_patch_integer_learn_weight(layer, update, &factor, weight, output, sums[k]);
      }
    }
  }
}

void tflm_patch_integer_conv_weights(const tflm_patch_backward_geometry* geometry,
                                     const int8_t* values, uint32_t n_channels,
                                     const int32_t* accumulators, int32_t exponent,
                                     const tflm_patch_trained_layer* layer,
                                     const tflm_patch_update* update) {
  for (uint32_t o = 0; o < geometry->output_channels; ++o) {
    tflm_patch_integer_weights_of(geometry, values, n_channels, accumulators + o,
                                  geometry->output_channels, exponent, o, layer, update);
  }
}

void tflm_patch_integer_bias_column(uint32_t cells, const int32_t* accumulators, uint32_t step,
                                    int32_t exponent, uint32_t output,
                                    const tflm_patch_trained_layer* layer,
                                    const tflm_patch_update* update) {
  int32_t sum = 0;
  for (uint32_t cell = 0; cell < cells; ++cell) {
    sum += accumulators[(size_t)cell * step];
  }
  tflm_patch_integer_learn_bias(layer, update, output, sum, exponent);
}

void tflm_patch_integer_bias(uint32_t cells, uint32_t channels, const int32_t* accumulators,
                             int32_t exponent, const tflm_patch_trained_layer* layer,
                             const tflm_patch_update* update) {
  for (uint32_t c = 0; c < channels; ++c) {
    tflm_patch_integer_bias_column(cells, accumulators + c, channels, exponent, c, layer, update);
  }
}
