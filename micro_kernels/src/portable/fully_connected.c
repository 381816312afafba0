/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * FULLY_CONNECTED of int8 vectors.
 */
#include "../dot.h"
#include "../family.h"
#include "../requantize.h"
#include "portable.h"

#define CHANNELS TFLM_PATCH_DOT_CHANNELS

/* Products of n input values from `first` on with the weights of up to CHANNELS
 * outputs from `output` on; returns how many outputs. */
static uint32_t dot_block(const tflm_patch_fully_connected_args* args,
                          const int8_t* input, uint32_t first, uint32_t n,
                          uint32_t output, uint32_t* sums) {
  const int8_t* weights =
      args->weights + (size_t)output * args->inputs + first;
  const uint32_t left = args->outputs - output;
  for (uint32_t i = 0; i < CHANNELS; ++i) {
    sums[i] = 0;
  }
  if (left >= CHANNELS) {
    tflm_patch_dot_4(input, weights, args->inputs, n, sums);
    return CHANNELS;
  }
  for (uint32_t i = 0; i < left; ++i) {
    sums[i] = tflm_patch_dot(input, weights, n);
    weights += args->inputs;
  }
  return left;
}

void tflm_patch_fully_connected_portable_s8(
    const tflm_patch_fully_connected_args* args, const int8_t* input,
    int8_t* output) {
  uint32_t sums[CHANNELS];
  uint32_t n;
  for (uint32_t o = 0; o < args->outputs; o += n) {
    n = dot_block(args, input, 0, args->inputs, o, sums);
    for (uint32_t i = 0; i < n; ++i) {
      output[o + i] = tflm_patch_requantize_channel(
          &args->requant, sums[i] + (uint32_t)args->bias[o + i], o + i);
    }
  }
}

#if !TFLM_PATCH_HAS_OWN_FULLY_CONNECTED_SUMS

void tflm_patch_fully_connected_accumulate_s8(
    const tflm_patch_fully_connected_args* args, const int8_t* input,
    uint32_t first, uint32_t n, int32_t* sums) {
  uint32_t terms[CHANNELS];
  uint32_t outputs;
  for (uint32_t o = 0; o < args->outputs; o += outputs) {
    outputs = dot_block(args, input, first, n, o, terms);
    for (uint32_t i = 0; i < outputs; ++i) {
      sums[o + i] = tflm_patch_wrapping_add(sums[o + i], (int32_t)terms[i]);
    }
  }
}

void tflm_patch_fully_connected_finish_s8(
    const tflm_patch_fully_connected_args* args, const int32_t* sums,
    int8_t* output) {
  for (uint32_t o = 0; o < args->outputs; ++o) {
    output[o] =
        tflm_patch_requantize_channel(&args->requant, (uint32_t)sums[o], o);
  }
}

#endif
