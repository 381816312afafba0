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
static inline __attribute__((always_inline)) void tflm_patch_put_pairs(
    uint32_t* to, uint32_t pitch, uint32_t a, uint32_t b) {
  const uint32_t low = tflm_patch_low_halves(a, b);
  const uint32_t high = tflm_patch_high_halves(a, b);
  to[0] = tflm_patch_even_bytes(low);
  to[pitch] = tflm_patch_odd_bytes(low);
  to[2 * pitch] = tflm_patch_even_bytes(high);
  to[3 * pitch] = tflm_patch_odd_bytes(high);
}

#endif /* TFLM_PATCH_SRC_DSP_PLANES_H_ */
