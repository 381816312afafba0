/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pixels whose values are widened in parts, in the dsp family. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_GEMM_PARTS_H_
#define TFLM_PATCH_SRC_DSP_GEMM_PARTS_H_

#include "gemm.h"

/* Tiles of `pixels` pixels, 3 or 2; the sums of a channel lie one behind the other. */

void tflm_patch_start_parts(const tflm_patch_dot_job* j, uint32_t pixels, uint32_t channel,
                            uint32_t n, int32_t* sums);

/* Adds products with the taps [first, first + n), n a multiple of four, of some pairs of
 * channels from one on. `values` are the widened pixels, interleaved. */
void tflm_patch_add_part(const tflm_patch_dot_job* j, uint32_t pixels, const uint32_t* values,
                         uint32_t first, uint32_t n, uint32_t channel, uint32_t pairs,
                         int32_t* sums);

/* The bytes of n channels; not clamped. */
void tflm_patch_finish_parts(const tflm_patch_dot_job* j, uint32_t pixels, const int32_t* sums,
                             uint32_t channel, uint32_t n, int8_t* output);

#endif /* TFLM_PATCH_SRC_DSP_GEMM_PARTS_H_ */
