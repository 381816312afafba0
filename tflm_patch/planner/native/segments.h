/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where to cut a stage, as planner/schedule/segments.py searches it.
 */
#ifndef TFLM_PATCH_PLANNER_SEGMENTS_H_
#define TFLM_PATCH_PLANNER_SEGMENTS_H_

#include "items.h"
#include "planner.h"

enum {
  TFLM_PATCH_IN_PYTHON = -1, /* nothing was found out: ask the reference */
  TFLM_PATCH_NO_CUTS = 0
};

/* Bytes of memory for a search in a stage. */
TFLM_PATCH_PLANNER_EXPORT size_t tflm_patch_segments_memory(const tflm_patch_stage_tables* tables);

/* Begins a search in memory of that size, aligned to 8. The tables must outlive it.
 *
 * Returns 1, or TFLM_PATCH_IN_PYTHON for a stage that is not planned here. */
TFLM_PATCH_PLANNER_EXPORT int32_t tflm_patch_segments_begin(const tflm_patch_stage_tables* tables,
                                                            void* memory, size_t memory_bytes);

/* What collects the buffers of the stage's segments in this memory. */
tflm_patch_collector* tflm_patch_collector_of(void* memory);

/* The cost of a segment: peak, ring and inner bytes, dispatches. Returns 1, or
 * TFLM_PATCH_IN_PYTHON. */
TFLM_PATCH_PLANNER_EXPORT int32_t tflm_patch_segment_cost(void* memory, int32_t first, int32_t last,
                                                          int64_t cost[4]);

/* SegmentSearch.least_peak; `enough` may be INT64_MAX. TFLM_PATCH_IN_PYTHON when it fails. */
TFLM_PATCH_PLANNER_EXPORT int64_t tflm_patch_least_peak(void* memory, int64_t floor_bytes,
                                                        int64_t enough);

/* SegmentSearch.fewest_dispatches.
 *
 * without: [without_count], segments that must not occur.
 * cuts: [ops], written.
 * Returns the number of cuts, TFLM_PATCH_NO_CUTS or TFLM_PATCH_IN_PYTHON. */
TFLM_PATCH_PLANNER_EXPORT int32_t tflm_patch_fewest_dispatches(void* memory, int64_t limit,
                                                               const tflm_patch_cut* without,
                                                               int32_t without_count,
                                                               tflm_patch_cut* cuts);

#endif /* TFLM_PATCH_PLANNER_SEGMENTS_H_ */
