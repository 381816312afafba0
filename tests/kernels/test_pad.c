/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rowwise_program.h"
#include "weighted.h"

static int8_t input[4096];
static int8_t expected[8192];

static encoded pad_program(map_shape from, map_shape to, const tflm_patch_pad_params* params) {
  static builder b;
  builder_init(&b);
  return one_operator(&b, TFLM_PATCH_PAD, &from, 1, to, params, sizeof(*params));
}

static void pad_by_definition(map_shape from, map_shape to, const tflm_patch_pad_params* params) {
  int8_t* out = expected;
  for (int r = 0; r < to.rows; ++r) {
    for (int x = 0; x < to.cols; ++x) {
      for (int k = 0; k < to.channels; ++k) {
        const int row = r - params->top;
        const int col = x - params->left;
        const int channel = k - params->front;
        const int is_inside = row >= 0 && row < from.rows && col >= 0 && col < from.cols &&
                              channel >= 0 && channel < from.channels;
        *out++ = is_inside ? input[(row * from.cols + col) * from.channels + channel]
                           : (int8_t)params->value;
      }
    }
  }
}

/* The same of int16 values, each twice as many bytes. */
static void test_int16(void) {
  static const int16_t kInput[2 * 2 * 2] = {1, -2, 300, -400, 5, 32767, 7, -8};
  static const int16_t kExpected[3 * 3 * 3] = {
      -300, -300, -300, -300, -300, -300, -300, -300, -300, -300,  -300, -300, -300, 1,
      -2,   -300, 300,  -400, -300, -300, -300, -300, 5,    32767, -300, 7,    -8};
  const tflm_patch_pad_params params = {1, 1, 1, -300};
  const map_shape from = {TFLM_PATCH_INT16, 2, 2, 2, 0};
  const map_shape to = {TFLM_PATCH_INT16, 3, 3, 3, 0};
  const void* inputs[] = {kInput};
  test_case = "int16";
  encoded e = pad_program(from, to, &params);
  check_program(&e, inputs, kExpected);
  encoded_free(&e);
}

static void test_random_cases(void) {
  uint32_t seed = 6;
  test_case = "random";
  test_fill(&seed, input, sizeof(input));
  for (int i = 0; i < 300; ++i) {
    const int is_uint8 = i % 5 == 0;
    const int same_channels = i % 2 == 0;
    tflm_patch_pad_params params = {
        .top = (uint16_t)random_between(&seed, 0, 3),
        .left = (uint16_t)random_between(&seed, 0, 3),
        .front = (uint16_t)(same_channels ? 0 : random_between(&seed, 0, 3)),
        .value = (int16_t)((int)random_between(&seed, 0, 255) - (is_uint8 ? 0 : 128)),
    };
    map_shape from = {is_uint8 ? TFLM_PATCH_UINT8 : TFLM_PATCH_INT8,
                      (uint16_t)random_between(&seed, 1, 5), (uint16_t)random_between(&seed, 1, 5),
                      (uint16_t)random_between(&seed, 1, 5), 0};
    map_shape to = from;
    to.rows = (uint16_t)(from.rows + params.top + random_between(&seed, 0, 3));
    to.cols = (uint16_t)(from.cols + params.left + random_between(&seed, 0, 3));
    to.channels = (uint16_t)(from.channels + params.front +
                             (same_channels ? 0 : random_between(&seed, 0, 3)));
    pad_by_definition(from, to, &params);
    encoded e = pad_program(from, to, &params);
    const void* inputs[] = {input};
    check_program(&e, inputs, expected);
    encoded_free(&e);
  }
}

/* The rows that are read never go back, so that a ring of one row will do. */
static void test_ring(void) {
  static builder b;
  const tflm_patch_pad_params nothing = {0, 0, 0, 0};
  const tflm_patch_pad_params params = {.top = 2, .left = 1, .value = 5};
  const map_shape from = {TFLM_PATCH_INT8, 3, 4, 2, 0};
  const map_shape to = {TFLM_PATCH_INT8, 7, 6, 2, 0};
  test_case = "ring";
  builder_init(&b);
  const uint32_t source = builder_tensor_map(&b, TFLM_PATCH_INT8, 3, 4, 2, 0, 0);
  const uint32_t target = builder_tensor_map(&b, TFLM_PATCH_INT8, 7, 6, 2, 0, 1);
  const uint32_t ring = builder_workspace_map(&b, TFLM_PATCH_INT8, 3, 1, 4, 2, 0);
  builder_op(&b, TFLM_PATCH_PAD, &source, 1, ring, 3, &nothing, sizeof(nothing), 0);
  builder_op(&b, TFLM_PATCH_PAD, &ring, 1, target, 7, &params, sizeof(params), 0);
  builder_stream(&b);
  pad_by_definition(from, to, &params);
  encoded e = builder_encode(&b);
  const void* inputs[] = {input};
  check_program(&e, inputs, expected);
  encoded_free(&e);
}

static void test_rejections(void) {
  const map_shape from = {TFLM_PATCH_INT8, 3, 4, 2, 0};
  const map_shape to = {TFLM_PATCH_INT8, 5, 6, 4, 0};
  const tflm_patch_pad_params good_params = {2, 1, 2, -128};
  encoded good = pad_program(from, to, &good_params);
  test_case = "good";
  CHECK_EQUAL(encoded_validate(&good), TFLM_PATCH_OK);
#define REJECT(change) CHECK_REJECTED(&good, tflm_patch_pad_params, change, TFLM_PATCH_BAD_OP)
  REJECT(params->top = 3);
  REJECT(params->top = 0xFFFF);
  REJECT(params->left = 3);
  REJECT(params->front = 3);
  REJECT(params->front = 0xFFFF);
  REJECT(params->value = -129);
  REJECT(params->value = 128);
#undef REJECT
  encoded_free(&good);
}

int main(void) {
  test_random_cases();
  test_int16();
  test_ring();
  test_rejections();
  return TEST_RESULT();
}
