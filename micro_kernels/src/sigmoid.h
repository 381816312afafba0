/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The logistic function and tanh of a value in steps of 1 / 12288, in Q0.15. Internal.
 *
 * It is looked up in a table of the logistic function in steps of 1 / 24, between whose
 * entries TFLM interpolates; tanh(x) is 2 * logistic(2 * x) - 1. Both are odd around
 * their middle: the table is of positive values alone.
 */
#ifndef TFLM_PATCH_SRC_SIGMOID_H_
#define TFLM_PATCH_SRC_SIGMOID_H_

#include <stdint.h>

#include "tflm_patch/program.h"

/* What a value stands for, in those steps. */
static inline int32_t tflm_patch_sigmoid_steps(int32_t multiplier, int32_t shift, int32_t value) {
  const uint32_t half = shift > 0 ? (uint32_t)1 << (shift - 1) : 0;
  const uint32_t product = (uint32_t)value * (uint32_t)multiplier;
  return (int32_t)(product + half) >> shift;
}

/* The table at |x|, with `bits` fractional bits: 16 + bits of them behind the
 * point; what a saturated |x| has is given. */
static inline uint32_t tflm_patch_sigmoid_between(const uint16_t* table, int32_t x, uint32_t bits,
                                                  uint32_t saturated) {
  const uint32_t size = x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
  const uint32_t i = size >> bits;
  if (i >= TFLM_PATCH_SIGMOID_ENTRIES - 1) { /* from the last entry on */
    return saturated << bits;
  }
  const uint32_t part = size & (((uint32_t)1 << bits) - 1);
  /* The entries may decrease in a damaged table: modulo 2^32. */
  return ((uint32_t)table[i] << bits) + part * ((uint32_t)table[i + 1] - table[i]);
}

static inline int16_t tflm_patch_logistic_of(const uint16_t* table, int32_t x) {
  uint32_t y = tflm_patch_sigmoid_between(table, x, 9, 0xFFFE);
  /* 25 bits behind the point to 15, ties of what is negative downwards. */
  y = x >= 0 ? y + 512 : ((uint32_t)1 << 25) - y + 511;
  return (int16_t)(y >> 10);
}

static inline int16_t tflm_patch_tanh_of(const uint16_t* table, int32_t x) {
  const uint32_t half = (uint32_t)1 << 23;
  uint32_t y = tflm_patch_sigmoid_between(table, x, 8, 0xFFFF);
  /* Twice the table less one: 23 bits behind the point to 15. */
  y = x >= 0 ? y - half + 128 : half - y + 127;
  return (int16_t)((int32_t)y >> 8);
}

#endif /* TFLM_PATCH_SRC_SIGMOID_H_ */
