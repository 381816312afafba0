/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "layout.h"

#include <stdbool.h>
#include <string.h>

#include "pack.h"
#include "twister.h"

enum { kAlignment = 16 };

/* Every which try begins again from what worked last. */
enum { kAgain = 5 };

/* A search, as `_Search` of planner/memory/layout_search.py. */
typedef struct {
  tflm_patch_packer packer;
  uint32_t* random;
  int32_t items;
  int64_t high;
  int32_t* orders; /* [order_count][items] */
  int32_t order_count;
  int32_t next;        /* the order that is tried next */
  int32_t* known;      /* [items], the order that is tried */
  int32_t* best_order; /* [items], what worked last */
  tflm_patch_place* found;
  tflm_patch_place* best;
  bool has_best;
} layout_search;

static int64_t round_down(int64_t size) { return size / kAlignment * kAlignment; }

static int64_t round_up(int64_t size) { return round_down(size + kAlignment - 1); }

static int32_t* order_at(layout_search* search, int32_t i) {
  return search->orders + (size_t)i * (size_t)search->items;
}

/* Takes what stands at `from` out and puts it in at `to`. */
static void move_item(int32_t* order, int32_t from, int32_t to) {
  const int32_t moved = order[from];
  if (from < to) {
    memmove(order + from, order + from + 1, (size_t)(to - from) * sizeof(*order));
  } else {
    memmove(order + to + 1, order + to, (size_t)(from - to) * sizeof(*order));
  }
  order[to] = moved;
}

/* Takes the order that comes next, or what worked last with an item elsewhere. Returns the
 * number of the order that it takes the place of. */
static int32_t take_order(layout_search* search, int32_t attempt) {
  const int32_t n = search->items;
  const int32_t number = search->next++ % search->order_count;
  const bool is_again = search->has_best && attempt % kAgain == kAgain - 1;
  const int32_t* from = is_again ? search->best_order : order_at(search, number);
  memcpy(search->known, from, (size_t)n * sizeof(*search->known));
  if (is_again) {
    const int32_t i = tflm_patch_random_below(search->random, n);
    move_item(search->known, i, tflm_patch_random_below(search->random, n));
  }
  return number;
}

/* What worked is tried first for the next size. */
static void put_first(layout_search* search, int32_t number) {
  const size_t bytes = (size_t)search->items * sizeof(*search->known);
  memmove(order_at(search, 1), order_at(search, 0), (size_t)number * bytes);
  memcpy(order_at(search, 0), search->known, bytes);
  memcpy(search->best_order, search->known, bytes);
  search->next = 0;
}

/* Looks for a layout of a size. Returns the number of orders tried. */
static int32_t try_size(layout_search* search, int64_t size, int32_t tries) {
  for (int32_t attempt = 0; attempt < tries && !search->packer.is_full; ++attempt) {
    const int32_t number = take_order(search, attempt);
    uint32_t* random = tflm_patch_random_unit(search->random) < 0.85 ? search->random : NULL;
    const int32_t outcome =
        tflm_patch_pack(&search->packer, size, search->known, random, search->found);
    if (outcome < 0) {
      tflm_patch_place* spare = search->best;
      search->best = search->found;
      search->found = spare;
      search->has_best = true;
      search->high = size;
      put_first(search, number);
      return attempt + 1;
    }
    /* The item that found no place goes earlier. */
    int32_t at = 0;
    while (search->known[at] != outcome) {
      ++at;
    }
    move_item(search->known, at, at ? tflm_patch_random_below(search->random, at) : 0);
    memcpy(order_at(search, number), search->known, (size_t)search->items * sizeof(*search->known));
  }
  return tries;
}

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

/* Lowers the size by steps: longer ones after a layout was found, shorter ones when none was,
 * then again with more orders for each size. */
static void lower(layout_search* search, int64_t bound, int32_t attempts) {
  const int32_t patience = attempts / 3;
  int32_t share = 8; /* of the attempts, for one size */
  int32_t idle = 0;
  int64_t step = round_up((search->high - bound) / 2);
  while (attempts > 0 && idle < patience && bound < search->high && !search->packer.is_full) {
    const int64_t high = search->high;
    step = step > kAlignment ? step : kAlignment;
    const int64_t wanted = round_down(high - step);
    const int64_t size = wanted > bound ? wanted : bound;
    const int32_t used = try_size(search, size, least(share, least(attempts, patience - idle)));
    attempts -= used;
    if (search->high < high) {
      idle = 0;
      step = round_up(2 * (high - search->high));
    } else if (step > kAlignment) {
      idle += used;
      step = round_up(step / 2);
    } else {
      idle += used;
      share *= 2;
      step = round_up((high - bound) / 4);
    }
  }
}

/* Bytes beside the packer's: of the orders and two lists of places. */
static size_t search_bytes(const tflm_patch_layout_problem* problem, int32_t order_count) {
  const size_t orders = (size_t)order_count + 2;
  const size_t order_bytes = (size_t)problem->items * sizeof(int32_t);
  return 2 * (size_t)problem->items * sizeof(tflm_patch_place) + (orders * order_bytes + 7) / 8 * 8;
}

size_t tflm_patch_layout_memory(const tflm_patch_layout_problem* problem, int32_t order_count) {
  return tflm_patch_packer_memory(problem) + search_bytes(problem, order_count);
}

int32_t tflm_patch_find_layout(const tflm_patch_layout_problem* problem,
                               const tflm_patch_layout_search* options, void* memory,
                               size_t memory_bytes, uint32_t* random, tflm_patch_place* places,
                               int64_t* bytes) {
  const size_t n = (size_t)problem->items;
  const size_t packer_bytes = tflm_patch_packer_memory(problem);
  if (memory_bytes < packer_bytes + search_bytes(problem, options->order_count)) {
    return TFLM_PATCH_LAYOUT_TOO_LARGE;
  }
  layout_search search;
  tflm_patch_packer_init(&search.packer, problem, memory);
  search.random = random;
  search.items = problem->items;
  search.high = options->high;
  search.found = (tflm_patch_place*)((uint8_t*)memory + packer_bytes);
  search.best = search.found + n;
  search.known = (int32_t*)(search.best + n);
  search.best_order = search.known + n;
  search.orders = search.best_order + n;
  search.next = 0;
  search.order_count = options->order_count;
  search.has_best = false;
  memcpy(search.orders, options->order, (size_t)options->order_count * n * sizeof(int32_t));
  lower(&search, options->bound, options->attempts);
  if (!search.has_best && options->unlimited) {
    try_size(&search, search.high, search.order_count);
  }
  if (search.packer.is_full) {
    return TFLM_PATCH_LAYOUT_TOO_LARGE;
  }
  if (!search.has_best) {
    return TFLM_PATCH_LAYOUT_NONE;
  }
  memcpy(places, search.best, n * sizeof(*places));
  *bytes = search.high;
  return TFLM_PATCH_LAYOUT_FOUND;
}
