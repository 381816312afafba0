/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rowwise_program.h"

static void test_type(uint8_t type, uint32_t bytes) {
  enum { kC = 3, kH = 5, kW = 7 };
  static builder b;
  uint8_t input[kC * kH * kW * 4];
  uint8_t expected[sizeof(input)];
  uint32_t seed = type + 1u;
  test_fill(&seed, input, sizeof(input));
  for (uint32_t h = 0; h < kH; ++h) {
    for (uint32_t w = 0; w < kW; ++w) {
      for (uint32_t c = 0; c < kC; ++c) {
        memcpy(expected + ((h * kW + w) * kC + c) * bytes, input + ((c * kH + h) * kW + w) * bytes,
               bytes);
      }
    }
  }
  const map_shape from = {type, kC, kH, kW, 0};
  const map_shape to = {type, kH, kW, kC, 0};
  builder_init(&b);
  encoded e = one_operator(&b, TFLM_PATCH_TRANSPOSE, &from, 1, to, "", 0);
  const void* inputs[] = {input};
  test_case = "transpose";
  check_program(&e, inputs, expected);
  encoded_free(&e);
}

static void test_rejections(void) {
  static const map_shape kWrong[] = {
      {TFLM_PATCH_UINT8, 5, 7, 3, 0}, {TFLM_PATCH_INT8, 7, 5, 3, 0}, {TFLM_PATCH_INT8, 5, 3, 7, 0},
      {TFLM_PATCH_INT8, 5, 7, 2, 0},  {TFLM_PATCH_INT8, 6, 7, 3, 0},
  };
  const map_shape from = {TFLM_PATCH_INT8, 3, 5, 7, 0};
  static builder b;
  test_case = "shapes";
  for (size_t i = 0; i < sizeof(kWrong) / sizeof(kWrong[0]); ++i) {
    builder_init(&b);
    encoded e = one_operator(&b, TFLM_PATCH_TRANSPOSE, &from, 1, kWrong[i], "", 0);
    CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_BAD_OP);
    encoded_free(&e);
  }
}

int main(void) {
  test_type(TFLM_PATCH_INT8, 1);
  test_type(TFLM_PATCH_UINT8, 1);
  test_type(TFLM_PATCH_INT16, 2);
  test_type(TFLM_PATCH_FLOAT32, 4);
  test_rejections();
  return TEST_RESULT();
}
