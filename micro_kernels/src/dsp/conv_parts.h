/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONV_2D of the dsp family where windows are widened in parts. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_CONV_PARTS_H_
#define TFLM_PATCH_SRC_DSP_CONV_PARTS_H_

#include "gemm.h"
#include "windows.h"

/* Whether the pixels of a row can be made so, of which not even a tile fits the buffer. The output
 * must not lie over the input. */
int tflm_patch_are_parts(const tflm_patch_windows* w, const tflm_patch_dot_job* j);

/* Output columns [x, x + pixels), 3 or 2 of them, in a buffer of at least
 * TFLM_PATCH_CONV_STACK_BYTES. Bytes are not clamped. */
void tflm_patch_make_parts(const tflm_patch_windows* w, const tflm_patch_dot_job* j, uint32_t x,
                           uint32_t pixels, uint32_t* buffer, uint32_t bytes, int8_t* output);

#endif /* TFLM_PATCH_SRC_DSP_CONV_PARTS_H_ */
