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

#include "chance.h"
#include "tflm_patch/training.h"

#define MOST_CHANGE 16777216.0f /* 2^24 */

/* floor(u - step), u from [0, 1). */
static int32_t change_of(float step, uint32_t number) {
  const float chance = (float)(tflm_patch_mix(number) >> 8) * (1.0f / 16777216.0f);
  const float exact = chance - step;
  if (exact < MOST_CHANGE && exact > -MOST_CHANGE) {
    const int32_t whole = (int32_t)exact;
    return whole - ((float)whole > exact);
  }
  if (exact != exact) {
    return 0;
  }
  return exact > 0.0f ? (int32_t)MOST_CHANGE : -(int32_t)MOST_CHANGE;
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

void tflm_patch_learn_weights(const tflm_patch_trained_layer* layer,
                              const tflm_patch_update* update, uint32_t first, uint32_t channel,
                              const float* gradients, uint32_t count) {
  const float inverse = layer->weight_inverses[channel * layer->inverse_step];
  const float rate = update->rate;
  const uint32_t number = update->counter + layer->number + first;
  const int32_t zero_point = layer->input_zero_point;
  int8_t* weights = layer->weights + first;
  float* sum = layer->weight_sums == NULL ? NULL : layer->weight_sums + first;
  int32_t bias = layer->bias[channel];
  for (uint32_t i = 0; i < count; ++i) {
    float gradient = gradients[i];
    if (!is_due(sum == NULL ? NULL : sum + i, update, &gradient)) {
      continue;
    }
    const int32_t change = change_of(gradient * inverse * rate, number + i);
    const int32_t before = weights[i];
    const int32_t after = clamp(before + change, 127);
    weights[i] = (int8_t)after;
    bias = clamp(bias - zero_point * (after - before), TFLM_PATCH_MOST_BIAS);
  }
  layer->bias[channel] = bias;
}

void tflm_patch_learn_bias(const tflm_patch_trained_layer* layer, const tflm_patch_update* update,
                           uint32_t channel, float gradient) {
  float* sum = layer->bias_sums == NULL ? NULL : layer->bias_sums + channel;
  if (!is_due(sum, update, &gradient)) {
    return;
  }
  const float step = gradient * layer->bias_inverses[channel * layer->inverse_step] * update->rate;
  const int32_t change = change_of(step, update->counter + layer->bias_number + channel);
  layer->bias[channel] = clamp(layer->bias[channel] + change, TFLM_PATCH_MOST_BIAS);
}
