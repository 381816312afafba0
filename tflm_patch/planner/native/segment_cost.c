/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "segment_cost.h"

#include <string.h>

#include "shared_scratch.h"

/* What is counted: everything, rings, what is not left to later segments. */
enum { kPeak, kRing, kInner, kSums };

bool tflm_patch_costs_init(tflm_patch_costs* costs, const tflm_patch_stage_tables* tables,
                           tflm_patch_room* room) {
  const size_t nodes = (size_t)tables->ops + 1;
  if (!tflm_patch_stage_init(&costs->stage, tables, room)) {
    return false;
  }
  tflm_patch_collector_init(&costs->collector, &costs->stage, room);
  costs->known = tflm_patch_take(room, nodes * nodes, sizeof(*costs->known));
  costs->rings = tflm_patch_take(room, nodes * nodes, sizeof(*costs->rings));
  costs->inner = tflm_patch_take(room, nodes * nodes, sizeof(*costs->inner));
  costs->live =
      tflm_patch_take(room, kSums * ((size_t)costs->stage.total_steps + 2), sizeof(*costs->live));
  if (room->memory != NULL) {
    memset(costs->rings, 0, nodes * nodes * sizeof(*costs->rings));
    memset(costs->inner, 0, nodes * nodes * sizeof(*costs->inner));
    for (size_t i = 0; i < nodes * nodes; ++i) {
      costs->known[i].peak_bytes = -1;
    }
  }
  return true;
}

/* Sums of bytes alive at each time. */
typedef struct {
  int64_t* change[kSums];
  int32_t length;
} live_sums;

/* Adds slots of a shape to the sums that count it. */
static void add_live_ranges(live_sums* sums, const bool* counts,
                            const tflm_patch_live_ranges* live_ranges, int64_t slot_bytes) {
  for (int k = 0; k < kSums; ++k) {
    if (!counts[k]) {
      continue;
    }
    int64_t* change = sums->change[k];
    for (int32_t s = 0; s < live_ranges->count; ++s) {
      const int64_t made = live_ranges->made[s] > 0 ? live_ranges->made[s] : 0;
      const int64_t free =
          live_ranges->last[s] + 1 < sums->length ? live_ranges->last[s] + 1 : sums->length;
      change[made] += slot_bytes;
      change[free] -= slot_bytes;
    }
  }
}

static int64_t most_alive(const live_sums* sums, int k) {
  int64_t alive = 0;
  int64_t most = INT64_MIN;
  for (int32_t at = 0; at < sums->length; ++at) {
    alive += sums->change[k][at];
    most = alive > most ? alive : most;
  }
  return most;
}

/* Whether later segments use the map or one that lies over it. */
static bool is_left(const tflm_patch_costs* costs, int32_t m, int32_t last) {
  for (; m >= 0; m = costs->collector.buffer[m].next) {
    if (costs->stage.span_end[m] >= last) {
      return true;
    }
  }
  return false;
}

static void add_buffers(const tflm_patch_costs* costs, live_sums* sums, int32_t last) {
  const tflm_patch_collector* collector = &costs->collector;
  for (int32_t m = 0; m < costs->stage.t.maps; ++m) {
    const tflm_patch_buffer* buffer = &collector->buffer[m];
    if (buffer->presence == TFLM_PATCH_TENSOR) {
      const bool counts[kSums] = {true, false, costs->stage.span_end[m] < last};
      add_live_ranges(sums, counts, &buffer->live_ranges, costs->stage.t.row_bytes[m]);
    } else if (buffer->presence == TFLM_PATCH_HOST) {
      const bool counts[kSums] = {true, tflm_patch_is_ring(&buffer->item),
                                  !is_left(costs, m, last)};
      add_live_ranges(sums, counts, &buffer->item.shape[0], buffer->item.slot_bytes);
    }
  }
}

static void add_scratch(const tflm_patch_costs* costs, live_sums* sums, int32_t first,
                        int32_t last) {
  static const bool kCounts[kSums] = {true, false, true};
  const tflm_patch_stage_tables* t = &costs->stage.t;
  const tflm_patch_timeline* time = &costs->collector.time;
  for (int32_t i = first; i < last; ++i) {
    if (t->scratch_bytes[i] > 0 && t->kind[i] != TFLM_PATCH_SHARING) {
      int64_t made = time->times[i][0];
      int64_t end = time->times[i][t->steps[i] - 1];
      const tflm_patch_live_ranges live_ranges = {&made, &end, 1};
      add_live_ranges(sums, kCounts, &live_ranges, t->scratch_bytes[i]);
    }
  }
  tflm_patch_shared_scratch shared = tflm_patch_share_scratch(t, time, first, last);
  if (shared.bytes > 0) {
    const tflm_patch_live_ranges live_ranges = {&shared.made, &shared.last, 1};
    add_live_ranges(sums, kCounts, &live_ranges, shared.bytes);
  }
}

/* Of what was collected. */
static live_sums sums_of(const tflm_patch_costs* costs, tflm_patch_cut segment) {
  live_sums sums;
  sums.length = costs->collector.time.length;
  for (int k = 0; k < kSums; ++k) {
    sums.change[k] = costs->live + (size_t)k * ((size_t)costs->stage.total_steps + 2);
    memset(sums.change[k], 0, ((size_t)sums.length + 1) * sizeof(int64_t));
  }
  add_buffers(costs, &sums, segment.last);
  add_scratch(costs, &sums, segment.first, segment.last);
  return sums;
}

/* Remembers a lower bound of the segments that a rule says it for. */
static void raise_bounds(int64_t* bounds, int32_t nodes, int32_t from, int32_t first, int32_t last,
                         int64_t bytes) {
  for (int32_t f = from; f <= first; ++f) {
    int64_t* row = bounds + (size_t)f * (size_t)nodes;
    for (int32_t l = last; l < nodes; ++l) {
      row[l] = row[l] > bytes ? row[l] : bytes;
    }
  }
}

const tflm_patch_segment_cost_t* tflm_patch_cost_of(tflm_patch_costs* costs, int32_t first,
                                                    int32_t last) {
  const int32_t nodes = costs->stage.t.ops + 1;
  tflm_patch_segment_cost_t* cost = &costs->known[(size_t)first * (size_t)nodes + (size_t)last];
  if (cost->peak_bytes >= 0) {
    return cost;
  }
  const tflm_patch_cut segment = {first, last};
  const bool uses_outputs = tflm_patch_collect(&costs->collector, &segment, 1, true);
  live_sums sums = sums_of(costs, segment);
  cost->peak_bytes = most_alive(&sums, kPeak);
  cost->ring_bytes = most_alive(&sums, kRing);
  /* A longer stream may order several ends otherwise. */
  const bool is_alone = tflm_patch_count_ends(&costs->stage, segment) == 1;
  cost->inner_bytes = is_alone ? most_alive(&sums, kInner) : 0;
  cost->dispatches = costs->collector.time.dispatches;
  if (uses_outputs) {
    tflm_patch_collect(&costs->collector, &segment, 1, false);
    sums = sums_of(costs, segment);
    const int64_t without = most_alive(&sums, kPeak);
    cost->peak_bytes = without < cost->peak_bytes ? without : cost->peak_bytes;
  }
  raise_bounds(costs->rings, nodes, 0, first, last, cost->ring_bytes);
  raise_bounds(costs->inner, nodes, first, first, last, cost->inner_bytes);
  return cost;
}
