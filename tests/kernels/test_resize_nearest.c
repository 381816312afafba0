/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rowwise_program.h"

int main(void) {
  enum { kRows = 3, kCols = 4, kChannels = 5, kOutRows = 6, kOutCols = 7 };
  static const uint16_t kRowIndex[kOutRows] = {0, 0, 1, 1, 2, 2};
  static const uint16_t kColIndex[kOutCols] = {0, 0, 1, 1, 2, 2, 3};
  static builder b;
  int8_t input[kRows * kCols * kChannels];
  int8_t expected[kOutRows * kOutCols * kChannels];
  uint32_t seed = 9;
  test_fill(&seed, input, sizeof(input));
  for (int r = 0; r < kOutRows; ++r) {
    for (int x = 0; x < kOutCols; ++x) {
      memcpy(expected + (r * kOutCols + x) * kChannels,
             input + (kRowIndex[r] * kCols + kColIndex[x]) * kChannels, kChannels);
    }
  }
  const map_shape from = {TFLM_PATCH_INT8, kRows, kCols, kChannels, 0};
  const map_shape to = {TFLM_PATCH_INT8, kOutRows, kOutCols, kChannels, 0};
  builder_init(&b);
  const tflm_patch_resize_params resize = {builder_constant(&b, kRowIndex, sizeof(kRowIndex)),
                                           builder_constant(&b, kColIndex, sizeof(kColIndex))};
  encoded e = one_operator(&b, TFLM_PATCH_RESIZE_NEAREST, &from, 1, to, &resize, sizeof(resize));
  const void* inputs[] = {input};
  test_case = "resize";
  check_program(&e, inputs, expected);

#define REJECT(change, status) CHECK_REJECTED(&e, tflm_patch_resize_params, change, status)
  REJECT(params->row_at = 1, TFLM_PATCH_BAD_ALIGNMENT);
  REJECT(params->col_at = 3, TFLM_PATCH_BAD_ALIGNMENT);
  REJECT(params->row_at = 0xFFFFFFFE, TFLM_PATCH_BAD_SIZE);
  REJECT(params->col_at += 2, TFLM_PATCH_BAD_SIZE);
  REJECT(bad.constants[params->row_at + 10] = kRows, TFLM_PATCH_BAD_OP);
  REJECT(bad.constants[params->col_at + 12] = kCols, TFLM_PATCH_BAD_OP);
  REJECT(bad.constants[params->row_at + 2] = 2, TFLM_PATCH_BAD_OP);
#undef REJECT
  encoded_free(&e);
  return TEST_RESULT();
}
