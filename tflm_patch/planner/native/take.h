/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Parts of a caller's memory, aligned to 8 bytes.
 */
#ifndef TFLM_PATCH_PLANNER_TAKE_H_
#define TFLM_PATCH_PLANNER_TAKE_H_

#include <stddef.h>
#include <stdint.h>

/* Memory of the caller; without any, parts are counted alone. */
typedef struct {
  uint8_t* memory;
  size_t used;
} tflm_patch_room;

/* The next part, for `count` things of `bytes` each; null without memory. */
static inline void* tflm_patch_take(tflm_patch_room* room, size_t count, size_t bytes) {
  void* taken = room->memory == NULL ? NULL : room->memory + room->used;
  room->used += (count * bytes + 7) / 8 * 8;
  return taken;
}

#endif /* TFLM_PATCH_PLANNER_TAKE_H_ */
