/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where a shape, or a piece of it, may lie: spots, in the order in which they are tried.
 */
#ifndef TFLM_PATCH_PLANNER_SPOTS_H_
#define TFLM_PATCH_PLANNER_SPOTS_H_

#include "packer.h"

/* Where the order of the spots begins: elsewhere now and then. */
int32_t tflm_patch_turn(const tflm_patch_packer* packer, uint32_t* random);

/* Spots for all slots of a shape. Returns where their order begins. */
int32_t tflm_patch_find_whole(tflm_patch_packer* packer, int32_t number);

/* Finds `wanted` spots for slots [0, cut). */
void tflm_patch_find_fronts(tflm_patch_packer* packer, const tflm_patch_shape* shape, int32_t cut,
                            int32_t wanted);

/* Spots for slots [cut, n), beside the front piece if there is one. */
int32_t tflm_patch_find_backs(tflm_patch_packer* packer, int32_t number, int32_t cut,
                              uint32_t* random, const tflm_patch_piece* front);

#endif /* TFLM_PATCH_PLANNER_SPOTS_H_ */
