/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gradients of a depthwise convolution in integers, channel by channel.
 *
 * Inner loops.
 */
#include <stddef.h>

#include "../taps.h"
#include "pieces.h"
#include "shifts.h"

void tflm_patch_integer_depthwise_input(const tflm_patch_backward_geometry* geometry,
                                        tflm_patch_column weights, const int32_t* accumulators,
                                        int32_t* result, uint32_t result_step,
                                        const tflm_patch_integer_sum* sum) {
  const tflm_patch_backward_geometry* g = geometry;
  const tflm_patch_window* w = &g->window;
  for (uint32_t row = 0; row < g->rows; ++row) {
    for (uint32_t col = 0; col < g->cols; ++col) {
      const int8_t* weight = weights.at;
      int32_t made = 0;
      for (uint32_t r = 0; r < w->kernel_h; ++r) {
        const int32_t from =
            tflm_patch_output_of(row, r, w->dilation_h, w->pad_top, w->stride_h, g->output_rows);
        if (from < 0) {
          weight += w->kernel_w * weights.step;
          continue;
        }
        const int32_t* line = accumulators + (uint32_t)from * g->output_cols;
        for (uint32_t c = 0; c < w->kernel_w; ++c) {
          const int32_t at =
              tflm_patch_output_of(col, c, w->dilation_w, w->pad_left, w->stride_w, g->output_cols);
          made += at >= 0 ? *weight * line[at] : 0;
          weight += weights.step;
        }
      }
      *result = tflm_patch_joined(*result, made, sum);
      result += result_step;
    }
  }
}

static int32_t tap_sum(const tflm_patch_backward_geometry* g, tflm_patch_column values,
                       const int32_t* accumulators, uint32_t tap_row, uint32_t tap_col) {
  const tflm_patch_tap_range rows = tflm_patch_rows_of(g, tap_row);
  const tflm_patch_tap_range cols = tflm_patch_cols_of(g, tap_col);
  const uint32_t step = g->window.stride_w * values.step;
  int32_t sum = 0;
  for (uint32_t i = 0; i < rows.count; ++i) {
    const int32_t* one = accumulators + (rows.first + i) * g->output_cols + cols.first;
    const int8_t* value = tflm_patch_read_at(g, values.at, values.step, &rows, &cols, i);
    for (uint32_t k = 0; k < cols.count; ++k) {
      sum += *one++ * (*value - g->input_zero_point);
      value += step;
    }
  }
  return sum;
}

void tflm_patch_integer_depthwise_weights(const tflm_patch_backward_geometry* geometry,
                                          tflm_patch_column values, const int32_t* accumulators,
                                          int32_t exponent, uint32_t number, uint32_t n_trained,
                                          uint32_t channel, const tflm_patch_trained_layer* layer,
                                          const tflm_patch_update* update) {
  const tflm_patch_integer_factor factor = tflm_patch_integer_factor_of(
      layer->weight_inverses[channel * layer->inverse_step], update->rate, exponent);
  uint32_t weight = number;
  for (uint32_t r = 0; r < geometry->window.kernel_h; ++r) {
    for (uint32_t c = 0; c < geometry->window.kernel_w; ++c) {
      const int32_t sum = tap_sum(geometry, values, accumulators, r, c);
      tflm_patch_integer_learn_weight(layer, update, &factor, weight, channel, sum);
      weight += n_trained;
    }
  }
}

void tflm_patch_integer_depthwise(const tflm_patch_backward_geometry* geometry,
                                  const int8_t* weights, const int8_t* values,
                                  const uint16_t* trained, uint32_t n_trained,
                                  const int32_t* accumulators, int32_t exponent, int32_t* result,
                                  const tflm_patch_integer_sum* sum, int32_t* scratch,
                                  const tflm_patch_trained_layer* layer,
                                  const tflm_patch_update* update) {
  const uint32_t channels = geometry->channels;
  const uint32_t cells = geometry->output_rows * geometry->output_cols;
  uint32_t next = 0; /* of the trained channels */
  for (uint32_t channel = 0; channel < channels; ++channel) {
    tflm_patch_column own;
    const int learns = tflm_patch_learning_channel(weights, channels, trained, n_trained, channel,
                                                   next, layer, &own);
    for (uint32_t cell = 0; cell < cells; ++cell) {
      scratch[cell] = accumulators[(size_t)cell * channels + channel];
    }
    if (result != NULL) {
      tflm_patch_integer_depthwise_input(geometry, own, scratch, result + channel, channels, sum);
    }
    if (learns) {
      const tflm_patch_column input = {values + next, n_trained};
      tflm_patch_integer_depthwise_weights(geometry, input, scratch, exponent, next, n_trained,
                                           channel, layer, update);
      ++next;
    }
  }
}
