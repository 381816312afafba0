/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The generator of Python's `random.Random`: a search that runs here draws the
 * same numbers as the one in Python.
 */
#ifndef TFLM_PATCH_PLANNER_TWISTER_H_
#define TFLM_PATCH_PLANNER_TWISTER_H_

#include <stdint.h>

/* Words of a state, as `random.Random.getstate()[1]` has them: the generator's
 * 624 and the number of those that were used. */
enum { TFLM_PATCH_TWISTER_WORDS = 624, TFLM_PATCH_TWISTER_STATE = 625 };

/* `random()`: uniform in [0, 1). */
double tflm_patch_random_unit(uint32_t* state);

/* `randrange(limit)`: uniform in [0, limit), for 0 < limit < 2^31. */
int32_t tflm_patch_random_below(uint32_t* state, int32_t limit);

#endif /* TFLM_PATCH_PLANNER_TWISTER_H_ */
