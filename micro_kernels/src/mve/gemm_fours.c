/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A pixel of any length by four channels at a time, in the usual case of
 * requantization. A load serves four products.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "dot.h"
#include "gemm.h"
#include "vector.h"

/* The sums of four channels; they begin with the bias. */
TFLM_PATCH_INLINE int32x4_t multiply(const int8_t* x, const int8_t* w0, size_t step, uint32_t n,
                                     const int32_t* bias) {
  const int8_t* w1 = w0 + step;
  const int8_t* w2 = w1 + step;
  tflm_patch_four_sums s = {bias[0], bias[1], bias[2], bias[3]};
  tflm_patch_mve_add_products(&s, x, w0, w1, w2, w2 + step, n);
  return tflm_patch_make_vector(s.s0, s.s1, s.s2, s.s3);
}

void tflm_patch_mve_make_fours(const tflm_patch_requant_args* requant, const int8_t* x, uint32_t n,
                               const tflm_patch_filters* filters, int8_t* output) {
  const int32_t zero_point = requant->output_zero_point;
  const size_t step = filters->channel_step;
  const uint32_t scale_step = requant->channel_step;
  const int8_t* w = filters->weights;
  const int32_t* bias = filters->bias;
  const int32_t* multipliers = requant->multipliers + filters->first * scale_step;
  const int8_t* shifts = requant->shifts + filters->first * scale_step;
  int32x4_t multiplier = vdupq_n_s32(*multipliers);
  int32x4_t shift = vdupq_n_s32(*shifts);
  for (uint32_t left = filters->n_channels;;) {
    int32x4_t s = multiply(x, w, step, n, bias);
    if (scale_step) {
      multiplier = vldrwq_s32(multipliers);
      shift = vldrbq_s32(shifts);
    }
    s = vaddq_n_s32(tflm_patch_scale_down(s, multiplier, shift), zero_point);
    vstrbq_s32(output, tflm_patch_saturate(s));
    left -= 4;
    if (left == 0) {
      return;
    }
    const uint32_t next = left < 4 ? left : 4;
    left = left < 4 ? 4 : left;
    w += next * step;
    bias += next;
    output += next;
    if (scale_step) {
      multipliers += next;
      shifts += next;
    }
  }
}

#endif /* TFLM_PATCH_IS_MVE */
