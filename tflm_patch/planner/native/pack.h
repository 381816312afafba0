/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Placing items one by one, as `pack` of planner/memory/layout.py does.
 */
#ifndef TFLM_PATCH_PLANNER_PACK_H_
#define TFLM_PATCH_PLANNER_PACK_H_

#include "packer.h"

/* Places the items in an order. Returns -1, or the item that found no place. */
int32_t tflm_patch_pack(tflm_patch_packer* packer, int64_t workspace, const int32_t* order,
                        uint32_t* random, tflm_patch_place* places);

#endif /* TFLM_PATCH_PLANNER_PACK_H_ */
