/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rowwise_program.h"

int main(void) {
  static builder b;
  uint8_t table[256];
  uint8_t input[3 * 5 * 7];
  uint8_t expected[sizeof(input)];
  uint32_t seed = 4;
  test_fill(&seed, table, sizeof(table));
  test_fill(&seed, input, sizeof(input));
  for (size_t i = 0; i < sizeof(input); ++i) {
    expected[i] = table[input[i]];
  }
  const map_shape from = {TFLM_PATCH_INT8, 3, 5, 7, -3};
  const map_shape to = {TFLM_PATCH_UINT8, 3, 5, 7, 9};
  builder_init(&b);
  const tflm_patch_lookup_params lookup = {builder_constant(&b, table, sizeof(table))};
  encoded e = one_operator(&b, TFLM_PATCH_LOOKUP, &from, 1, to, &lookup, sizeof(lookup));
  const void* inputs[] = {input};
  test_case = "table";
  check_program(&e, inputs, expected);

#define REJECT(change, status) CHECK_REJECTED(&e, tflm_patch_lookup_params, change, status)
  REJECT(params->table_at = 1, TFLM_PATCH_BAD_SIZE);
  REJECT(params->table_at = 0xFFFFFFFF, TFLM_PATCH_BAD_SIZE);
  REJECT(bad.tensors[0].type = encoded_map(&bad, 0)->type = TFLM_PATCH_FLOAT32, TFLM_PATCH_BAD_MAP);
  REJECT((encoded_map(&bad, 0)->cols = 7, encoded_map(&bad, 0)->channels = 5), TFLM_PATCH_BAD_OP);
#undef REJECT
  encoded_free(&e);
  return TEST_RESULT();
}
