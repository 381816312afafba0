/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * REQUANTIZE: values by hand, and what a program may not ask. tests/e2e compares with TFLM.
 */
#include "rowwise_program.h"

static void test_types(void) {
  static const int16_t kHalves[] = {-32768, -32767, -32766, -32765, 0, 32767};
  static const int32_t kHalved[] = {0, 1, 1, 2, 16384, 32768};
  static const int8_t kBytes[] = {-128, -127, -127, -126, 127, 127};
  static const int8_t kSmall[] = {-128, -1, 0, 1, 127};
  static const int16_t kDoubled[] = {-270, -16, -14, -12, 240};
  static const int32_t kWords[] = {INT32_MIN, INT32_MIN + 1, -3, 3, INT32_MAX};
  static const int16_t kQuarters[] = {-32768, -32768, 0, 2, 32767};
  int32_t words[6];
  int16_t halves[5];
  int8_t bytes[6];
  /* A half; ties go up before they go away from zero. */
  tflm_patch_requantize_params params = {1 << 30, 0, INT16_MIN, 0};
  test_case = "int16";
  tflm_patch_requantize_row(&params, kHalves, TFLM_PATCH_INT16, words, TFLM_PATCH_INT32, 6);
  CHECK_BYTES(words, kHalved, sizeof(kHalved));
  params.output_zero_point = INT8_MIN;
  tflm_patch_requantize_row(&params, kHalves, TFLM_PATCH_INT16, bytes, TFLM_PATCH_INT8, 6);
  CHECK_BYTES(bytes, kBytes, sizeof(kBytes));
  test_case = "int8";
  const tflm_patch_requantize_params twice = {1 << 30, 2, 7, 0};
  tflm_patch_requantize_row(&twice, kSmall, TFLM_PATCH_INT8, halves, TFLM_PATCH_INT16, 5);
  CHECK_BYTES(halves, kDoubled, sizeof(kDoubled));
  test_case = "int32";
  const tflm_patch_requantize_params quarter = {1 << 30, -1, 0, 1};
  tflm_patch_requantize_row(&quarter, kWords, TFLM_PATCH_INT32, halves, TFLM_PATCH_INT16, 5);
  CHECK_BYTES(halves, kQuarters, sizeof(kQuarters));
}

static void test_rejections(void) {
  static builder b;
  static const tflm_patch_requantize_params kParams = {1 << 30, 1, INT16_MIN, -3};
  static const int16_t kInput[] = {-32768, -32767, -32700, -32600, 0, 32767};
  static const int8_t kExpected[] = {-3, -2, 65, 127, 127, 127};
  const map_shape from = {TFLM_PATCH_INT16, 1, 3, 2, 0};
  const map_shape to = {TFLM_PATCH_INT8, 1, 3, 2, -3};
  const void* inputs[] = {kInput};
  builder_init(&b);
  encoded e = one_operator(&b, TFLM_PATCH_REQUANTIZE, &from, 1, to, &kParams, sizeof(kParams));
  test_case = "program";
  check_program(&e, inputs, kExpected);
#define REJECT(change) CHECK_REJECTED(&e, tflm_patch_requantize_params, change, TFLM_PATCH_BAD_OP)
  REJECT(params->shift = 31);
  REJECT(params->shift = -32);
  REJECT(params->multiplier = -1);
  REJECT(params->input_zero_point = INT16_MIN - 1);
  REJECT(params->input_zero_point = INT16_MAX + 1);
  REJECT(params->output_zero_point = INT8_MIN - 1);
  REJECT(encoded_map(&bad, 0)->type = TFLM_PATCH_UINT8);
  encoded_free(&e);
  const map_shape wide = {TFLM_PATCH_INT32, 1, 3, 2, 0};
  const tflm_patch_requantize_params whole = {1 << 30, 1, INT16_MIN, 0};
  builder_init(&b);
  e = one_operator(&b, TFLM_PATCH_REQUANTIZE, &from, 1, wide, &whole, sizeof(whole));
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
  REJECT(params->output_zero_point = 1);
  REJECT(encoded_map(&bad, 1)->type = TFLM_PATCH_FLOAT32);
#undef REJECT
  encoded_free(&e);
}

int main(void) {
  test_types();
  test_rejections();
  return TEST_RESULT();
}
