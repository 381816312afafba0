/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CROP and JOIN: parts of maps in the maps' memory.
 */
#include "program_builder.h"
#include "sample_program.h"
#include "test.h"
#include "test_random.h"

enum { ROWS = 4, COLS = 6, HALF = 3, IN_ROWS = ROWS + 1 };

static builder b;

enum { IN, OUT, LEFT_IN, LEFT_OUT, RIGHT_IN, RIGHT_OUT };

/* MAX_POOL_2D of two rows over the left half, then over the right half. */
static void build(void) {
  tflm_patch_pool_params pool = sample_pool(1, 1, 0);
  const tflm_patch_crop_params crop = {0};
  uint32_t parts[2];
  pool.window.kernel_h = 2;
  builder_init(&b);
  const uint32_t in = builder_tensor_map(&b, TFLM_PATCH_INT8, IN_ROWS, COLS, 1, 0, 0);
  const uint32_t out = builder_tensor_map(&b, TFLM_PATCH_INT8, ROWS, COLS, 1, 0, 1);
  for (uint32_t i = 0; i < 2; ++i) {
    const uint32_t from =
        builder_map(&b, TFLM_PATCH_REGION_TENSOR, i * HALF, TFLM_PATCH_INT8, IN_ROWS, HALF, 1, 0);
    parts[i] =
        builder_map(&b, TFLM_PATCH_REGION_TENSOR + 1, i * HALF, TFLM_PATCH_INT8, ROWS, HALF, 1, 0);
    b.maps[from].row_bytes = b.maps[parts[i]].row_bytes = COLS;
    builder_op(&b, TFLM_PATCH_CROP, &in, 1, from, IN_ROWS, &crop, sizeof(crop), 0);
    builder_op(&b, TFLM_PATCH_MAX_POOL_2D, &from, 1, parts[i], ROWS, &pool, sizeof(pool), 0);
  }
  builder_op(&b, TFLM_PATCH_JOIN, parts, 2, out, ROWS, NULL, 0, 0);
  for (uint32_t op = 0; op < 5; ++op) {
    builder_step(&b, op, 0, b.ops[op].steps);
  }
}

static void test_halves(void) {
  uint32_t seed = 21;
  int8_t input[IN_ROWS * COLS];
  int8_t expected[ROWS * COLS];
  int8_t output[ROWS * COLS];
  const void* inputs[] = {input};
  void* outputs[] = {output};
  test_case = "halves";
  test_fill(&seed, input, sizeof(input));
  for (int i = 0; i < ROWS * COLS; ++i) {
    expected[i] = input[i] > input[i + COLS] ? input[i] : input[i + COLS];
  }
  build();
  encoded e = builder_encode(&b);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
  CHECK_EQUAL(encoded_run(&e, inputs, outputs, 0x55), TFLM_PATCH_OK);
  CHECK_BYTES(output, expected, sizeof(expected));
  encoded_free(&e);
}

static void expect(const char* name, tflm_patch_status status) {
  encoded e = builder_encode(&b);
  test_case = name;
  CHECK_EQUAL(encoded_validate(&e), status);
  encoded_free(&e);
}

static void test_bad_programs(void) {
  build();
  b.maps[LEFT_IN].rows = b.maps[LEFT_IN].ring_rows = IN_ROWS - 1;
  expect("a part of other rows than steps", TFLM_PATCH_BAD_OP);
  build();
  ((tflm_patch_crop_params*)(void*)(b.params + b.ops[0].params))->top = 1;
  expect("a part that leaves the map", TFLM_PATCH_BAD_OP);
  build();
  b.maps[RIGHT_IN].offset += 1;
  expect("a part that leaves the tensor", TFLM_PATCH_BAD_SIZE);
  build();
  b.maps[LEFT_IN].type = TFLM_PATCH_UINT8;
  expect("a part of another type", TFLM_PATCH_BAD_OP);
  build();
  b.steps[3] = b.steps[4];
  b.segments[0].n_steps = 4;
  b.header.n_steps = 4;
  expect("joined before all parts are there", TFLM_PATCH_BAD_STEP);
}

int main(void) {
  test_halves();
  test_bad_programs();
  return TEST_RESULT();
}
