/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gradients of a depthwise convolution, channel by channel.
 *
 * Inner loops.
 */
#include "exact.h"

#include <stddef.h>

#include "pieces.h"
#include "taps.h"
#include "tflm_patch/training.h"

/* The first and the last tap, of a window of stride 1, at which an output reads an input. */
static int32_t first_tap(int32_t input, int32_t pad, uint32_t outputs) {
  const int32_t tap = input + pad - (int32_t)outputs + 1;
  return tap < 0 ? 0 : tap;
}

static int32_t last_tap(int32_t input, int32_t pad, uint32_t kernel) {
  return input + pad < (int32_t)kernel ? input + pad : (int32_t)kernel - 1;
}

/* Without a question at every tap. */
static void unit_stride_input(const tflm_patch_backward_geometry* g, tflm_patch_column weights,
                              const float* accumulators, float* result, uint32_t result_step,
                              uint32_t added) {
  const tflm_patch_window* w = &g->window;
  const uint32_t step = weights.step;
  for (int32_t row = 0; row < (int32_t)g->rows; ++row) {
    const int32_t top = first_tap(row, w->pad_top, g->output_rows);
    const int32_t bottom = last_tap(row, w->pad_top, w->kernel_h);
    for (int32_t col = 0; col < (int32_t)g->cols; ++col) {
      const int32_t left = first_tap(col, w->pad_left, g->output_cols);
      const int32_t taps = last_tap(col, w->pad_left, w->kernel_w) - left + 1;
      float sum = added ? *result : 0.0f;
      for (int32_t r = top; r <= bottom; ++r) {
        const int8_t* weight = weights.at + (uint32_t)(r * w->kernel_w + left) * step;
        const float* from = accumulators + (row + w->pad_top - r) * (int32_t)g->output_cols +
                            (col + w->pad_left - left);
        for (int32_t i = 0; i < taps; ++i) {
          sum = sum + (float)*weight * *from--;
          weight += step;
        }
      }
      *result = sum;
      result += result_step;
    }
  }
}

void tflm_patch_depthwise_input(const tflm_patch_backward_geometry* geometry,
                                tflm_patch_column weights, const float* accumulators, float* result,
                                uint32_t result_step, uint32_t added) {
  const tflm_patch_backward_geometry* g = geometry;
  const tflm_patch_window* w = &g->window;
  if (w->stride_h == 1 && w->stride_w == 1 && w->dilation_h == 1 && w->dilation_w == 1) {
    unit_stride_input(g, weights, accumulators, result, result_step, added);
    return;
  }
  for (uint32_t row = 0; row < g->rows; ++row) {
    for (uint32_t col = 0; col < g->cols; ++col) {
      const int8_t* weight = weights.at;
      float sum = added ? *result : 0.0f;
      for (uint32_t r = 0; r < w->kernel_h; ++r) {
        const int32_t from =
            tflm_patch_output_of(row, r, w->dilation_h, w->pad_top, w->stride_h, g->output_rows);
        if (from < 0) {
          weight += w->kernel_w * weights.step;
          continue;
        }
        const float* line = accumulators + (uint32_t)from * g->output_cols;
        for (uint32_t c = 0; c < w->kernel_w; ++c) {
          const int32_t at =
              tflm_patch_output_of(col, c, w->dilation_w, w->pad_left, w->stride_w, g->output_cols);
          if (at >= 0) {
            sum = sum + (float)*weight * line[at];
          }
          weight += weights.step;
        }
      }
      *result = sum;
      result += result_step;
    }
  }
}

static float tap_sum(const tflm_patch_backward_geometry* g, tflm_patch_column values,
                     const float* accumulators, uint32_t tap_row, uint32_t tap_col) {
  const tflm_patch_tap_range rows = tflm_patch_rows_of(g, tap_row);
  const tflm_patch_tap_range cols = tflm_patch_cols_of(g, tap_col);
  const uint32_t step = g->window.stride_w * values.step;
  float sum = 0.0f;
  for (uint32_t i = 0; i < rows.count; ++i) {
    const float* one = accumulators + (rows.first + i) * g->output_cols + cols.first;
    const int8_t* value = tflm_patch_read_at(g, values.at, values.step, &rows, &cols, i);
    for (uint32_t k = 0; k < cols.count; ++k) {
      sum = sum + *one++ * (float)(*value - g->input_zero_point);
      value += step;
    }
  }
  return sum;
}

void tflm_patch_depthwise_weights(const tflm_patch_backward_geometry* geometry,
                                  tflm_patch_column values, const float* accumulators,
                                  uint32_t number, uint32_t n_trained, uint32_t channel,
                                  const tflm_patch_trained_layer* layer,
                                  const tflm_patch_update* update) {
  const tflm_patch_backward_geometry* g = geometry;
  uint32_t weight = number;
  for (uint32_t r = 0; r < g->window.kernel_h; ++r) {
    for (uint32_t c = 0; c < g->window.kernel_w; ++c) {
      const float sum = tap_sum(g, values, accumulators, r, c);
      tflm_patch_learn_weights(layer, update, weight, channel, &sum, 1);
      weight += n_trained;
    }
  }
}

void tflm_patch_backward_depthwise(const tflm_patch_backward_geometry* geometry,
                                   const int8_t* weights, const int8_t* values,
                                   const uint16_t* trained, uint32_t n_trained,
                                   const float* accumulators, float* result, uint32_t added,
                                   float* scratch, const tflm_patch_trained_layer* layer,
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
      tflm_patch_depthwise_input(geometry, own, scratch, result + channel, channels, added);
    }
    if (learns) {
      const tflm_patch_column input = {values + next, n_trained};
      tflm_patch_depthwise_weights(geometry, input, scratch, next, n_trained, channel, layer,
                                   update);
      ++next;
    }
  }
}
