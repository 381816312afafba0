/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "reject.h"
#include "weighted.h"

static weighted_case the_case;

static int random_case(uint32_t* seed) {
  golden_weighted* c = &the_case.c;
  const int is_map = test_random(seed) % 2 == 0;
  memset(&the_case, 0, sizeof(the_case));
  c->kind = TFLM_PATCH_FULLY_CONNECTED;
  c->groups = 1;
  c->shape[0] = (uint16_t)(is_map ? random_between(seed, 1, 7) : 1);
  c->shape[1] = (uint16_t)(is_map ? random_between(seed, 1, 7) : 1);
  c->shape[2] = (uint16_t)random_between(seed, 1, is_map ? 10 : 200);
  c->output_shape[0] = 1;
  c->output_shape[1] = 1;
  c->output_shape[2] = (uint16_t)random_between(seed, 1, 20);
  return weighted_fill(&the_case, seed, c->output_shape[2] * weighted_size(c->shape));
}

/* Every row a vector of its own. */
static void test_rows(void) {
  enum { kRows = 5, kIn = 12, kOut = 7 };
  golden_weighted* c = &the_case.c;
  static builder b;
  weighted_record record;
  int8_t expected[kRows * kOut];
  int8_t output[kRows * kOut];
  uint32_t seed = 3;
  test_case = "rows";
  memset(&the_case, 0, sizeof(the_case));
  c->kind = TFLM_PATCH_FULLY_CONNECTED;
  c->groups = 1;
  memcpy(c->shape, (uint16_t[]){1, 1, kIn}, sizeof(c->shape));
  memcpy(c->output_shape, (uint16_t[]){1, 1, kOut}, sizeof(c->output_shape));
  CHECK(weighted_fill(&the_case, &seed, kIn * kOut));
  for (int row = 0; row < kRows; ++row) {
    c->input = the_case.input + row * kIn;
    naive_weighted(c, expected + row * kOut);
  }
  builder_init(&b);
  const uint32_t source =
      builder_tensor_map(&b, TFLM_PATCH_INT8, kRows, 3, kIn / 3, c->input_zero_point, 0);
  const uint32_t target =
      builder_tensor_map(&b, TFLM_PATCH_INT8, kRows, 1, kOut, c->output_zero_point, 1);
  const uint32_t record_bytes = weighted_params(&b, c, &record);
  record.fully_connected.flatten = 0;
  builder_op(&b, c->kind, &source, 1, target, kRows, &record, record_bytes, 0);
  builder_step(&b, 0, 0, 2); /* several rows in a step */
  builder_step(&b, 0, 2, 3);
  encoded e = builder_encode(&b);
  const void* inputs[] = {the_case.input};
  void* outputs[] = {output};
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
  CHECK_EQUAL(encoded_run(&e, inputs, outputs, 0xA5), TFLM_PATCH_OK);
  CHECK_BYTES(output, expected, sizeof(expected));
  encoded_free(&e);
}

static void test_rejections(void) {
  uint32_t seed = 79;
  while (!random_case(&seed) || the_case.c.shape[0] < 3) {
  }
  encoded good = weighted_program(&the_case.c, 0);
  const uint32_t end = (uint32_t)good.constants_bytes;
  test_case = "good";
  CHECK_EQUAL(encoded_validate(&good), TFLM_PATCH_OK);
#define REJECT(change, status) \
  CHECK_REJECTED(&good, tflm_patch_fully_connected_params, change, status)
  REJECT(params->flatten = 2, TFLM_PATCH_BAD_OP);
  REJECT(params->flatten = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->weights_at = end - 1, TFLM_PATCH_BAD_SIZE);
  REJECT(params->bias_at += 2, TFLM_PATCH_BAD_ALIGNMENT);
  REJECT(params->bias_at += 4, TFLM_PATCH_BAD_SIZE);
  REJECT(encoded_op(&bad, 0)->scratch_bytes -= 4, TFLM_PATCH_BAD_SIZE);
  REJECT(encoded_op(&bad, 0)->scratch = TFLM_PATCH_NONE, TFLM_PATCH_BAD_SIZE);
  REJECT(encoded_op(&bad, 0)->steps -= 1, TFLM_PATCH_BAD_OP);
  REJECT(encoded_op(&bad, 0)->steps += 1, TFLM_PATCH_BAD_OP);
#undef REJECT
  encoded_free(&good);
}

int main(void) {
  check_random_weighted(&the_case, random_case, 20263, 300);
  test_rows();
  test_rejections();
  return TEST_RESULT();
}
