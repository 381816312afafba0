/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Float arithmetic that is the same everywhere: the first include of every file that
 * computes with floats. Internal.
 *
 * A product and a sum must not become one operation with one rounding.
 */
#ifndef TFLM_PATCH_SRC_BACKWARD_EXACT_H_
#define TFLM_PATCH_SRC_BACKWARD_EXACT_H_

#if defined(__FAST_MATH__)
#error "training needs exact float arithmetic: compile without -ffast-math"
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#include <float.h>
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "training needs float arithmetic in float: compile with -mfpmath=sse or the like"
#endif

#endif /* TFLM_PATCH_SRC_BACKWARD_EXACT_H_ */
