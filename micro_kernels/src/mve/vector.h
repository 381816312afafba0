/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Requantization of four accumulators at a time, exactly as in requantize.h,
 * and other small things of vectors. Internal.
 *
 * gcc keeps vectors in registers through intrinsics; where it has none that
 * serves (two lanes from two core registers), or would not use a loop without
 * overhead, there is assembly.
 */
#ifndef TFLM_PATCH_SRC_MVE_VECTOR_H_
#define TFLM_PATCH_SRC_MVE_VECTOR_H_

/* Some assembly needs nearly all registers, so no frame pointer at any level of
 * optimization; and scalars must not travel in vectors and memory. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "omit-frame-pointer", "no-tree-slp-vectorize")
#endif

#include <arm_mve.h>
#include <stddef.h>
#include <stdint.h>

#include "tflm_patch/kernels.h"

#define TFLM_PATCH_INLINE static inline __attribute__((always_inline))

/* {a, b, c, d} */
TFLM_PATCH_INLINE int32x4_t tflm_patch_make_vector(int32_t a, int32_t b, int32_t c, int32_t d) {
  int32x4_t v;
  __asm__(
      "vmov %q0[2], %q0[0], %1, %3\n\t"
      "vmov %q0[3], %q0[1], %2, %4"
      : "=&w"(v)
      : "r"(a), "r"(b), "r"(c), "r"(d));
  return v;
}

/* x / 2^-shift for shifts below 0, halves away from zero: one less where x is
 * negative, then halves go up. |x| is below 2^31. */
TFLM_PATCH_INLINE int32x4_t tflm_patch_less_if_negative(int32x4_t x) {
  /* x + floor(2 * x * 1 / 2^32) */
  return vqdmlahq_n_s32(x, x, 1);
}

/* x * multiplier / 2^31 * 2^shift with TFLM's roundings, any shifts. */
TFLM_PATCH_INLINE int32x4_t tflm_patch_scale(int32x4_t x, int32x4_t multiplier, int32x4_t shift) {
  const int32x4_t right = vminq_s32(shift, vdupq_n_s32(0));
  x = vshlq_s32(x, vsubq_s32(shift, right));
  x = vqrdmulhq_s32(x, multiplier);
  x = vaddq_s32(x, vshrq_n_s32(vandq_s32(x, right), 31));
  return vrshlq_s32(x, right);
}

/* The same for shifts that are all below 0, or 0 with a multiplier of 0. */
TFLM_PATCH_INLINE int32x4_t tflm_patch_scale_down(int32x4_t x, int32x4_t multiplier,
                                                  int32x4_t shift) {
  x = vqrdmulhq_s32(x, multiplier);
  return vrshlq_s32(tflm_patch_less_if_negative(x), shift);
}

/* The same for one multiplier and shift. */
typedef struct {
  int32_t multiplier;
  int32_t left;  /* shift, or 0 */
  int32_t right; /* shift, or 0; not above 0 */
  int32_t less;  /* 1 when right is below 0, else 0 */
} tflm_patch_scaling;

TFLM_PATCH_INLINE tflm_patch_scaling tflm_patch_make_scaling(int32_t multiplier, int32_t shift) {
  const tflm_patch_scaling s = {
      .multiplier = multiplier,
      .left = shift > 0 ? shift : 0,
      .right = shift < 0 ? shift : 0,
      .less = shift < 0,
  };
  return s;
}

/* For shifts that are not above 0. */
TFLM_PATCH_INLINE int32x4_t tflm_patch_scale_all_down(int32x4_t x, const tflm_patch_scaling* s) {
  x = vqrdmulhq_n_s32(x, s->multiplier);
  x = vqdmlahq_n_s32(x, x, s->less); /* see tflm_patch_less_if_negative */
  return vrshlq_n_s32(x, s->right);
}

TFLM_PATCH_INLINE int32x4_t tflm_patch_scale_all(int32x4_t x, const tflm_patch_scaling* s) {
  return tflm_patch_scale_all_down(vshlq_r_s32(x, s->left), s);
}

/* To int8, in the low byte of every lane. */
TFLM_PATCH_INLINE int32x4_t tflm_patch_saturate(int32x4_t x) {
  /* gcc copies the vector for each of the two intrinsics */
  __asm__(
      "vqmovnb.s32 %q0, %q0\n\t"
      "vqmovnb.s16 %q0, %q0"
      : "+w"(x));
  return x;
}

TFLM_PATCH_INLINE int32x4_t tflm_patch_clamp_vector(int32x4_t x, int32_t low, int32_t high) {
  return vminq_s32(vmaxq_s32(x, vdupq_n_s32(low)), vdupq_n_s32(high));
}

/* Most models clamp to nothing but int8. */
static inline int tflm_patch_is_plain_clamp(int32_t low, int32_t high) {
  return low == INT8_MIN && high == INT8_MAX;
}

/* Whether all shifts are below 0, or 0 with a multiplier of 0: what scales too
 * small for a shift become. */
static inline int tflm_patch_is_scaling_down(const tflm_patch_requant_args* requant,
                                             uint32_t channels) {
  const int32_t n = requant->channel_step ? (int32_t)channels : 1;
  int8_t most = INT8_MIN;
  for (int32_t i = 0; i < n; i += 16) {
    const mve_pred16_t in = vctp8q((uint32_t)(n - i));
    most = vmaxvq_p_s8(most, vldrbq_z_s8(requant->shifts + i, in), in);
  }
  if (most != 0) {
    return most < 0;
  }
  int32_t used = 0; /* of the multipliers that come with 0 */
  for (int32_t i = 0; i < n; i += 4) {
    const mve_pred16_t in = vctp32q((uint32_t)(n - i));
    const int32x4_t shifts = vldrbq_z_s32(requant->shifts + i, in);
    const int32x4_t multipliers = vldrwq_z_s32(requant->multipliers + i, in);
    used = vmaxvq_p_s32(used, multipliers, vcmpeqq_m_n_s32(shifts, 0, in));
  }
  return used == 0;
}

/* Whether the usual case may be taken: tflm_patch_scale_down, and nothing is
 * clamped but to int8. */
static inline int tflm_patch_is_usual(const tflm_patch_requant_args* requant, uint32_t channels) {
  return tflm_patch_is_plain_clamp(requant->act_min, requant->act_max) &&
         tflm_patch_is_scaling_down(requant, channels);
}

#endif /* TFLM_PATCH_SRC_MVE_VECTOR_H_ */
