/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "orders.h"

#include <stdlib.h>
#include <string.h>

#include "take.h"

enum { kAlignment = 16 };

/* An item by what the orders go by. */
typedef struct {
  int64_t size;  /* of its first shape */
  int64_t begin; /* when its first row comes alive */
  int64_t end;   /* when its last one is read last */
  int64_t crowd; /* the most bytes alive beside it */
} item_facts;

/* An item in an order: smaller keys come first. */
typedef struct {
  int64_t key;
  int64_t second;
  int32_t item;
} entry;

typedef struct {
  int64_t* live; /* [length + 1] */
  item_facts* facts;
  entry* entries;
} work_memory;

static size_t lay_out(work_memory* work, const tflm_patch_layout_problem* problem, int32_t length,
                      uint8_t* memory) {
  tflm_patch_room room = {memory, 0};
  work->live = tflm_patch_take(&room, (size_t)length + 1, sizeof(*work->live));
  work->facts = tflm_patch_take(&room, (size_t)problem->items, sizeof(*work->facts));
  work->entries = tflm_patch_take(&room, (size_t)problem->items, sizeof(*work->entries));
  return room.used;
}

size_t tflm_patch_orders_memory(const tflm_patch_layout_problem* problem, int32_t length) {
  work_memory work;
  return lay_out(&work, problem, length, NULL);
}

/* The shape that follows an item's rows most closely: the first of those of the most slots. */
static int32_t rows_of(const tflm_patch_layout_problem* problem, int32_t item) {
  int32_t best = problem->first_shape[item];
  for (int32_t s = best + 1; s < problem->first_shape[item + 1]; ++s) {
    const int32_t slots = problem->first_slot[s + 1] - problem->first_slot[s];
    if (slots > problem->first_slot[best + 1] - problem->first_slot[best]) {
      best = s;
    }
  }
  return best;
}

/* Bytes alive at each time of the first `items` items. */
static void find_live(const tflm_patch_layout_problem* problem, int32_t items, int32_t length,
                      int64_t* live) {
  memset(live, 0, ((size_t)length + 1) * sizeof(*live));
  for (int32_t i = 0; i < items; ++i) {
    const int32_t shape = rows_of(problem, i);
    const int64_t size = problem->slot_bytes[i];
    for (int32_t s = problem->first_slot[shape]; s < problem->first_slot[shape + 1]; ++s) {
      const int64_t made = problem->made[s] > 0 ? problem->made[s] : 0;
      const int64_t freed = problem->last[s] + 1 < length ? problem->last[s] + 1 : length;
      live[made < length ? made : length] += size;
      live[freed > 0 ? freed : 0] -= size;
    }
  }
  for (int32_t t = 1; t < length; ++t) {
    live[t] += live[t - 1];
  }
}

static int64_t largest(const int64_t* values, int64_t begin, int64_t end) {
  int64_t most = 0;
  for (int64_t t = begin; t < end; ++t) {
    most = values[t] > most ? values[t] : most;
  }
  return most;
}

int64_t tflm_patch_lower_bound(const tflm_patch_layout_problem* problem, int32_t length,
                               void* memory) {
  work_memory work;
  lay_out(&work, problem, length, memory);
  find_live(problem, problem->items + problem->regions, length, work.live);
  int64_t bound = largest(work.live, 0, length);
  for (int32_t r = 0; r < problem->regions; ++r) {
    bound -= problem->region_bytes[r];
  }
  return bound > 0 ? (bound + kAlignment - 1) / kAlignment * kAlignment : 0;
}

static int by_keys(const void* a, const void* b) {
  const entry* first = a;
  const entry* second = b;
  if (first->key != second->key) {
    return first->key < second->key ? -1 : 1;
  }
  if (first->second != second->second) {
    return first->second < second->second ? -1 : 1;
  }
  return first->item < second->item ? -1 : 1;
}

static void find_facts(const tflm_patch_layout_problem* problem, int32_t length,
                       work_memory* work) {
  find_live(problem, problem->items, length, work->live);
  for (int32_t i = 0; i < problem->items; ++i) {
    item_facts* facts = &work->facts[i];
    const int32_t first = problem->first_shape[i];
    const int32_t rows = rows_of(problem, i);
    facts->size =
        problem->slot_bytes[i] * (problem->first_slot[first + 1] - problem->first_slot[first]);
    facts->begin = problem->made[problem->first_slot[rows]];
    facts->end = problem->last[problem->first_slot[rows + 1] - 1];
    facts->crowd = largest(work->live, facts->begin > 0 ? facts->begin : 0,
                           facts->end + 1 < length ? facts->end + 1 : length);
  }
}

/* The keys of an item in the order of this number. */
static entry keys_of(const item_facts* facts, int32_t item, int32_t order) {
  switch (order) {
    case 0:
      return (entry){-facts->size, facts->begin, item};
    case 1:
      return (entry){-facts->crowd, -facts->size, item};
    case 2:
      return (entry){facts->begin, -facts->size, item};
    case 3:
      return (entry){facts->begin - facts->end, -facts->size, item};
    default:
      return (entry){-facts->begin, -facts->size, item};
  }
}

void tflm_patch_first_orders(const tflm_patch_layout_problem* problem, int32_t length, void* memory,
                             int32_t* orders) {
  work_memory work;
  lay_out(&work, problem, length, memory);
  find_facts(problem, length, &work);
  const int32_t items = problem->items;
  for (int32_t order = 0; order < TFLM_PATCH_FIRST_ORDERS; ++order) {
    for (int32_t i = 0; i < items; ++i) {
      work.entries[i] = keys_of(&work.facts[i], i, order);
    }
    qsort(work.entries, (size_t)items, sizeof(*work.entries), by_keys);
    for (int32_t i = 0; i < items; ++i) {
      orders[order * items + i] = work.entries[i].item;
    }
  }
}
