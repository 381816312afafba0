/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What segments cost, worked out once each.
 */
#ifndef TFLM_PATCH_PLANNER_SEGMENT_COST_H_
#define TFLM_PATCH_PLANNER_SEGMENT_COST_H_

#include "items.h"

/* SegmentCost of schedule/segments.py. */
typedef struct {
  int64_t peak_bytes; /* -1 until it is known */
  int64_t ring_bytes;
  int64_t inner_bytes;
  int64_t dispatches;
} tflm_patch_segment_cost_t;

/* The costs of a stage's segments. */
typedef struct {
  tflm_patch_stage stage;
  tflm_patch_collector collector;
  /* [ops + 1][ops + 1] by first and last operator; of a segment, and the most of those
   * within it and those that begin with it. */
  tflm_patch_segment_cost_t* known;
  int64_t* rings;
  int64_t* inner;
  int64_t* live; /* [3][total steps + 1], changes of the bytes alive */
} tflm_patch_costs;

/* Takes room for the costs of a stage. Returns as tflm_patch_stage_init does. */
bool tflm_patch_costs_init(tflm_patch_costs* costs, const tflm_patch_stage_tables* tables,
                           tflm_patch_room* room);

/* The cost of operators [first, last). */
const tflm_patch_segment_cost_t* tflm_patch_cost_of(tflm_patch_costs* costs, int32_t first,
                                                    int32_t last);

/* What a stream needs at least: what the streams within it that are known need. */
static inline int64_t tflm_patch_bound_of(const tflm_patch_costs* costs, int32_t first,
                                          int32_t last) {
  const size_t at = (size_t)first * (size_t)(costs->stage.t.ops + 1) + (size_t)last;
  return costs->rings[at] > costs->inner[at] ? costs->rings[at] : costs->inner[at];
}

/* A lower bound of a segment's peak that needs no simulation. */
static inline int64_t tflm_patch_floor_of(const tflm_patch_costs* costs, int32_t first,
                                          int32_t last) {
  const int64_t* whole = costs->stage.whole;
  return whole[first] > whole[last] ? whole[first] : whole[last];
}

#endif /* TFLM_PATCH_PLANNER_SEGMENT_COST_H_ */
