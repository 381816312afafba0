/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Words of two 16-bit values of four channels. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_PLANES_H_
#define TFLM_PATCH_SRC_DSP_PLANES_H_

#include "arith.h"

/* Of (a, b), words of four channels each: to[0] is that of the first channel, the
 * next channels' are `pitch` words further on. */
static inline __attribute__((always_inline)) void tflm_patch_put_pairs(uint32_t* to, uint32_t pitch,
                                                                       uint32_t a, uint32_t b) {
  const uint32_t low = tflm_patch_low_halves(a, b);
  const uint32_t high = tflm_patch_high_halves(a, b);
  to[0] = tflm_patch_even_bytes(low);
  to[pitch] = tflm_patch_odd_bytes(low);
  to[2 * pitch] = tflm_patch_even_bytes(high);
  to[3 * pitch] = tflm_patch_odd_bytes(high);
}

/* n >= 1 columns of them: word k of the planes is of a + k * a_step and b + k *
 * b_step; the next channel's plane is pitch_bytes further on. */
void tflm_patch_pair_words(uint32_t* to, uint32_t pitch_bytes, const int8_t* a, const int8_t* b,
                           uint32_t a_step, uint32_t b_step, uint32_t n);

#endif /* TFLM_PATCH_SRC_DSP_PLANES_H_ */
