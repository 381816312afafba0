/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The memory that segments need, as planner/memory/buffers.py collects it.
 */
#ifndef TFLM_PATCH_PLANNER_ITEMS_H_
#define TFLM_PATCH_PLANNER_ITEMS_H_

#include "order.h"

/* When rows are alive: RowLives of schedule/live_ranges.py. */
typedef struct {
  int64_t* made;
  int64_t* last;
  int32_t count;
} tflm_patch_live_ranges;

/* An item: a ring, the whole map, or both, the ring first. */
typedef struct {
  int64_t slot_bytes;
  int32_t shapes;
  bool one_piece;
  tflm_patch_live_ranges shape[2];
} tflm_patch_item;

/* What a map is during the segments. */
typedef enum {
  TFLM_PATCH_ABSENT,
  TFLM_PATCH_TENSOR, /* of the stage; its memory may be used */
  TFLM_PATCH_HOST,   /* has an item */
  TFLM_PATCH_GUEST   /* lies over another one */
} tflm_patch_presence;

/* A map's part in the buffers. */
typedef struct {
  tflm_patch_presence presence;
  tflm_patch_live_ranges live_ranges; /* of its rows */
  tflm_patch_item item;               /* of a host, its guests included */
  int64_t gap_bytes;                  /* of a host: what a slot begins before its row */
  int32_t host;                       /* whose item it lies in when it is the last over that; -1 */
  int32_t next;                       /* the guest that lies over the same host after this; -1 */
  int32_t tail;                       /* of a host: its last guest, itself without */
  tflm_patch_in_place how;            /* of a guest, over its host */
} tflm_patch_buffer;

/* Room for shapes of one item. */
typedef struct {
  tflm_patch_live_ranges shape[2];
} tflm_patch_shapes;

/* Collects what segments need. */
typedef struct {
  const tflm_patch_stage* stage;
  tflm_patch_timeline time;
  int32_t* stream;           /* [ops], the segment when it is streamed, else -1 */
  tflm_patch_buffer* buffer; /* [maps] */
  tflm_patch_shapes* kept;   /* [maps] */
  int32_t* single;           /* [maps], those of single rows */
  int32_t* sharer;           /* [maps], of those the next that shares the row; -1 */
  tflm_patch_shapes trial;
  tflm_patch_shapes best;
  bool is_odd; /* something that is for Python was met */
} tflm_patch_collector;

/* Takes room for a collector. */
void tflm_patch_collector_init(tflm_patch_collector* collector, const tflm_patch_stage* stage,
                               tflm_patch_room* room);

/* Runs consecutive segments and collects what they need, in `buffer` and `time`; maps lie in the
 * memory of outputs or do not. Whether there is a map that may. */
bool tflm_patch_collect(tflm_patch_collector* collector, const tflm_patch_cut* segments,
                        int32_t count, bool uses_outputs);

/* Whether an item may be kept as a ring. */
static inline bool tflm_patch_is_ring(const tflm_patch_item* item) {
  return item->shapes > 1 || item->one_piece;
}

/* Whether rows of output and input lie at the same place. */
static inline bool tflm_patch_is_same_place(const tflm_patch_in_place* how) {
  return how->row_step == 1 && how->row_shift == 0 && how->gap_bytes == 0;
}

/* Whether exactly one input of an operator is map m. */
static inline bool tflm_patch_reads_once(const tflm_patch_stage_tables* t, int32_t op, int32_t m) {
  int32_t count = 0;
  for (int32_t k = t->first_input[op]; k < t->first_input[op + 1]; ++k) {
    count += t->input[k] == m;
  }
  return count == 1;
}

/* The host over which map m lies as the last; -1 for none. */
static inline int32_t tflm_patch_top_host(const tflm_patch_collector* collector, int32_t m) {
  const tflm_patch_buffer* buffer = &collector->buffer[m];
  return buffer->presence == TFLM_PATCH_HOST || buffer->presence == TFLM_PATCH_GUEST ? buffer->host
                                                                                     : -1;
}

#endif /* TFLM_PATCH_PLANNER_ITEMS_H_ */
