/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Dot products.
 *
 * Inner loops.
 */
#include "dot.h"
#include "family.h"

#if !TFLM_PATCH_HAS_OWN_DOT_CHANNELS
void tflm_patch_dot_channels(const int8_t* a, const int8_t* w, size_t w_stride, size_t n,
                             uint32_t channels, uint32_t* sums) {
  if (channels == TFLM_PATCH_DOT_CHANNELS) {
    tflm_patch_dot_4(a, w, w_stride, n, sums);
    return;
  }
  for (uint32_t c = 0; c < channels; ++c) {
    sums[c] += tflm_patch_dot(a, w, n);
    w += w_stride;
  }
}
#endif

int64_t tflm_patch_dot_s16(const int16_t* a, const int8_t* w, size_t n) {
  int64_t sum = 0;
  while (n > 0) {
    const size_t run = n < TFLM_PATCH_DOT_S16_RUN ? n : TFLM_PATCH_DOT_S16_RUN;
    int32_t part = 0;
    for (size_t i = 0; i < run; ++i) {
      part += a[i] * w[i];
    }
    sum += part;
    a += run;
    w += run;
    n -= run;
  }
  return sum;
}
