/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "intervals.h"

#include <string.h>

bool tflm_patch_intervals_add(tflm_patch_intervals* set, int64_t begin, int64_t end) {
  tflm_patch_interval* at = set->at;
  int32_t first = set->count; /* of those that the new one touches */
  while (first > 0 && at[first - 1].end >= begin) {
    --first;
  }
  int32_t last = first; /* behind them */
  while (last < set->count && at[last].begin <= end) {
    ++last;
  }
  if (first == last) {
    if (set->count == set->capacity) {
      return false;
    }
    memmove(at + first + 1, at + first, (size_t)(set->count - first) * sizeof(*at));
    at[first].begin = begin;
    at[first].end = end;
    ++set->count;
    return true;
  }
  if (at[first].begin > begin) {
    at[first].begin = begin;
  }
  at[first].end = at[last - 1].end > end ? at[last - 1].end : end;
  memmove(at + first + 1, at + last, (size_t)(set->count - last) * sizeof(*at));
  set->count -= last - first - 1;
  return true;
}

bool tflm_patch_intervals_add_all(tflm_patch_intervals* set, const tflm_patch_intervals* more,
                                  int64_t offset) {
  for (int32_t i = 0; i < more->count; ++i) {
    if (!tflm_patch_intervals_add(set, more->at[i].begin + offset, more->at[i].end + offset)) {
      return false;
    }
  }
  return true;
}

tflm_patch_gaps tflm_patch_gaps_of(const tflm_patch_intervals* set, int64_t shift, int64_t limit,
                                   int64_t alignment) {
  const tflm_patch_gaps gaps = {set, shift, limit, alignment, 0, 0};
  return gaps;
}

bool tflm_patch_next_gap(tflm_patch_gaps* gaps, tflm_patch_gap* gap) {
  const tflm_patch_intervals* set = gaps->set;
  while (gaps->next <= set->count && gaps->low <= gaps->limit) {
    int64_t last = gaps->limit;
    const int64_t from = gaps->low;
    if (gaps->next < set->count) {
      const tflm_patch_interval* taken = &set->at[gaps->next];
      const int64_t begin = taken->begin + gaps->shift;
      const int64_t end = taken->end + gaps->shift;
      last = begin - 1 < last ? begin - 1 : last;
      gaps->low = end > from ? end : from;
    }
    ++gaps->next;
    if (last < from) {
      continue;
    }
    const int64_t alignment = gaps->alignment;
    gap->low = alignment == 1 ? from : (from + alignment - 1) / alignment * alignment;
    gap->high = alignment == 1 ? last : last / alignment * alignment;
    if (gap->low <= gap->high) {
      return true;
    }
  }
  return false;
}
