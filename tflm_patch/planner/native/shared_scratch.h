/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Private memory in which an operator keeps nothing from one step to the next: the operators
 * of a segment share one, as large as the largest needs.
 */
#ifndef TFLM_PATCH_PLANNER_SHARED_SCRATCH_H_
#define TFLM_PATCH_PLANNER_SHARED_SCRATCH_H_

#include "order.h"
#include "stage.h"

/* Of a segment: the first operator that needs the most, how much, and when the first of
 * them begins and the last ends; bytes is 0 for none. */
typedef struct {
  int32_t owner;
  int64_t bytes;
  int64_t made;
  int64_t last;
} tflm_patch_shared_scratch;

static inline tflm_patch_shared_scratch tflm_patch_share_scratch(const tflm_patch_stage_tables* t,
                                                                 const tflm_patch_timeline* time,
                                                                 int32_t first, int32_t last) {
  tflm_patch_shared_scratch shared = {-1, 0, INT64_MAX, -1};
  for (int32_t i = first; i < last; ++i) {
    if (t->kind[i] != TFLM_PATCH_SHARING || t->scratch_bytes[i] == 0) {
      continue;
    }
    const int64_t begin = time->times[i][0];
    const int64_t end = time->times[i][t->steps[i] - 1];
    if (t->scratch_bytes[i] > shared.bytes) {
      shared.owner = i;
      shared.bytes = t->scratch_bytes[i];
    }
    shared.made = begin < shared.made ? begin : shared.made;
    shared.last = end > shared.last ? end : shared.last;
  }
  return shared;
}

#endif /* TFLM_PATCH_PLANNER_SHARED_SCRATCH_H_ */
