/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the planner knows of a stage: planner/ir/stage_graph.py as arrays, and what
 * follows from it (planner/schedule/order.py, live_ranges.py, memory/buffers.py).
 */
#ifndef TFLM_PATCH_PLANNER_STAGE_H_
#define TFLM_PATCH_PLANNER_STAGE_H_

#include <stdbool.h>
#include <stdint.h>

#include "take.h"

enum {
  TFLM_PATCH_PLAIN = 0,
  TFLM_PATCH_CROP = 1,
  TFLM_PATCH_JOIN = 2,
  TFLM_PATCH_SHARING = 3 /* its scratch keeps nothing between steps: see shared_scratch.h */
};

/* What a map is to the stage. */
enum {
  TFLM_PATCH_INTERNAL = 0,
  TFLM_PATCH_REUSED_INPUT = 1, /* its memory may be used */
  TFLM_PATCH_OUTPUT = 2,
  TFLM_PATCH_KEPT_INPUT = 3,
  TFLM_PATCH_CONSTANT = 4
};

/* How an operator's output may lie over an input: InPlace of stage_graph.py. */
typedef struct {
  int64_t input;
  int64_t row_shift;
  int64_t gap_bytes;
  int64_t row_step;
} tflm_patch_in_place;

/* A stage as Python hands it over. Every operator has a step, an input and an output. */
typedef struct {
  int32_t ops;
  int32_t maps;
  int32_t max_ops;       /* of a segment */
  int32_t max_step_rows; /* of a dispatch */
  const int32_t* steps;
  const int32_t* accumulates;
  const int32_t* calls;
  const int32_t* kind;
  const int64_t* scratch_bytes;
  const int32_t* first_input;    /* [ops + 1] */
  const int32_t* input;          /* maps */
  const int64_t* reads_first;    /* of each input in turn, [steps] */
  const int64_t* reads_last;     /* the same */
  const int32_t* first_output;   /* [ops + 1] */
  const int32_t* output;         /* maps */
  const int32_t* first_in_place; /* [ops + 1] */
  const tflm_patch_in_place* in_place;
  const int32_t* rows;
  const int64_t* row_bytes;
  const int32_t* dtype;
  const int32_t* role;
  const int32_t* view_base; /* -1 for no view */
  const int32_t* view_top;
} tflm_patch_stage_tables;

/* Who uses a map that needs memory of its own: _Use of memory/buffers.py. */
typedef struct {
  int32_t begin;
  int32_t end;
  int32_t first_user; /* of `user` */
  int32_t end_user;
  bool in_parts;
  bool has_memory; /* else nothing here is of interest */
} tflm_patch_use;

/* An operator that reads a map: _Reading of schedule/live_ranges.py. */
typedef struct {
  int32_t op;
  int32_t part; /* of a CROP, which reads nothing itself; -1 */
  int32_t top;
  const int32_t* steps; /* [rows], the last step at which each is read, -1 for none */
} tflm_patch_reading;

/* The stage with what follows from its tables. */
typedef struct {
  tflm_patch_stage_tables t;
  int32_t* producer;             /* [maps], -1 for none */
  int32_t* first_reader;         /* [ops], of any output; ops for none */
  const int32_t** producer_step; /* [inputs], the step of its maker that each step needs */
  const int64_t** read;          /* [inputs], reads_last of each */
  int32_t* first_reading;        /* [maps + 1] */
  tflm_patch_reading* reading;
  tflm_patch_use* use; /* [maps] */
  int32_t* span_end;   /* [maps], ops for outputs */
  int32_t* user;
  int32_t* pulls; /* [ops + 1], accumulated: new input rows of single-call operators */
  int64_t* whole; /* [ops + 1], bytes alive at each cut */
  int32_t most_rows;
  int32_t total_steps;
  int64_t total_rows;
} tflm_patch_stage;

/* Takes room for a stage and fills it in. Without memory, counts alone.
 *
 * Returns false for a stage that is planned in Python: parts within parts, or
 * what the tables do not allow for. */
bool tflm_patch_stage_init(tflm_patch_stage* stage, const tflm_patch_stage_tables* tables,
                           tflm_patch_room* room);

#endif /* TFLM_PATCH_PLANNER_STAGE_H_ */
