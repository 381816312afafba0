/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fixed-point arithmetic that the operator kernels share. Internal.
 *
 * The results are those of TFLM built with double rounding. Nothing here is
 * undefined for any argument in the stated range: sums that may leave int32
 * wrap in uint32_t. Conversion to int32_t is taken modulo 2^32 and >> of a
 * negative value as arithmetic, as every compiler that can build TFLM does.
 */
#ifndef TFLM_PATCH_SRC_REQUANTIZE_H_
#define TFLM_PATCH_SRC_REQUANTIZE_H_

#include <stdint.h>

#include "tflm_patch/kernels.h"

/* a + b modulo 2^32. */
static inline int32_t tflm_patch_wrapping_add(int32_t a, int32_t b) {
  return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* a * 2^shift modulo 2^32, for 0 <= shift <= 31. */
static inline int32_t tflm_patch_wrapping_shift_left(int32_t a, int32_t shift) {
  return (int32_t)((uint32_t)a << shift);
}

static inline int32_t tflm_patch_clamp(int32_t value, int32_t low, int32_t high) {
  value = value < low ? low : value; /* one by one: no branches */
  return value > high ? high : value;
}

/* a * b / 2^31, rounded to nearest, ties towards +infinity; modulo 2^32 for the
 * only product that does not fit, -2^31 * -2^31 (multipliers are positive). */
static inline int32_t tflm_patch_doubling_high_multiply(int32_t a, int32_t b) {
  const int64_t product = (int64_t)a * b;
  /* Bits 31..62 of the sum: a logical shift serves as well. */
  return (int32_t)(uint32_t)(((uint64_t)product + ((uint64_t)1 << 30)) >> 31);
}

/* x / 2^exponent for 0 <= exponent <= 31, rounded to nearest, ties away from
 * zero; x is not -2^31, which no product with a positive multiplier is. */
static inline int32_t tflm_patch_rounding_divide_by_pot(int32_t x, int32_t exponent) {
  if (exponent == 0) {
    return x;
  }
  /* One less moves negative ties down; then halves go up. With one fractional
   * bit left, the sum of the whole and that bit does not overflow. */
  const int32_t halves = tflm_patch_wrapping_add(x, x >> 31) >> (exponent - 1);
  return (halves >> 1) + (halves & 1);
}

/* The functions that follow exist twice: inline, and once for all callers that
 * are optimized for size. */

static inline int32_t tflm_patch_multiply_inline(int32_t x, int32_t multiplier, int32_t shift) {
  if (shift >= 0) {
    return tflm_patch_doubling_high_multiply(tflm_patch_wrapping_shift_left(x, shift), multiplier);
  }
  return tflm_patch_rounding_divide_by_pot(tflm_patch_doubling_high_multiply(x, multiplier),
                                           -shift);
}

/* (src/requantize.c) */
int32_t tflm_patch_multiply_shared(int32_t x, int32_t multiplier, int32_t shift);

/* x * multiplier / 2^31 * 2^shift for -31 <= shift <= 30, as TFLM's
 * MultiplyByQuantizedMultiplier computes it: shift left (modulo 2^32),
 * multiply and round, divide and round. */
static inline int32_t tflm_patch_multiply_by_quantized_multiplier(int32_t x, int32_t multiplier,
                                                                  int32_t shift) {
#ifdef __OPTIMIZE_SIZE__
  return tflm_patch_multiply_shared(x, multiplier, shift);
#else
  return tflm_patch_multiply_inline(x, multiplier, shift);
#endif
}

/* An accumulator to 8 bits: scaled, moved to the zero point, clamped. */
static inline int32_t tflm_patch_requantize(int32_t accumulator, int32_t multiplier, int32_t shift,
                                            int32_t zero_point, int32_t low, int32_t high) {
  const int32_t scaled =
      tflm_patch_multiply_by_quantized_multiplier(accumulator, multiplier, shift);
  return tflm_patch_clamp(tflm_patch_wrapping_add(scaled, zero_point), low, high);
}

/* a + b modulo 2^64. */
static inline int64_t tflm_patch_add_int64(int64_t a, int64_t b) {
  return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t tflm_patch_load_int64(const tflm_patch_int64* x) {
  return (int64_t)((uint64_t)x->high << 32 | x->low);
}

/* x * multiplier / 2^31 * 2^shift for -31 <= shift <= 7, as TFLM's
 * MultiplyByQuantizedMultiplier computes it of an int64: 15 bits of the
 * multiplier, one rounding, ties towards +infinity. Modulo 2^64 and 2^32; x is
 * below 2^47 in what TFLM allows. */
static inline int32_t tflm_patch_multiply_wide(int64_t x, int32_t multiplier, int32_t shift) {
  const int32_t rounded = multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
  const int32_t total_shift = 15 - shift;
  const uint64_t sum =
      (uint64_t)x * (uint64_t)(int64_t)rounded + ((uint64_t)1 << (total_shift - 1));
  return (int32_t)(uint32_t)((int64_t)sum >> total_shift);
}

/* The sum of an output channel to int16, zero point 0 (src/requantize.c). */
int16_t tflm_patch_requantize_channel_s16(const tflm_patch_requant_args* args, int64_t sum,
                                          uint32_t channel);

/* (src/requantize.c) */
int8_t tflm_patch_requantize_channel_shared(const tflm_patch_requant_args* args,
                                            uint32_t accumulator, uint32_t channel);

/* The accumulator of an output channel to 8 bits. */
static inline int8_t tflm_patch_requantize_channel(const tflm_patch_requant_args* args,
                                                   uint32_t accumulator, uint32_t channel) {
#ifdef __OPTIMIZE_SIZE__
  return tflm_patch_requantize_channel_shared(args, accumulator, channel);
#else
  const uint32_t i = channel * args->channel_step;
  return (int8_t)tflm_patch_requantize((int32_t)accumulator, args->multipliers[i], args->shifts[i],
                                       args->output_zero_point, args->act_min, args->act_max);
#endif
}

/* a + sign * b of values less their zero points, brought to a common scale before
 * and to the output's after that. No term leaves int32. */
static inline int32_t tflm_patch_scaled_sum_inline(const tflm_patch_add_params* params, int32_t a,
                                                   int32_t b, int32_t sign) {
  const int32_t unit = (int32_t)1 << params->left_shift;
  /* Scaled before they are added: the rounding is not symmetric. */
  const int32_t a_scaled = tflm_patch_multiply_by_quantized_multiplier(
      a * unit, params->input_multiplier[0], params->input_shift[0]);
  const int32_t b_scaled = tflm_patch_multiply_by_quantized_multiplier(
      b * unit, params->input_multiplier[1], params->input_shift[1]);
  return tflm_patch_requantize((int32_t)((uint32_t)a_scaled + (uint32_t)b_scaled * (uint32_t)sign),
                               params->output_multiplier, params->output_shift,
                               params->output_zero_point, params->act_min, params->act_max);
}

/* (src/requantize.c) */
int32_t tflm_patch_scaled_sum_shared(const tflm_patch_add_params* params, int32_t a, int32_t b,
                                     int32_t sign);

static inline int32_t tflm_patch_scaled_sum(const tflm_patch_add_params* params, int32_t a,
                                            int32_t b, int32_t sign) {
#ifdef __OPTIMIZE_SIZE__
  return tflm_patch_scaled_sum_shared(params, a, b, sign);
#else
  return tflm_patch_scaled_sum_inline(params, a, b, sign);
#endif
}

/* (a - b) squared of values less their zero points, scaled as in a sum. */
static inline int32_t tflm_patch_squared_difference(const tflm_patch_add_params* params, int32_t a,
                                                    int32_t b) {
  const int32_t unit = (int32_t)1 << params->left_shift;
  const uint32_t difference = (uint32_t)tflm_patch_multiply_by_quantized_multiplier(
                                  a * unit, params->input_multiplier[0], params->input_shift[0]) -
                              (uint32_t)tflm_patch_multiply_by_quantized_multiplier(
                                  b * unit, params->input_multiplier[1], params->input_shift[1]);
  return tflm_patch_requantize((int32_t)(difference * difference), params->output_multiplier,
                               params->output_shift, params->output_zero_point, params->act_min,
                               params->act_max);
}

#endif /* TFLM_PATCH_SRC_REQUANTIZE_H_ */
