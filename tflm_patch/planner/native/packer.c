/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "packer.h"

#include "take.h"

enum {
  /* Intervals that the lists hold: what real stages need, many times over. */
  kPairIntervals = 1 << 15,
  kSplitIntervals = 1 << 16,
  kWorkIntervals = 1 << 12,
  /* Of more shapes, pairs are worked out each time. */
  kPairedShapes = 512,
  /* Of more pairs of a shape and a slot, the slots alive are worked out each time. */
  kTabledSlots = 1 << 20
};

static int32_t shape_count(const tflm_patch_layout_problem* problem) {
  return problem->first_shape[problem->items + problem->regions];
}

static tflm_patch_intervals take_set(tflm_patch_room* room, int32_t capacity) {
  const tflm_patch_intervals set = {
      tflm_patch_take(room, (size_t)capacity, sizeof(tflm_patch_interval)), 0, capacity};
  return set;
}

static size_t lay_out(tflm_patch_packer* packer, const tflm_patch_layout_problem* problem,
                      uint8_t* memory) {
  tflm_patch_room room = {memory, 0};
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
  packer->shape = tflm_patch_take(&room, (size_t)shapes, sizeof(*packer->shape));
  packer->region = tflm_patch_take(&room, regions, sizeof(*packer->region));
  for (size_t r = 0; r < regions; ++r) {
    tflm_patch_region region = {0};
    region.placed = tflm_patch_take(&room, pieces, sizeof(*region.placed));
    region.met = tflm_patch_take(&room, pieces, sizeof(*region.met));
    region.front_alive = tflm_patch_take(&room, pieces, sizeof(*region.front_alive));
    region.back_alive = tflm_patch_take(&room, pieces, sizeof(*region.back_alive));
    region.met_alive = tflm_patch_take(&room, pieces, sizeof(*region.met_alive));
    region.fronts = tflm_patch_take(&room, (size_t)most + 1, sizeof(*region.fronts));
    region.backs = tflm_patch_take(&room, (size_t)most + 1, sizeof(*region.backs));
    if (memory != NULL) {
      packer->region[r] = region;
    }
  }
  packer->pair = NULL;
  if (shapes <= kPairedShapes) {
    packer->pair = tflm_patch_take(&room, (size_t)shapes * (size_t)shapes, sizeof(*packer->pair));
  }
  packer->slots = problem->first_slot[shapes];
  packer->alive = NULL;
  if ((size_t)shapes * (size_t)packer->slots <= kTabledSlots) {
    packer->alive =
        tflm_patch_take(&room, (size_t)shapes * (size_t)packer->slots, sizeof(*packer->alive));
  }
  packer->pairs = take_set(&room, kPairIntervals);
  packer->split = take_set(&room, kSplitIntervals);
  packer->work = take_set(&room, kWorkIntervals);
  packer->spots = tflm_patch_take(&room, TFLM_PATCH_MOST_SPOTS, sizeof(*packer->spots));
  packer->spot_count = 0;
  packer->cuts = tflm_patch_take(&room, (size_t)most + 1, sizeof(*packer->cuts));
  packer->front_count = tflm_patch_take(&room, (size_t)most + 1, sizeof(*packer->front_count));
  return room.used;
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
  /* Unknown from the first slot on. */
  for (int32_t i = 0; packer->alive != NULL && i < packer->shapes; ++i) {
    for (int32_t k = 0; k < packer->shapes; ++k) {
      packer->alive[(size_t)i * (size_t)packer->slots + (size_t)problem->first_slot[k]].low = -1;
    }
  }
}
