/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "buffers.h"

#include <string.h>

#include "segments.h"
#include "shared_scratch.h"

/* Where the next item, shape and slot are written. */
typedef struct {
  tflm_patch_buffers* buffers;
  int32_t items;
  int32_t shapes;
  int32_t slots;
} writer;

static void add_shape(writer* w, const tflm_patch_live_ranges* live_ranges) {
  const size_t bytes = (size_t)live_ranges->count * sizeof(int64_t);
  memcpy(w->buffers->made + w->slots, live_ranges->made, bytes);
  memcpy(w->buffers->last + w->slots, live_ranges->last, bytes);
  w->slots += live_ranges->count;
  w->buffers->first_slot[++w->shapes] = w->slots;
}

static void add_item(writer* w, int32_t owner, int64_t slot_bytes, bool one_piece) {
  w->buffers->owner[w->items] = owner;
  w->buffers->slot_bytes[w->items] = slot_bytes;
  w->buffers->one_piece[w->items] = one_piece;
  w->buffers->first_shape[++w->items] = w->shapes;
}

/* Notes what lies over the map of the next item, or in its memory. */
static void add_guests(writer* w, const tflm_patch_collector* collector, int32_t host) {
  tflm_patch_buffers* buffers = w->buffers;
  for (int32_t guest = collector->buffer[host].next; guest >= 0;
       guest = collector->buffer[guest].next) {
    const tflm_patch_guest entered = {w->items, guest, collector->buffer[guest].how};
    buffers->guest[buffers->guests++] = entered;
  }
}

static void add_maps(writer* w, const tflm_patch_collector* collector) {
  for (int32_t m = 0; m < collector->stage->t.maps; ++m) {
    const tflm_patch_buffer* buffer = &collector->buffer[m];
    if (buffer->presence != TFLM_PATCH_HOST) {
      continue;
    }
    add_guests(w, collector, m);
    for (int32_t s = 0; s < buffer->item.shapes; ++s) {
      add_shape(w, &buffer->item.shape[s]);
    }
    add_item(w, m, buffer->item.slot_bytes, buffer->item.one_piece);
  }
  w->buffers->of_maps = w->items;
}

/* Of a segment; what its operators share comes last. */
static void add_scratch(writer* w, const tflm_patch_collector* collector,
                        const tflm_patch_cut* segment) {
  const tflm_patch_stage_tables* t = &collector->stage->t;
  const tflm_patch_timeline* time = &collector->time;
  for (int32_t i = segment->first; i < segment->last; ++i) {
    if (t->scratch_bytes[i] > 0 && t->kind[i] != TFLM_PATCH_SHARING) {
      int64_t made = time->times[i][0];
      int64_t last = time->times[i][t->steps[i] - 1];
      const tflm_patch_live_ranges live_ranges = {&made, &last, 1};
      add_shape(w, &live_ranges);
      add_item(w, i, t->scratch_bytes[i], false);
    }
  }
  tflm_patch_shared_scratch shared =
      tflm_patch_share_scratch(t, time, segment->first, segment->last);
  if (shared.bytes > 0) {
    const tflm_patch_live_ranges live_ranges = {&shared.made, &shared.last, 1};
    add_shape(w, &live_ranges);
    add_item(w, shared.owner, shared.bytes, false);
  }
}

static void add_tensors(writer* w, const tflm_patch_collector* collector) {
  const int32_t before = w->items;
  for (int32_t m = 0; m < collector->stage->t.maps; ++m) {
    const tflm_patch_buffer* buffer = &collector->buffer[m];
    if (buffer->presence == TFLM_PATCH_TENSOR) {
      add_guests(w, collector, m);
      add_shape(w, &buffer->live_ranges);
      add_item(w, m, collector->stage->t.row_bytes[m], false);
    }
  }
  w->buffers->of_tensors = w->items - before;
}

int32_t tflm_patch_buffers_of(void* memory, const tflm_patch_cut* segments, int32_t count,
                              int32_t uses_outputs, tflm_patch_buffers* buffers) {
  tflm_patch_collector* collector = tflm_patch_collector_of(memory);
  collector->time.order = buffers->order;
  tflm_patch_collect(collector, segments, count, uses_outputs != 0);
  collector->time.order = NULL;
  if (collector->is_odd) {
    return TFLM_PATCH_IN_PYTHON;
  }
  writer w = {buffers, 0, 0, 0};
  buffers->first_shape[0] = 0;
  buffers->first_slot[0] = 0;
  buffers->guests = 0;
  buffers->length = collector->time.length;
  add_maps(&w, collector);
  for (int32_t k = 0; k < count; ++k) {
    add_scratch(&w, collector, &segments[k]);
  }
  buffers->of_ops = w.items - buffers->of_maps;
  add_tensors(&w, collector);
  return 1;
}
