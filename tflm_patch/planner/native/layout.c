/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "layout.h"

#include <stdbool.h>
#include <string.h>

#include "pack.h"
#include "twister.h"

enum { kAlignment = 16 };

/* A search, as `_Search` of planner/memory/layout.py. */
typedef struct {
  tflm_patch_packer packer;
  uint32_t* random;
  int32_t items;
  int64_t high;
  int32_t* orders; /* [order_count][items], and room for one more per attempt */
  int32_t order_count;
  int32_t* known; /* [items], the order that is tried */
  tflm_patch_place* found;
  tflm_patch_place* best;
  bool has_best;
} layout_search;

static int64_t round_up(int64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

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

/* Draws an order that differs a little from one that is known. */
static void draw_order(layout_search* search) {
  const int32_t n = search->items;
  const int32_t from = tflm_patch_random_below(search->random, search->order_count);
  memcpy(search->known, order_at(search, from), (size_t)n * sizeof(*search->known));
  for (int32_t k = 0; k < 1 + n / 8; ++k) {
    const int32_t i = tflm_patch_random_below(search->random, n);
    const int32_t j = tflm_patch_random_below(search->random, n);
    move_item(search->known, i, j);
  }
}

/* What worked is tried first for the next size. */
static void put_first(layout_search* search) {
  const size_t bytes = (size_t)search->items * sizeof(*search->known);
  int32_t kept = 0;
  for (int32_t i = 0; i < search->order_count; ++i) {
    if (memcmp(order_at(search, i), search->known, bytes) != 0) {
      memmove(order_at(search, kept++), order_at(search, i), bytes);
    }
  }
  memmove(order_at(search, 1), order_at(search, 0), (size_t)kept * bytes);
  memcpy(order_at(search, 0), search->known, bytes);
  search->order_count = kept + 1;
}

/* Looks for a layout of a size. Returns the number of orders tried. */
static int32_t try_size(layout_search* search, int64_t size, int32_t tries) {
  const size_t bytes = (size_t)search->items * sizeof(*search->known);
  for (int32_t attempt = 0; attempt < tries && !search->packer.is_full; ++attempt) {
    const bool is_known = attempt < search->order_count;
    if (is_known) {
      memcpy(search->known, order_at(search, attempt), bytes);
    } else {
      draw_order(search);
    }
    uint32_t* random = tflm_patch_random_unit(search->random) < 0.7 ? search->random : NULL;
    const int32_t outcome =
        tflm_patch_pack(&search->packer, size, search->known, random, search->found);
    if (outcome < 0) {
      tflm_patch_place* spare = search->best;
      search->best = search->found;
      search->found = spare;
      search->has_best = true;
      search->high = size;
      put_first(search);
      return attempt + 1;
    }
    if (is_known) {
      /* The item that found no place goes earlier. */
      int32_t at = 0;
      while (search->known[at] != outcome) {
        ++at;
      }
      move_item(search->known, at, at ? tflm_patch_random_below(search->random, at) : 0);
      memcpy(order_at(search, attempt), search->known, bytes);
    }
  }
  return tries;
}

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

/* Lowers the size by bisection, again and again with more orders for each size. */
static void bisect(layout_search* search, int64_t bound, int32_t attempts) {
  const int32_t patience = attempts / 3;
  int32_t share = 8; /* of the attempts, for one size */
  int32_t idle = 0;
  while (attempts > 0 && idle < patience && bound < search->high) {
    int64_t low = bound;
    int64_t size = bound;
    while (low < search->high && attempts > 0 && idle < patience && !search->packer.is_full) {
      const int64_t high = search->high;
      const int32_t used = try_size(search, size, least(share, least(attempts, patience - idle)));
      attempts -= used;
      idle = search->high < high ? 0 : idle + used;
      low = search->high > size ? size + kAlignment : low;
      size = round_up((low + search->high) / 2);
      size = size < search->high - kAlignment ? size : search->high - kAlignment;
      size = size > low ? size : low;
    }
    if (search->packer.is_full) {
      return;
    }
    share *= 2;
  }
}

/* Bytes beside the packer's: of the orders and two lists of places. */
static size_t search_bytes(const tflm_patch_layout_problem* problem, int32_t attempts,
                           int32_t order_count) {
  const size_t orders = (size_t)order_count + (size_t)attempts + 2;
  const size_t order_bytes = (size_t)problem->items * sizeof(int32_t);
  return 2 * (size_t)problem->items * sizeof(tflm_patch_place) + (orders * order_bytes + 7) / 8 * 8;
}

size_t tflm_patch_layout_memory(const tflm_patch_layout_problem* problem, int32_t attempts,
                                int32_t order_count) {
  return tflm_patch_packer_memory(problem) + search_bytes(problem, attempts, order_count);
}

int32_t tflm_patch_find_layout(const tflm_patch_layout_problem* problem,
                               const tflm_patch_layout_search* options, void* memory,
                               size_t memory_bytes, uint32_t* random, tflm_patch_place* places,
                               int64_t* bytes) {
  const size_t n = (size_t)problem->items;
  const size_t packer_bytes = tflm_patch_packer_memory(problem);
  if (memory_bytes <
      packer_bytes + search_bytes(problem, options->attempts, options->order_count)) {
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
  search.orders = search.known + n;
  search.order_count = options->order_count;
  search.has_best = false;
  memcpy(search.orders, options->order, (size_t)options->order_count * n * sizeof(int32_t));
  bisect(&search, options->bound, options->attempts);
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
