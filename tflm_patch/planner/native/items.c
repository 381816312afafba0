/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "items.h"

#include <string.h>

#include "output_places.h"
#include "single_rows.h"

static const tflm_patch_in_place kSamePlace = {0, 0, 0, 1};

static tflm_patch_live_ranges take_live_ranges(tflm_patch_room* room, int32_t count) {
  tflm_patch_live_ranges live_ranges;
  live_ranges.made = tflm_patch_take(room, (size_t)count, sizeof(*live_ranges.made));
  live_ranges.last = tflm_patch_take(room, (size_t)count, sizeof(*live_ranges.last));
  live_ranges.count = count;
  return live_ranges;
}

static tflm_patch_shapes take_shapes(tflm_patch_room* room, int32_t count) {
  tflm_patch_shapes shapes;
  shapes.shape[0] = take_live_ranges(room, count);
  shapes.shape[1] = take_live_ranges(room, count);
  return shapes;
}

void tflm_patch_collector_init(tflm_patch_collector* collector, const tflm_patch_stage* stage,
                               tflm_patch_room* room) {
  const tflm_patch_stage_tables* t = &stage->t;
  collector->stage = stage;
  collector->is_odd = false;
  tflm_patch_timeline_init(&collector->time, stage, room);
  collector->stream = tflm_patch_take(room, (size_t)t->ops, sizeof(*collector->stream));
  collector->buffer = tflm_patch_take(room, (size_t)t->maps, sizeof(*collector->buffer));
  collector->kept = tflm_patch_take(room, (size_t)t->maps, sizeof(*collector->kept));
  collector->single = tflm_patch_take(room, (size_t)t->maps, sizeof(*collector->single));
  collector->sharer = tflm_patch_take(room, (size_t)t->maps, sizeof(*collector->sharer));
  for (int32_t m = 0; m < t->maps; ++m) {
    const tflm_patch_live_ranges live_ranges = take_live_ranges(room, t->rows[m]);
    const tflm_patch_shapes kept = take_shapes(room, t->rows[m]);
    if (room->memory != NULL) {
      collector->buffer[m].live_ranges = live_ranges;
      collector->kept[m] = kept;
    }
  }
  collector->trial = take_shapes(room, stage->most_rows);
  collector->best = take_shapes(room, stage->most_rows);
}

/* --- Live ranges ---------------------------------------------------------- */

static void fill(int64_t* at, int32_t count, int64_t value) {
  for (int32_t r = 0; r < count; ++r) {
    at[r] = value;
  }
}

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* When operator `op` makes row r of its output: -1 before the segments, `length` after. */
static int64_t time_of(const tflm_patch_timeline* time, int32_t op, int32_t row) {
  if (op < time->first) {
    return -1;
  }
  if (op >= time->last) {
    return time->length;
  }
  const tflm_patch_stage_tables* t = &time->stage->t;
  return time->times[op][t->accumulates[op] ? t->steps[op] - 1 : row];
}

/* Timeline.made and made_whole: the first and the last part of each row that is made. */
static void find_made(const tflm_patch_timeline* time, int32_t m, int64_t* made, int64_t* whole) {
  const tflm_patch_stage* stage = time->stage;
  const tflm_patch_stage_tables* t = &stage->t;
  const int32_t rows = t->rows[m];
  const int32_t maker = stage->producer[m];
  if (maker < 0 || t->kind[maker] != TFLM_PATCH_JOIN) {
    for (int32_t r = 0; r < rows; ++r) {
      made[r] = whole[r] = time_of(time, maker, r);
    }
    return;
  }
  fill(made, rows, time->length);
  fill(whole, rows, -1);
  for (int32_t k = t->first_input[maker]; k < t->first_input[maker + 1]; ++k) {
    const int32_t part = t->input[k];
    const int32_t top = t->view_top[part];
    for (int32_t r = 0; r < t->rows[part] && top + r < rows; ++r) {
      const int64_t at = time_of(time, stage->producer[part], r);
      made[top + r] = smaller(made[top + r], at);
      whole[top + r] = larger(whole[top + r], at);
    }
  }
  for (int32_t r = rows - 2; r >= 0; --r) {
    made[r] = smaller(made[r], made[r + 1]);
  }
}

static void raise_last_read(const tflm_patch_timeline* time, int32_t m, int64_t* last,
                            int32_t rows);

/* Timeline._last_read_itself: reads of the map, without those of operator `besides`. */
static void raise_last_read_itself(const tflm_patch_timeline* time, int32_t m, int32_t besides,
                                   int64_t* last, int32_t rows) {
  const tflm_patch_stage* stage = time->stage;
  for (int32_t k = stage->first_reading[m]; k < stage->first_reading[m + 1]; ++k) {
    const tflm_patch_reading* reading = &stage->reading[k];
    if (reading->part >= 0) {
      raise_last_read(time, reading->part, last + reading->top, rows - reading->top);
    } else if (reading->op != besides && reading->op >= time->first && reading->op < time->last) {
      const int32_t count = stage->t.rows[m] < rows ? stage->t.rows[m] : rows;
      for (int32_t r = 0; r < count; ++r) {
        const int32_t step = reading->steps[r];
        last[r] = step < 0 ? last[r] : larger(last[r], time->times[reading->op][step]);
      }
    }
  }
}

/* Raises `last` to when rows of a map are read last: Timeline.last_read. */
static void raise_last_read(const tflm_patch_timeline* time, int32_t m, int64_t* last,
                            int32_t rows) {
  const tflm_patch_stage_tables* t = &time->stage->t;
  const int32_t maker = time->stage->producer[m];
  raise_last_read_itself(time, m, -1, last, rows);
  if (maker < 0 || t->kind[maker] != TFLM_PATCH_JOIN) {
    return;
  }
  for (int32_t k = t->first_input[maker]; k < t->first_input[maker + 1]; ++k) {
    const int32_t part = t->input[k];
    const int32_t top = t->view_top[part];
    raise_last_read_itself(time, part, maker, last + top, rows - top);
  }
}

/* live_ranges.live_ranges_of, in place. */
static void settle(tflm_patch_live_ranges* live_ranges) {
  for (int32_t r = 0; r < live_ranges->count; ++r) {
    if (r > 0) {
      live_ranges->made[r] = larger(live_ranges->made[r], live_ranges->made[r - 1]);
    }
    live_ranges->last[r] = larger(live_ranges->last[r], live_ranges->made[r]);
    if (r > 0) {
      live_ranges->last[r] = larger(live_ranges->last[r], live_ranges->last[r - 1]);
    }
  }
}

static bool is_touched(const tflm_patch_stage* stage, const tflm_patch_use* use, int32_t first,
                       int32_t last) {
  for (int32_t k = use->first_user; k < use->end_user; ++k) {
    if (stage->user[k] >= first && stage->user[k] < last) {
      return true;
    }
  }
  return false;
}

/* When a map's rows are alive during the segments. */
static void find_live_ranges(tflm_patch_collector* collector, int32_t m) {
  const tflm_patch_timeline* time = &collector->time;
  const tflm_patch_use* use = &collector->stage->use[m];
  tflm_patch_live_ranges* live_ranges = &collector->buffer[m].live_ranges;
  const bool stays = use->end >= time->last;
  live_ranges->count = collector->stage->t.rows[m];
  if (stays && use->begin < time->first &&
      !is_touched(collector->stage, use, time->first, time->last)) {
    fill(live_ranges->made, live_ranges->count, -1);
    fill(live_ranges->last, live_ranges->count, time->length);
    return;
  }
  find_made(time, m, live_ranges->made, live_ranges->last);
  /* The part of a row that is made last may be made when nobody reads the row any more. */
  if (stays) {
    fill(live_ranges->last, live_ranges->count, time->length);
  } else {
    raise_last_read(time, m, live_ranges->last, live_ranges->count);
  }
  settle(live_ranges);
}

/* --- Items ---------------------------------------------------------------- */

/* Whether one streamed segment makes and reads a map, and nothing lies in it. */
static bool is_streamed_alone(const tflm_patch_collector* collector, int32_t m) {
  const tflm_patch_use* use = &collector->stage->use[m];
  if (use->in_parts) {
    return false;
  }
  const int32_t first = collector->stage->user[use->first_user];
  const int32_t last = collector->stage->user[use->end_user - 1];
  const tflm_patch_timeline* time = &collector->time;
  return first >= time->first && last < time->last && collector->stream[first] >= 0 &&
         collector->stream[first] == collector->stream[last];
}

/* Rows of a ring in which row r of `alive` lies in the slot of row r * step - shift of
 * `made`: items.ring_height. */
static int32_t ring_height(const tflm_patch_live_ranges* made, const tflm_patch_in_place* how,
                           const tflm_patch_live_ranges* alive) {
  int64_t height = 1;
  int32_t before = 0;
  for (int32_t r = 0; r < alive->count; ++r) {
    while (before < made->count && made->made[before] <= alive->last[r]) {
      ++before;
    }
    height = larger(height, before - (r * how->row_step - how->row_shift));
  }
  return (int32_t)height;
}

/* A shape that copies `count` times at which rows are made, and one end for all. */
static tflm_patch_live_ranges make_ring(tflm_patch_live_ranges room,
                                        const tflm_patch_live_ranges* made, int32_t height,
                                        int64_t end) {
  memcpy(room.made, made->made, (size_t)height * sizeof(*room.made));
  fill(room.last, height, end);
  room.count = height;
  return room;
}

static void make_item(tflm_patch_collector* collector, int32_t m) {
  const tflm_patch_stage_tables* t = &collector->stage->t;
  tflm_patch_buffer* buffer = &collector->buffer[m];
  tflm_patch_item* item = &buffer->item;
  item->slot_bytes = t->row_bytes[m];
  item->one_piece = false;
  item->shapes = 1;
  item->shape[0] = buffer->live_ranges;
  if (is_streamed_alone(collector, m)) {
    const int32_t height = ring_height(&buffer->live_ranges, &kSamePlace, &buffer->live_ranges);
    if (height < t->rows[m]) {
      const int64_t end = buffer->live_ranges.last[buffer->live_ranges.count - 1];
      item->shape[1] = buffer->live_ranges;
      item->shape[0] = make_ring(collector->kept[m].shape[0], &buffer->live_ranges, height, end);
      item->shapes = 2;
    }
  }
}

static int64_t item_bytes(const tflm_patch_item* item) {
  return item->slot_bytes * item->shape[0].count;
}

/* How an output lies over what its input lies over itself: InPlace.over. */
static tflm_patch_in_place over(const tflm_patch_in_place* how, const tflm_patch_in_place* below) {
  const tflm_patch_in_place both = {
      below->input, below->row_shift + below->row_step * how->row_shift,
      below->gap_bytes + how->gap_bytes, below->row_step * how->row_step};
  return both;
}

static bool fits_ring(const tflm_patch_in_place* how, int32_t height) {
  if (how->row_step == 1) {
    return height > how->row_shift;
  }
  return how->row_step == 2 && height == 3 && how->row_shift < 2;
}

/* Whether somebody else reads what a row of the guest is written over. */
static bool is_read_after(const tflm_patch_live_ranges* below, const tflm_patch_live_ranges* guest,
                          const tflm_patch_in_place* how) {
  for (int32_t r = 0; r < guest->count; ++r) {
    const int64_t row = r * how->row_step - how->row_shift;
    if (row >= 0 && below->last[row] > guest->made[r]) {
      return true;
    }
  }
  return false;
}

/* A host with a guest more. */
typedef struct {
  int32_t host;
  int32_t guest;
  tflm_patch_in_place how; /* of the guest over the host */
} merge;

/* What every member of a merge adds to its common ring. */
typedef struct {
  int32_t height;
  int64_t end;
  int64_t early; /* when something was made into a slot before the host's first row; -2 */
  bool fits;
} common_ring;

static void add_member(const tflm_patch_collector* collector, int32_t host, int32_t m,
                       const tflm_patch_in_place* how, common_ring* ring) {
  const tflm_patch_live_ranges* live_ranges = &collector->buffer[m].live_ranges;
  const int32_t height = ring_height(&collector->buffer[host].live_ranges, how, live_ranges);
  ring->height = height > ring->height ? height : ring->height;
  ring->end = larger(ring->end, live_ranges->last[live_ranges->count - 1]);
  if (how->row_shift > 0) {
    const int64_t first = live_ranges->made[0];
    ring->early = ring->early == -2 ? first : smaller(ring->early, first);
  }
  ring->fits = ring->fits && is_streamed_alone(collector, m);
}

/* Makes the ring of a merge, items._common_ring. Returns whether there is one. */
static bool make_common_ring(tflm_patch_collector* collector, const merge* merged,
                             tflm_patch_live_ranges* shape) {
  const int32_t host = merged->host;
  common_ring ring = {1, INT64_MIN, -2, true};
  add_member(collector, host, host, &kSamePlace, &ring);
  for (int32_t m = collector->buffer[host].next; m >= 0; m = collector->buffer[m].next) {
    add_member(collector, host, m, &collector->buffer[m].how, &ring);
  }
  add_member(collector, host, merged->guest, &merged->how, &ring);
  bool fits = ring.fits && fits_ring(&merged->how, ring.height);
  for (int32_t m = collector->buffer[host].next; m >= 0; m = collector->buffer[m].next) {
    fits = fits && fits_ring(&collector->buffer[m].how, ring.height);
  }
  const tflm_patch_live_ranges* made = &collector->buffer[host].live_ranges;
  if (!fits || ring.height >= collector->stage->t.rows[host]) {
    return false;
  }
  *shape = make_ring(*shape, made, ring.height, ring.end);
  if (ring.early != -2) {
    const int64_t least = larger(made->made[0], ring.early);
    for (int32_t s = 0; s < shape->count; ++s) {
      shape->made[s] = smaller(shape->made[s], least);
    }
  }
  return true;
}

/* Makes a host's item with a guest more in the memory for trials: items._merge. */
static bool make_merged(tflm_patch_collector* collector, const merge* merged, int32_t below,
                        const tflm_patch_in_place* how, tflm_patch_item* item) {
  const tflm_patch_stage_tables* t = &collector->stage->t;
  const int32_t host = merged->host;
  const int32_t guest = merged->guest;
  if (t->dtype[host] != t->dtype[guest] || t->row_bytes[guest] > t->row_bytes[below]) {
    return false;
  }
  const bool has_same_bytes =
      t->rows[host] * t->row_bytes[host] == t->rows[guest] * t->row_bytes[guest];
  if (!(tflm_patch_is_same_place(how) && has_same_bytes) &&
      !(is_streamed_alone(collector, host) && is_streamed_alone(collector, guest))) {
    return false;
  }
  if ((t->rows[guest] - 1) * how->row_step - how->row_shift >= t->rows[below] ||
      is_read_after(&collector->buffer[below].live_ranges, &collector->buffer[guest].live_ranges,
                    how)) {
    return false;
  }
  int64_t gap = merged->how.gap_bytes;
  bool all_same_place = tflm_patch_is_same_place(&merged->how);
  for (int32_t m = collector->buffer[host].next; m >= 0; m = collector->buffer[m].next) {
    gap = larger(gap, collector->buffer[m].how.gap_bytes);
    all_same_place = all_same_place && tflm_patch_is_same_place(&collector->buffer[m].how);
  }
  item->shapes = 0;
  item->slot_bytes = t->row_bytes[host] + gap;
  item->one_piece = !all_same_place;
  tflm_patch_live_ranges ring = collector->trial.shape[0];
  if (make_common_ring(collector, merged, &ring)) {
    item->shape[item->shapes++] = ring;
  }
  /* A whole map is not held longer for narrower rows. */
  if (all_same_place && has_same_bytes) {
    tflm_patch_live_ranges whole = collector->trial.shape[1];
    const size_t bytes = (size_t)t->rows[host] * sizeof(*whole.made);
    if (t->rows[host] != t->rows[guest]) {
      collector->is_odd = true;
      return false;
    }
    whole.count = t->rows[host];
    memcpy(whole.made, collector->buffer[host].live_ranges.made, bytes);
    memcpy(whole.last, collector->buffer[guest].live_ranges.last, bytes);
    settle(&whole);
    item->shape[item->shapes++] = whole;
  }
  return item->shapes > 0;
}

/* Keeps an item whose shapes lie in other memory in the host's own. */
static void keep_item(tflm_patch_collector* collector, int32_t host, const tflm_patch_item* item) {
  tflm_patch_item* kept = &collector->buffer[host].item;
  *kept = *item;
  for (int32_t s = 0; s < item->shapes; ++s) {
    const size_t bytes = (size_t)item->shape[s].count * sizeof(int64_t);
    kept->shape[s] = collector->kept[host].shape[s];
    kept->shape[s].count = item->shape[s].count;
    memcpy(kept->shape[s].made, item->shape[s].made, bytes);
    memcpy(kept->shape[s].last, item->shape[s].last, bytes);
  }
}

/* Where a map lies in its item. */
static tflm_patch_in_place place_of(const tflm_patch_collector* collector, int32_t m) {
  const tflm_patch_buffer* buffer = &collector->buffer[m];
  return buffer->presence == TFLM_PATCH_GUEST ? buffer->how : kSamePlace;
}

/* Lets the output of an operator lie over an input where that saves the most. */
static void merge_output(tflm_patch_collector* collector, int32_t op) {
  const tflm_patch_stage_tables* t = &collector->stage->t;
  const int32_t guest = t->output[t->first_output[op]];
  int64_t best_saved = 0;
  int32_t best_below = -1;
  merge best = {-1, -1, kSamePlace};
  tflm_patch_item best_item = {0};
  for (int32_t k = t->first_in_place[op]; k < t->first_in_place[op + 1]; ++k) {
    const tflm_patch_in_place* how = &t->in_place[k];
    const int32_t below = t->input[t->first_input[op] + how->input];
    const int32_t host = tflm_patch_top_host(collector, below);
    const tflm_patch_in_place place = place_of(collector, below);
    if (host < 0 || collector->buffer[guest].presence != TFLM_PATCH_HOST ||
        !tflm_patch_reads_once(t, op, below)) {
      continue;
    }
    const merge trial = {host, guest, over(how, &place)};
    tflm_patch_item item;
    if (!make_merged(collector, &trial, below, how, &item)) {
      continue;
    }
    const int64_t saved = item_bytes(&collector->buffer[host].item) +
                          item_bytes(&collector->buffer[guest].item) - item_bytes(&item);
    if (saved > best_saved) {
      best_saved = saved;
      best_below = below;
      best = trial;
      best_item = item;
      const tflm_patch_shapes spare = collector->best; /* the item lies in the trial's memory */
      collector->best = collector->trial;
      collector->trial = spare;
    }
  }
  if (best_below < 0) {
    return;
  }
  tflm_patch_buffer* host = &collector->buffer[best.host];
  keep_item(collector, best.host, &best_item);
  host->gap_bytes = larger(host->gap_bytes, best.how.gap_bytes);
  collector->buffer[host->tail].next = guest;
  host->tail = guest;
  collector->buffer[best_below].host = -1;
  tflm_patch_buffer* buffer = &collector->buffer[guest];
  buffer->presence = TFLM_PATCH_GUEST;
  buffer->how = best.how;
  buffer->host = best.host;
}

bool tflm_patch_collect(tflm_patch_collector* collector, const tflm_patch_cut* segments,
                        int32_t count, bool uses_outputs) {
  const tflm_patch_stage* stage = collector->stage;
  tflm_patch_timeline_begin(&collector->time, segments[0].first);
  for (int32_t s = 0; s < count; ++s) {
    const bool is_streamed = segments[s].last - segments[s].first > 1;
    for (int32_t i = segments[s].first; i < segments[s].last; ++i) {
      collector->stream[i] = is_streamed ? s : -1;
    }
    tflm_patch_timeline_run(&collector->time, segments[s]);
  }
  const tflm_patch_timeline* time = &collector->time;
  for (int32_t m = 0; m < stage->t.maps; ++m) {
    const tflm_patch_use* use = &stage->use[m];
    tflm_patch_buffer* buffer = &collector->buffer[m];
    buffer->presence = TFLM_PATCH_ABSENT;
    if (!use->has_memory || use->end < time->first || use->begin >= time->last) {
      continue;
    }
    buffer->presence =
        stage->t.role[m] == TFLM_PATCH_INTERNAL ? TFLM_PATCH_HOST : TFLM_PATCH_TENSOR;
    buffer->host = m;
    buffer->tail = m;
    buffer->next = -1;
    buffer->gap_bytes = 0;
    find_live_ranges(collector, m);
    if (buffer->presence == TFLM_PATCH_HOST) {
      make_item(collector, m);
    }
  }
  for (int32_t i = time->first; i < time->last; ++i) {
    merge_output(collector, i);
  }
  const bool is_found = uses_outputs && tflm_patch_find_output_places(collector);
  tflm_patch_share_single_rows(collector);
  return is_found;
}
