/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Integer gradients of an inverted bottleneck, some channels of the wide maps at a time. Every
 * group of channels has its own exponents; what comes to the block's input has the greatest of
 * all groups so far, and is shifted when a greater one comes.
 *
 * Inner loops.
 */
#include <stddef.h>

#include "pieces.h"
#include "shifts.h"

#define GROUP TFLM_PATCH_BLOCK_CHANNELS

/* A group of channels at work. */
typedef struct {
  uint32_t first, count;
  uint32_t projected; /* trained channels of the projection before it */
  uint32_t filtered;  /* and of the depthwise convolution */
  tflm_patch_group_masks masks;
} group;

static int is_trained(const tflm_patch_block_layer* layer, uint32_t next, uint32_t channel) {
  return next < layer->n_trained && (layer->channels == NULL || layer->channels[next] == channel);
}

/* In place: columns [cells][GROUP] where the clamp of an output lets them pass, scaled, and
 * shifted to be below 2^bits. Returns their exponent. */
static int32_t pass_clamp(const tflm_patch_block_layer* layer,
                          const tflm_patch_integer_scales* scales, const uint32_t* mask,
                          uint32_t cells, const group* at, int32_t exponent, int32_t* columns) {
  uint32_t seen = 0;
  int32_t* value = columns;
  for (uint32_t cell = 0; cell < cells; ++cell) {
    for (uint32_t k = 0; k < GROUP; ++k, ++value) {
      const uint32_t bit = cell * at->masks.channels + at->masks.first + k;
      const int passes = k < at->count && (mask[bit / 32] >> bit % 32 & 1u);
      *value = passes ? tflm_patch_scaled(*value,
                                          scales->multipliers[(at->first + k) * layer->scale_step])
                      : 0;
      seen |= tflm_patch_magnitude(*value);
    }
  }
  const int32_t excess = tflm_patch_excess(seen, scales->bits);
  tflm_patch_shift_all(columns, cells * GROUP, excess);
  return exponent + scales->scale_exponent + excess;
}

static int32_t product_sum(const int32_t* accumulators, const int8_t* weights, uint32_t step,
                           uint32_t outputs) {
  int32_t sum = 0;
  for (uint32_t o = 0; o < outputs; ++o) {
    sum += *weights * accumulators[o];
    weights += step;
  }
  return sum;
}

/* Four channels beside each other, of all cells: every gradient is read once for them. */
static void project_4(const int32_t* accumulators, const int8_t* weights, uint32_t step,
                      uint32_t cells, uint32_t outputs, int32_t* columns) {
  for (uint32_t cell = 0; cell < cells; ++cell) {
    const int8_t* w = weights;
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (uint32_t o = 0; o < outputs; ++o) {
      const int32_t one = *accumulators++;
      s0 += w[0] * one;
      s1 += w[1] * one;
      s2 += w[2] * one;
      s3 += w[3] * one;
      w += step;
    }
    columns[0] = s0, columns[1] = s1, columns[2] = s2, columns[3] = s3;
    columns += GROUP;
  }
}

/* Columns of the projection's input. */
static void project(const tflm_patch_integer_block_args* args, group* at, int32_t* columns) {
  const tflm_patch_block_layer* layer = &args->project;
  const tflm_patch_backward_geometry* g = layer->geometry;
  const uint32_t cells = g->rows * g->cols, outputs = g->output_channels;
  if (at->count == GROUP) { /* weights that lie apart are 0 here */
    project_4(args->accumulators, layer->weights + at->first, g->channels, cells, outputs, columns);
  }
  for (uint32_t k = 0; k < at->count; ++k) {
    const int8_t* weights = layer->weights + at->first + k;
    uint32_t step = g->channels;
    if (layer->channels != NULL && is_trained(layer, at->projected, at->first + k)) {
      weights = layer->trained->weights + at->projected++;
      step = layer->n_trained;
    } else if (at->count == GROUP) {
      continue;
    }
    for (uint32_t cell = 0; cell < cells; ++cell) {
      columns[cell * GROUP + k] =
          product_sum(args->accumulators + (size_t)cell * outputs, weights, step, outputs);
    }
  }
}

/* A channel of the depthwise convolution: learns, and makes the column of its input. */
static void depthwise(const tflm_patch_integer_block_args* args, group* at, uint32_t channel,
                      int32_t exponent, const int32_t* column, int32_t* to) {
  static const tflm_patch_integer_sum kFirst = {0, 0, 0};
  const tflm_patch_block_layer* layer = &args->depthwise;
  const tflm_patch_backward_geometry* g = layer->geometry;
  const int learns = is_trained(layer, at->filtered, channel);
  tflm_patch_column own = {layer->weights + channel, g->channels};
  if (learns && layer->channels != NULL) {
    own.at = layer->trained->weights + at->filtered;
    own.step = layer->n_trained;
  }
  if (to != NULL) {
    tflm_patch_integer_depthwise_input(g, own, column, to, GROUP, &kFirst);
  }
  if (layer->trains_bias) {
    tflm_patch_integer_bias_column(g->output_rows * g->output_cols, column, 1, exponent, channel,
                                   layer->trained, args->update);
  }
  if (learns) {
    const tflm_patch_column values = {layer->values + at->filtered, layer->n_trained};
    tflm_patch_integer_depthwise_weights(g, values, column, exponent, at->filtered,
                                         layer->n_trained, channel, layer->trained, args->update);
    ++at->filtered;
  }
}

/* Adds the products of a group, whose columns are 0 behind its channels, to the gradients of an
 * input channel. */
static void add_outputs(uint32_t cells, const int32_t* columns, uint32_t count,
                        const int8_t* weights, uint32_t step, uint32_t shift, int32_t* result,
                        uint32_t result_step) {
  int32_t w[GROUP] = {0, 0, 0, 0};
  for (uint32_t k = 0; k < count; ++k) {
    w[k] = weights[k * step];
  }
  const int32_t w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
  for (uint32_t cell = 0; cell < cells; ++cell) {
    const int32_t sum = w0 * columns[0] + w1 * columns[1] + w2 * columns[2] + w3 * columns[3];
    *result += shift == 0 ? sum : tflm_patch_shifted(sum, shift);
    result += result_step;
    columns += GROUP;
  }
}

/* By how much products of an exponent are shifted; what is there is shifted to a greater one. */
static uint32_t joined_shift(const tflm_patch_integer_block_args* args, uint32_t values,
                             int32_t exponent, int* is_begun) {
  const int32_t before = *args->result_exponent;
  if (*is_begun && exponent <= before) {
    return (uint32_t)(before - exponent);
  }
  if (*is_begun) {
    tflm_patch_shift_all(args->result, values, exponent - before);
  }
  *args->result_exponent = exponent;
  *is_begun = 1;
  return 0;
}

/* The channels of the group as outputs of the expansion. */
static void expand(const tflm_patch_integer_block_args* args, const group* at, int32_t exponent,
                   const int32_t* columns, int* is_begun) {
  const tflm_patch_block_layer* layer = &args->expand;
  const tflm_patch_backward_geometry* g = layer->geometry;
  const uint32_t cells = g->rows * g->cols;
  if (args->result != NULL) {
    const uint32_t shift = joined_shift(args, cells * g->channels, exponent, is_begun);
    for (uint32_t i = 0; i < g->channels; ++i) {
      add_outputs(cells, columns, at->count, layer->weights + (size_t)at->first * g->channels + i,
                  g->channels, shift, args->result + i, g->channels);
    }
    for (uint32_t j = 0; layer->channels != NULL && j < layer->n_trained; ++j) {
      add_outputs(cells, columns, at->count,
                  layer->trained->weights + (size_t)at->first * layer->n_trained + j,
                  layer->n_trained, shift, args->result + layer->channels[j], g->channels);
    }
  }
  for (uint32_t k = 0; k < at->count; ++k) {
    if (layer->n_trained > 0) {
      tflm_patch_integer_weights_of(g, layer->values, layer->n_trained, columns + k, GROUP,
                                    exponent, at->first + k, layer->trained, args->update);
    }
    if (layer->trains_bias) {
      tflm_patch_integer_bias_column(cells, columns + k, GROUP, exponent, at->first + k,
                                     layer->trained, args->update);
    }
  }
}

/* The result to begin with; whether it has an exponent yet. */
static int begin_result(const tflm_patch_integer_block_args* args, uint32_t values) {
  if (args->result == NULL) {
    return 0;
  }
  if (args->added) {
    tflm_patch_shift_all(args->result, values, 1); /* room for as much again */
    ++*args->result_exponent;
    return 1;
  }
  for (uint32_t i = 0; i < values; ++i) {
    args->result[i] = 0;
  }
  return 0;
}

void tflm_patch_integer_block(const tflm_patch_integer_block_args* args) {
  const tflm_patch_backward_geometry* wide = args->depthwise.geometry;
  const uint32_t outputs = wide->output_rows * wide->output_cols;
  const uint32_t inputs = wide->rows * wide->cols;
  int32_t* of_output = args->scratch;
  int32_t* of_input = of_output + (size_t)outputs * GROUP;
  int32_t* column = of_input + (size_t)inputs * GROUP;
  const int expands = args->expand.geometry != NULL;
  int is_begun = expands ? begin_result(args, inputs * args->expand.geometry->channels) : 0;
  group at = {0};
  for (; at.first < wide->channels; at.first += GROUP) {
    at.count = wide->channels - at.first < GROUP ? wide->channels - at.first : GROUP;
    at.masks =
        tflm_patch_masks_of(&args->expand, &args->depthwise, args->forward, at.first, at.count);
    project(args, &at, of_output);
    const int32_t exponent =
        pass_clamp(&args->depthwise, &args->depthwise_scales, at.masks.depthwise, outputs, &at,
                   *args->exponent, of_output);
    for (uint32_t k = 0; k < at.count; ++k) {
      for (uint32_t cell = 0; cell < outputs; ++cell) {
        column[cell] = of_output[cell * GROUP + k];
      }
      depthwise(args, &at, at.first + k, exponent, column, expands ? of_input + k : NULL);
    }
    if (expands) {
      const int32_t expanded = pass_clamp(&args->expand, &args->expand_scales, at.masks.expand,
                                          inputs, &at, exponent, of_input);
      expand(args, &at, expanded, of_input, &is_begun);
    }
  }
}
