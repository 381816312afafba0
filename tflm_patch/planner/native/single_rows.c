/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "single_rows.h"

static const tflm_patch_in_place kSamePlace = {0, 0, 0, 1};

/* Whether a map may be kept as a ring of one row, or whole, row by row. */
static bool is_single(const tflm_patch_buffer* buffer) {
  return buffer->presence == TFLM_PATCH_HOST && buffer->item.shapes == 2 &&
         buffer->item.shape[0].count == 1;
}

/* When the rows of a single map are alive. */
static const tflm_patch_live_ranges* rows_of(const tflm_patch_collector* collector, int32_t m) {
  return &collector->buffer[m].item.shape[1];
}

/* Whether map a comes before map b, of a higher number: larger rows first, then earlier ones. */
static bool is_before(const tflm_patch_collector* collector, int32_t a, int32_t b) {
  const int64_t more = collector->buffer[a].item.slot_bytes - collector->buffer[b].item.slot_bytes;
  return more > 0 ||
         (more == 0 && rows_of(collector, a)->made[0] <= rows_of(collector, b)->made[0]);
}

/* Collects the single maps in their order. Returns how many there are. */
static int32_t find_single(tflm_patch_collector* collector) {
  int32_t* single = collector->single;
  int32_t count = 0;
  for (int32_t m = 0; m < collector->stage->t.maps; ++m) {
    if (!is_single(&collector->buffer[m])) {
      continue;
    }
    int32_t at = count++;
    for (; at > 0 && !is_before(collector, single[at - 1], m); --at) {
      single[at] = single[at - 1];
    }
    single[at] = m;
  }
  return count;
}

/* Whether a row of one map is alive with a row of the other; those of each follow each other. */
static bool do_meet(const tflm_patch_live_ranges* a, const tflm_patch_live_ranges* b) {
  int32_t i = 0;
  int32_t k = 0;
  while (i < a->count && k < b->count) {
    if (a->last[i] < b->made[k]) {
      ++i;
    } else if (b->last[k] < a->made[i]) {
      ++k;
    } else {
      return true;
    }
  }
  return false;
}

static int32_t stream_of(const tflm_patch_collector* collector, int32_t m) {
  return collector->stream[collector->stage->user[collector->stage->use[m].first_user]];
}

/* Whether map m may lie in the row of a host and those that share it. */
static bool may_share(const tflm_patch_collector* collector, int32_t host, int32_t m) {
  const int32_t* dtype = collector->stage->t.dtype;
  if (dtype[host] != dtype[m] || stream_of(collector, host) != stream_of(collector, m) ||
      rows_of(collector, host)->made[0] > rows_of(collector, m)->made[0]) {
    return false;
  }
  for (int32_t other = host; other >= 0; other = collector->sharer[other]) {
    if (do_meet(rows_of(collector, other), rows_of(collector, m))) {
      return false;
    }
  }
  return true;
}

/* Lets a map and its guests lie over a host. */
static void join(tflm_patch_collector* collector, int32_t host, int32_t m) {
  tflm_patch_buffer* whole = &collector->buffer[host];
  tflm_patch_buffer* buffer = &collector->buffer[m];
  int32_t last = host;
  while (collector->sharer[last] >= 0) {
    last = collector->sharer[last];
  }
  collector->sharer[last] = m;
  collector->buffer[whole->tail].next = m;
  whole->tail = buffer->tail;
  whole->item.shapes = 1;
  whole->item.one_piece = true;
  int64_t* end = &whole->item.shape[0].last[0];
  *end = buffer->item.shape[0].last[0] > *end ? buffer->item.shape[0].last[0] : *end;
  buffer->presence = TFLM_PATCH_GUEST;
  buffer->how = kSamePlace;
}

void tflm_patch_share_single_rows(tflm_patch_collector* collector) {
  const int32_t count = find_single(collector);
  for (int32_t i = 0; i < count; ++i) {
    collector->sharer[collector->single[i]] = -1;
  }
  for (int32_t i = 1; i < count; ++i) {
    const int32_t m = collector->single[i];
    for (int32_t k = 0; k < i; ++k) {
      const int32_t host = collector->single[k];
      if (collector->buffer[host].presence == TFLM_PATCH_HOST && may_share(collector, host, m)) {
        join(collector, host, m);
        break;
      }
    }
  }
}
