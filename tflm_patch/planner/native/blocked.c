/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "blocked.h"

#include <string.h>

/* Moves to the slots of `shape` that are alive with slot `slot` of `other`. */
static void find_alive(tflm_patch_alive* alive, const tflm_patch_shape* shape,
                       const tflm_patch_shape* other, int32_t slot) {
  const int64_t made = other->made[slot];
  const int64_t last = other->last[slot];
  while (alive->low < shape->slots && shape->last[alive->low] < made) {
    ++alive->low;
  }
  while (alive->low > 0 && shape->last[alive->low - 1] >= made) {
    --alive->low;
  }
  while (alive->high < shape->slots && shape->made[alive->high] <= last) {
    ++alive->high;
  }
  while (alive->high > 0 && shape->made[alive->high - 1] > last) {
    --alive->high;
  }
}

/* Where `other` must not begin so that its slot stays off slots [first, first + count)
 * of `shape`, of which slot `first` lies at `offset`. Returns whether they meet. */
static bool meets(const tflm_patch_shape* shape, int32_t first, int32_t count, int64_t offset,
                  const tflm_patch_shape* other, int32_t slot, tflm_patch_alive alive,
                  tflm_patch_interval* blocked) {
  const int32_t low = alive.low > first ? alive.low - first : 0;
  const int32_t high = alive.high - first < count ? alive.high - first : count;
  if (low >= high) {
    return false;
  }
  const int64_t at = offset - slot * other->slot_bytes;
  blocked->begin = at + low * shape->slot_bytes - other->slot_bytes + 1;
  blocked->end = at + high * shape->slot_bytes;
  return true;
}

/* The slots of `placed` that are alive with each of a shape's; null when that is not remembered. */
static const tflm_patch_alive* find_row(tflm_patch_packer* packer, int32_t placed,
                                        const tflm_patch_shape* shape) {
  if (packer->alive == NULL) {
    return NULL;
  }
  const int32_t number = (int32_t)(shape - packer->shape);
  tflm_patch_alive* row =
      packer->alive + (size_t)placed * (size_t)packer->slots + packer->problem->first_slot[number];
  if (row->low < 0) {
    tflm_patch_alive alive = {0, 0};
    for (int32_t slot = 0; slot < shape->slots; ++slot) {
      find_alive(&alive, &packer->shape[placed], shape, slot);
      row[slot] = alive;
    }
  }
  return row;
}

/* Adds what `meets` says for slots [from, n) of `other`. Returns whether there was room. */
bool tflm_patch_add_met(tflm_patch_packer* packer, tflm_patch_intervals* set,
                        const tflm_patch_shape* shape, int32_t first, int32_t count, int64_t offset,
                        const tflm_patch_shape* other, int32_t from) {
  const tflm_patch_alive* row = find_row(packer, (int32_t)(shape - packer->shape), other);
  tflm_patch_alive alive = {0, 0};
  tflm_patch_interval run = {0, 0}; /* neighbouring slots' mostly touch */
  bool has_room = true;
  for (int32_t slot = from; slot < other->slots; ++slot) {
    if (row != NULL) {
      alive = row[slot];
    } else {
      find_alive(&alive, shape, other, slot);
    }
    tflm_patch_interval next;
    if (!meets(shape, first, count, offset, other, slot, alive, &next)) {
      continue;
    }
    if (run.begin < run.end && next.begin <= run.end && run.begin <= next.end) {
      run.begin = next.begin < run.begin ? next.begin : run.begin;
      run.end = next.end > run.end ? next.end : run.end;
      continue;
    }
    if (run.begin < run.end) {
      has_room = has_room && tflm_patch_intervals_add(set, run.begin, run.end);
    }
    run = next;
  }
  if (run.begin < run.end) {
    has_room = has_room && tflm_patch_intervals_add(set, run.begin, run.end);
  }
  return has_room;
}

/* What `tflm_patch_add_met` adds for all slots of two shapes; null when it cannot be remembered. */
static const tflm_patch_pair* find_pair(tflm_patch_packer* packer, int32_t a, int32_t b) {
  if (packer->pair == NULL) {
    return NULL;
  }
  tflm_patch_pair* pair = &packer->pair[a * packer->shapes + b];
  if (pair->count < 0) {
    tflm_patch_intervals* pairs = &packer->pairs;
    tflm_patch_intervals found = {pairs->at + pairs->count, 0, pairs->capacity - pairs->count};
    const tflm_patch_shape* shape = &packer->shape[a];
    if (!tflm_patch_add_met(packer, &found, shape, 0, shape->slots, 0, &packer->shape[b], 0)) {
      return NULL;
    }
    pair->first = pairs->count;
    pair->count = found.count;
    pairs->count += found.count;
  }
  return pair;
}

/* Adds where shape `b` must not begin because of a piece. */
void tflm_patch_add_placed(tflm_patch_packer* packer, tflm_patch_intervals* set,
                           const tflm_patch_placed* placed, int32_t b) {
  const tflm_patch_piece* piece = &placed->piece;
  const tflm_patch_shape* shape = &packer->shape[placed->shape];
  if (piece->count == shape->slots) {
    const tflm_patch_pair* pair = find_pair(packer, placed->shape, b);
    if (pair != NULL) {
      const tflm_patch_intervals known = {packer->pairs.at + pair->first, pair->count, pair->count};
      if (!tflm_patch_intervals_add_all(set, &known, piece->offset)) {
        packer->is_full = true;
      }
      return;
    }
  }
  if (!tflm_patch_add_met(packer, set, shape, (int32_t)piece->first, (int32_t)piece->count,
                          piece->offset, &packer->shape[b], 0)) {
    packer->is_full = true;
  }
}

/* Finds the pieces of every region that are alive with a shape. */
void tflm_patch_meet(tflm_patch_packer* packer, const tflm_patch_shape* shape) {
  for (int32_t r = 0; r <= packer->problem->regions; ++r) {
    tflm_patch_region* region = &packer->region[r];
    region->met_count = 0;
    for (int32_t i = 0; i < region->placed_count; ++i) {
      const tflm_patch_placed* placed = &region->placed[i];
      if (placed->begin <= shape->end && shape->begin <= placed->end) {
        region->met[region->met_count++] = placed;
      }
    }
  }
}

/* The set with what is blocked for one slot more, in the memory for splits. */
static tflm_patch_intervals with_slot(tflm_patch_packer* packer, const tflm_patch_region* region,
                                      const tflm_patch_shape* shape, int32_t slot,
                                      tflm_patch_alive* alive, tflm_patch_intervals before) {
  tflm_patch_intervals* all = &packer->split;
  tflm_patch_intervals set = {all->at + all->count, 0, all->capacity - all->count};
  if (set.capacity < before.count) {
    packer->is_full = true;
    return before;
  }
  bool is_more = false;
  for (int32_t i = 0; i < region->met_count; ++i) {
    const tflm_patch_placed* placed = region->met[i];
    const tflm_patch_shape* other = &packer->shape[placed->shape];
    tflm_patch_interval blocked;
    if (region->met_alive[i] != NULL) {
      alive[i] = region->met_alive[i][slot];
    } else {
      find_alive(&alive[i], other, shape, slot);
    }
    if (!meets(other, (int32_t)placed->piece.first, (int32_t)placed->piece.count,
               placed->piece.offset, shape, slot, alive[i], &blocked)) {
      continue;
    }
    if (!is_more) {
      is_more = true;
      memcpy(set.at, before.at, (size_t)before.count * sizeof(*set.at));
      set.count = before.count;
    }
    if (!tflm_patch_intervals_add(&set, blocked.begin, blocked.end)) {
      packer->is_full = true;
      return before;
    }
  }
  if (!is_more) {
    return before;
  }
  all->count += set.count;
  set.capacity = set.count;
  return set;
}

/* Begins with no fronts and backs but the empty ones. */
void tflm_patch_begin_split(tflm_patch_packer* packer, const tflm_patch_shape* shape) {
  packer->split.count = 0;
  const tflm_patch_intervals none = {packer->split.at, 0, 0};
  for (int32_t r = 0; r <= packer->problem->regions; ++r) {
    tflm_patch_region* region = &packer->region[r];
    const size_t bytes = (size_t)region->met_count * sizeof(*region->front_alive);
    memset(region->front_alive, 0, bytes);
    memset(region->back_alive, 0, bytes);
    for (int32_t i = 0; i < region->met_count; ++i) {
      region->met_alive[i] = find_row(packer, region->met[i]->shape, shape);
    }
    region->fronts[0] = none;
    region->front_end = 0;
    region->backs[shape->slots] = none;
    region->back_begin = shape->slots;
  }
}

const tflm_patch_intervals* tflm_patch_front_of(tflm_patch_packer* packer,
                                                tflm_patch_region* region,
                                                const tflm_patch_shape* shape, int32_t cut) {
  while (region->front_end < cut) {
    const int32_t k = region->front_end++;
    region->fronts[k + 1] =
        with_slot(packer, region, shape, k, region->front_alive, region->fronts[k]);
  }
  return &region->fronts[cut];
}

const tflm_patch_intervals* tflm_patch_back_of(tflm_patch_packer* packer, tflm_patch_region* region,
                                               const tflm_patch_shape* shape, int32_t cut) {
  while (region->back_begin > cut) {
    const int32_t k = --region->back_begin;
    region->backs[k] =
        with_slot(packer, region, shape, k, region->back_alive, region->backs[k + 1]);
  }
  return &region->backs[cut];
}
