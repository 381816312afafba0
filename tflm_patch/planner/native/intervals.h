/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sets of offsets as sorted lists of intervals that do not touch.
 */
#ifndef TFLM_PATCH_PLANNER_INTERVALS_H_
#define TFLM_PATCH_PLANNER_INTERVALS_H_

#include <stdbool.h>
#include <stdint.h>

/* Offsets [begin, end). */
typedef struct {
  int64_t begin;
  int64_t end;
} tflm_patch_interval;

/* A set in memory of the caller. */
typedef struct {
  tflm_patch_interval* at;
  int32_t count;
  int32_t capacity;
} tflm_patch_intervals;

/* Adds [begin, end), which is not empty. Returns whether there was room. */
bool tflm_patch_intervals_add(tflm_patch_intervals* set, int64_t begin, int64_t end);

/* Adds every interval of another set, moved by an offset. */
bool tflm_patch_intervals_add_all(tflm_patch_intervals* set, const tflm_patch_intervals* more,
                                  int64_t offset);

/* What of a range of offsets is free. */
typedef struct {
  int64_t low;
  int64_t high; /* the last one, included */
} tflm_patch_gap;

/* Steps through the gaps of 0..limit: aligned offsets that, less `shift`, lie in
 * no interval of the set. */
typedef struct {
  const tflm_patch_intervals* set;
  int64_t shift;
  int64_t limit;
  int64_t alignment;
  int32_t next;
  int64_t low;
} tflm_patch_gaps;

/* The gaps of a set, none stepped over yet. */
tflm_patch_gaps tflm_patch_gaps_of(const tflm_patch_intervals* set, int64_t shift, int64_t limit,
                                   int64_t alignment);

/* The next gap. Returns false when there is none. */
bool tflm_patch_next_gap(tflm_patch_gaps* gaps, tflm_patch_gap* gap);

#endif /* TFLM_PATCH_PLANNER_INTERVALS_H_ */
