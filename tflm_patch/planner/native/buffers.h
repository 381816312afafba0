/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What consecutive segments need, as arrays: one of the `variants` of planner/memory/buffers.py.
 */
#ifndef TFLM_PATCH_PLANNER_BUFFERS_H_
#define TFLM_PATCH_PLANNER_BUFFERS_H_

#include "order.h"
#include "planner.h"

/* A map that lies over that of an item, or in the memory of a tensor. */
typedef struct {
  int64_t item;
  int64_t map;
  tflm_patch_in_place how;
} tflm_patch_guest;

/* Written by tflm_patch_buffers_of. Items of maps come first, in the order of the maps,
 * then those of scratch, in the order of the operators, then the stage's tensors. */
typedef struct {
  int32_t* owner;          /* [maps + ops], a map or an operator */
  int64_t* slot_bytes;     /* [maps + ops] */
  int32_t* one_piece;      /* [maps + ops] */
  int32_t* first_shape;    /* [maps + ops + 1] */
  int32_t* first_slot;     /* [2 maps + ops + 1] */
  int64_t* made;           /* [2 rows of all maps + ops] */
  int64_t* last;           /* the same */
  tflm_patch_guest* guest; /* [maps], those of an item in their order */
  int32_t* order;          /* [steps of all operators], which operator runs at each time */
  int32_t of_maps;         /* numbers of items */
  int32_t of_ops;
  int32_t of_tensors;
  int32_t guests;
  int32_t length; /* number of steps */
} tflm_patch_buffers;

/* Runs consecutive segments of the stage for which a search was begun in this memory; maps lie
 * in the memory of outputs where they may, or do not.
 *
 * Returns 1, or TFLM_PATCH_IN_PYTHON. */
TFLM_PATCH_PLANNER_EXPORT int32_t tflm_patch_buffers_of(void* memory,
                                                        const tflm_patch_cut* segments,
                                                        int32_t count, int32_t uses_outputs,
                                                        tflm_patch_buffers* buffers);

#endif /* TFLM_PATCH_PLANNER_BUFFERS_H_ */
