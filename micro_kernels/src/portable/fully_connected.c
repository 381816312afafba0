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

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Adds the products of n input values from `first` on with the weights of
 * `channels` outputs from `output` on. */
static void add_products(const tflm_patch_fully_connected_args* args, const int8_t* input,
                         uint32_t first, uint32_t n, uint32_t output, uint32_t channels,
                         uint32_t* sums) {
  tflm_patch_dot_channels(input, args->weights + (size_t)output * args->inputs + first,
                          args->inputs, n, channels, sums);
}

void tflm_patch_fully_connected_portable_s8(const tflm_patch_fully_connected_args* args,
                                            const int8_t* input, int8_t* output) {
  for (uint32_t o = 0; o < args->outputs; o += CHANNELS) {
    const uint32_t n = smaller(args->outputs - o, CHANNELS);
    uint32_t sums[CHANNELS];
    for (uint32_t i = 0; i < n; ++i) {
      sums[i] = (uint32_t)args->bias[o + i];
    }
    add_products(args, input, 0, args->inputs, o, n, sums);
    for (uint32_t i = 0; i < n; ++i) {
      *output++ = tflm_patch_requantize_channel(&args->requant, sums[i], o + i);
    }
  }
}

#if !TFLM_PATCH_HAS_OWN_FULLY_CONNECTED_SUMS

void tflm_patch_fully_connected_accumulate_s8(const tflm_patch_fully_connected_args* args,
                                              const int8_t* input, uint32_t first, uint32_t n,
                                              int32_t* sums) {
  for (uint32_t o = 0; o < args->outputs; o += CHANNELS) {
    add_products(args, input, first, n, o, smaller(args->outputs - o, CHANNELS),
                 (uint32_t*)sums + o);
  }
}

void tflm_patch_fully_connected_finish_s8(const tflm_patch_fully_connected_args* args,
                                          const int32_t* sums, int8_t* output) {
  for (uint32_t o = 0; o < args->outputs; ++o) {
    output[o] = tflm_patch_requantize_channel(&args->requant, (uint32_t)sums[o], o);
  }
}

#endif
