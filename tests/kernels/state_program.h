/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A program with state.
 */
#ifndef TFLM_PATCH_TESTS_STATE_PROGRAM_H_
#define TFLM_PATCH_TESTS_STATE_PROGRAM_H_

#include "program_builder.h"

enum {
  STATE_ROWS = 3,
  STATE_COLS = 5,
  STATE_BYTES = STATE_ROWS * STATE_COLS,
  STATE_ZERO_POINT = -7
};

/* best = MAXIMUM(input, kept); kept = best: the greatest values so far. */
static inline void state_build(builder* b) {
  builder_init(b);
  const uint32_t in =
      builder_tensor_map(b, TFLM_PATCH_INT8, STATE_ROWS, STATE_COLS, 1, STATE_ZERO_POINT, 0);
  const uint32_t out =
      builder_tensor_map(b, TFLM_PATCH_INT8, STATE_ROWS, STATE_COLS, 1, STATE_ZERO_POINT, 1);
  const uint32_t kept = builder_map(b, TFLM_PATCH_REGION_STATE, 0, TFLM_PATCH_INT8, STATE_ROWS,
                                    STATE_COLS, 1, STATE_ZERO_POINT);
  b->maps[kept].kept = 1;
  b->header.state_bytes = 16;
  const uint32_t pair[] = {in, kept};
  const tflm_patch_pad_params copy = {0};
  builder_op(b, TFLM_PATCH_MAXIMUM, pair, 2, out, STATE_ROWS, NULL, 0, 0);
  builder_op(b, TFLM_PATCH_PAD, &out, 1, kept, STATE_ROWS, &copy, sizeof(copy), 0);
  builder_step(b, 0, 0, STATE_ROWS);
  builder_step(b, 1, 0, STATE_ROWS);
}

enum { SLIDE_NEW_ROWS = 2, SLIDE_ROWS = 5, SLIDE_COLS = 3, SLIDE_CHANNELS = 2 };

enum { HOP_INVOCATIONS = 3 };

/* A window that keeps three rows, and a copy of it; with HOP it has to be filled first. */
static inline void window_build(builder* b, uint8_t kind) {
  builder_init(b);
  const uint32_t in = builder_tensor_map(b, TFLM_PATCH_INT8, SLIDE_NEW_ROWS, SLIDE_COLS,
                                         SLIDE_CHANNELS, STATE_ZERO_POINT, 0);
  const uint32_t window = builder_map(b, TFLM_PATCH_REGION_STATE, 0, TFLM_PATCH_INT8, SLIDE_ROWS,
                                      SLIDE_COLS, SLIDE_CHANNELS, STATE_ZERO_POINT);
  const uint32_t out = builder_tensor_map(b, TFLM_PATCH_INT8, SLIDE_ROWS, SLIDE_COLS,
                                          SLIDE_CHANNELS, STATE_ZERO_POINT, 1);
  b->maps[window].kept = 1;
  b->header.state_bytes = 32;
  const tflm_patch_pad_params copy = {0};
  const tflm_patch_hop_params hop = {HOP_INVOCATIONS};
  if (kind == TFLM_PATCH_HOP) {
    builder_op(b, TFLM_PATCH_HOP, &in, 1, window, SLIDE_ROWS, &hop, sizeof(hop), 0);
  } else {
    builder_op(b, TFLM_PATCH_SLIDE, &in, 1, window, SLIDE_ROWS, NULL, 0, 0);
  }
  builder_op(b, TFLM_PATCH_PAD, &window, 1, out, SLIDE_ROWS, &copy, sizeof(copy), 0);
  builder_step(b, 0, 0, SLIDE_ROWS);
  builder_step(b, 1, 0, SLIDE_ROWS);
}

static inline void slide_build(builder* b) { window_build(b, TFLM_PATCH_SLIDE); }

static inline void hop_build(builder* b) { window_build(b, TFLM_PATCH_HOP); }

enum { APPEND_ROWS = 3, APPEND_KEPT = 2, APPEND_BYTES = 8 };

/* The maximum of the last three rows of the input; of these the last two. Both windows lie in
 * the state, the first with its first row where the second ends. */
static inline void append_build(builder* b) {
  builder_init(b);
  const uint32_t in =
      builder_tensor_map(b, TFLM_PATCH_INT8, 1, APPEND_BYTES, 1, STATE_ZERO_POINT, 0);
  const uint32_t first =
      builder_map(b, TFLM_PATCH_REGION_STATE, (APPEND_KEPT - 1) * APPEND_BYTES, TFLM_PATCH_INT8,
                  APPEND_ROWS, APPEND_BYTES, 1, STATE_ZERO_POINT);
  const uint32_t second = builder_map(b, TFLM_PATCH_REGION_STATE, 0, TFLM_PATCH_INT8, APPEND_KEPT,
                                      APPEND_BYTES, 1, STATE_ZERO_POINT);
  const uint32_t most =
      builder_workspace_map(b, TFLM_PATCH_INT8, 1, 1, APPEND_BYTES, 1, STATE_ZERO_POINT);
  const uint32_t out =
      builder_tensor_map(b, TFLM_PATCH_INT8, APPEND_KEPT, APPEND_BYTES, 1, STATE_ZERO_POINT, 1);
  b->maps[first].kept = b->maps[second].kept = 1;
  b->header.state_bytes = 32;
  const tflm_patch_append_params all = {0, APPEND_ROWS * APPEND_BYTES, APPEND_BYTES};
  const tflm_patch_append_params none = {0, 0, 0};
  tflm_patch_pool_params pool = {.act_min = INT8_MIN, .act_max = INT8_MAX};
  pool.window.kernel_h = APPEND_ROWS;
  pool.window.kernel_w = pool.window.stride_h = pool.window.stride_w = 1;
  pool.window.dilation_h = pool.window.dilation_w = 1;
  const tflm_patch_pad_params copy = {0};
  builder_op(b, TFLM_PATCH_APPEND, &in, 1, first, APPEND_ROWS, &all, sizeof(all), 0);
  builder_op(b, TFLM_PATCH_MAX_POOL_2D, &first, 1, most, 1, &pool, sizeof(pool), 0);
  builder_op(b, TFLM_PATCH_APPEND, &most, 1, second, APPEND_KEPT, &none, sizeof(none), 0);
  builder_op(b, TFLM_PATCH_PAD, &second, 1, out, APPEND_KEPT, &copy, sizeof(copy), 0);
  builder_step(b, 0, 0, APPEND_ROWS);
  builder_step(b, 1, 0, 1);
  builder_step(b, 2, 0, APPEND_KEPT);
  builder_step(b, 3, 0, APPEND_KEPT);
}

#endif /* TFLM_PATCH_TESTS_STATE_PROGRAM_H_ */
