/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rowwise_program.h"
#include "weighted.h"

enum { kValues = 2000, kPositions = 40 };

static int8_t input[kValues];
static int8_t expected[8 * kValues];

/* Positions that never go back, some on a value and some between two. */
static void random_positions(uint32_t* seed, tflm_patch_between* positions, uint32_t n,
                             uint32_t size) {
  uint32_t at = random_between(seed, 0, 1023);
  for (uint32_t i = 0; i < n; ++i) {
    const uint32_t last = (size - 1) * 1024;
    at = at > last ? last : at;
    positions[i].index = (uint16_t)(at / 1024);
    positions[i].weight = (uint16_t)(at % 1024);
    at =
        test_random(seed) % 3 == 0 ? (at + 1023) / 1024 * 1024 : at + random_between(seed, 0, 1500);
  }
}

static int value_at(map_shape from, uint32_t row, uint32_t col, uint32_t c) {
  return input[(row * from.cols + col) * from.channels + c];
}

static void resize_by_definition(map_shape from, map_shape to, const tflm_patch_between* rows,
                                 const tflm_patch_between* cols) {
  int8_t* out = expected;
  for (uint32_t r = 0; r < to.rows; ++r) {
    for (uint32_t x = 0; x < to.cols; ++x) {
      for (uint32_t c = 0; c < to.channels; ++c) {
        double sum = 0;
        for (uint32_t i = 0; i < 4; ++i) {
          const uint32_t down = i / 2;
          const uint32_t right = i % 2;
          const int weight = (down ? rows[r].weight : 1024 - rows[r].weight) *
                             (right ? cols[x].weight : 1024 - cols[x].weight);
          if (weight != 0) {
            sum += weight * value_at(from, rows[r].index + down, cols[x].index + right, c);
          }
        }
        sum /= 1024.0 * 1024.0;
        *out++ = (int8_t)(sum < 0 ? sum - 0.5 : sum + 0.5);
      }
    }
  }
}

static encoded resize_program(map_shape from, map_shape to, uint32_t ring_rows,
                              const tflm_patch_between* rows, const tflm_patch_between* cols) {
  static builder b;
  builder_init(&b);
  const tflm_patch_resize_params params = {builder_constant(&b, rows, 4u * to.rows),
                                           builder_constant(&b, cols, 4u * to.cols)};
  if (ring_rows == 0) {
    return one_operator(&b, TFLM_PATCH_RESIZE_BILINEAR, &from, 1, to, &params, sizeof(params));
  }
  const uint32_t source =
      builder_tensor_map(&b, TFLM_PATCH_INT8, from.rows, from.cols, from.channels, 0, 0);
  const uint32_t target =
      builder_tensor_map(&b, TFLM_PATCH_INT8, to.rows, to.cols, to.channels, 0, 1);
  const uint32_t ring = builder_ring(&b, source, ring_rows);
  builder_op(&b, TFLM_PATCH_RESIZE_BILINEAR, &ring, 1, target, to.rows, &params, sizeof(params), 0);
  builder_stream(&b);
  return builder_encode(&b);
}

static void test_random_cases(void) {
  uint32_t seed = 31;
  test_case = "random";
  for (int i = 0; i < 300; ++i) {
    tflm_patch_between rows[kPositions];
    tflm_patch_between cols[kPositions];
    map_shape from = {TFLM_PATCH_INT8, (uint16_t)random_between(&seed, 1, 9),
                      (uint16_t)random_between(&seed, 1, 9), (uint16_t)random_between(&seed, 1, 6),
                      0};
    map_shape to = from;
    to.rows = (uint16_t)random_between(&seed, 1, kPositions);
    to.cols = (uint16_t)random_between(&seed, 1, kPositions);
    test_fill(&seed, input, sizeof(input));
    random_positions(&seed, rows, to.rows, from.rows);
    random_positions(&seed, cols, to.cols, from.cols);
    resize_by_definition(from, to, rows, cols);
    /* Two rows are all that it reads. */
    for (uint32_t ring_rows = 0; ring_rows <= 2; ring_rows += 2) {
      encoded e = resize_program(from, to, ring_rows, rows, cols);
      const void* inputs[] = {input};
      check_program(&e, inputs, expected);
      encoded_free(&e);
    }
  }
}

/* The ends of the range, and sums of exactly a half. */
static void test_rounding(void) {
  static const int8_t kInput[] = {-128, -128, 127, 127, 0, 1, 0, -1, 5, 4, -5, -4};
  static const int8_t kExpected[] = {-128, 127, 1, -1, 5, -5};
  static const tflm_patch_between kRow[] = {{0, 0}};
  const tflm_patch_between cols[] = {{0, 512}, {2, 512}, {4, 512}, {6, 512}, {8, 512}, {10, 512}};
  const map_shape from = {TFLM_PATCH_INT8, 1, 12, 1, 0};
  const map_shape to = {TFLM_PATCH_INT8, 1, 6, 1, 0};
  encoded e = resize_program(from, to, 0, kRow, cols);
  const void* inputs[] = {kInput};
  test_case = "rounding";
  check_program(&e, inputs, kExpected);
  encoded_free(&e);
}

static void test_rejections(void) {
  static const tflm_patch_between kRows[] = {{0, 0}, {0, 700}, {1, 1}, {2, 0}};
  static const tflm_patch_between kCols[] = {{0, 1}, {1, 0}};
  const map_shape from = {TFLM_PATCH_INT8, 3, 2, 5, 0};
  const map_shape to = {TFLM_PATCH_INT8, 4, 2, 5, 0};
  encoded good = resize_program(from, to, 0, kRows, kCols);
  test_case = "good";
  CHECK_EQUAL(encoded_validate(&good), TFLM_PATCH_OK);
#define REJECT(change, status) CHECK_REJECTED(&good, tflm_patch_resize_params, change, status)
  REJECT(params->row_at = 1, TFLM_PATCH_BAD_ALIGNMENT);
  REJECT(params->col_at = 3, TFLM_PATCH_BAD_ALIGNMENT);
  REJECT(params->row_at = 0xFFFFFFFE, TFLM_PATCH_BAD_SIZE);
  REJECT(params->col_at += 2, TFLM_PATCH_BAD_SIZE);
  REJECT(bad.constants[params->row_at + 14] = 1, TFLM_PATCH_BAD_OP);
  REJECT(bad.constants[params->row_at + 12] = 3, TFLM_PATCH_BAD_OP);
  REJECT(bad.constants[params->row_at + 0] = 1, TFLM_PATCH_BAD_OP);
  REJECT(bad.constants[params->row_at + 7] = 4, TFLM_PATCH_BAD_OP);
  REJECT((bad.constants[params->row_at + 10] = 0, bad.constants[params->row_at + 8] = 0),
         TFLM_PATCH_BAD_OP);
  REJECT(bad.constants[params->col_at + 6] = 1, TFLM_PATCH_BAD_OP);
  REJECT(encoded_map(&bad, 0)->channels = 4, TFLM_PATCH_BAD_OP);
#undef REJECT
  encoded_free(&good);
}

int main(void) {
  test_random_cases();
  test_rounding();
  test_rejections();
  return TEST_RESULT();
}
