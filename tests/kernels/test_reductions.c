/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * REDUCE_MAX, REDUCE_MIN, ARG_MAX, CAST, L2_NORMALIZATION, ADD_N, SQUARED_DIFFERENCE and CUMSUM:
 * plain loops, known and extreme values, rejections. Their arithmetic is compared with TFLM's in
 * tests/e2e.
 */
#include "rowwise_program.h"

enum { ROWS = 3, COLS = 4, CHANNELS = 5, N = ROWS * COLS * CHANNELS };

/* ---- REDUCE_MAX, REDUCE_MIN ---- */

static encoded reduce_program(uint8_t kind, int bits) {
  static builder b;
  const tflm_patch_reduce_params params = {(uint16_t)(bits & 1), bits >> 1 & 1, bits >> 2 & 1};
  builder_init(&b);
  const uint32_t in = builder_tensor_map(&b, TFLM_PATCH_INT8, ROWS, COLS, CHANNELS, 5, 0);
  const uint32_t out = builder_tensor_map(&b, TFLM_PATCH_INT8, bits & 1 ? 1 : ROWS,
                                          bits & 2 ? 1 : COLS, bits & 4 ? 1 : CHANNELS, 5, 1);
  const uint32_t scratch = (bits & 2 ? 1u : COLS) * (bits & 4 ? 1u : CHANNELS);
  builder_op(&b, kind, &in, 1, out, ROWS, &params, sizeof(params), bits & 1 ? scratch : 0);
  builder_step(&b, 0, 0, ROWS);
  return builder_encode(&b);
}

static void test_reduce(uint8_t kind) {
  int8_t values[N];
  uint32_t seed = 8;
  const void* inputs[] = {values};
  const int is_max = kind == TFLM_PATCH_REDUCE_MAX;
  test_case = is_max ? "largest" : "least";
  test_fill(&seed, values, sizeof(values));
  for (int bits = 1; bits < 8; ++bits) {
    int8_t expected[N];
    const uint32_t cols = bits & 2 ? 1 : COLS;
    const uint32_t channels = bits & 4 ? 1 : CHANNELS;
    memset(expected, is_max ? -128 : 127, sizeof(expected));
    for (uint32_t i = 0; i < N; ++i) {
      const uint32_t row = bits & 1 ? 0 : i / (COLS * CHANNELS);
      const uint32_t col = bits & 2 ? 0 : i / CHANNELS % COLS;
      int8_t* best = &expected[(row * cols + col) * channels + (bits & 4 ? 0 : i % CHANNELS)];
      if (is_max ? values[i] > *best : values[i] < *best) {
        *best = values[i];
      }
    }
    encoded e = reduce_program(kind, bits);
    check_program(&e, inputs, expected);
    encoded_free(&e);
  }
  encoded e = reduce_program(kind, 3);
#define BAD(change) CHECK_REJECTED(&e, tflm_patch_reduce_params, change, TFLM_PATCH_BAD_OP)
  BAD(params->over_rows = 0);
  BAD(params->over_rows = 2);
  BAD(params->over_cols = 0);
  BAD(params->over_channels = 1);
#undef BAD
  CHECK_REJECTED(&e, tflm_patch_reduce_params, encoded_op(&bad, 0)->scratch_bytes = CHANNELS - 1,
                 TFLM_PATCH_BAD_SIZE);
  encoded_free(&e);
}

/* ---- ARG_MAX ---- */

static void test_arg_max(void) {
  static const int8_t kCells[] = {3, 9, 9, -128, -128, -128, 127, -1, 127};
  int32_t found[3];
  test_case = "first of the largest and the least";
  tflm_patch_arg_max_s8(kCells, 3, 3, 1, found);
  CHECK_EQUAL(found[0], 1);
  CHECK_EQUAL(found[1], 0);
  CHECK_EQUAL(found[2], 0);
  tflm_patch_arg_max_s8(kCells, 3, 3, -1, found);
  CHECK_EQUAL(found[0], 0);
  CHECK_EQUAL(found[1], 0);
  CHECK_EQUAL(found[2], 1);
  static builder b;
  static const tflm_patch_arg_max_params kFirst = {1};
  const map_shape input = {TFLM_PATCH_INT8, ROWS, COLS, CHANNELS, 0};
  const map_shape output = {TFLM_PATCH_INT32, ROWS, COLS, 1, 0};
  builder_init(&b);
  encoded e = one_operator(&b, TFLM_PATCH_ARG_MAX, &input, 1, output, &kFirst, sizeof(kFirst));
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
  CHECK_REJECTED(&e, tflm_patch_arg_max_params, params->sign = 0, TFLM_PATCH_BAD_OP);
  CHECK_REJECTED(&e, tflm_patch_arg_max_params, params->sign = 2, TFLM_PATCH_BAD_OP);
  CHECK_REJECTED(&e, tflm_patch_arg_max_params, encoded_map(&bad, 1)->type = TFLM_PATCH_INT8,
                 TFLM_PATCH_BAD_OP);
  encoded_free(&e);
}

/* ---- CAST ---- */

static void test_cast(void) {
  static const int32_t kWords[] = {0, -1, 127, 128, 300, -32769, INT32_MIN};
  static const int8_t kBytes[] = {0, -1, 127, -128, 44, -1, 0};
  static const int16_t kHalves[] = {0, -1, 127, 128, 300, 32767, 0};
  enum { kCount = sizeof(kBytes) };
  int8_t bytes[kCount];
  int16_t halves[kCount];
  float floats[kCount];
  test_case = "cast";
  tflm_patch_cast_row(kWords, TFLM_PATCH_INT32, bytes, TFLM_PATCH_INT8, kCount);
  CHECK_BYTES(bytes, kBytes, sizeof(kBytes));
  tflm_patch_cast_row(kWords, TFLM_PATCH_INT32, halves, TFLM_PATCH_INT16, kCount);
  CHECK_BYTES(halves, kHalves, sizeof(kHalves));
  tflm_patch_cast_row(kWords, TFLM_PATCH_INT32, floats, TFLM_PATCH_FLOAT32, kCount);
  for (size_t i = 0; i < kCount; ++i) {
    CHECK(floats[i] == (float)kWords[i]);
  }
}

/* ---- L2_NORMALIZATION ---- */

static void test_l2_normalization(void) {
  static const int8_t kCells[] = {-7, -7, -3, -4, 120, -7, -7, -128};
  int8_t output[sizeof(kCells)];
  test_case = "length";
  /* (0, 0), (4, 3), (127, 0), (0, -121). */
  tflm_patch_l2_normalization_s8(-7, kCells, 4, 2, output);
  CHECK_EQUAL(output[0], 0);
  CHECK_EQUAL(output[1], 0);
  CHECK_EQUAL(output[2], 102);
  CHECK_EQUAL(output[3], 77);
  CHECK_EQUAL(output[4], 127);
  CHECK_EQUAL(output[5], 0);
  CHECK_EQUAL(output[7], -128);
}

/* ---- ADD_N ---- */

static void test_add_n(void) {
  static const int8_t kFirst[] = {10, -128, 127};
  static const int8_t kSecond[] = {20, -128, 127};
  const int8_t* inputs[15] = {kFirst, kSecond};
  /* A quarter of the sum. */
  const tflm_patch_mul_params quarter = {1 << 30, -20, 3, -100, 127};
  int8_t output[3];
  test_case = "sum of several";
  tflm_patch_add_n_s8(&quarter, 0, inputs, 2, output, 3);
  CHECK_EQUAL(output[0], 11);
  CHECK_EQUAL(output[1], -61);
  CHECK_EQUAL(output[2], 67);
  for (size_t i = 0; i < 15; ++i) {
    inputs[i] = kFirst;
  }
  tflm_patch_add_n_s8(&quarter, 127, inputs, 15, output, 3);
  CHECK_EQUAL(output[1], -100);
  tflm_patch_add_n_s8(&quarter, -128, inputs, 15, output, 3);
  CHECK_EQUAL(output[2], 127);
  static builder b;
  const map_shape map = {TFLM_PATCH_INT8, ROWS, COLS, CHANNELS, 4};
  const map_shape maps[] = {map, map, map};
  builder_init(&b);
  encoded e = one_operator(&b, TFLM_PATCH_ADD_N, maps, 3, map, &quarter, sizeof(quarter));
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
#define BAD(change) CHECK_REJECTED(&e, tflm_patch_mul_params, change, TFLM_PATCH_BAD_OP)
  BAD(params->output_shift = 1);
  BAD(params->output_shift = -32);
  BAD(params->output_zero_point = 128);
  BAD(params->act_min = 128);
  BAD(encoded_map(&bad, 2)->zero_point = 5);
#undef BAD
  encoded_free(&e);
}

/* ---- SQUARED_DIFFERENCE ---- */

static void test_squared_difference(void) {
  /* Half of each difference in steps of 1/128, squared; 4 squares of steps a unit. */
  const tflm_patch_add_params half = {{1 << 30, 1 << 30}, 1 << 30, {0, 0}, -13, 7, -128, -128, 127};
  const tflm_patch_add_params wide = {{1 << 30, 1 << 30}, 1 << 30, {0, 0}, -10, 0, 0, -9, 32767};
  static const int8_t kA[] = {10, -128, 5};
  static const int8_t kB[] = {6, 127, 5};
  static const int16_t kWideA[] = {100, -32768, 7};
  static const int16_t kWideB[] = {-100, 32767, 7};
  int8_t output[3];
  int16_t wide_output[3];
  test_case = "squared difference";
  tflm_patch_squared_difference_s8(&half, 0, 0, kA, 1, kB, 1, output, 3);
  CHECK_EQUAL(output[0], -124); /* (4 / 2 * 128)^2 / 2^14 */
  CHECK_EQUAL(output[1], 127);
  CHECK_EQUAL(output[2], -128);
  tflm_patch_squared_difference_s16(&wide, kWideA, 1, kWideB, 1, wide_output, 3);
  CHECK_EQUAL(wide_output[0], 5); /* 100^2 / 2^11 */
  CHECK_EQUAL(wide_output[1], 32767);
  CHECK_EQUAL(wide_output[2], 0);
  static builder b;
  const map_shape pair[] = {{TFLM_PATCH_INT16, ROWS, COLS, CHANNELS, 0},
                            {TFLM_PATCH_INT16, 1, 1, CHANNELS, 0}};
  builder_init(&b);
  encoded e =
      one_operator(&b, TFLM_PATCH_SQUARED_DIFFERENCE_S16, pair, 2, pair[0], &wide, sizeof(wide));
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
#define BAD(change) CHECK_REJECTED(&e, tflm_patch_add_params, change, TFLM_PATCH_BAD_OP)
  BAD(params->left_shift = 1);
  BAD(params->output_zero_point = 1);
  BAD(params->input_shift[0] = 1);
  BAD(params->input_shift[1] = -32);
  BAD(params->output_shift = 31);
#undef BAD
  encoded_free(&e);
}

/* ---- CUMSUM ---- */

static encoded cumsum_program(const tflm_patch_cumsum_params* params, uint32_t sums) {
  static builder b;
  builder_init(&b);
  const uint32_t in = builder_tensor_map(&b, TFLM_PATCH_INT8, ROWS, COLS, CHANNELS, 5, 0);
  const uint32_t out = builder_tensor_map(&b, TFLM_PATCH_INT8, ROWS, COLS, CHANNELS, -3, 1);
  builder_op(&b, TFLM_PATCH_CUMSUM, &in, 1, out, ROWS, params, sizeof(*params), 4 * sums);
  builder_step(&b, 0, 0, ROWS);
  return builder_encode(&b);
}

/* An eighth of the sum of small values, rounded, along every axis. */
static void test_cumsum(void) {
  static const uint32_t kSums[] = {COLS * CHANNELS, CHANNELS, 1};
  static const uint32_t kLengths[] = {ROWS, COLS, CHANNELS};
  static const uint32_t kSteps[] = {COLS * CHANNELS, CHANNELS, 1};
  int8_t values[N];
  uint32_t seed = 19;
  const void* inputs[] = {values};
  test_fill(&seed, values, sizeof(values));
  for (uint32_t way = 0; way < 12; ++way) {
    const uint8_t axis = (uint8_t)(way % 3);
    tflm_patch_cumsum_params params = {1 << 30, -21, -3, axis, way / 3 & 1, (uint8_t)(way / 6)};
    int8_t expected[N];
    encoded e = cumsum_program(&params, kSums[axis]);
    test_case = "cumsum";
    if (axis == 0 && params.reverse) {
      CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_BAD_OP);
      encoded_free(&e);
      continue;
    }
    for (uint32_t i = 0; i < N; ++i) {
      const uint32_t step = kSteps[axis];
      const uint32_t at = i / step % kLengths[axis];
      double sum = -5; /* as in TFLM */
      for (uint32_t k = 0; k < kLengths[axis]; ++k) {
        const int is_in = params.reverse ? k > at : k < at;
        if (is_in || (k == at && !params.exclusive)) {
          sum += values[i - at * step + k * step] - 5;
        }
      }
      sum /= 8; /* 2^19 * 2^-1 * 2^-21 */
      const double scaled = sum < 0 ? -(double)(int)(0.5 - sum) : (double)(int)(0.5 + sum);
      const double moved = scaled - 3;
      expected[i] = (int8_t)(moved < -128 ? -128 : moved > 127 ? 127 : moved);
    }
    check_program(&e, inputs, expected);
    encoded_free(&e);
  }
  const tflm_patch_cumsum_params good = {1 << 30, -21, -3, 0, 0, 0};
  encoded e = cumsum_program(&good, COLS * CHANNELS);
#define BAD(change) CHECK_REJECTED(&e, tflm_patch_cumsum_params, change, TFLM_PATCH_BAD_OP)
  BAD(params->axis = 3);
  BAD(params->exclusive = 2);
  BAD(params->reverse = 2);
  BAD(params->output_multiplier = -1);
  BAD(params->output_shift = 31);
  BAD(params->output_zero_point = 128);
#undef BAD
  encoded_free(&e);
  e = cumsum_program(&good, COLS * CHANNELS - 1);
  CHECK(encoded_validate(&e) != TFLM_PATCH_OK);
  encoded_free(&e);
}

int main(void) {
  test_reduce(TFLM_PATCH_REDUCE_MAX);
  test_reduce(TFLM_PATCH_REDUCE_MIN);
  test_arg_max();
  test_cast();
  test_l2_normalization();
  test_add_n();
  test_squared_difference();
  test_cumsum();
  return TEST_RESULT();
}
