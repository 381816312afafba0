/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Float arithmetic that is the same everywhere: the first include of every file that
 * computes with floats. Internal.
 *
 * A product and a sum must not become one operation with one rounding. Generated components
 * refuse compilers' other liberties, see TFLM_PATCH_HAS_EXACT_FLOATS in training.h.
 */
#ifndef TFLM_PATCH_SRC_BACKWARD_EXACT_H_
#define TFLM_PATCH_SRC_BACKWARD_EXACT_H_

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#endif /* TFLM_PATCH_SRC_BACKWARD_EXACT_H_ */
