/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Dot products of int8 vectors, and of int16 with int8 ones. Internal.
 *
 * Sums are kept modulo 2^32. The blocks of several sums read every value once
 * for several products, and their plain loops are what compilers vectorise.
 */
#ifndef TFLM_PATCH_SRC_DOT_H_
#define TFLM_PATCH_SRC_DOT_H_

#include <stddef.h>
#include <stdint.h>

#define TFLM_PATCH_DOT_CHANNELS 4u /* weight vectors of a block */
#define TFLM_PATCH_DOT_PIXELS 2u   /* input vectors of a block */

static inline uint32_t tflm_patch_sum(const int8_t* a, size_t n) {
  uint32_t sum = 0;
  for (size_t i = 0; i < n; ++i) {
    sum += (uint32_t)a[i];
  }
  return sum;
}

static inline uint32_t tflm_patch_dot(const int8_t* a, const int8_t* w, size_t n) {
  uint32_t sum = 0;
  for (size_t i = 0; i < n; ++i) {
    sum += (uint32_t)(a[i] * w[i]);
  }
  return sum;
}

/* sums[c] += a . (w + c * w_stride), for 4 channels. */
static inline void tflm_patch_dot_4(const int8_t* a, const int8_t* w, size_t w_stride, size_t n,
                                    uint32_t* sums) {
  const int8_t* w0 = w;
  const int8_t* w1 = w0 + w_stride;
  const int8_t* w2 = w1 + w_stride;
  const int8_t* w3 = w2 + w_stride;
  uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  for (size_t i = 0; i < n; ++i) {
    const int32_t x = a[i];
    s0 += (uint32_t)(x * w0[i]);
    s1 += (uint32_t)(x * w1[i]);
    s2 += (uint32_t)(x * w2[i]);
    s3 += (uint32_t)(x * w3[i]);
  }
  sums[0] += s0;
  sums[1] += s1;
  sums[2] += s2;
  sums[3] += s3;
}

/* The same for two inputs, a and a + a_stride; the second one's sums are
 * sums[4..7]. */
static inline void tflm_patch_dot_4x2(const int8_t* a, size_t a_stride, const int8_t* w,
                                      size_t w_stride, size_t n, uint32_t* sums) {
  const int8_t* a0 = a;
  const int8_t* a1 = a0 + a_stride;
  const int8_t* w0 = w;
  const int8_t* w1 = w0 + w_stride;
  const int8_t* w2 = w1 + w_stride;
  const int8_t* w3 = w2 + w_stride;
  uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  uint32_t t0 = 0, t1 = 0, t2 = 0, t3 = 0;
  for (size_t i = 0; i < n; ++i) {
    const int32_t x = a0[i];
    const int32_t y = a1[i];
    s0 += (uint32_t)(x * w0[i]);
    s1 += (uint32_t)(x * w1[i]);
    s2 += (uint32_t)(x * w2[i]);
    s3 += (uint32_t)(x * w3[i]);
    t0 += (uint32_t)(y * w0[i]);
    t1 += (uint32_t)(y * w1[i]);
    t2 += (uint32_t)(y * w2[i]);
    t3 += (uint32_t)(y * w3[i]);
  }
  sums[0] += s0;
  sums[1] += s1;
  sums[2] += s2;
  sums[3] += s3;
  sums[4] += t0;
  sums[5] += t1;
  sums[6] += t2;
  sums[7] += t3;
}

/* Products of int16 with int8 are at most 2^22: so many fit into an int32. */
#define TFLM_PATCH_DOT_S16_RUN 511u

/* Exact (src/dot.c). */
int64_t tflm_patch_dot_s16(const int16_t* a, const int8_t* w, size_t n);

/* sums[c] += a . (w + c * w_stride), for `channels` channels, at most
 * TFLM_PATCH_DOT_CHANNELS (src/dot.c, src/dsp/dot.c). */
void tflm_patch_dot_channels(const int8_t* a, const int8_t* w, size_t w_stride, size_t n,
                             uint32_t channels, uint32_t* sums);

#endif /* TFLM_PATCH_SRC_DOT_H_ */
