/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * ADD of the dsp family.
 */
#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "../portable/portable.h"
#include "arith.h"

/* A term: ((value + offset) << up) * multiplier, rounded, then divided by
 * 2^exponent, rounded. */
typedef struct {
  int32_t offset;
  int32_t up; /* with the 1 of the doubling */
  tflm_patch_scaling scaling;
} term;

#define ONE_HALF (1 << 30)

/* Returns 0 when an input cannot be scaled in this way. */
static int find_term(term* t, int32_t zero_point, int32_t left_shift, int32_t multiplier,
                     int32_t shift) {
  t->offset = -zero_point;
  t->up = left_shift + 1;
  if (shift == 0 && multiplier == ONE_HALF) {
    /* A half without rounding is twice as much and a quarter. */
    ++t->up;
    shift = -1;
  }
  t->scaling = tflm_patch_find_scaling(multiplier, shift, 0);
  return tflm_patch_is_scaling_shift(shift);
}

static inline int32_t scale_term(const term* t, int32_t value) {
  return tflm_patch_scale_doubled(t->scaling, (value + t->offset) << t->up);
}

void tflm_patch_add_s8(const tflm_patch_add_params* params, int32_t a_zero_point,
                       int32_t b_zero_point, const int8_t* a, uint32_t a_step, const int8_t* b,
                       uint32_t b_step, int8_t* output, uint32_t n) {
  term x, y;
  if (!find_term(&x, a_zero_point, params->left_shift, params->input_multiplier[0],
                 params->input_shift[0]) ||
      !find_term(&y, b_zero_point, params->left_shift, params->input_multiplier[1],
                 params->input_shift[1]) ||
      !tflm_patch_is_scaling_shift(params->output_shift)) {
    tflm_patch_add_portable_s8(params, a_zero_point, b_zero_point, a, a_step, b, b_step, output, n);
    return;
  }
  const term first = x, second = y;
  const tflm_patch_scaling scaling = tflm_patch_find_scaling(
      params->output_multiplier, params->output_shift, params->output_zero_point);
  const int32_t low = params->act_min;
  const int32_t high = params->act_max;
  for (; n > 0; --n) {
    const int32_t sum = scale_term(&first, *a) + scale_term(&second, *b);
    const int32_t value = tflm_patch_saturate(tflm_patch_scale(scaling, sum));
    *output++ = (int8_t)tflm_patch_clamp(value, low, high);
    a += a_step;
    b += b_step;
  }
}

#endif /* TFLM_PATCH_IS_DSP */
