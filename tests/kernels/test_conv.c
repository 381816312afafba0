/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "reject.h"
#include "tflm_patch/kernels.h"
#include "weighted.h"

static weighted_case the_case;

static int random_case(uint32_t* seed) {
  golden_weighted* c = &the_case.c;
  const int pointwise = test_random(seed) % 4 == 0;
  memset(&the_case, 0, sizeof(the_case));
  c->kind = TFLM_PATCH_CONV_2D;
  c->groups = (uint16_t)(test_random(seed) % 4 ? 1 : random_between(seed, 2, 4));
  random_window(seed, &c->window, pointwise ? 1 : 6, pointwise ? 1 : 6);
  c->shape[0] = (uint16_t)random_between(seed, 1, 9);
  c->shape[1] = (uint16_t)random_between(seed, 1, pointwise ? 20 : 9);
  const uint32_t deep = test_random(seed) % 4 == 0;
  const uint32_t depth = random_between(seed, 1, pointwise ? 110 : deep ? 40 : 9);
  c->shape[2] = (uint16_t)(depth * c->groups);
  random_output(seed, c);
  c->output_shape[2] = (uint16_t)(random_between(seed, 1, pointwise ? 40 : 9) * c->groups);
  return weighted_fill(
      &the_case, seed,
      (uint32_t)c->output_shape[2] * c->window.kernel_h * c->window.kernel_w * depth);
}

/* No more output channels than the input has cells for, up to the most that the
 * kernel sets aside. */
static void test_in_place(void) {
  uint32_t seed = 31;
  test_case = "in place";
  for (int done = 0; done < 300;) {
    golden_weighted* c = &the_case.c;
    const uint32_t depth = random_between(&seed, 1, TFLM_PATCH_CONV_IN_PLACE_CHANNELS);
    const uint32_t outputs = random_between(&seed, 1, depth);
    const uint16_t rows = (uint16_t)random_between(&seed, 1, 3);
    const uint16_t cols = (uint16_t)random_between(&seed, 1, 9);
    memset(&the_case, 0, sizeof(the_case));
    c->kind = TFLM_PATCH_CONV_2D;
    c->groups = 1;
    c->window.kernel_h = c->window.kernel_w = 1;
    c->window.stride_h = c->window.stride_w = 1;
    c->window.dilation_h = c->window.dilation_w = 1;
    c->shape[0] = c->output_shape[0] = rows;
    c->shape[1] = c->output_shape[1] = cols;
    c->shape[2] = (uint16_t)depth;
    c->output_shape[2] = (uint16_t)outputs;
    if (weighted_fill(&the_case, &seed, depth * outputs)) {
      check_weighted_program(c, weighted_program_in_place(c));
      ++done;
    }
  }
}

/* Rows twice as wide as the input's, made at once: each ends before the input row
 * of its number, and lies over input rows before it. */
static void test_rows_over_rows_that_were_read(void) {
  enum { kRows = 6, kCols = 2, kDepth = 4, kOutputs = 8 };
  enum { kInputRow = kCols * kDepth, kOutputRow = kCols * kOutputs };
  enum { kInputAt = kRows * (kOutputRow - kInputRow) + kInputRow };
  static const int32_t kMultiplier = 1 << 30;
  static const int8_t kShift = -3;
  static const int32_t kBias[kOutputs] = {0};
  int8_t weights[kOutputs * kDepth];
  int8_t memory[kInputAt + kRows * kInputRow];
  int8_t apart[kRows * kOutputRow];
  uint32_t seed = 9;
  for (uint32_t i = 0; i < sizeof(weights); ++i) {
    weights[i] = (int8_t)test_random(&seed);
  }
  for (uint32_t i = 0; i < sizeof(memory); ++i) {
    memory[i] = (int8_t)test_random(&seed);
  }
  const tflm_patch_conv_args args = {
      .window = {.kernel_h = 1,
                 .kernel_w = 1,
                 .stride_h = 1,
                 .stride_w = 1,
                 .dilation_h = 1,
                 .dilation_w = 1},
      .requant = {.multipliers = &kMultiplier,
                  .shifts = &kShift,
                  .act_min = INT8_MIN,
                  .act_max = INT8_MAX},
      .weights = weights,
      .bias = kBias,
      .groups = 1,
      .output_cols = kCols,
      .output_channels = kOutputs,
  };
  const tflm_patch_rows input = {
      .base = memory + kInputAt,
      .row_bytes = kInputRow,
      .ring_rows = kRows,
      .rows = kRows,
      .cols = kCols,
      .channels = kDepth,
      .split_base = memory,
      .split = kRows,
  };
  const tflm_patch_rows output = {
      .base = memory,
      .row_bytes = kOutputRow,
      .ring_rows = kRows,
      .rows = kRows,
      .cols = kCols,
      .channels = kOutputs,
      .split_base = memory,
      .split = kRows,
  };
  test_case = "rows over rows that were read";
  for (uint32_t row = 0; row < kRows; ++row) {
    tflm_patch_conv_s8(&args, &input, row, apart + row * kOutputRow);
  }
  tflm_patch_conv_rows_s8(&args, &input, &output, 0, kRows);
  CHECK_BYTES(memory, apart, sizeof(apart));
}

/* All rows of a case, `step` at once, in a map of two pieces, with a scratch of so many words. */
static void check_scratch(const golden_weighted* c, uint32_t words, uint32_t step, uint32_t split) {
  static uint32_t scratch[3100];
  static int8_t output[WEIGHTED_VALUES];
  const uint32_t rows = c->output_shape[0];
  const uint32_t n = (uint32_t)c->output_shape[1] * c->output_shape[2];
  const tflm_patch_rows view = {.base = c->input,
                                .row_bytes = c->shape[1] * c->shape[2],
                                .ring_rows = c->shape[0],
                                .rows = c->shape[0],
                                .cols = c->shape[1],
                                .channels = c->shape[2],
                                .split_base = c->input,
                                .split = c->shape[0]};
  const tflm_patch_rows made = {.base = output + (rows - split) * n,
                                .row_bytes = (int32_t)n,
                                .ring_rows = rows,
                                .rows = rows,
                                .cols = c->output_shape[1],
                                .channels = c->output_shape[2],
                                .split_base = output,
                                .split = split};
  const tflm_patch_conv_args args = {
      .window = c->window,
      .requant = weighted_requant(c),
      .weights = c->weights,
      .bias = c->bias,
      .input_zero_point = c->input_zero_point,
      .groups = c->groups,
      .output_cols = c->output_shape[1],
      .output_channels = c->output_shape[2],
      .scratch = scratch,
      .scratch_bytes = 4 * words,
  };
  memset(scratch, 0x5A, sizeof(scratch));
  for (uint32_t row = 0; row < rows; row += step) {
    tflm_patch_conv_rows_s8(&args, &view, &made, row, step < rows - row ? step : rows - row);
  }
  CHECK_BYTES(output + (rows - split) * n, c->output, split * n);
  CHECK_BYTES(output, c->output + split * n, (rows - split) * n);
  for (uint32_t i = words; i < sizeof(scratch) / sizeof(scratch[0]); ++i) {
    CHECK_EQUAL(scratch[i], 0x5A5A5A5A);
  }
}

/* A scratch of any size gives the same bytes, and nothing behind it is touched. */
static void test_scratch(void) {
  uint32_t seed = 53;
  test_case = "scratch";
  for (int done = 0; done < 600;) {
    if (random_case(&seed) && the_case.c.groups == 1 && the_case.c.output_shape[0] != 0) {
      const uint32_t rows = the_case.c.output_shape[0];
      const uint32_t step = random_between(&seed, 0, 2) ? rows : random_between(&seed, 1, rows);
      const uint32_t split = random_between(&seed, 0, 2) ? rows : random_between(&seed, 1, rows);
      check_scratch(&the_case.c, random_between(&seed, 0, 3000), step, split);
      ++done;
    }
  }
}

/* Accumulators and shifts at their ends: int32 wraps, and nothing is
 * undefined. */
static void test_wrapping(void) {
  golden_weighted* c = &the_case.c;
  uint32_t seed = 5;
  test_case = "wrapping";
  while (!random_case(&seed) || c->scales == 1) {
  }
  for (uint32_t i = 0; i < c->scales; ++i) {
    static const int8_t kShifts[] = {-31, -1, 0, 1, 30};
    the_case.bias[i] = i % 2 ? INT32_MIN + 5 : INT32_MAX - 7;
    the_case.shifts[i] = kShifts[i % 5];
  }
  naive_weighted(c, the_case.output);
  check_weighted(c);
}

static void test_rejections(void) {
  uint32_t seed = 77;
  /* Twice the weights reach beyond the constants. */
  while (!random_case(&seed) || the_case.c.groups != 2 ||
         the_case.c.weights_bytes < 16u * the_case.c.output_shape[2]) {
  }
  the_case.c.scales = the_case.c.output_shape[2];
  encoded good = weighted_program(&the_case.c, 0);
  const uint32_t end = (uint32_t)good.constants_bytes;
  test_case = "good";
  CHECK_EQUAL(encoded_validate(&good), TFLM_PATCH_OK);
#define REJECT(change, status) CHECK_REJECTED(&good, tflm_patch_conv_params, change, status)
  REJECT(params->window.kernel_h = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->window.kernel_w = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->window.stride_h = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->window.stride_w = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->window.dilation_h = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->window.dilation_w = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->window.pad_top = -1, TFLM_PATCH_BAD_OP);
  REJECT(params->window.kernel_h = 255, TFLM_PATCH_BAD_SIZE);
  REJECT(params->groups = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->groups = 0xFFFF, TFLM_PATCH_BAD_OP);
  REJECT(params->groups = 1, TFLM_PATCH_BAD_SIZE);
  REJECT(params->weights_at = 0xFFFFFFFF, TFLM_PATCH_BAD_SIZE);
  REJECT(params->weights_at = end, TFLM_PATCH_BAD_SIZE);
  REJECT(params->bias_at += 2, TFLM_PATCH_BAD_ALIGNMENT);
  REJECT(params->bias_at += 4, TFLM_PATCH_BAD_SIZE);
  REJECT(params->requant.multiplier_at = 1, TFLM_PATCH_BAD_ALIGNMENT);
  REJECT(params->requant.multiplier_at = 0xFFFFFFFC, TFLM_PATCH_BAD_SIZE);
  REJECT(params->requant.shift_at = end, TFLM_PATCH_BAD_SIZE);
  REJECT(bad.constants[params->requant.shift_at] = 31, TFLM_PATCH_BAD_OP);
  REJECT(bad.constants[params->requant.shift_at] = 0xE0, TFLM_PATCH_BAD_OP);
  REJECT(params->requant.act_min = 128, TFLM_PATCH_BAD_OP);
  REJECT(params->requant.act_max = -129, TFLM_PATCH_BAD_OP);
  REJECT(params->requant.output_zero_point = 128, TFLM_PATCH_BAD_OP);
  REJECT(encoded_op(&bad, 0)->n_inputs = 2, TFLM_PATCH_BAD_INDEX);
  REJECT((encoded_map(&bad, 0)->type = TFLM_PATCH_UINT8, encoded_map(&bad, 0)->zero_point = 0),
         TFLM_PATCH_BAD_OP);
#undef REJECT
  encoded_free(&good);
}

int main(void) {
  check_random_weighted(&the_case, random_case, 20261, 500);
  test_in_place();
  test_rows_over_rows_that_were_read();
  test_scratch();
  test_wrapping();
  test_rejections();
  return TEST_RESULT();
}
