/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pack.h"

#include <stdint.h>
#include <string.h>

#include "blocked.h"
#include "spots.h"
#include "twister.h"

/* Places of the front piece that the back piece is tried for. */
enum { kFronts = 4 };

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
    tflm_patch_meet(packer, &packer->shape[number]);
    const int32_t at = tflm_patch_find_whole(packer, number);
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
  tflm_patch_find_fronts(packer, shape, cut, packer->random == NULL ? kFronts : INT32_MAX);
  const int32_t at = tflm_patch_turn(packer, packer->random);
  const int32_t count = packer->spot_count < kFronts ? packer->spot_count : kFronts;
  for (int32_t i = 0; i < count; ++i) {
    fronts[i] = spot_at(packer, at, i);
  }
  for (int32_t i = 0; i < count; ++i) {
    const tflm_patch_piece front = piece_at(fronts[i], 0, cut);
    const int32_t back = tflm_patch_find_backs(packer, number, cut, packer->random, &front);
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
    tflm_patch_find_fronts(packer, shape, k, wanted);
    packer->front_count[k] = packer->spot_count;
    if (packer->spot_count == 0) {
      break;
    }
    range.last = k;
  }
  for (int32_t k = shape->slots - 1; k > 0; --k) {
    tflm_patch_find_backs(packer, number, k, NULL, NULL);
    if (packer->spot_count == 0) {
      break;
    }
    range.first = k;
  }
  return range;
}

static bool has_backs(tflm_patch_packer* packer, int32_t number, int32_t cut) {
  tflm_patch_find_backs(packer, number, cut, NULL, NULL);
  return packer->spot_count > 0;
}

/* Tries a cut as `_place_split` does: front spots are drawn before backs are looked at. */
static bool try_cut(tflm_patch_packer* packer, int32_t number, int32_t cut,
                    tflm_patch_place* place) {
  const tflm_patch_shape* shape = &packer->shape[number];
  uint32_t* random = packer->random;
  tflm_patch_find_fronts(packer, shape, cut, INT32_MAX);
  if (packer->spot_count == 0) {
    return false;
  }
  const int32_t fronts = packer->spot_count;
  if (!has_backs(packer, number, cut)) {
    packer->spot_count = fronts;
    tflm_patch_turn(packer, random);
    return false;
  }
  return place_cut(packer, number, cut, place);
}

/* Places a shape in two pieces. */
static bool place_shape(tflm_patch_packer* packer, int32_t number, tflm_patch_place* place) {
  const tflm_patch_shape* shape = &packer->shape[number];
  const int32_t count = order_cuts(packer, shape->slots);
  tflm_patch_meet(packer, shape);
  tflm_patch_begin_split(packer, shape);
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
      tflm_patch_turn(packer, packer->random);
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
  packer->region[TFLM_PATCH_WORKSPACE].bytes = workspace;
  packer->region[TFLM_PATCH_WORKSPACE].placed_count = 0;
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
