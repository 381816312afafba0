/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "segments.h"

#include <string.h>

#include "segment_cost.h"

/* What the queues hold: tuples of Python's, compared number by number. */
typedef struct {
  int64_t cost;
  int32_t a;
  int32_t b;
  int32_t exact;
} entry;

/* A segment is in the queue as expected, then as exact. */
enum { kEntriesPerSegment = 2 };

typedef struct {
  tflm_patch_costs costs;
  entry* queue;
  size_t queued;
  size_t queue_limit;
  bool is_full;
  uint8_t* seen;   /* [nodes][nodes] */
  int32_t* origin; /* [nodes], -1 for none */
  int64_t* total;  /* [nodes] */
} search;

static bool lay_out(search* s, const tflm_patch_stage_tables* tables, tflm_patch_room* room) {
  const size_t nodes = (size_t)tables->ops + 1;
  if (!tflm_patch_costs_init(&s->costs, tables, room)) {
    return false;
  }
  s->queue_limit = kEntriesPerSegment * nodes * nodes + 16;
  s->queue = tflm_patch_take(room, s->queue_limit, sizeof(*s->queue));
  s->seen = tflm_patch_take(room, nodes * nodes, 1);
  s->origin = tflm_patch_take(room, nodes, sizeof(*s->origin));
  s->total = tflm_patch_take(room, nodes, sizeof(*s->total));
  return true;
}

size_t tflm_patch_segments_memory(const tflm_patch_stage_tables* tables) {
  tflm_patch_room room = {NULL, 0};
  search s;
  tflm_patch_take(&room, 1, sizeof(s));
  lay_out(&s, tables, &room);
  return room.used;
}

int32_t tflm_patch_segments_begin(const tflm_patch_stage_tables* tables, void* memory,
                                  size_t memory_bytes) {
  if (memory_bytes < tflm_patch_segments_memory(tables)) {
    return TFLM_PATCH_IN_PYTHON;
  }
  tflm_patch_room room = {memory, 0};
  search* s = tflm_patch_take(&room, 1, sizeof(*s));
  return lay_out(s, tables, &room) ? 1 : TFLM_PATCH_IN_PYTHON;
}

tflm_patch_collector* tflm_patch_collector_of(void* memory) {
  search* s = memory;
  return &s->costs.collector;
}

/* --- The queue: a binary heap ---------------------------------------------- */

static bool is_before(const entry* x, const entry* y) {
  if (x->cost != y->cost) {
    return x->cost < y->cost;
  }
  if (x->a != y->a) {
    return x->a < y->a;
  }
  return x->b != y->b ? x->b < y->b : x->exact < y->exact;
}

static void push(search* s, int64_t cost, int32_t a, int32_t b, bool exact) {
  if (s->queued == s->queue_limit) {
    s->is_full = true;
    return;
  }
  const entry added = {cost, a, b, exact};
  size_t at = s->queued++;
  while (at > 0 && is_before(&added, &s->queue[(at - 1) / 2])) {
    s->queue[at] = s->queue[(at - 1) / 2];
    at = (at - 1) / 2;
  }
  s->queue[at] = added;
}

static entry pop(search* s) {
  const entry first = s->queue[0];
  const entry moved = s->queue[--s->queued];
  size_t at = 0;
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= s->queued) {
      break;
    }
    if (child + 1 < s->queued && is_before(&s->queue[child + 1], &s->queue[child])) {
      ++child;
    }
    if (!is_before(&s->queue[child], &moved)) {
      break;
    }
    s->queue[at] = s->queue[child];
    at = child;
  }
  s->queue[at] = moved;
  return first;
}

static void begin(search* s) {
  const size_t nodes = (size_t)s->costs.stage.t.ops + 1;
  s->queued = 0;
  s->is_full = false;
  memset(s->seen, 0, nodes * nodes);
  for (size_t i = 0; i < nodes; ++i) {
    s->origin[i] = -1;
    s->total[i] = 0;
  }
}

/* --- The searches ----------------------------------------------------------- */

int32_t tflm_patch_segment_cost(void* memory, int32_t first, int32_t last, int64_t cost[4]) {
  search* s = memory;
  const tflm_patch_segment_cost_t* found = tflm_patch_cost_of(&s->costs, first, last);
  if (s->costs.collector.is_odd) {
    return TFLM_PATCH_IN_PYTHON;
  }
  cost[0] = found->peak_bytes;
  cost[1] = found->ring_bytes;
  cost[2] = found->inner_bytes;
  cost[3] = found->dispatches;
  return 1;
}

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* Enters ends behind `last`, up to one of which the cost may tell more than the bound. */
static void extend(search* s, int64_t level, int32_t first, int32_t last) {
  const tflm_patch_stage_tables* t = &s->costs.stage.t;
  const int32_t furthest = t->ops < first + t->max_ops ? t->ops : first + t->max_ops;
  for (int32_t end = last + 1; end <= furthest; ++end) {
    const int64_t floor_bytes = tflm_patch_floor_of(&s->costs, first, end);
    const int64_t bound = tflm_patch_bound_of(&s->costs, first, end);
    uint8_t* seen = &s->seen[(size_t)first * ((size_t)t->ops + 1) + (size_t)end];
    if (!*seen) {
      *seen = 1;
      push(s, larger(level, larger(bound, floor_bytes)), -first, end, false);
    }
    if (floor_bytes <= bound) {
      return;
    }
  }
}

int64_t tflm_patch_least_peak(void* memory, int64_t floor_bytes, int64_t enough) {
  search* s = memory;
  const int32_t n = s->costs.stage.t.ops;
  int64_t level = floor_bytes;
  begin(s); /* `origin` tells which nodes are done */
  push(s, level, 0, 0, true);
  while (s->queued > 0 && !s->is_full && !s->costs.collector.is_odd) {
    const entry at = pop(s);
    int32_t origin = -at.a;
    const int32_t node = at.b;
    level = larger(level, at.cost);
    if (level >= enough) {
      return level;
    }
    const int64_t bound = tflm_patch_bound_of(&s->costs, origin, node);
    if (!at.exact && bound > level) { /* more is known than when it was queued */
      push(s, bound, at.a, node, false);
      continue;
    }
    if (!at.exact && s->origin[node] < 0) {
      const tflm_patch_segment_cost_t* cost = tflm_patch_cost_of(&s->costs, origin, node);
      push(s, larger(level, cost->peak_bytes), at.a, node, true);
    }
    if (at.exact) {
      if (s->origin[node] >= 0) {
        continue;
      }
      if (node == n) {
        return s->costs.collector.is_odd ? TFLM_PATCH_IN_PYTHON : level;
      }
      s->origin[node] = origin;
      origin = node;
    }
    extend(s, level, origin, node);
  }
  return TFLM_PATCH_IN_PYTHON;
}

/* What a segment's dispatches will hardly be below. */
static int64_t expected_dispatches(const search* s, int32_t first, int32_t last) {
  const tflm_patch_stage* stage = &s->costs.stage;
  if (last == first + 1) {
    const int32_t rows = stage->t.max_step_rows;
    return stage->t.calls[first] == 1 ? (stage->t.steps[first] + rows - 1) / rows : 0;
  }
  return stage->pulls[last] - stage->pulls[first + 1] + 1;
}

static bool is_among(const tflm_patch_cut* cuts, int32_t count, int32_t first, int32_t last) {
  for (int32_t i = 0; i < count; ++i) {
    if (cuts[i].first == first && cuts[i].last == last) {
      return true;
    }
  }
  return false;
}

/* Writes the way to the last node down. Returns its length. */
static int32_t write_path(const search* s, tflm_patch_cut* cuts) {
  int32_t count = 0;
  for (int32_t at = s->costs.stage.t.ops; at > 0; at = s->origin[at]) {
    ++count;
  }
  int32_t k = count;
  for (int32_t at = s->costs.stage.t.ops; at > 0; at = s->origin[at]) {
    --k;
    cuts[k].first = s->origin[at];
    cuts[k].last = at;
  }
  return count;
}

/* The segments that must not occur. */
typedef struct {
  const tflm_patch_cut* cuts;
  int32_t count;
} excluded;

static int32_t find_fewest(search* s, int64_t limit, const excluded* without, bool prune,
                           tflm_patch_cut* cuts) {
  const int32_t n = s->costs.stage.t.ops;
  begin(s);
  push(s, 0, 0, 0, true);
  while (s->queued > 0 && !s->is_full && !s->costs.collector.is_odd) {
    const entry at = pop(s);
    const int32_t node = at.a;
    int32_t origin = at.b;
    if (at.exact) {
      if (s->origin[node] >= 0) {
        continue;
      }
      s->origin[node] = origin;
      s->total[node] = at.cost;
      if (node == n) {
        return write_path(s, cuts);
      }
      origin = node;
    } else if (s->origin[node] < 0 && tflm_patch_floor_of(&s->costs, origin, node) <= limit) {
      const tflm_patch_segment_cost_t* cost = tflm_patch_cost_of(&s->costs, origin, node);
      if (cost->peak_bytes <= limit && !is_among(without->cuts, without->count, origin, node)) {
        push(s, s->total[origin] + cost->dispatches, node, origin, true);
      }
    }
    /* The next end is looked at when this one is: an expectation only grows. */
    const bool fits = !prune || tflm_patch_bound_of(&s->costs, origin, node) <= limit;
    if (node < n && node - origin < s->costs.stage.t.max_ops && fits) {
      push(s, s->total[origin] + expected_dispatches(s, origin, node + 1), node + 1, origin, false);
    }
  }
  return s->is_full || s->costs.collector.is_odd ? TFLM_PATCH_IN_PYTHON : TFLM_PATCH_NO_CUTS;
}

int32_t tflm_patch_fewest_dispatches(void* memory, int64_t limit, const tflm_patch_cut* without,
                                     int32_t without_count, tflm_patch_cut* cuts) {
  search* s = memory;
  const excluded not_these = {without, without_count};
  /* Streams with several ends may need larger rings than longer ones. */
  const int32_t count = find_fewest(s, limit, &not_these, true, cuts);
  if (count != TFLM_PATCH_NO_CUTS) {
    return s->costs.collector.is_odd ? TFLM_PATCH_IN_PYTHON : count;
  }
  return find_fewest(s, limit, &not_these, false, cuts);
}
