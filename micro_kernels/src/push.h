/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The numbers of a filter of SVDF. Internal.
 */
#ifndef TFLM_PATCH_SRC_PUSH_H_
#define TFLM_PATCH_SRC_PUSH_H_

#include <stdint.h>

/* Moves the int8 numbers of a filter by one, sets the last one, and returns their weighted sum
 * modulo 2^32 (src/svdf.c, src/dsp/push.c). memory is at least 1. */
uint32_t tflm_patch_push_s8(int8_t* numbers, uint32_t memory, int32_t value, const int8_t* weights);

#endif /* TFLM_PATCH_SRC_PUSH_H_ */
