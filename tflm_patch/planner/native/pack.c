/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pack.h"

#include <stdint.h>
#include <string.h>

#include "twister.h"

enum {
  kWorkspace = 0,
  /* Intervals that the lists hold: what real stages need, many times over. */
  kPairIntervals = 1 << 15,
  kSplitIntervals = 1 << 16,
  kWorkIntervals = 1 << 12,
  kSpots = 1 << 12,
  /* Of more shapes, pairs are worked out each time. */
  kPairedShapes = 512,
  /* Places of the front piece that the back piece is tried for. */
  kFronts = 4
};

static int32_t shape_count(const tflm_patch_layout_problem* problem) {
  return problem->first_shape[problem->items + problem->regions];
}

/* --- Memory ------------------------------------------------------------- */

/* Takes the next `bytes` of memory; counts them alone without any. */
static void* take(uint8_t* memory, size_t* used, size_t bytes) {
  void* taken = memory == NULL ? NULL : memory + *used;
  *used += (bytes + 7) / 8 * 8;
  return taken;
}

static tflm_patch_intervals take_set(uint8_t* memory, size_t* used, int32_t capacity) {
  const tflm_patch_intervals set = {
      take(memory, used, (size_t)capacity * sizeof(tflm_patch_interval)), 0, capacity};
  return set;
}

static size_t lay_out(tflm_patch_packer* packer, const tflm_patch_layout_problem* problem,
                      uint8_t* memory) {
  size_t used = 0;
  const int32_t shapes = shape_count(problem);
  const size_t regions = 1 + (size_t)problem->regions;
  /* The owner of a region and two pieces of every item. */
  const size_t pieces = 1 + 2 * (size_t)problem->items;
  int32_t most = 0;
  for (int32_t i = 0; i < shapes; ++i) {
    const int32_t slots = problem->first_slot[i + 1] - problem->first_slot[i];
    most = slots > most ? slots : most;
  }
  packer->problem = problem;
  packer->random = NULL;
  packer->is_full = false;
  packer->shapes = shapes;
  packer->shape = take(memory, &used, (size_t)shapes * sizeof(*packer->shape));
  packer->region = take(memory, &used, regions * sizeof(*packer->region));
  for (size_t r = 0; r < regions; ++r) {
    tflm_patch_region region = {0};
    region.placed = take(memory, &used, pieces * sizeof(*region.placed));
    region.met = take(memory, &used, pieces * sizeof(*region.met));
    region.front_alive = take(memory, &used, pieces * sizeof(*region.front_alive));
    region.back_alive = take(memory, &used, pieces * sizeof(*region.back_alive));
    region.fronts = take(memory, &used, ((size_t)most + 1) * sizeof(*region.fronts));
    region.backs = take(memory, &used, ((size_t)most + 1) * sizeof(*region.backs));
    if (memory != NULL) {
      packer->region[r] = region;
    }
  }
  packer->pair = NULL;
  if (shapes <= kPairedShapes) {
    packer->pair = take(memory, &used, (size_t)shapes * (size_t)shapes * sizeof(*packer->pair));
  }
  packer->pairs = take_set(memory, &used, kPairIntervals);
  packer->split = take_set(memory, &used, kSplitIntervals);
  packer->work = take_set(memory, &used, kWorkIntervals);
  packer->spots = take(memory, &used, kSpots * sizeof(*packer->spots));
  packer->spot_count = 0;
  packer->cuts = take(memory, &used, ((size_t)most + 1) * sizeof(*packer->cuts));
  packer->front_count = take(memory, &used, ((size_t)most + 1) * sizeof(*packer->front_count));
  return used;
}

size_t tflm_patch_packer_memory(const tflm_patch_layout_problem* problem) {
  tflm_patch_packer packer;
  return lay_out(&packer, problem, NULL);
}

void tflm_patch_packer_init(tflm_patch_packer* packer, const tflm_patch_layout_problem* problem,
                            uint8_t* memory) {
  lay_out(packer, problem, memory);
  for (int32_t i = 0; i < problem->items + problem->regions; ++i) {
    for (int32_t k = problem->first_shape[i]; k < problem->first_shape[i + 1]; ++k) {
      const int32_t first = problem->first_slot[k];
      const int32_t end = problem->first_slot[k + 1];
      tflm_patch_shape* shape = &packer->shape[k];
      shape->made = problem->made + first;
      shape->last = problem->last + first;
      shape->slots = end - first;
      shape->item = i;
      shape->slot_bytes = problem->slot_bytes[i];
      shape->begin = problem->made[first];
      shape->end = problem->last[end - 1];
    }
  }
  for (int32_t i = 0; packer->pair != NULL && i < packer->shapes * packer->shapes; ++i) {
    packer->pair[i].count = -1;
  }
}

/* --- What an item must not overlap --------------------------------------- */

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

/* Adds what `meets` says for slots [from, n) of `other`. Returns whether there was room. */
static bool add_met(tflm_patch_intervals* set, const tflm_patch_shape* shape, int32_t first,
                    int32_t count, int64_t offset, const tflm_patch_shape* other, int32_t from) {
  tflm_patch_alive alive = {0, 0};
  tflm_patch_interval run = {0, 0}; /* neighbouring slots' mostly touch */
  bool has_room = true;
  for (int32_t slot = from; slot < other->slots; ++slot) {
    find_alive(&alive, shape, other, slot);
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

/* What `add_met` adds for all slots of two shapes; null when it cannot be remembered. */
static const tflm_patch_pair* find_pair(tflm_patch_packer* packer, int32_t a, int32_t b) {
  if (packer->pair == NULL) {
    return NULL;
  }
  tflm_patch_pair* pair = &packer->pair[a * packer->shapes + b];
  if (pair->count < 0) {
    tflm_patch_intervals* pairs = &packer->pairs;
    tflm_patch_intervals found = {pairs->at + pairs->count, 0, pairs->capacity - pairs->count};
    const tflm_patch_shape* shape = &packer->shape[a];
    if (!add_met(&found, shape, 0, shape->slots, 0, &packer->shape[b], 0)) {
      return NULL;
    }
    pair->first = pairs->count;
    pair->count = found.count;
    pairs->count += found.count;
  }
  return pair;
}

/* Adds where shape `b` must not begin because of a piece. */
static void add_placed(tflm_patch_packer* packer, tflm_patch_intervals* set,
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
  if (!add_met(set, shape, (int32_t)piece->first, (int32_t)piece->count, piece->offset,
               &packer->shape[b], 0)) {
    packer->is_full = true;
  }
}

/* Finds the pieces of every region that are alive with a shape. */
static void meet(tflm_patch_packer* packer, const tflm_patch_shape* shape) {
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
    find_alive(&alive[i], other, shape, slot);
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
static void begin_split(tflm_patch_packer* packer, const tflm_patch_shape* shape) {
  packer->split.count = 0;
  const tflm_patch_intervals none = {packer->split.at, 0, 0};
  for (int32_t r = 0; r <= packer->problem->regions; ++r) {
    tflm_patch_region* region = &packer->region[r];
    const size_t bytes = (size_t)region->met_count * sizeof(*region->front_alive);
    memset(region->front_alive, 0, bytes);
    memset(region->back_alive, 0, bytes);
    region->fronts[0] = none;
    region->front_end = 0;
    region->backs[shape->slots] = none;
    region->back_begin = shape->slots;
  }
}

static const tflm_patch_intervals* front_of(tflm_patch_packer* packer, tflm_patch_region* region,
                                            const tflm_patch_shape* shape, int32_t cut) {
  while (region->front_end < cut) {
    const int32_t k = region->front_end++;
    region->fronts[k + 1] =
        with_slot(packer, region, shape, k, region->front_alive, region->fronts[k]);
  }
  return &region->fronts[cut];
}

static const tflm_patch_intervals* back_of(tflm_patch_packer* packer, tflm_patch_region* region,
                                           const tflm_patch_shape* shape, int32_t cut) {
  while (region->back_begin > cut) {
    const int32_t k = --region->back_begin;
    region->backs[k] =
        with_slot(packer, region, shape, k, region->back_alive, region->backs[k + 1]);
  }
  return &region->backs[cut];
}

/* --- Where it may lie ----------------------------------------------------- */

/* Adds the ends of a region's gaps to the spots, until there are `wanted`. */
static void add_spots(tflm_patch_packer* packer, int32_t region, const tflm_patch_intervals* set,
                      int64_t shift, int64_t limit, int64_t alignment, int32_t wanted) {
  tflm_patch_gaps gaps = tflm_patch_gaps_of(set, shift, limit, alignment);
  tflm_patch_gap gap;
  while (packer->spot_count < wanted && tflm_patch_next_gap(&gaps, &gap)) {
    if (packer->spot_count + 2 > kSpots) {
      packer->is_full = true;
      return;
    }
    const tflm_patch_spot low = {region, gap.low};
    packer->spots[packer->spot_count++] = low;
    if (gap.high != gap.low) {
      const tflm_patch_spot high = {region, gap.high};
      packer->spots[packer->spot_count++] = high;
    }
  }
}

/* The region that is looked at as the k-th: those beside the workspace come first. */
static int32_t region_at(const tflm_patch_packer* packer, int32_t k) {
  return k < packer->problem->regions ? k + 1 : kWorkspace;
}

/* Where the order of the spots begins: elsewhere now and then. */
static int32_t turn(const tflm_patch_packer* packer, uint32_t* random) {
  if (random != NULL && packer->spot_count > 1 && tflm_patch_random_unit(random) < 0.4) {
    return tflm_patch_random_below(random, packer->spot_count);
  }
  return 0;
}

/* Spots for all slots of a shape. Returns where their order begins. */
static int32_t find_whole(tflm_patch_packer* packer, int32_t number) {
  const tflm_patch_shape* shape = &packer->shape[number];
  const int64_t alignment = packer->problem->alignment[shape->item];
  const int32_t wanted = packer->random == NULL ? 1 : INT32_MAX;
  packer->spot_count = 0;
  for (int32_t k = 0; k <= packer->problem->regions && packer->spot_count < wanted; ++k) {
    const int32_t r = region_at(packer, k);
    const tflm_patch_region* region = &packer->region[r];
    const int64_t limit = region->bytes - shape->slots * shape->slot_bytes;
    if (limit < 0) {
      continue;
    }
    packer->work.count = 0;
    for (int32_t i = 0; i < region->met_count; ++i) {
      add_placed(packer, &packer->work, region->met[i], number);
    }
    add_spots(packer, r, &packer->work, 0, limit, alignment, wanted);
  }
  return turn(packer, packer->random);
}

/* Finds `wanted` spots for slots [0, cut). */
static void list_fronts(tflm_patch_packer* packer, const tflm_patch_shape* shape, int32_t cut,
                        int32_t wanted) {
  const int64_t alignment = packer->problem->alignment[shape->item];
  packer->spot_count = 0;
  for (int32_t k = 0; k <= packer->problem->regions && packer->spot_count < wanted; ++k) {
    const int32_t r = region_at(packer, k);
    tflm_patch_region* region = &packer->region[r];
    const int64_t limit = region->bytes - cut * shape->slot_bytes;
    if (limit < 0) {
      continue;
    }
    const tflm_patch_intervals* blocked = front_of(packer, region, shape, cut);
    add_spots(packer, r, blocked, 0, limit, alignment, wanted);
  }
}

/* Spots for slots [cut, n), beside the front piece if there is one. */
static int32_t find_backs(tflm_patch_packer* packer, int32_t number, int32_t cut, uint32_t* random,
                          const tflm_patch_piece* front) {
  const tflm_patch_shape* shape = &packer->shape[number];
  const int64_t alignment = packer->problem->alignment[shape->item];
  const int32_t wanted = random == NULL ? 1 : INT32_MAX;
  packer->spot_count = 0;
  for (int32_t k = 0; k <= packer->problem->regions && packer->spot_count < wanted; ++k) {
    const int32_t r = region_at(packer, k);
    tflm_patch_region* region = &packer->region[r];
    const int64_t limit = region->bytes - (shape->slots - cut) * shape->slot_bytes;
    if (limit < 0) {
      continue;
    }
    const tflm_patch_intervals* blocked = back_of(packer, region, shape, cut);
    if (front != NULL && front->region == r) {
      tflm_patch_intervals* work = &packer->work;
      work->count = 0;
      if (!tflm_patch_intervals_add_all(work, blocked, 0) ||
          !add_met(work, shape, 0, cut, front->offset, shape, cut)) {
        packer->is_full = true;
      }
      blocked = work;
    }
    add_spots(packer, r, blocked, cut * shape->slot_bytes, limit, alignment, wanted);
  }
  return turn(packer, random);
}

/* The cuts 1..n-1 of a shape of n slots in the order in which they are tried. */
static int32_t order_cuts(tflm_patch_packer* packer, int32_t slots) {
  const int32_t count = slots - 1;
  int32_t* cuts = packer->cuts;
  for (int32_t i = 0; i < count; ++i) {
    cuts[i] = i + 1;
  }
  if (packer->random == NULL) {
    return count;
  }
  const double choice = tflm_patch_random_unit(packer->random);
  if (choice < 0.4) {
    for (int32_t i = 0; i < count; ++i) {
      cuts[i] = count - i;
    }
  } else if (choice < 0.7) {
    for (int32_t i = count - 1; i >= 1; --i) {
      const int32_t j = tflm_patch_random_below(packer->random, i + 1);
      const int32_t kept = cuts[i];
      cuts[i] = cuts[j];
      cuts[j] = kept;
    }
  }
  return count;
}

static tflm_patch_spot spot_at(const tflm_patch_packer* packer, int32_t first, int32_t i) {
  return packer->spots[(first + i) % packer->spot_count];
}

static tflm_patch_piece piece_at(tflm_patch_spot spot, int32_t first, int32_t count) {
  const tflm_patch_piece piece = {spot.region, spot.offset, first, count};
  return piece;
}

/* Places an item in one piece. Returns whether it could. */
static bool place_whole(tflm_patch_packer* packer, int32_t first, int32_t end,
                        tflm_patch_place* place) {
  for (int32_t number = first; number < end; ++number) {
    meet(packer, &packer->shape[number]);
    const int32_t at = find_whole(packer, number);
    if (packer->spot_count > 0) {
      memset(place, 0, sizeof(*place));
      place->shape = number - first;
      place->pieces = 1;
      place->piece[0] = piece_at(spot_at(packer, at, 0), 0, packer->shape[number].slots);
      return true;
    }
  }
  return false;
}

/* Places a shape in two pieces, the second from slot `cut` on. Both have spots. */
static bool place_cut(tflm_patch_packer* packer, int32_t number, int32_t cut,
                      tflm_patch_place* place) {
  const tflm_patch_shape* shape = &packer->shape[number];
  tflm_patch_spot fronts[kFronts];
  list_fronts(packer, shape, cut, packer->random == NULL ? kFronts : INT32_MAX);
  const int32_t at = turn(packer, packer->random);
  const int32_t count = packer->spot_count < kFronts ? packer->spot_count : kFronts;
  for (int32_t i = 0; i < count; ++i) {
    fronts[i] = spot_at(packer, at, i);
  }
  for (int32_t i = 0; i < count; ++i) {
    const tflm_patch_piece front = piece_at(fronts[i], 0, cut);
    const int32_t back = find_backs(packer, number, cut, packer->random, &front);
    if (packer->spot_count > 0) {
      memset(place, 0, sizeof(*place));
      place->pieces = 2;
      place->piece[0] = front;
      place->piece[1] = piece_at(spot_at(packer, back, 0), cut, shape->slots - cut);
      return true;
    }
  }
  return false;
}

/* The cuts for which both pieces have spots, if not yet together: [first, last]. */
typedef struct {
  int32_t first;
  int32_t last;
} cut_range;

/* Counts the spots of all fronts. Where a front has some, shorter ones have, too, and
 * likewise for backs, as long as slots keep the alignment. */
static cut_range find_cuts(tflm_patch_packer* packer, int32_t number) {
  const tflm_patch_shape* shape = &packer->shape[number];
  const int32_t wanted = packer->random == NULL ? 1 : INT32_MAX; /* as many as are drawn from */
  cut_range range = {shape->slots, 0};
  for (int32_t k = 1; k < shape->slots; ++k) {
    list_fronts(packer, shape, k, wanted);
    packer->front_count[k] = packer->spot_count;
    if (packer->spot_count == 0) {
      break;
    }
    range.last = k;
  }
  for (int32_t k = shape->slots - 1; k > 0; --k) {
    find_backs(packer, number, k, NULL, NULL);
    if (packer->spot_count == 0) {
      break;
    }
    range.first = k;
  }
  return range;
}

static bool has_backs(tflm_patch_packer* packer, int32_t number, int32_t cut) {
  find_backs(packer, number, cut, NULL, NULL);
  return packer->spot_count > 0;
}

/* Tries a cut as `_place_split` does: front spots are drawn before backs are looked at. */
static bool try_cut(tflm_patch_packer* packer, int32_t number, int32_t cut,
                    tflm_patch_place* place) {
  const tflm_patch_shape* shape = &packer->shape[number];
  uint32_t* random = packer->random;
  list_fronts(packer, shape, cut, INT32_MAX);
  if (packer->spot_count == 0) {
    return false;
  }
  const int32_t fronts = packer->spot_count;
  if (!has_backs(packer, number, cut)) {
    packer->spot_count = fronts;
    turn(packer, random);
    return false;
  }
  return place_cut(packer, number, cut, place);
}

/* Places a shape in two pieces. */
static bool place_shape(tflm_patch_packer* packer, int32_t number, tflm_patch_place* place) {
  const tflm_patch_shape* shape = &packer->shape[number];
  const int32_t count = order_cuts(packer, shape->slots);
  meet(packer, shape);
  begin_split(packer, shape);
  if (shape->slot_bytes % packer->problem->alignment[shape->item] != 0) {
    for (int32_t i = 0; i < count && !packer->is_full; ++i) {
      if (try_cut(packer, number, packer->cuts[i], place)) {
        return true;
      }
    }
    return false;
  }
  const cut_range range = find_cuts(packer, number);
  for (int32_t i = 0; i < count && !packer->is_full; ++i) {
    const int32_t cut = packer->cuts[i];
    if (cut > range.last) {
      continue;
    }
    if (cut >= range.first) {
      if (place_cut(packer, number, cut, place)) {
        return true;
      }
    } else if (packer->random != NULL) {
      packer->spot_count = packer->front_count[cut];
      turn(packer, packer->random);
    }
  }
  return false;
}

static bool place_split(tflm_patch_packer* packer, int32_t first, int32_t end,
                        tflm_patch_place* place) {
  for (int32_t number = end - 1; number >= first; --number) {
    if (place_shape(packer, number, place)) {
      place->shape = number - first;
      return true;
    }
  }
  return false;
}

static void add_piece(tflm_patch_packer* packer, int32_t number, tflm_patch_piece piece) {
  const tflm_patch_shape* shape = &packer->shape[number];
  tflm_patch_region* region = &packer->region[piece.region];
  const tflm_patch_placed placed = {number, piece, shape->made[piece.first],
                                    shape->last[piece.first + piece.count - 1]};
  region->placed[region->placed_count++] = placed;
}

int32_t tflm_patch_pack(tflm_patch_packer* packer, int64_t workspace, const int32_t* order,
                        uint32_t* random, tflm_patch_place* places) {
  const tflm_patch_layout_problem* problem = packer->problem;
  packer->random = random;
  packer->region[kWorkspace].bytes = workspace;
  packer->region[kWorkspace].placed_count = 0;
  for (int32_t r = 1; r <= problem->regions; ++r) {
    const int32_t owner = problem->first_shape[problem->items + r - 1];
    packer->region[r].bytes = problem->region_bytes[r - 1];
    packer->region[r].placed_count = 0;
    const tflm_patch_piece all = {r, 0, 0, packer->shape[owner].slots};
    add_piece(packer, owner, all);
  }
  for (int32_t k = 0; k < problem->items; ++k) {
    const int32_t i = order[k];
    const int32_t first = problem->first_shape[i];
    const int32_t end = problem->first_shape[i + 1];
    tflm_patch_place* place = &places[i];
    if (!place_whole(packer, first, end, place) &&
        (problem->one_piece[i] || !place_split(packer, first, end, place))) {
      return i;
    }
    for (int64_t p = 0; p < place->pieces; ++p) {
      add_piece(packer, first + (int32_t)place->shape, place->piece[p]);
    }
  }
  return -1;
}
