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

#endif /* TFLM_PATCH_TESTS_STATE_PROGRAM_H_ */
