/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Losses and their gradients.
 */
#include "exact.h"

#include <string.h>

#include "tflm_patch/training.h"

#define LOG2_E 1.44269504f
/* ln 2 in two parts: the first has zeros at its end, so that whole multiples are exact. */
#define LN2_HIGH 0.693359375f
#define LN2_LOW (-2.12194440e-4f)

static float with_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

/* e^x = 2^k e^r with |r| <= ln(2) / 2, and Taylor's series of e^r. */
float tflm_patch_exp(float x) {
  if (x < -87.0f) {
    return 0.0f;
  }
  const int32_t k = (int32_t)(x * LOG2_E - 0.5f);
  const float n = (float)k;
  const float r = (x - n * LN2_HIGH) - n * LN2_LOW;
  float sum = 1.0f / 5040.0f;
  sum = sum * r + 1.0f / 720.0f;
  sum = sum * r + 1.0f / 120.0f;
  sum = sum * r + 1.0f / 24.0f;
  sum = sum * r + 1.0f / 6.0f;
  sum = sum * r + 0.5f;
  sum = sum * r + 1.0f;
  sum = sum * r + 1.0f;
  return sum * with_bits((uint32_t)(k + 127) << 23);
}

/* x = 2^k m with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh((m - 1) / (m + 1)). */
float tflm_patch_log(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  int32_t k = (int32_t)(bits >> 23) - 127;
  float m = with_bits((bits & 0x7FFFFFu) | 0x3F800000u);
  if (m > 1.41421356f) {
    m = m * 0.5f;
    ++k;
  }
  const float t = (m - 1.0f) / (m + 1.0f);
  const float s = t * t;
  float sum = 1.0f / 9.0f;
  sum = sum * s + 1.0f / 7.0f;
  sum = sum * s + 1.0f / 5.0f;
  sum = sum * s + 1.0f / 3.0f;
  sum = sum * s + 1.0f;
  const float n = (float)k;
  return n * LN2_HIGH + (n * LN2_LOW + 2.0f * t * sum);
}

float tflm_patch_cross_entropy(const int8_t* logits, uint32_t n, float scale, int32_t zero_point,
                               uint32_t label, float* gradient) {
  int32_t most = logits[0];
  for (uint32_t i = 1; i < n; ++i) {
    most = logits[i] > most ? logits[i] : most;
  }
  const float highest = (float)(most - zero_point) * scale;
  float sum = 0.0f;
  for (uint32_t i = 0; i < n; ++i) {
    gradient[i] = tflm_patch_exp((float)(logits[i] - zero_point) * scale - highest);
    sum = sum + gradient[i];
  }
  for (uint32_t i = 0; i < n; ++i) {
    gradient[i] = (gradient[i] / sum - (i == label ? 1.0f : 0.0f)) * scale;
  }
  return tflm_patch_log(sum) - ((float)(logits[label] - zero_point) * scale - highest);
}

float tflm_patch_squared_error(const int8_t* values, uint32_t n, float scale, int32_t zero_point,
                               const float* targets, float* gradient) {
  const float part = 2.0f / (float)n;
  float sum = 0.0f;
  for (uint32_t i = 0; i < n; ++i) {
    const float difference = (float)(values[i] - zero_point) * scale - targets[i];
    sum = sum + difference * difference;
    gradient[i] = part * difference * scale;
  }
  return sum / (float)n;
}
