/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a packing works with: shapes, regions with the pieces that lie there, lists.
 */
#ifndef TFLM_PATCH_PLANNER_PACKER_H_
#define TFLM_PATCH_PLANNER_PACKER_H_

#include <stdbool.h>

#include "intervals.h"
#include "layout.h"

enum {
  TFLM_PATCH_WORKSPACE = 0, /* the first region */
  TFLM_PATCH_MOST_SPOTS = 1 << 12
};

/* A way to keep an item's rows. */
typedef struct {
  const int64_t* made;
  const int64_t* last;
  int32_t slots;
  int32_t item;
  int64_t slot_bytes;
  int64_t begin; /* when the first slot comes alive */
  int64_t end;   /* when the last one is free */
} tflm_patch_shape;

/* A piece that lies in a region. */
typedef struct {
  int32_t shape;
  tflm_patch_piece piece;
  int64_t begin; /* when it is alive */
  int64_t end;
} tflm_patch_placed;

/* The slots [low, high) of a shape that are alive with a slot of another one. */
typedef struct {
  int32_t low;
  int32_t high;
} tflm_patch_alive;

/* A region's pieces; those that meet the item which is placed now. */
typedef struct {
  int64_t bytes;
  tflm_patch_placed* placed;
  int32_t placed_count;
  const tflm_patch_placed** met;
  int32_t met_count;
  tflm_patch_alive* front_alive; /* of each that is met, where no table has it */
  tflm_patch_alive* back_alive;
  const tflm_patch_alive** met_alive; /* of each that is met its row of the table, or null */
  /* Where slots [0, k) and [k, n) of the shape must not begin, for k in 0..n. */
  tflm_patch_intervals* fronts; /* known up to k = front_end */
  tflm_patch_intervals* backs;  /* known down to k = back_begin */
  int32_t front_end;
  int32_t back_begin;
} tflm_patch_region;

/* Where a shape must not begin beside all slots of another one at offset 0. */
typedef struct {
  int32_t first; /* of the pool */
  int32_t count; /* -1 until it is known */
} tflm_patch_pair;

/* An offset in a region. */
typedef struct {
  int32_t region;
  int64_t offset;
} tflm_patch_spot;

/* What a packing works with; all memory is the caller's. */
typedef struct {
  const tflm_patch_layout_problem* problem;
  uint32_t* random; /* null for a packing that draws nothing */
  bool is_full;     /* some list had no room: the result means nothing */
  int32_t shapes;
  tflm_patch_shape* shape;    /* [shapes] */
  tflm_patch_region* region;  /* [1 + regions] */
  tflm_patch_pair* pair;      /* [shapes * shapes]; null: too many to remember */
  tflm_patch_alive* alive;    /* [shapes][slots of all shapes]; null: too many to remember */
  int32_t slots;              /* of all shapes */
  tflm_patch_intervals pairs; /* the intervals of all pairs */
  tflm_patch_intervals split; /* the intervals of all fronts and backs */
  tflm_patch_intervals work;
  tflm_patch_spot* spots;
  int32_t spot_count;
  int32_t* cuts;        /* [most slots] */
  int32_t* front_count; /* [most slots + 1], spots for slots [0, k) */
} tflm_patch_packer;

/* Bytes of memory for a packer. */
size_t tflm_patch_packer_memory(const tflm_patch_layout_problem* problem);

/* Lays a packer out in memory of that size, aligned to 8. */
void tflm_patch_packer_init(tflm_patch_packer* packer, const tflm_patch_layout_problem* problem,
                            uint8_t* memory);

#endif /* TFLM_PATCH_PLANNER_PACKER_H_ */
