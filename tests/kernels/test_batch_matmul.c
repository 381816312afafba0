/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * BATCH_MATMUL against plain loops: matrix by matrix, broadcast, with one whole matrix, swapped;
 * extreme values, rejections. Its arithmetic is compared with TFLM's in tests/e2e.
 */
#include "requantize.h"
#include "rowwise_program.h"

enum { ROWS = 3, VECTORS = 4, DEPTH = 5, OUTPUTS = 18, MOST = ROWS * DEPTH * OUTPUTS };

static const tflm_patch_batch_matmul_params kParams = {
    .output_multiplier = 1518500250,
    .output_shift = -6,
    .output_zero_point = -9,
};

typedef struct {
  uint32_t a_rows;
  uint32_t b_rows;
  int whole;
  int transposed;
} matmul_case;

static int8_t one_value(const int8_t* a, const int8_t* b, uint32_t b_step) {
  int32_t sum = 0;
  for (uint32_t k = 0; k < DEPTH; ++k) {
    sum += (a[k] - 7) * (b[k * b_step] + 128);
  }
  return (int8_t)tflm_patch_requantize(sum, kParams.output_multiplier, kParams.output_shift,
                                       kParams.output_zero_point, INT8_MIN, INT8_MAX);
}

static map_shape matrix_shape(const matmul_case* c) {
  const uint16_t rows = c->transposed ? OUTPUTS : DEPTH;
  const uint16_t cols = c->transposed ? DEPTH : OUTPUTS;
  return c->whole ? (map_shape){TFLM_PATCH_INT8, rows, 1, cols, -128}
                  : (map_shape){TFLM_PATCH_INT8, (uint16_t)c->b_rows, rows, cols, -128};
}

static encoded program_of(const matmul_case* c) {
  static builder b;
  const uint16_t vectors = c->whole ? 1 : VECTORS;
  const map_shape inputs[] = {{TFLM_PATCH_INT8, (uint16_t)c->a_rows, vectors, DEPTH, 7},
                              matrix_shape(c)};
  const map_shape output = {TFLM_PATCH_INT8, ROWS, vectors, OUTPUTS, 0};
  tflm_patch_batch_matmul_params params = kParams;
  params.whole = (uint8_t)c->whole;
  params.transposed = (uint8_t)c->transposed;
  builder_init(&b);
  return one_operator(&b, TFLM_PATCH_BATCH_MATMUL, inputs, 2, output, &params, sizeof(params));
}

static void test_against_loops(const matmul_case* c, uint32_t seed) {
  static int8_t a[ROWS * VECTORS * DEPTH];
  static int8_t b[MOST];
  static int8_t expected[ROWS * VECTORS * OUTPUTS];
  const void* inputs[] = {a, b};
  const uint32_t vectors = c->whole ? 1 : VECTORS;
  test_case = c->whole ? "whole" : "by rows";
  test_fill(&seed, a, sizeof(a));
  test_fill(&seed, b, sizeof(b));
  for (uint32_t row = 0; row < ROWS; ++row) {
    const int8_t* matrix = b + (c->whole || c->b_rows == 1 ? 0 : row * DEPTH * OUTPUTS);
    for (uint32_t m = 0; m < vectors; ++m) {
      const int8_t* vector = a + ((c->a_rows == 1 ? 0 : row) * vectors + m) * DEPTH;
      for (uint32_t n = 0; n < OUTPUTS; ++n) {
        expected[(row * vectors + m) * OUTPUTS + n] = c->transposed
                                                          ? one_value(vector, matrix + n * DEPTH, 1)
                                                          : one_value(vector, matrix + n, OUTPUTS);
      }
    }
  }
  encoded e = program_of(c);
  check_program(&e, inputs, expected);
  encoded_free(&e);
}

/* Matrices side by side, in the columns of their map: of each vector another one. */
static void test_by_columns(int transposed, uint32_t seed) {
  static int8_t a[ROWS * VECTORS * DEPTH];
  static int8_t b[VECTORS * DEPTH * OUTPUTS];
  static int8_t expected[ROWS * VECTORS * OUTPUTS];
  static builder of_columns;
  const void* inputs[] = {a, b};
  const uint16_t b_rows = transposed ? OUTPUTS : DEPTH;
  const uint16_t b_channels = transposed ? DEPTH : OUTPUTS;
  const map_shape maps[] = {{TFLM_PATCH_INT8, ROWS, VECTORS, DEPTH, 7},
                            {TFLM_PATCH_INT8, b_rows, VECTORS, b_channels, -128}};
  const map_shape output = {TFLM_PATCH_INT8, ROWS, VECTORS, OUTPUTS, 0};
  tflm_patch_batch_matmul_params given = kParams;
  test_case = "by columns";
  given.whole = 2;
  given.transposed = (uint8_t)transposed;
  test_fill(&seed, a, sizeof(a));
  test_fill(&seed, b, sizeof(b));
  for (uint32_t row = 0; row < ROWS; ++row) {
    for (uint32_t m = 0; m < VECTORS; ++m) {
      const int8_t* vector = a + (row * VECTORS + m) * DEPTH;
      for (uint32_t n = 0; n < OUTPUTS; ++n) {
        const int8_t* weights = transposed ? b + (n * VECTORS + m) * DEPTH : b + m * OUTPUTS + n;
        expected[(row * VECTORS + m) * OUTPUTS + n] =
            one_value(vector, weights, transposed ? 1 : VECTORS * OUTPUTS);
      }
    }
  }
  builder_init(&of_columns);
  encoded e =
      one_operator(&of_columns, TFLM_PATCH_BATCH_MATMUL, maps, 2, output, &given, sizeof(given));
  check_program(&e, inputs, expected);
  CHECK_REJECTED(&e, tflm_patch_batch_matmul_params, params->whole = 1, TFLM_PATCH_BAD_OP);
  CHECK_REJECTED(&e, tflm_patch_batch_matmul_params, params->whole = 3, TFLM_PATCH_BAD_OP);
  CHECK_REJECTED(&e, tflm_patch_batch_matmul_params, params->transposed ^= 1, TFLM_PATCH_BAD_OP);
  encoded_free(&e);
}

/* The deepest product of the largest differences stays in int32. */
static void test_deepest(void) {
  enum { kDeepest = 32768 };
  static int8_t values[2][kDeepest];
  const tflm_patch_batch_matmul_params params = {
      .output_multiplier = 1 << 30, .output_shift = -24, .transposed = 1};
  const tflm_patch_rows matrix = {
      .base = values[1],
      .row_bytes = kDeepest,
      .ring_rows = 1,
      .rows = 1,
      .cols = 1,
      .channels = kDeepest,
      .split = 1,
  };
  const tflm_patch_batch_matmul_args args = {
      .a = values[0],
      .b = &matrix,
      .a_zero_point = 127,
      .b_zero_point = 127,
      .vectors = 1,
      .depth = kDeepest,
      .outputs = 1,
  };
  int8_t output = 0;
  test_case = "deepest";
  memset(values, -128, sizeof(values));
  tflm_patch_batch_matmul_s8(&params, &args, &output);
  CHECK_EQUAL(output, 64); /* 255 * 255 * 2^15 / 2^25 */
}

static void test_rejected(void) {
  const matmul_case by_rows = {ROWS, ROWS, 0, 0};
  const matmul_case whole = {ROWS, 1, 1, 0};
  encoded e = program_of(&by_rows);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
#define BAD(change) CHECK_REJECTED(&e, tflm_patch_batch_matmul_params, change, TFLM_PATCH_BAD_OP)
  BAD(params->output_shift = 31);
  BAD(params->output_shift = -32);
  BAD(params->output_zero_point = 128);
  BAD(params->transposed = 1);
  BAD(params->transposed = 2);
  BAD(params->whole = 1);
  BAD(params->whole = 2);
  encoded_free(&e);
  e = program_of(&whole);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
  BAD(params->transposed = 1);
  BAD(params->whole = 0);
#undef BAD
  encoded_free(&e);
}

int main(void) {
  for (uint32_t i = 0; i < 16; ++i) {
    const matmul_case by_rows = {i & 1 ? 1 : ROWS, i & 2 ? 1 : ROWS, 0, (int)(i >> 2 & 1)};
    const matmul_case whole = {ROWS, 1, 1, (int)(i & 1)};
    test_against_loops(&by_rows, i);
    test_against_loops(&whole, i);
  }
  test_by_columns(0, 3);
  test_by_columns(1, 4);
  test_deepest();
  test_rejected();
  return TEST_RESULT();
}
