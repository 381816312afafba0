/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * How a parameter changes: a step of gradient descent, rounded up or down by chance, so that
 * small steps count on average.
 *
 * Inner loops.
 */
#include "exact.h"

#include <stddef.h>

#include "tflm_patch/training.h"

#define MOST_CHANGE 16777216.0f /* 2^24 */
/* With weights of up to 33,025 inputs, sums stay below 2^30 whatever is learned. */
#define MOST_BIAS 536870912 /* 2^29 */

/* The finalizer of MurmurHash3 (Austin Appleby, public domain). */
static uint32_t mix(uint32_t x) {
  x ^= x >> 16;
  x *= 0x85EBCA6Bu;
  x ^= x >> 13;
  x *= 0xC2B2AE35u;
  return x ^ x >> 16;
}

/* floor(u - step), u from [0, 1). */
static int32_t change_of(float step, uint32_t number) {
  const float chance = (float)(mix(number) >> 8) * (1.0f / 16777216.0f);
  const float exact = chance - step;
  if (exact >= MOST_CHANGE) {
    return (int32_t)MOST_CHANGE;
  }
  if (exact <= -MOST_CHANGE) {
    return -(int32_t)MOST_CHANGE;
  }
  if (exact != exact) {
    return 0;
  }
  const int32_t whole = (int32_t)exact;
  return whole - ((float)whole > exact);
}

/* Whether a parameter changes now; *gradient becomes the sum. */
static int is_due(float* sum, const tflm_patch_update* update, float* gradient) {
  if (sum != NULL) {
    *gradient = *sum + *gradient;
    *sum = update->is_last ? 0.0f : *gradient;
  }
  return update->is_last && *gradient != 0.0f;
}

static int32_t clamp(int32_t value, int32_t most) {
  value = value < -most ? -most : value;
  return value > most ? most : value;
}

void tflm_patch_learn_weight(const tflm_patch_trained_layer* layer, const tflm_patch_update* update,
                             uint32_t weight, uint32_t channel, float gradient) {
  float* sum = layer->weight_sums == NULL ? NULL : layer->weight_sums + weight;
  if (!is_due(sum, update, &gradient)) {
    return;
  }
  const float step =
      gradient * layer->weight_inverses[channel * layer->inverse_step] * update->rate;
  const int32_t change = change_of(step, update->counter + layer->number + weight);
  const int32_t before = layer->weights[weight];
  const int32_t after = clamp(before + change, 127);
  layer->weights[weight] = (int8_t)after;
  layer->bias[channel] =
      clamp(layer->bias[channel] - layer->input_zero_point * (after - before), MOST_BIAS);
}

void tflm_patch_learn_bias(const tflm_patch_trained_layer* layer, const tflm_patch_update* update,
                           uint32_t channel, float gradient) {
  float* sum = layer->bias_sums == NULL ? NULL : layer->bias_sums + channel;
  if (!is_due(sum, update, &gradient)) {
    return;
  }
  const float step = gradient * layer->bias_inverses[channel * layer->inverse_step] * update->rate;
  const int32_t change = change_of(step, update->counter + layer->bias_number + channel);
  layer->bias[channel] = clamp(layer->bias[channel] + change, MOST_BIAS);
}
