/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Dot products of the dsp family: of four weight vectors, or fewer, with an input vector, four
 * values at a time.
 *
 * Inner loops.
 */
#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "../dot.h"
#include "arith.h"

/* Adds the products of two pairs of halves. */
static inline uint32_t add_pairs(uint32_t a, uint32_t b, uint32_t sum) {
  __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
}

/* Adds the products of the four values of a word with those whose even and odd bytes are given. */
static inline uint32_t add_four(uint32_t even, uint32_t odd, const int8_t* w, uint32_t sum) {
  const uint32_t word = tflm_patch_load_word(w);
  sum = add_pairs(even, tflm_patch_even_bytes(word), sum);
  return add_pairs(odd, tflm_patch_odd_bytes(word), sum);
}

static void dot_4(const int8_t* a, const int8_t* w, size_t w_stride, size_t n, uint32_t* sums) {
  uint32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  const int8_t* w1 = w + w_stride;
  const int8_t* w2 = w1 + w_stride;
  const int8_t* w3 = w2 + w_stride;
  const int8_t* end = a + n / 4 * 4;
  while (a != end) {
    const uint32_t word = tflm_patch_load_word(a);
    const uint32_t even = tflm_patch_even_bytes(word);
    const uint32_t odd = tflm_patch_odd_bytes(word);
    s0 = add_four(even, odd, w, s0);
    s1 = add_four(even, odd, w1, s1);
    s2 = add_four(even, odd, w2, s2);
    s3 = add_four(even, odd, w3, s3);
    a += 4;
    w += 4;
    w1 += 4;
    w2 += 4;
    w3 += 4;
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
  tflm_patch_dot_4(a, w, w_stride, n % 4, sums);
}

static uint32_t dot_1(const int8_t* a, const int8_t* w, size_t n) {
  uint32_t sum = 0;
  const int8_t* end = a + n / 4 * 4;
  for (; a != end; a += 4, w += 4) {
    const uint32_t word = tflm_patch_load_word(a);
    sum = add_four(tflm_patch_even_bytes(word), tflm_patch_odd_bytes(word), w, sum);
  }
  return sum + tflm_patch_dot(a, w, n % 4);
}

void tflm_patch_dot_channels(const int8_t* a, const int8_t* w, size_t w_stride, size_t n,
                             uint32_t channels, uint32_t* sums) {
  if (channels == TFLM_PATCH_DOT_CHANNELS) {
    dot_4(a, w, w_stride, n, sums);
    return;
  }
  for (uint32_t c = 0; c < channels; ++c) {
    sums[c] += dot_1(a, w, n);
    w += w_stride;
  }
}

#endif /* TFLM_PATCH_IS_DSP */
