/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A program with everything that the validator looks at: two segments, a ring,
 * a whole map between the segments, a constant map, an accumulating operator.
 *
 *   input -> AVERAGE_POOL_2D -> ring -> MAX_POOL_2D -> whole map
 *   whole map, constant -> ADD -> ring -> MEAN -> output
 */
#ifndef TFLM_PATCH_TESTS_SAMPLE_PROGRAM_H_
#define TFLM_PATCH_TESTS_SAMPLE_PROGRAM_H_

#include "program_builder.h"

enum { SAMPLE_ROWS = 6, SAMPLE_COLS = 5, SAMPLE_CHANNELS = 3 };

/* Maps, in order. */
enum {
  SAMPLE_INPUT,
  SAMPLE_OUTPUT,
  SAMPLE_CONSTANT,
  SAMPLE_POOLED_RING,
  SAMPLE_WHOLE,
  SAMPLE_SUM_RING
};

/* Operators, in order. */
enum { SAMPLE_AVERAGE, SAMPLE_MAX, SAMPLE_ADD, SAMPLE_MEAN };

static inline tflm_patch_pool_params sample_pool(uint32_t kernel, uint32_t stride, int pad) {
  tflm_patch_pool_params params = {0};
  params.window.kernel_h = (uint8_t)kernel;
  params.window.kernel_w = (uint8_t)kernel;
  params.window.stride_h = (uint8_t)stride;
  params.window.stride_w = (uint8_t)stride;
  params.window.dilation_h = 1;
  params.window.dilation_w = 1;
  params.window.pad_top = (int16_t)pad;
  params.window.pad_left = (int16_t)pad;
  params.act_min = INT8_MIN;
  params.act_max = INT8_MAX;
  return params;
}

/* Scales 0.05 and 0.05 to 0.1. */
static inline tflm_patch_add_params sample_add(void) {
  const tflm_patch_add_params params = {
      .input_multiplier = {1 << 30, 1 << 30},
      .output_multiplier = 1 << 30,
      .input_shift = {0, 0},
      .output_shift = -19,
      .left_shift = 20,
      .output_zero_point = 0,
      .act_min = INT8_MIN,
      .act_max = INT8_MAX,
  };
  return params;
}

/* Of `count` values; equal scales. */
static inline tflm_patch_mean_params sample_mean(uint32_t count) {
  int32_t shift = 0;
  while (count >> (shift + 1) != 0) {
    ++shift;
  }
  const tflm_patch_mean_params params = {
      .multiplier = (int32_t)(((int64_t)1 << (30 + shift)) / count),
      .shift = 1 - shift,
      .over_rows = 1,
      .over_cols = 1,
  };
  return params;
}

static inline void sample_build(builder* b) {
  static const int8_t kAddend[SAMPLE_CHANNELS] = {7, -20, 100};
  const uint32_t rows = SAMPLE_ROWS, cols = SAMPLE_COLS, depth = SAMPLE_CHANNELS;
  const tflm_patch_pool_params pool = sample_pool(3, 1, 1);
  const tflm_patch_add_params add = sample_add();
  const tflm_patch_mean_params mean = sample_mean(rows * cols);
  builder_init(b);
  const uint32_t input = builder_tensor_map(b, TFLM_PATCH_INT8, rows, cols, depth, 0, 0);
  const uint32_t output = builder_tensor_map(b, TFLM_PATCH_INT8, 1, 1, depth, 0, 1);
  const uint32_t addend =
      builder_map(b, TFLM_PATCH_REGION_CONSTANTS, builder_constant(b, kAddend, sizeof(kAddend)),
                  TFLM_PATCH_INT8, 1, 1, depth, 0);
  const uint32_t pooled = builder_workspace_map(b, TFLM_PATCH_INT8, rows, 3, cols, depth, 0);
  const uint32_t whole = builder_workspace_map(b, TFLM_PATCH_INT8, rows, 0, cols, depth, 0);
  const uint32_t sum = builder_workspace_map(b, TFLM_PATCH_INT8, rows, 1, cols, depth, 0);
  builder_op(b, TFLM_PATCH_AVERAGE_POOL_2D, &input, 1, pooled, rows, &pool, sizeof(pool), 0);
  builder_op(b, TFLM_PATCH_MAX_POOL_2D, &pooled, 1, whole, rows, &pool, sizeof(pool), 0);
  builder_stream(b);
  builder_segment(b);
  const uint32_t operands[] = {whole, addend};
  builder_op(b, TFLM_PATCH_ADD, operands, 2, sum, rows, &add, sizeof(add), 0);
  builder_op(b, TFLM_PATCH_MEAN, &sum, 1, output, rows, &mean, sizeof(mean), 4 * depth);
  builder_stream(b);
}

#endif /* TFLM_PATCH_TESTS_SAMPLE_PROGRAM_H_ */
