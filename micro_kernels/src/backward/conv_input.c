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

/* Sums of two channels of four cells; [cell][channel]. */
typedef struct {
  float s[8];
} tile;

/* Every weight and gradient is read once for several products. */
static inline tile add_4x2(tile t, const float* g0, const float* g1, const float* g2,
                           const float* g3, uint32_t outputs, const int8_t* weights,
                           uint32_t step) {
  for (uint32_t o = 0; o < outputs; ++o) {
    const float w0 = (float)weights[0];
    const float w1 = (float)weights[1];
    weights += step;
    const float a0 = *g0++, a1 = *g1++, a2 = *g2++, a3 = *g3++;
    t.s[0] = t.s[0] + w0 * a0;
    t.s[1] = t.s[1] + w1 * a0;
    t.s[2] = t.s[2] + w0 * a1;
    t.s[3] = t.s[3] + w1 * a1;
    t.s[4] = t.s[4] + w0 * a2;
    t.s[5] = t.s[5] + w1 * a2;
    t.s[6] = t.s[6] + w0 * a3;
    t.s[7] = t.s[7] + w1 * a3;
  }
  return t;
}

static void pointwise_4x2(const float* accumulators, uint32_t outputs, const int8_t* weights,
                          uint32_t step, float* first, float* second, uint32_t result_step,
                          uint32_t added) {
  tile t = {{0, 0, 0, 0, 0, 0, 0, 0}};
  if (added) {
    t.s[0] = first[0], t.s[2] = first[result_step];
    t.s[4] = first[2 * result_step], t.s[6] = first[3 * result_step];
    t.s[1] = second[0], t.s[3] = second[result_step];
    t.s[5] = second[2 * result_step], t.s[7] = second[3 * result_step];
  }
  const float* next = accumulators + outputs;
  t = add_4x2(t, accumulators, next, next + outputs, next + 2 * outputs, outputs, weights, step);
  first[0] = t.s[0], first[result_step] = t.s[2];
  first[2 * result_step] = t.s[4], first[3 * result_step] = t.s[6];
  second[0] = t.s[1], second[result_step] = t.s[3];
  second[2 * result_step] = t.s[5], second[3 * result_step] = t.s[7];
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

/* Four cells of a row, `stride` columns apart, so that they have taps in common. */
typedef struct {
  uint32_t row, col, count;
} cells;

/* Adds, tap by tap, to `channels` (one or two) channels of some cells. */
static void add_taps(const tflm_patch_backward_geometry* g, const tflm_patch_weights_view* view,
                     const float* accumulators, const cells* at, uint32_t j, uint32_t channels,
                     tile* sums) {
  const tflm_patch_window* w = &g->window;
  const uint32_t outputs = g->output_channels;
  for (uint32_t r = 0; r < w->kernel_h; ++r) {
    const int32_t line =
        tflm_patch_output_of(at->row, r, w->dilation_h, w->pad_top, w->stride_h, g->output_rows);
    if (line < 0) {
      continue;
    }
    const float* gradients = accumulators + (size_t)line * g->output_cols * outputs;
    for (uint32_t c = 0; c < w->kernel_w; ++c) {
      const int8_t* weights = view->at + (size_t)(r * w->kernel_w + c) * view->n_channels + j;
      const float* from[4] = {NULL, NULL, NULL, NULL};
      uint32_t met = 0;
      for (uint32_t p = 0; p < at->count; ++p) {
        const int32_t col = tflm_patch_output_of(at->col + p * w->stride_w, c, w->dilation_w,
                                                 w->pad_left, w->stride_w, g->output_cols);
        if (col >= 0) {
          from[p] = gradients + (size_t)col * outputs;
          ++met;
        }
      }
      if (met == 4 && channels == 2) {
        *sums = add_4x2(*sums, from[0], from[1], from[2], from[3], outputs, weights, view->step);
        continue;
      }
      for (uint32_t p = 0; p < at->count && met > 0; ++p) {
        for (uint32_t k = 0; k < channels && from[p] != NULL; ++k) {
          float* sum = &sums->s[2 * p + k];
          *sum = add_products(*sum, from[p], weights + k, view->step, outputs);
        }
      }
    }
  }
}

/* One or two channels of a row of the input, from channel j on. */
static void wide_row(const tflm_patch_backward_geometry* g, const tflm_patch_weights_view* view,
                     const float* accumulators, uint32_t row, uint32_t j, float* result,
                     uint32_t added) {
  const uint32_t stride = g->window.stride_w;
  const uint32_t channels = view->n_channels - j < 2 ? 1 : 2;
  for (uint32_t phase = 0; phase < stride; ++phase) {
    for (uint32_t col = phase; col < g->cols; col += 4 * stride) {
      const uint32_t left = (g->cols - col + stride - 1) / stride;
      const cells at = {row, col, left < 4 ? left : 4};
      tile sums = {{0, 0, 0, 0, 0, 0, 0, 0}};
      for (uint32_t i = 0; i < 2 * at.count; ++i) {
        if (added && i % 2 < channels) {
          const float* from = result + (size_t)(col + i / 2 * stride) * g->channels;
          sums.s[i] = from[tflm_patch_channel_of(view, j + i % 2)];
        }
      }
      add_taps(g, view, accumulators, &at, j, channels, &sums);
      for (uint32_t i = 0; i < 2 * at.count; ++i) {
        if (i % 2 < channels) {
          float* to = result + (size_t)(col + i / 2 * stride) * g->channels;
          to[tflm_patch_channel_of(view, j + i % 2)] = sums.s[i];
        }
      }
    }
  }
}

void tflm_patch_backward_conv_input(const tflm_patch_backward_geometry* geometry,
                                    const int8_t* weights, uint32_t n_channels,
                                    const uint16_t* channels, const float* accumulators,
                                    float* result, uint32_t added) {
  const tflm_patch_backward_geometry* g = geometry;
  const uint32_t outputs = g->output_channels;
  const uint32_t taps = g->window.kernel_h * g->window.kernel_w;
  const tflm_patch_weights_view view = {weights, taps * n_channels, n_channels, channels};
  if (tflm_patch_is_pointwise(g)) {
    tflm_patch_pointwise_input(&view, accumulators, g->rows * g->cols, outputs, result, g->channels,
                               added);
    return;
  }
  for (uint32_t row = 0; row < g->rows; ++row) {
    for (uint32_t j = 0; j < n_channels; j += 2) {
      wide_row(g, &view, accumulators, row, j, result + (size_t)row * g->cols * g->channels, added);
    }
  }
}
