/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "wake_word.h"

#include <string.h>

#include "model.h"

static int g_filled;                     /* features of the next invocation */
static uint8_t g_heard[kWakeWordWindow]; /* outputs, the newest at g_next - 1 */
static int g_next;

static void forget(void) {
  model_reset();
  memset(g_heard, 0, sizeof(g_heard));
  g_filled = 0;
  g_next = 0;
}

bool wake_word_init(void) {
  if (model_init() != MODEL_DONE) {
    return false;
  }
  forget();
  return true;
}

bool wake_word_feed(const int8_t features[kWakeWordFeatures], unsigned cutoff) {
  int8_t* input = model_input(0);
  memcpy(input + g_filled, features, kWakeWordFeatures);
  g_filled += kWakeWordFeatures;
  if (g_filled < MODEL_INPUT_0_BYTES) {
    return false;
  }
  g_filled = 0;
  if (model_invoke() != MODEL_DONE) {
    return false;
  }
  memcpy(&g_heard[g_next], model_output(0), 1);
  g_next = (g_next + 1) % kWakeWordWindow;
  unsigned sum = 0;
  for (int i = 0; i < kWakeWordWindow; ++i) {
    sum += g_heard[i];
  }
  if (sum <= cutoff * kWakeWordWindow) {
    return false;
  }
  forget();
  return true;
}
