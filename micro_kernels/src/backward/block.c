/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gradients of an inverted bottleneck, some channels of the wide maps at a time: no gradient of
 * a wide map is ever whole. Sums have the order of the operators one by one, so have the bytes.
 *
 * Inner loops.
 */
#include "exact.h"

#include <stddef.h>

#include "pieces.h"
#include "tflm_patch/training.h"

#define GROUP TFLM_PATCH_BLOCK_CHANNELS

/* A layer of the block at work. */
typedef struct {
  const tflm_patch_block_layer* layer;
  uint32_t next; /* of the trained channels */
} progress;

/* Whether the weights of an input channel are trained; `next` is its place among them. */
static int is_trained(const progress* at, uint32_t channel) {
  const tflm_patch_block_layer* layer = at->layer;
  return layer->n_trained > 0 && at->next < layer->n_trained &&
         (layer->channels == NULL || layer->channels[at->next] == channel);
}

static void pass_clamp_4(const tflm_patch_block_layer* layer, const uint32_t* mask,
                         const tflm_patch_group_masks* masks, uint32_t cells, uint32_t first,
                         float* columns) {
  const float* scales = layer->scales + first * layer->scale_step;
  const uint32_t step = layer->scale_step;
  const float s0 = scales[0], s1 = scales[step], s2 = scales[2 * step], s3 = scales[3 * step];
  uint32_t bit = masks->first;
  for (uint32_t cell = 0; cell < cells; ++cell) {
    const uint32_t bits = mask[bit / 32] >> bit % 32;
    columns[0] = bits & 1u ? columns[0] * s0 : 0.0f;
    columns[1] = bits & 2u ? columns[1] * s1 : 0.0f;
    columns[2] = bits & 4u ? columns[2] * s2 : 0.0f;
    columns[3] = bits & 8u ? columns[3] * s3 : 0.0f;
    bit += masks->channels;
    columns += GROUP;
  }
}

/* In place: columns [cells][GROUP] where the clamp of an output lets them pass, scaled. */
static void pass_clamp(const tflm_patch_block_layer* layer, const uint32_t* mask,
                       const tflm_patch_group_masks* masks, uint32_t cells, uint32_t first,
                       uint32_t count, float* columns) {
  if (count == GROUP && masks->channels % GROUP == 0) { /* four bits of one word */
    pass_clamp_4(layer, mask, masks, cells, first, columns);
    return;
  }
  for (uint32_t cell = 0; cell < cells; ++cell) {
    for (uint32_t k = 0; k < count; ++k) {
      const uint32_t bit = cell * masks->channels + masks->first + k;
      const float scale = layer->scales[(first + k) * layer->scale_step];
      columns[k] = mask[bit / 32] >> bit % 32 & 1u ? columns[k] * scale : 0.0f;
    }
    columns += GROUP;
  }
}

/* Columns of the projection's input. */
static void project(const tflm_patch_block_args* args, progress* at, uint32_t first, uint32_t count,
                    float* columns) {
  const tflm_patch_block_layer* layer = &args->project;
  const tflm_patch_backward_geometry* g = layer->geometry;
  const uint32_t cells = g->rows * g->cols, outputs = g->output_channels;
  const tflm_patch_weights_view frozen = {layer->weights + first, g->channels, count, NULL};
  tflm_patch_pointwise_input(&frozen, args->accumulators, cells, outputs, columns, GROUP, 0);
  if (layer->channels == NULL) {
    return;
  }
  for (uint32_t k = 0; k < count; ++k) {
    if (is_trained(at, first + k)) {
      const tflm_patch_weights_view own = {layer->trained->weights + at->next, layer->n_trained, 1,
                                           NULL};
      tflm_patch_pointwise_input(&own, args->accumulators, cells, outputs, columns + k, GROUP, 0);
      ++at->next;
    }
  }
}

/* One channel of the depthwise convolution: learns, and makes the column of its input. */
static void depthwise(const tflm_patch_block_args* args, progress* at, uint32_t channel,
                      const float* from, float* column, float* to) {
  const tflm_patch_block_layer* layer = &args->depthwise;
  const tflm_patch_backward_geometry* g = layer->geometry;
  const uint32_t cells = g->output_rows * g->output_cols;
  const int learns = is_trained(at, channel);
  tflm_patch_column own = {layer->weights + channel, g->channels};
  if (learns && layer->channels != NULL) {
    own.at = layer->trained->weights + at->next;
    own.step = layer->n_trained;
  }
  for (uint32_t cell = 0; cell < cells; ++cell) {
    column[cell] = from[cell * GROUP];
  }
  if (to != NULL) {
    tflm_patch_depthwise_input(g, own, column, to, GROUP, 0);
  }
  if (layer->trains_bias) {
    tflm_patch_bias_column(cells, column, 1, channel, layer->trained, args->update);
  }
  if (learns) {
    const tflm_patch_column values = {layer->values + at->next, layer->n_trained};
    tflm_patch_depthwise_weights(g, values, column, at->next, layer->n_trained, channel,
                                 layer->trained, args->update);
    ++at->next;
  }
}

/* Adds the products of up to four output channels to the gradients of an input channel. */
static void add_outputs(uint32_t cells, const float* columns, uint32_t count, const int8_t* weights,
                        uint32_t step, float* result, uint32_t result_step) {
  const float w0 = (float)weights[0];
  if (count == GROUP) {
    const float w1 = (float)weights[step];
    const float w2 = (float)weights[2 * step];
    const float w3 = (float)weights[3 * step];
    for (uint32_t cell = 0; cell < cells; ++cell) {
      float sum = *result + w0 * columns[0];
      sum = sum + w1 * columns[1];
      sum = sum + w2 * columns[2];
      *result = sum + w3 * columns[3];
      result += result_step;
      columns += GROUP;
    }
    return;
  }
  for (uint32_t cell = 0; cell < cells; ++cell) {
    float sum = *result;
    for (uint32_t k = 0; k < count; ++k) {
      sum = sum + (float)weights[k * step] * columns[k];
    }
    *result = sum;
    result += result_step;
    columns += GROUP;
  }
}

/* The same of four output channels for two input channels, one beside the other. */
static void add_outputs_to_pair(uint32_t cells, const float* columns, const int8_t* weights,
                                uint32_t step, float* result, uint32_t result_step) {
  const float u0 = (float)weights[0], v0 = (float)weights[1];
  const float u1 = (float)weights[step], v1 = (float)weights[step + 1];
  const float u2 = (float)weights[2 * step], v2 = (float)weights[2 * step + 1];
  const float u3 = (float)weights[3 * step], v3 = (float)weights[3 * step + 1];
  for (uint32_t cell = 0; cell < cells; ++cell) {
    const float c0 = columns[0], c1 = columns[1], c2 = columns[2], c3 = columns[3];
    float s = result[0] + u0 * c0;
    float t = result[1] + v0 * c0;
    s = s + u1 * c1;
    t = t + v1 * c1;
    s = s + u2 * c2;
    t = t + v2 * c2;
    result[0] = s + u3 * c3;
    result[1] = t + v3 * c3;
    result += result_step;
    columns += GROUP;
  }
}

/* Output channels [first, first + count) of the expansion. */
static void expand(const tflm_patch_block_args* args, uint32_t first, uint32_t count,
                   const float* columns) {
  const tflm_patch_block_layer* layer = &args->expand;
  const tflm_patch_backward_geometry* g = layer->geometry;
  const uint32_t cells = g->rows * g->cols;
  if (args->result != NULL) {
    uint32_t i = 0;
    for (; count == GROUP && i + 2 <= g->channels; i += 2) {
      add_outputs_to_pair(cells, columns, layer->weights + (size_t)first * g->channels + i,
                          g->channels, args->result + i, g->channels);
    }
    for (; i < g->channels; ++i) {
      add_outputs(cells, columns, count, layer->weights + (size_t)first * g->channels + i,
                  g->channels, args->result + i, g->channels);
    }
    for (uint32_t j = 0; layer->channels != NULL && j < layer->n_trained; ++j) {
      add_outputs(cells, columns, count,
                  layer->trained->weights + (size_t)first * layer->n_trained + j, layer->n_trained,
                  args->result + layer->channels[j], g->channels);
    }
  }
  for (uint32_t k = 0; k < count; ++k) {
    if (layer->n_trained > 0) {
      tflm_patch_pointwise_weights(cells, layer->values, layer->n_trained, columns + k, GROUP,
                                   first + k, layer->trained, args->update);
    }
    if (layer->trains_bias) {
      tflm_patch_bias_column(cells, columns + k, GROUP, first + k, layer->trained, args->update);
    }
  }
}

void tflm_patch_backward_block(const tflm_patch_block_args* args) {
  const tflm_patch_backward_geometry* narrow = args->depthwise.geometry;
  const uint32_t channels = narrow->channels;
  const uint32_t outputs = narrow->output_rows * narrow->output_cols;
  const uint32_t inputs = narrow->rows * narrow->cols;
  float* of_output = args->scratch;
  float* of_input = of_output + (size_t)outputs * GROUP;
  float* column = of_input + (size_t)inputs * GROUP;
  const int expands = args->expand.geometry != NULL;
  progress projected = {&args->project, 0}, filtered = {&args->depthwise, 0};
  if (args->result != NULL && !args->added) {
    const uint32_t n = inputs * args->expand.geometry->channels;
    for (uint32_t i = 0; i < n; ++i) {
      args->result[i] = 0.0f;
    }
  }
  for (uint32_t first = 0; first < channels; first += GROUP) {
    const uint32_t count = channels - first < GROUP ? channels - first : GROUP;
    const tflm_patch_group_masks masks =
        tflm_patch_masks_of(&args->expand, &args->depthwise, args->forward, first, count);
    project(args, &projected, first, count, of_output);
    pass_clamp(&args->depthwise, masks.depthwise, &masks, outputs, first, count, of_output);
    for (uint32_t k = 0; k < count; ++k) {
      depthwise(args, &filtered, first + k, of_output + k, column, expands ? of_input + k : NULL);
    }
    if (expands) {
      pass_clamp(&args->expand, masks.expand, &masks, inputs, first, count, of_input);
      expand(args, first, count, of_input);
    }
  }
}
