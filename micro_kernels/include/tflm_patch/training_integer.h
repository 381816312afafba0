/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Training on chips without a floating-point unit: the gradients of training.h as
 * integers. A gradient is an int32 mantissa for every value and one exponent for
 * all: value = mantissa * 2^exponent. Sums of products are exact; the mantissas of
 * what is multiplied are shifted before, so that no sum overflows, whatever the
 * weights and inputs are. Floats remain in the loss, and in a product for every
 * output channel that learns.
 *
 * The formulas are those of tflm_patch/on_device/integers.py.
 */
#ifndef TFLM_PATCH_TRAINING_INTEGER_H_
#define TFLM_PATCH_TRAINING_INTEGER_H_

#include <stdint.h>

#include "tflm_patch/training.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How sums come to what is there: shifted right, halves up. */
typedef struct {
  uint32_t is_added;
  uint32_t old_shift; /* of what is there */
  uint32_t new_shift; /* of the sums */
} tflm_patch_integer_sum;

/* ---- scale.c ---- */

/* In place: floats become mantissas below 2^24. */
void tflm_patch_integer_from_floats(void* gradient, uint32_t n, int32_t* exponent);

/* In place: gradients [cells][channels] times multipliers[c] / 2^31 where the mask is set, 0
 * elsewhere; then all are shifted so that they are below 2^bits. */
void tflm_patch_integer_clamp(const uint32_t* mask, uint32_t cells, uint32_t channels,
                              const int32_t* multipliers, int32_t scale_exponent, uint32_t bits,
                              int32_t* gradient, int32_t* exponent);

/* How sums of an exponent come to a gradient, whose exponent becomes that of the result. */
tflm_patch_integer_sum tflm_patch_integer_begin(int32_t* exponent, int32_t exponent_of_sums,
                                                uint32_t added);

/* The same for more sums of the exponent that `begin` was told. */
tflm_patch_integer_sum tflm_patch_integer_more(const tflm_patch_integer_sum* sum);

/* result [outer][count][inner] = gradient [outer][inner] * multiplier / 2^31, or that added; may
 * be done in place where count is 1 and nothing is added. */
void tflm_patch_integer_spread(const int32_t* gradient, int32_t exponent, uint32_t outer,
                               uint32_t count, uint32_t inner, int32_t multiplier,
                               int32_t scale_exponent, int32_t* result, int32_t* result_exponent,
                               uint32_t added);

/* The gradient of a padded map to that of the map within. */
void tflm_patch_integer_pad(uint32_t rows, uint32_t cols, uint32_t channels, uint32_t top,
                            uint32_t left, uint32_t padded_cols, const int32_t* gradient,
                            int32_t exponent, int32_t* result, int32_t* result_exponent,
                            uint32_t added);

/* ---- pool.c ---- */

/* values: of a maximum, NULL for an average. */
void tflm_patch_integer_pool(const tflm_patch_backward_geometry* geometry, const int8_t* values,
                             const int32_t* gradient, int32_t exponent, int32_t* result,
                             int32_t* result_exponent, uint32_t added);

/* ---- conv_input.c ---- */

/* As tflm_patch_backward_conv_input. */
void tflm_patch_integer_conv_input(const tflm_patch_backward_geometry* geometry,
                                   const int8_t* weights, uint32_t n_channels,
                                   const uint16_t* channels, const int32_t* accumulators,
                                   int32_t* result, const tflm_patch_integer_sum* sum);

/* ---- conv_weights.c ---- */

/* As tflm_patch_backward_conv_weights and tflm_patch_backward_bias. */
void tflm_patch_integer_conv_weights(const tflm_patch_backward_geometry* geometry,
                                     const int8_t* values, uint32_t n_channels,
                                     const int32_t* accumulators, int32_t exponent,
                                     const tflm_patch_trained_layer* layer,
                                     const tflm_patch_update* update);
void tflm_patch_integer_bias(uint32_t cells, uint32_t channels, const int32_t* accumulators,
                             int32_t exponent, const tflm_patch_trained_layer* layer,
                             const tflm_patch_update* update);

/* ---- depthwise.c ---- */

/* As tflm_patch_backward_depthwise; scratch: an int32 for every output cell. */
void tflm_patch_integer_depthwise(const tflm_patch_backward_geometry* geometry,
                                  const int8_t* weights, const int8_t* values,
                                  const uint16_t* trained, uint32_t n_trained,
                                  const int32_t* accumulators, int32_t exponent, int32_t* result,
                                  const tflm_patch_integer_sum* sum, int32_t* scratch,
                                  const tflm_patch_trained_layer* layer,
                                  const tflm_patch_update* update);

/* ---- block.c ---- */

/* Of a layer of a block, beside what tflm_patch_block_layer says; its scales are not used. */
typedef struct {
  const int32_t* multipliers; /* of output channel c at c * scale_step of the layer */
  int32_t scale_exponent;
  uint32_t bits; /* of a column, behind the clamp */
} tflm_patch_integer_scales;

/* As tflm_patch_block_args, with int32 in place of floats. */
typedef struct {
  tflm_patch_block_layer expand;
  tflm_patch_block_layer depthwise;
  tflm_patch_block_layer project;
  tflm_patch_integer_scales expand_scales;
  tflm_patch_integer_scales depthwise_scales;
  const int32_t* accumulators;
  const int32_t* exponent; /* of the accumulators */
  int32_t* result;
  int32_t* result_exponent;
  uint32_t added;
  int32_t* scratch;
  const tflm_patch_block_forward* forward; /* NULL when the masks are kept */
  const tflm_patch_update* update;
} tflm_patch_integer_block_args;

void tflm_patch_integer_block(const tflm_patch_integer_block_args* args);

/* ---- learn.c ---- */

/* What a sum is multiplied by to become a step, in 2^-20 of an integer weight. */
typedef struct {
  int32_t multiplier; /* below 2^24 */
  int32_t shift;      /* to the right */
} tflm_patch_integer_factor;

tflm_patch_integer_factor tflm_patch_integer_factor_of(float inverse, float rate, int32_t exponent);

/* A parameter takes its gradient in; sums of several samples are steps in 2^-20. */
void tflm_patch_integer_learn_weight(const tflm_patch_trained_layer* layer,
                                     const tflm_patch_update* update,
                                     const tflm_patch_integer_factor* factor, uint32_t weight,
                                     uint32_t channel, int32_t gradient);
void tflm_patch_integer_learn_bias(const tflm_patch_trained_layer* layer,
                                   const tflm_patch_update* update, uint32_t channel,
                                   int32_t gradient, int32_t exponent);

#ifdef __cplusplus
}
#endif

#endif /* TFLM_PATCH_TRAINING_INTEGER_H_ */
