/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where a shape must not begin, because of the pieces that lie in a region.
 */
#ifndef TFLM_PATCH_PLANNER_BLOCKED_H_
#define TFLM_PATCH_PLANNER_BLOCKED_H_

#include "packer.h"

/* Finds the pieces of every region that are alive with a shape. */
void tflm_patch_meet(tflm_patch_packer* packer, const tflm_patch_shape* shape);

/* Adds where `other` must not begin so that its slots [from, n) stay off slots
 * [first, first + count) of `shape`, of which slot `first` lies at `offset`. Returns
 * whether there was room. */
bool tflm_patch_add_met(tflm_patch_packer* packer, tflm_patch_intervals* set,
                        const tflm_patch_shape* shape, int32_t first, int32_t count, int64_t offset,
                        const tflm_patch_shape* other, int32_t from);

/* Adds where shape `b` must not begin because of a piece. */
void tflm_patch_add_placed(tflm_patch_packer* packer, tflm_patch_intervals* set,
                           const tflm_patch_placed* placed, int32_t b);

/* Begins with no fronts and backs but the empty ones. */
void tflm_patch_begin_split(tflm_patch_packer* packer, const tflm_patch_shape* shape);

/* Where slots [0, cut) of a shape must not begin in a region. */
const tflm_patch_intervals* tflm_patch_front_of(tflm_patch_packer* packer,
                                                tflm_patch_region* region,
                                                const tflm_patch_shape* shape, int32_t cut);

/* Where slots [cut, n) must not begin, as if slot 0 did. */
const tflm_patch_intervals* tflm_patch_back_of(tflm_patch_packer* packer, tflm_patch_region* region,
                                               const tflm_patch_shape* shape, int32_t cut);

#endif /* TFLM_PATCH_PLANNER_BLOCKED_H_ */
