/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The demand-driven order of a segment, as planner/schedule/order.py has it.
 */
#ifndef TFLM_PATCH_PLANNER_ORDER_H_
#define TFLM_PATCH_PLANNER_ORDER_H_

#include "stage.h"

/* Operators [first, last). */
typedef struct {
  int32_t first;
  int32_t last;
} tflm_patch_cut;

/* When the steps of consecutive segments run. */
typedef struct {
  const tflm_patch_stage* stage;
  int32_t first; /* operators that ran: [first, last) */
  int32_t last;
  int32_t length;     /* steps of them all, and the time of the next */
  int32_t dispatches; /* kernel calls of the single-call operators */
  int32_t* done;      /* [ops], steps that ran */
  int32_t** times;    /* [ops], of each step */
  int32_t* order;     /* [length], which operator ran; null where nobody asks */
  int32_t run_op;     /* what runs, and since how many steps */
  int32_t run_steps;
} tflm_patch_timeline;

/* Takes room for a timeline of all operators. */
void tflm_patch_timeline_init(tflm_patch_timeline* timeline, const tflm_patch_stage* stage,
                              tflm_patch_room* room);

/* Begins anew with the operators from `first` on. */
void tflm_patch_timeline_begin(tflm_patch_timeline* timeline, int32_t first);

/* Runs a segment behind those before. */
void tflm_patch_timeline_run(tflm_patch_timeline* timeline, tflm_patch_cut segment);

/* How many operators of a segment have outputs that no other of it reads. */
int32_t tflm_patch_count_ends(const tflm_patch_stage* stage, tflm_patch_cut segment);

#endif /* TFLM_PATCH_PLANNER_ORDER_H_ */
