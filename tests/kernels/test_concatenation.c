/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rowwise_program.h"

enum { kRows = 3, kCols = 4, kInputs = 3 };

static const uint16_t kChannels[kInputs] = {5, 1, 8};

static encoded concatenation_program(map_shape* from, map_shape to) {
  static builder b;
  builder_init(&b);
  return one_operator(&b, TFLM_PATCH_CONCATENATION, from, kInputs, to, "", 0);
}

int main(void) {
  int8_t data[kInputs][kRows * kCols * 8];
  int8_t expected[kRows * kCols * 14];
  int8_t* out = expected;
  const void* inputs[kInputs];
  map_shape from[kInputs];
  const map_shape to = {TFLM_PATCH_INT8, kRows, kCols, 14, 0};
  uint32_t seed = 10;
  for (int i = 0; i < kInputs; ++i) {
    const map_shape shape = {TFLM_PATCH_INT8, kRows, kCols, kChannels[i], 0};
    from[i] = shape;
    test_fill(&seed, data[i], sizeof(data[i]));
    inputs[i] = data[i];
  }
  for (int cell = 0; cell < kRows * kCols; ++cell) {
    for (int i = 0; i < kInputs; ++i) {
      memcpy(out, data[i] + cell * kChannels[i], kChannels[i]);
      out += kChannels[i];
    }
  }
  encoded e = concatenation_program(from, to);
  test_case = "concatenation";
  check_program(&e, inputs, expected);
  encoded_free(&e);

  for (int change = 0; change < 4; ++change) {
    map_shape wrong[kInputs];
    memcpy(wrong, from, sizeof(wrong));
    wrong[1].type = change == 0 ? TFLM_PATCH_UINT8 : TFLM_PATCH_INT8;
    wrong[1].rows = (uint16_t)(kRows + (change == 1));
    wrong[1].cols = (uint16_t)(kCols - (change == 2));
    wrong[1].channels = (uint16_t)(1 + (change == 3));
    test_case = "shapes";
    e = concatenation_program(wrong, to);
    CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_BAD_OP);
    encoded_free(&e);
  }
  return TEST_RESULT();
}
