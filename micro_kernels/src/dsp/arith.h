/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the kernels of the dsp family share: pairs of 16-bit values in a word, and
 * requantization. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_ARITH_H_
#define TFLM_PATCH_SRC_DSP_ARITH_H_

#include <stdint.h>
#include <string.h>

#include "../requantize.h"
#include "limits.h"

/* A word from any address; one LDR. */
static inline uint32_t tflm_patch_load_word(const void* bytes) {
  uint32_t word;
  memcpy(&word, bytes, 4);
  return word;
}

/* Bytes 0 and 2 of a word as signed halves. */
static inline uint32_t tflm_patch_even_bytes(uint32_t word) {
  uint32_t halves;
  __asm__("sxtb16 %0, %1" : "=r"(halves) : "r"(word));
  return halves;
}

/* Bytes 1 and 3 of a word as signed halves. */
static inline uint32_t tflm_patch_odd_bytes(uint32_t word) {
  uint32_t halves;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(halves) : "r"(word));
  return halves;
}

/* The low halves of a and b, a below. */
static inline uint32_t tflm_patch_low_halves(uint32_t a, uint32_t b) {
  uint32_t halves;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(halves) : "r"(a), "r"(b));
  return halves;
}

/* The high halves of a and b, a below. */
static inline uint32_t tflm_patch_high_halves(uint32_t a, uint32_t b) {
  uint32_t halves;
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(halves) : "r"(b), "r"(a));
  return halves;
}

/* Both halves twice; they are small enough. */
static inline uint32_t tflm_patch_twice_halves(uint32_t halves) {
  __asm__("sadd16 %0, %0, %0" : "+r"(halves));
  return halves;
}

/* How bounded accumulators of a channel become bytes, for shifts of -23 to -1:
 *   x = (2 * sum * multiplier + 2^31) >> 32         rounding, doubling multiply
 *   (x + round + (x >> 31)) >> exponent             halves away from zero,
 * where round is half of 2^exponent, and the zero point times 2^exponent: less than
 * 2^30 for the largest exponent, as x is. */
typedef struct {
  int32_t round;
  int32_t multiplier;
  int32_t exponent;
} tflm_patch_scaling;

static inline int tflm_patch_is_scaling_shift(int32_t shift) {
  return (uint32_t)(-1 - shift) < TFLM_PATCH_MOST_SCALING_SHIFT;
}

static inline tflm_patch_scaling tflm_patch_find_scaling(int32_t multiplier, int32_t shift,
                                                         int32_t zero_point) {
  const int32_t exponent = -shift;
  const tflm_patch_scaling scaling = {
      .multiplier = multiplier,
      .round = (int32_t)((uint32_t)(2 * zero_point + 1) << (exponent - 1)),
      .exponent = exponent,
  };
  return scaling;
}

/* Of twice the sum. Not clamped. */
static inline int32_t tflm_patch_scale_doubled(tflm_patch_scaling scaling, int32_t twice) {
  int32_t x;
  int32_t rounded;
  __asm__("smmulr %0, %1, %2" : "=r"(x) : "r"(twice), "r"(scaling.multiplier));
  __asm__("add %0, %1, %2, asr #31" : "=r"(rounded) : "r"(scaling.round), "r"(x));
  return (x + rounded) >> scaling.exponent;
}

/* Of a sum between -2^30 and 2^30. Not clamped. */
static inline int32_t tflm_patch_scale(tflm_patch_scaling scaling, int32_t sum) {
  return tflm_patch_scale_doubled(scaling, sum + sum);
}

/* To int8. */
static inline int32_t tflm_patch_saturate(int32_t x) {
  __asm__("ssat %0, #8, %0" : "+r"(x));
  return x;
}

#endif /* TFLM_PATCH_SRC_DSP_ARITH_H_ */
