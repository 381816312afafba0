/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * FEED: a frame that comes in bands.
 */
#include <stdlib.h>

#include "program_builder.h"
#include "sample_program.h"
#include "test.h"
#include "test_random.h"

enum { ROWS = 6, BAND = 2, COLS = 4, BYTES = COLS };

static builder b;

/* Bands of BAND rows -> FEED -> ring -> MAX_POOL_2D of `kernel` rows -> output. */
static void build(uint32_t kernel, uint32_t ring_rows) {
  const tflm_patch_pool_params params = sample_pool(1, 1, 0);
  builder_init(&b);
  const uint32_t band = builder_tensor_map(&b, TFLM_PATCH_INT8, BAND, COLS, 1, 0, 0);
  const uint32_t rows = ROWS - kernel + 1;
  const uint32_t out = builder_tensor_map(&b, TFLM_PATCH_INT8, rows, COLS, 1, 0, 1);
  const uint32_t frame = builder_workspace_map(&b, TFLM_PATCH_INT8, ROWS, ring_rows, COLS, 1, 0);
  tflm_patch_pool_params pool = params;
  pool.window.kernel_h = (uint8_t)kernel;
  builder_op(&b, TFLM_PATCH_FEED, &band, 1, frame, ROWS, NULL, 0, 0);
  builder_op(&b, TFLM_PATCH_MAX_POOL_2D, &frame, 1, out, rows, &pool, sizeof(pool), 0);
  for (uint32_t row = 0; row < ROWS; ++row) {
    if (row != 0 && row % BAND == 0) {
      builder_step(&b, TFLM_PATCH_PAUSE, 0, 0);
    }
    builder_step(&b, 0, row, 1);
    if (row + 1 >= kernel) {
      builder_step(&b, 1, row + 1 - kernel, 1);
    }
  }
}

static int8_t maximum(int8_t a, int8_t other) { return a > other ? a : other; }

static void test_frames(void) {
  uint32_t seed = 5;
  test_case = "frames";
  build(2, 2);
  encoded e = builder_encode(&b);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
  CHECK(tflm_patch_is_fed_by_bands(e.program));
  int8_t band[BAND * BYTES];
  int8_t output[(ROWS - 1) * BYTES];
  int8_t* memory = (int8_t*)malloc(tflm_patch_workspace_size(e.program));
  void* tensors[] = {band, output};
  tflm_patch_position position = {0, 0, NULL, NULL, 0};
  for (int frame = 0; frame < 3; ++frame) {
    int8_t image[ROWS * BYTES];
    int8_t expected[(ROWS - 1) * BYTES];
    test_fill(&seed, image, sizeof(image));
    for (int i = 0; i < (ROWS - 1) * BYTES; ++i) {
      expected[i] = maximum(image[i], image[i + BYTES]);
    }
    for (int i = 0; i < ROWS / BAND; ++i) {
      memcpy(band, image + i * BAND * BYTES, sizeof(band));
      CHECK_EQUAL(tflm_patch_resume(e.program, e.constants, tensors, memory, &position),
                  i + 1 == ROWS / BAND ? TFLM_PATCH_OK : TFLM_PATCH_ABORT);
    }
    CHECK_BYTES(output, expected, sizeof(expected));
    /* A frame that is given up: two bands, then a new start. */
    if (frame == 1) {
      tflm_patch_resume(e.program, e.constants, tensors, memory, &position);
      tflm_patch_resume(e.program, e.constants, tensors, memory, &position);
      position.segment = 0;
      position.step = 0;
    }
  }
  free(memory);
  encoded_free(&e);
}

static void expect(const char* name, tflm_patch_status status) {
  encoded e = builder_encode(&b);
  test_case = name;
  CHECK_EQUAL(encoded_validate(&e), status);
  encoded_free(&e);
}

static void test_bad_programs(void) {
  build(2, 2);
  expect("good", TFLM_PATCH_OK);
  b.maps[0].rows = b.maps[0].ring_rows = BAND - 1;
  b.tensors[0].bytes = (BAND - 1) * BYTES;
  expect("bands of another height", TFLM_PATCH_BAD_STEP);
  b.maps[0].rows = b.maps[0].ring_rows = 4;
  b.tensors[0].bytes = 4 * BYTES;
  expect("bands that do not divide the frame", TFLM_PATCH_BAD_OP);
  build(2, 2);
  b.steps[b.header.n_steps - 1] = b.steps[2];
  expect("a pause in place of the last row", TFLM_PATCH_BAD_STEP);
  build(1, 1);
  b.header.n_steps = 0;
  b.segments[0].n_steps = 0;
  builder_stream(&b);
  expect("no pauses", TFLM_PATCH_BAD_STEP);
  build(1, 1);
  builder_step(&b, TFLM_PATCH_PAUSE, 0, 0);
  expect("a pause too many", TFLM_PATCH_BAD_STEP);
  build(2, 2);
  for (uint32_t i = 0; i < b.header.n_steps; ++i) {
    if (b.steps[i].op == TFLM_PATCH_PAUSE) {
      b.steps[i].count = 1;
    }
  }
  expect("a pause that counts", TFLM_PATCH_BAD_STEP);
  build(2, 2);
  b.maps[2].cols = 2;
  expect("a frame of another width", TFLM_PATCH_BAD_OP);
}

/* A pause without FEED. */
static void test_pause_alone(void) {
  sample_build(&b);
  builder_step(&b, TFLM_PATCH_PAUSE, 0, 0);
  expect("a pause alone", TFLM_PATCH_BAD_STEP);
  encoded e = builder_encode(&b);
  CHECK(!tflm_patch_is_fed_by_bands(e.program));
  encoded_free(&e);
}

int main(void) {
  test_frames();
  test_bad_programs();
  test_pause_alone();
  return TEST_RESULT();
}
