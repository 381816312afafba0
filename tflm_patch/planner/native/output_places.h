/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Maps that lie in the memory of an output tensor: planner/memory/output_places.py.
 */
#ifndef TFLM_PATCH_PLANNER_OUTPUT_PLACES_H_
#define TFLM_PATCH_PLANNER_OUTPUT_PLACES_H_

#include "items.h"

/* Lets hosts lie under outputs, once outputs of operators lie over their inputs; whether one does.
 */
bool tflm_patch_find_output_places(tflm_patch_collector* collector);

#endif /* TFLM_PATCH_PLANNER_OUTPUT_PLACES_H_ */
