/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Parts of integer gradients that operators and whole blocks are made of. Internal.
 */
#ifndef TFLM_PATCH_SRC_BACKWARD_INTEGER_PIECES_H_
#define TFLM_PATCH_SRC_BACKWARD_INTEGER_PIECES_H_

#include <stdint.h>

#include "../pieces.h"
#include "tflm_patch/training_integer.h"

/* Learns the weights of one output channel of a convolution; the accumulator of cell p is at
 * p * step (conv_weights.c). */
void tflm_patch_integer_weights_of(const tflm_patch_backward_geometry* geometry,
                                   const int8_t* values, uint32_t n_channels,
                                   const int32_t* accumulators, uint32_t step, int32_t exponent,
                                   uint32_t output, const tflm_patch_trained_layer* layer,
                                   const tflm_patch_update* update);

/* Learns a bias; the accumulator of cell p is at p * step (conv_weights.c). */
void tflm_patch_integer_bias_column(uint32_t cells, const int32_t* accumulators, uint32_t step,
                                    int32_t exponent, uint32_t output,
                                    const tflm_patch_trained_layer* layer,
                                    const tflm_patch_update* update);

/* The gradient of one input channel of a depthwise convolution; the result of cell p is at
 * p * result_step (depthwise.c). */
void tflm_patch_integer_depthwise_input(const tflm_patch_backward_geometry* geometry,
                                        tflm_patch_column weights, const int32_t* accumulators,
                                        int32_t* result, uint32_t result_step,
                                        const tflm_patch_integer_sum* sum);

/* Learns the weights of one channel, trained channel `number` of `n_trained` (depthwise.c). */
void tflm_patch_integer_depthwise_weights(const tflm_patch_backward_geometry* geometry,
                                          tflm_patch_column values, const int32_t* accumulators,
                                          int32_t exponent, uint32_t number, uint32_t n_trained,
                                          uint32_t channel, const tflm_patch_trained_layer* layer,
                                          const tflm_patch_update* update);

#endif /* TFLM_PATCH_SRC_BACKWARD_INTEGER_PIECES_H_ */
