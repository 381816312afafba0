/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rowwise_program.h"

static uint8_t input[4096];

/* Values keep their order, whatever the rows; through a ring of `ring_rows` rows
 * first, when they are not 0. */
static void check_reshape(map_shape from, map_shape to, uint32_t ring_rows) {
  static builder b;
  const void* inputs[] = {input};
  builder_init(&b);
  uint32_t source = builder_tensor_map(&b, from.type, from.rows, from.cols, from.channels, 0, 0);
  const uint32_t target = builder_tensor_map(&b, to.type, to.rows, to.cols, to.channels, 0, 1);
  if (ring_rows > 0) {
    source = builder_ring(&b, source, ring_rows);
  }
  builder_op(&b, TFLM_PATCH_RESHAPE, &source, 1, target, to.rows, NULL, 0, 0);
  builder_stream(&b);
  encoded e = builder_encode(&b);
  check_program(&e, inputs, input);
  encoded_free(&e);
}

static void test_shapes(void) {
  static const uint8_t kTypes[] = {TFLM_PATCH_INT8, TFLM_PATCH_INT16, TFLM_PATCH_FLOAT32};
  /* All of 60 values. */
  static const uint16_t kShapes[][3] = {
      {1, 1, 60}, {60, 1, 1}, {3, 4, 5}, {5, 4, 3}, {12, 5, 1}, {4, 15, 1}, {1, 30, 2}, {10, 2, 3},
  };
  enum { N = sizeof(kShapes) / sizeof(kShapes[0]) };
  uint32_t seed = 5;
  test_case = "shapes";
  test_fill(&seed, input, sizeof(input));
  for (uint32_t i = 0; i < N * N; ++i) {
    const uint16_t* a = kShapes[i / N];
    const uint16_t* z = kShapes[i % N];
    const uint8_t type = kTypes[i % 3];
    const map_shape from = {type, a[0], a[1], a[2], 0};
    const map_shape to = {type, z[0], z[1], z[2], 0};
    check_reshape(from, to, 0);
    /* Rows that an output row may touch. */
    const uint32_t touched = (60u / z[0] - 1) / (60u / a[0]) + 2;
    check_reshape(from, to, touched < a[0] ? touched : a[0]);
  }
}

static void test_rejections(void) {
  static builder b;
  const map_shape from = {TFLM_PATCH_INT8, 3, 4, 5, 0};
  const map_shape to = {TFLM_PATCH_INT8, 5, 4, 3, 0};
  builder_init(&b);
  encoded good = one_operator(&b, TFLM_PATCH_RESHAPE, &from, 1, to, NULL, 0);
  test_case = "good";
  CHECK_EQUAL(encoded_validate(&good), TFLM_PATCH_OK);
#define REJECT(change) CHECK_REJECTED(&good, void, change, TFLM_PATCH_BAD_OP)
  REJECT((encoded_map(&bad, 1)->channels = 2));
  REJECT((encoded_map(&bad, 0)->cols = 3));
  REJECT((encoded_map(&bad, 1)->type = TFLM_PATCH_UINT8));
#undef REJECT
  encoded_free(&good);
}

int main(void) {
  test_shapes();
  test_rejections();
  return TEST_RESULT();
}
