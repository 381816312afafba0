/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * How a parameter changes by an integer gradient: a step in 2^-20 of an integer, rounded up or
 * down by chance.
 *
 * Inner loops.
 */
#include "../exact.h"

#include <stddef.h>
#include <string.h>

#include "../chance.h"
#include "shifts.h"

#define STEP_BITS 20
#define MOST_STEP ((int64_t)1 << 44) /* 2^24 integers */

tflm_patch_integer_factor tflm_patch_integer_factor_of(float inverse, float rate,
                                                       int32_t exponent) {
  const float product = inverse * rate;
  uint32_t bits;
  memcpy(&bits, &product, sizeof(bits));
  tflm_patch_integer_factor factor = {0, 0};
  const uint32_t field = bits >> 23 & 0xFFu;
  if (field != 0 && field != 0xFFu) { /* no zero, nothing subnormal, nothing infinite */
    factor.multiplier = (int32_t)((bits & 0x7FFFFFu) | 0x800000u);
    factor.shift = -((int32_t)field - 127 - 23 + exponent + STEP_BITS);
  }
  return factor;
}

/* The step of a gradient. */
static int64_t step_of(const tflm_patch_integer_factor* factor, int32_t gradient) {
  const int64_t product = (int64_t)gradient * factor->multiplier;
  int64_t step;
  if (factor->shift > 62) {
    return 0;
  }
  if (factor->shift > 0) {
    step = (product + ((int64_t)1 << (factor->shift - 1))) >> factor->shift;
  } else if (factor->shift < -40 || product > MOST_STEP >> -factor->shift ||
             product < -(MOST_STEP >> -factor->shift)) {
    step = product > 0 ? MOST_STEP : product < 0 ? -MOST_STEP : 0;
  } else {
    step = product * ((int64_t)1 << -factor->shift);
  }
  return step > MOST_STEP ? MOST_STEP : step < -MOST_STEP ? -MOST_STEP : step;
}

/* By how much a parameter changes, 0 while samples are added up. sum: of steps, int32 in the
 * place of a float; NULL when an update has one sample. */
static int32_t change_of(void* sum, const tflm_patch_update* update, int64_t step,
                         uint32_t number) {
  if (sum != NULL) {
    int32_t before;
    memcpy(&before, sum, sizeof(before));
    step += before;
    step = step > INT32_MAX ? INT32_MAX : step < INT32_MIN ? INT32_MIN : step;
    const int32_t after = update->is_last ? 0 : (int32_t)step;
    memcpy(sum, &after, sizeof(after));
  }
  if (!update->is_last || step == 0) {
    return 0;
  }
  const int64_t chance = tflm_patch_mix(number) >> (32 - STEP_BITS);
  return (int32_t)((chance - step) >> STEP_BITS);
}

static int32_t clamp(int32_t value, int32_t most) {
  value = value < -most ? -most : value;
  return value > most ? most : value;
}

void tflm_patch_integer_learn_weight(const tflm_patch_trained_layer* layer,
                                     const tflm_patch_update* update,
                                     const tflm_patch_integer_factor* factor, uint32_t weight,
                                     uint32_t channel, int32_t gradient) {
  float* sum = layer->weight_sums == NULL ? NULL : layer->weight_sums + weight;
  const int32_t change =
      change_of(sum, update, step_of(factor, gradient), update->counter + layer->number + weight);
  const int32_t before = layer->weights[weight];
  const int32_t after = change == 0 ? before : clamp(before + change, 127);
  layer->weights[weight] = (int8_t)after;
  layer->bias[channel] = clamp(layer->bias[channel] - layer->input_zero_point * (after - before),
                               TFLM_PATCH_MOST_BIAS);
}

void tflm_patch_integer_learn_bias(const tflm_patch_trained_layer* layer,
                                   const tflm_patch_update* update, uint32_t channel,
                                   int32_t gradient, int32_t exponent) {
  float* sum = layer->bias_sums == NULL ? NULL : layer->bias_sums + channel;
  const tflm_patch_integer_factor factor = tflm_patch_integer_factor_of(
      layer->bias_inverses[channel * layer->inverse_step], update->rate, exponent);
  const int32_t change = change_of(sum, update, step_of(&factor, gradient),
                                   update->counter + layer->bias_number + channel);
  layer->bias[channel] = clamp(layer->bias[channel] + change, TFLM_PATCH_MOST_BIAS);
}
