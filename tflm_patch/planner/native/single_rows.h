/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Maps of single rows that never meet share one: planner/memory/single_rows.py.
 */
#ifndef TFLM_PATCH_PLANNER_SINGLE_ROWS_H_
#define TFLM_PATCH_PLANNER_SINGLE_ROWS_H_

#include "items.h"

/* Lets hosts lie over others, once outputs lie over inputs. */
void tflm_patch_share_single_rows(tflm_patch_collector* collector);

#endif /* TFLM_PATCH_PLANNER_SINGLE_ROWS_H_ */
