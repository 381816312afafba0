/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Products of a vector with the weights of a unit's four gates, or of four filters. Internal.
 */
#ifndef TFLM_PATCH_SRC_GATES_H_
#define TFLM_PATCH_SRC_GATES_H_

#include "dot.h"
#include "family.h"

/* sums[g] += a . (w + g * w_stride), for 4 gates, modulo 2^32. */
#if TFLM_PATCH_IS_DSP
void tflm_patch_dot_gates(const int8_t* a, const int8_t* w, size_t w_stride, size_t n,
                          uint32_t* sums); /* (src/dsp/gates.c) */
#else
static inline void tflm_patch_dot_gates(const int8_t* a, const int8_t* w, size_t w_stride, size_t n,
                                        uint32_t* sums) {
  tflm_patch_dot_channels(a, w, w_stride, n, TFLM_PATCH_DOT_CHANNELS, sums);
}
#endif

#endif /* TFLM_PATCH_SRC_GATES_H_ */
