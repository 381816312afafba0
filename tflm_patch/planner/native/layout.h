/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The search for a layout of planner/memory/layout_search.py, which is its reference:
 * the same items, orders and random numbers give the same places. Nothing is
 * allocated, the caller brings the memory.
 */
#ifndef TFLM_PATCH_PLANNER_LAYOUT_H_
#define TFLM_PATCH_PLANNER_LAYOUT_H_

#include <stddef.h>
#include <stdint.h>

#include "planner.h"

/* Items to be placed and the regions beside the workspace. A region's content, its
 * owner, is one more item of a single shape that lies at offset 0. */
typedef struct {
  int32_t items;
  int32_t regions;
  const int64_t* slot_bytes;   /* [items + regions], above 0 */
  const int64_t* alignment;    /* [items], above 0 */
  const int32_t* one_piece;    /* [items] */
  const int32_t* first_shape;  /* [items + regions + 1] */
  const int32_t* first_slot;   /* [shapes + 1], every shape has a slot */
  const int64_t* made;         /* [slots], not falling within a shape */
  const int64_t* last;         /* [slots], not falling within a shape */
  const int64_t* region_bytes; /* [regions] */
} tflm_patch_layout_problem;

/* How long is searched, and between which sizes of the workspace. */
typedef struct {
  int64_t bound;        /* no layout is smaller; a multiple of 16 */
  int64_t high;         /* smaller ones are to be found */
  int32_t attempts;     /* orders that are tried */
  int32_t unlimited;    /* the size `high` will do, when nothing is smaller */
  int32_t order_count;  /* above 0 */
  const int32_t* order; /* [order_count][items], what is tried first */
} tflm_patch_layout_search;

/* Slots [first, first + count) of an item. */
typedef struct {
  int64_t region; /* 0 is the workspace, 1 + i region i */
  int64_t offset;
  int64_t first;
  int64_t count;
} tflm_patch_piece;

/* Where an item lies. */
typedef struct {
  int64_t shape;
  int64_t pieces; /* 1 or 2 */
  tflm_patch_piece piece[2];
} tflm_patch_place;

enum {
  TFLM_PATCH_LAYOUT_NONE = 0,
  TFLM_PATCH_LAYOUT_FOUND = 1,
  /* The memory was too small for this problem: search in Python. */
  TFLM_PATCH_LAYOUT_TOO_LARGE = -1
};

/* Bytes of memory for a search of so many first orders. */
TFLM_PATCH_PLANNER_EXPORT size_t tflm_patch_layout_memory(const tflm_patch_layout_problem* problem,
                                                          int32_t order_count);

/* Searches a layout.
 *
 * memory: aligned to 8, of tflm_patch_layout_memory(...) bytes.
 * random: a state as in twister.h, changed.
 * places: [items], written when a layout was found.
 * bytes: the size of its workspace.
 */
TFLM_PATCH_PLANNER_EXPORT int32_t tflm_patch_find_layout(const tflm_patch_layout_problem* problem,
                                                         const tflm_patch_layout_search* search,
                                                         void* memory, size_t memory_bytes,
                                                         uint32_t* random, tflm_patch_place* places,
                                                         int64_t* bytes);

#endif /* TFLM_PATCH_PLANNER_LAYOUT_H_ */
