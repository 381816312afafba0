/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a search for a layout begins with: `lower_bound` of planner/memory/layout.py and
 * `first_orders` of planner/memory/layout_search.py, which are its reference.
 */
#ifndef TFLM_PATCH_PLANNER_ORDERS_H_
#define TFLM_PATCH_PLANNER_ORDERS_H_

#include <stddef.h>
#include <stdint.h>

#include "layout.h"
#include "planner.h"

enum { TFLM_PATCH_FIRST_ORDERS = 5 };

/* Bytes of memory that the functions below need. */
TFLM_PATCH_PLANNER_EXPORT size_t tflm_patch_orders_memory(const tflm_patch_layout_problem* problem,
                                                          int32_t length);

/* Bytes of the workspace that no layout can go below; a multiple of 16.
 *
 * length: number of steps.
 * memory: aligned to 8, of tflm_patch_orders_memory(...) bytes. */
TFLM_PATCH_PLANNER_EXPORT int64_t tflm_patch_lower_bound(const tflm_patch_layout_problem* problem,
                                                         int32_t length, void* memory);

/* Writes the orders by rule, [TFLM_PATCH_FIRST_ORDERS][items]. */
TFLM_PATCH_PLANNER_EXPORT void tflm_patch_first_orders(const tflm_patch_layout_problem* problem,
                                                       int32_t length, void* memory,
                                                       int32_t* orders);

#endif /* TFLM_PATCH_PLANNER_ORDERS_H_ */
