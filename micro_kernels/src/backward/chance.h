/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What all updates of parameters share. Internal.
 */
#ifndef TFLM_PATCH_SRC_BACKWARD_CHANCE_H_
#define TFLM_PATCH_SRC_BACKWARD_CHANCE_H_

#include <stdint.h>

/* With weights of up to 33,025 inputs, sums stay below 2^30 whatever is learned. */
#define TFLM_PATCH_MOST_BIAS 536870912 /* 2^29 */

/* The finalizer of MurmurHash3 (Austin Appleby, public domain). */
static inline uint32_t tflm_patch_mix(uint32_t x) {
  x ^= x >> 16;
  x *= 0x85EBCA6Bu;
  x ^= x >> 13;
  x *= 0xC2B2AE35u;
  return x ^ x >> 16;
}

#endif /* TFLM_PATCH_SRC_BACKWARD_CHANCE_H_ */
