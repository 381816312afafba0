/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "planner.h"

int32_t tflm_patch_planner_abi(void) { return TFLM_PATCH_PLANNER_ABI; }
