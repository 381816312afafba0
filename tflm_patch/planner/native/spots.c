/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "spots.h"

#include <stdint.h>

#include "blocked.h"
#include "twister.h"

/* Adds the ends of a region's gaps to the spots, until there are `wanted`. */
static void add_spots(tflm_patch_packer* packer, int32_t region, const tflm_patch_intervals* set,
                      int64_t shift, int64_t limit, int64_t alignment, int32_t wanted) {
  tflm_patch_gaps gaps = tflm_patch_gaps_of(set, shift, limit, alignment);
  tflm_patch_gap gap;
  while (packer->spot_count < wanted && tflm_patch_next_gap(&gaps, &gap)) {
    if (packer->spot_count + 2 > TFLM_PATCH_MOST_SPOTS) {
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
  return k < packer->problem->regions ? k + 1 : TFLM_PATCH_WORKSPACE;
}

/* Where the order of the spots begins: elsewhere now and then. */
int32_t tflm_patch_turn(const tflm_patch_packer* packer, uint32_t* random) {
  if (random != NULL && packer->spot_count > 1 && tflm_patch_random_unit(random) < 0.4) {
    return tflm_patch_random_below(random, packer->spot_count);
  }
  return 0;
}

/* Spots for all slots of a shape. Returns where their order begins. */
int32_t tflm_patch_find_whole(tflm_patch_packer* packer, int32_t number) {
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
      tflm_patch_add_placed(packer, &packer->work, region->met[i], number);
    }
    add_spots(packer, r, &packer->work, 0, limit, alignment, wanted);
  }
  return tflm_patch_turn(packer, packer->random);
}

/* Finds `wanted` spots for slots [0, cut). */
void tflm_patch_find_fronts(tflm_patch_packer* packer, const tflm_patch_shape* shape, int32_t cut,
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
    const tflm_patch_intervals* blocked = tflm_patch_front_of(packer, region, shape, cut);
    add_spots(packer, r, blocked, 0, limit, alignment, wanted);
  }
}

/* Spots for slots [cut, n), beside the front piece if there is one. */
int32_t tflm_patch_find_backs(tflm_patch_packer* packer, int32_t number, int32_t cut,
                              uint32_t* random, const tflm_patch_piece* front) {
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
    const tflm_patch_intervals* blocked = tflm_patch_back_of(packer, region, shape, cut);
    if (front != NULL && front->region == r) {
      tflm_patch_intervals* work = &packer->work;
      work->count = 0;
      if (!tflm_patch_intervals_add_all(work, blocked, 0) ||
          !tflm_patch_add_met(packer, work, shape, 0, cut, front->offset, shape, cut)) {
        packer->is_full = true;
      }
      blocked = work;
    }
    add_spots(packer, r, blocked, cut * shape->slot_bytes, limit, alignment, wanted);
  }
  return tflm_patch_turn(packer, random);
}
