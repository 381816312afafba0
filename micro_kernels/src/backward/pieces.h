/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Parts of gradients that operators and whole blocks are made of. Internal.
 */
#ifndef TFLM_PATCH_SRC_BACKWARD_PIECES_H_
#define TFLM_PATCH_SRC_BACKWARD_PIECES_H_

#include <stddef.h>
#include <stdint.h>

#include "tflm_patch/training.h"

/* Weights or values of one channel, `step` apart. */
typedef struct {
  const int8_t* at;
  uint32_t step;
} tflm_patch_column;

/* A channel of a depthwise convolution: whether it learns, and its weights, those in RAM where it
 * does. trained: the channels that learn, in order, NULL for all; next: the place in them. */
static inline int tflm_patch_learning_channel(const int8_t* weights, uint32_t channels,
                                              const uint16_t* trained, uint32_t n_trained,
                                              uint32_t channel, uint32_t next,
                                              const tflm_patch_trained_layer* layer,
                                              tflm_patch_column* own) {
  const int learns =
      layer != NULL && next < n_trained && (trained == NULL || trained[next] == channel);
  own->at = weights + channel;
  own->step = channels;
  if (learns && trained != NULL) {
    own->at = layer->weights + next;
    own->step = n_trained;
  }
  return learns;
}

/* A weight of an output channel and the same of the next one are `step` apart. */
typedef struct {
  const int8_t* at;
  uint32_t step;
  uint32_t n_channels;      /* of the input */
  const uint16_t* channels; /* which they are, NULL for the first ones */
} tflm_patch_weights_view;

static inline uint32_t tflm_patch_channel_of(const tflm_patch_weights_view* view, uint32_t j) {
  return view->channels == NULL ? j : view->channels[j];
}

/* The gradient of the input of a pointwise convolution; the result of cell p is at
 * p * result_step (conv_input.c). */
void tflm_patch_pointwise_input(const tflm_patch_weights_view* weights, const float* accumulators,
                                uint32_t cells, uint32_t outputs, float* result,
                                uint32_t result_step, uint32_t added);

/* Learns the weights of one output channel of a pointwise convolution; the accumulator of cell p
 * is at p * step (conv_weights.c). */
void tflm_patch_pointwise_weights(uint32_t cells, const int8_t* values, uint32_t n_channels,
                                  const float* accumulators, uint32_t step, uint32_t output,
                                  const tflm_patch_trained_layer* layer,
                                  const tflm_patch_update* update);

/* Learns a bias; the accumulator of cell p is at p * step (conv_weights.c). */
void tflm_patch_bias_column(uint32_t cells, const float* accumulators, uint32_t step,
                            uint32_t output, const tflm_patch_trained_layer* layer,
                            const tflm_patch_update* update);

/* The gradient of one input channel of a depthwise convolution; the result of cell p is at
 * p * result_step (depthwise.c). */
void tflm_patch_depthwise_input(const tflm_patch_backward_geometry* geometry,
                                tflm_patch_column weights, const float* accumulators, float* result,
                                uint32_t result_step, uint32_t added);

/* Learns the weights of one channel, trained channel `number` of `n_trained` (depthwise.c). */
void tflm_patch_depthwise_weights(const tflm_patch_backward_geometry* geometry,
                                  tflm_patch_column values, const float* accumulators,
                                  uint32_t number, uint32_t n_trained, uint32_t channel,
                                  const tflm_patch_trained_layer* layer,
                                  const tflm_patch_update* update);

#endif /* TFLM_PATCH_SRC_BACKWARD_PIECES_H_ */
