/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TFLM_PATCH_PLANNER_PLANNER_H_
#define TFLM_PATCH_PLANNER_PLANNER_H_

#include <stdint.h>

/* What the library shows; it is built with hidden symbols. */
#if defined(__GNUC__)
#define TFLM_PATCH_PLANNER_EXPORT __attribute__((visibility("default")))
#else
#define TFLM_PATCH_PLANNER_EXPORT
#endif

/* Counts the changes of the library's interface: library.py has the same number. */
enum { TFLM_PATCH_PLANNER_ABI = 4 };

TFLM_PATCH_PLANNER_EXPORT int32_t tflm_patch_planner_abi(void);

#endif /* TFLM_PATCH_PLANNER_PLANNER_H_ */
