/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * test_golden.c has the exact outputs; here are the bounds of the arithmetic.
 */
#include <math.h>

#include "rowwise_program.h"

static int32_t exp_table[256];

static void fill_table(double beta_scale) {
  for (int i = 0; i < 256; ++i) {
    const double x = exp(-i * beta_scale) * 2147483648.0;
    exp_table[i] = x >= 2147483647.0 ? INT32_MAX : (int32_t)x;
  }
}

/* Within a unit of the real softmax. */
static void test_near_the_real_one(void) {
  static int8_t input[400];
  static int8_t output[400];
  uint32_t seed = 13;
  test_case = "real";
  for (uint32_t n = 1; n <= 400; n += 7) {
    const double beta_scale = 0.003 * n;
    double sum = 0;
    fill_table(beta_scale);
    test_fill(&seed, input, n);
    tflm_patch_softmax_s8(exp_table, -255, input, output, n);
    for (uint32_t i = 0; i < n; ++i) {
      sum += exp(input[i] * beta_scale);
    }
    for (uint32_t i = 0; i < n; ++i) {
      const double real = exp(input[i] * beta_scale) / sum * 256 - 128;
      CHECK(fabs(output[i] - fmin(real, 127)) <= 1.0);
    }
  }
}

/* The same to int16: within 16 units, as the table has 31 bits and the sum 19. */
static void test_near_the_real_one_in_int16(void) {
  static int8_t input[400];
  static int16_t output[400];
  uint32_t seed = 16;
  test_case = "int16";
  for (uint32_t n = 1; n <= 400; n += 7) {
    const double beta_scale = 0.003 * n;
    double sum = 0;
    fill_table(beta_scale);
    test_fill(&seed, input, n);
    tflm_patch_softmax_s8_s16(exp_table, -255, input, output, n);
    for (uint32_t i = 0; i < n; ++i) {
      sum += exp(input[i] * beta_scale);
    }
    for (uint32_t i = 0; i < n; ++i) {
      const double real = exp(input[i] * beta_scale) / sum * 65536 - 32768;
      CHECK(fabs(output[i] - fmin(real, 32767)) <= 16.0);
    }
  }
}

/* A sum of 512 and more: every share is below half a unit. */
static void test_flat(void) {
  static int8_t input[65535];
  static int8_t output[65535];
  int is_lowest = 1;
  test_case = "flat";
  fill_table(0.1);
  for (uint32_t n = 512; n <= 65535; n = n * 2 + 1) {
    memset(output, 1, n);
    tflm_patch_softmax_s8(exp_table, -255, input, output, n);
    for (uint32_t i = 0; i < n; ++i) {
      is_lowest &= output[i] == INT8_MIN;
    }
  }
  CHECK(is_lowest);
}

/* Differences below diff_min count for nothing. */
static void test_diff_min(void) {
  const int8_t input[] = {10, 9, 8, -128};
  const int8_t expected[] = {0, 0, -128, -128};
  int8_t output[4];
  test_case = "diff_min";
  fill_table(0.0);
  tflm_patch_softmax_s8(exp_table, -1, input, output, 4);
  CHECK_BYTES(output, expected, 4);
}

/* Any table: nothing undefined, no reads outside. */
static void test_damaged(void) {
  uint32_t seed = 14;
  int8_t values[64];
  int16_t shares[64];
  test_case = "damaged";
  for (int i = 0; i < 2000; ++i) {
    const int32_t kinds[] = {(int32_t)test_random(&seed), INT32_MIN, INT32_MAX, 0};
    for (int k = 0; k < 256; ++k) {
      exp_table[k] = kinds[i % 5 ? test_random(&seed) % 4 : (uint32_t)i % 4];
    }
    test_fill(&seed, values, sizeof(values));
    tflm_patch_softmax_s8_s16(exp_table, -(int32_t)(test_random(&seed) % 256), values, shares,
                              sizeof(values));
    CHECK(shares[0] >= INT16_MIN);
    /* In place, too: not allowed, but harmless. */
    tflm_patch_softmax_s8(exp_table, -(int32_t)(test_random(&seed) % 256), values, values,
                          sizeof(values));
    CHECK(values[0] >= INT8_MIN);
  }
}

static void test_rejections(void) {
  static builder b;
  const map_shape from = {TFLM_PATCH_INT8, 2, 3, 4, 0};
  const map_shape to = {TFLM_PATCH_INT8, 2, 3, 4, -128};
  int8_t input[24];
  int8_t expected[24];
  uint32_t seed = 15;
  const void* inputs[] = {input};
  fill_table(0.02);
  test_fill(&seed, input, sizeof(input));
  for (int cell = 0; cell < 6; ++cell) {
    tflm_patch_softmax_s8(exp_table, -200, input + 4 * cell, expected + 4 * cell, 4);
  }
  builder_init(&b);
  const tflm_patch_softmax_params softmax = {builder_constant(&b, exp_table, sizeof(exp_table)),
                                             -200};
  encoded e = one_operator(&b, TFLM_PATCH_SOFTMAX, &from, 1, to, &softmax, sizeof(softmax));
  test_case = "program";
  check_program(&e, inputs, expected);
#define REJECT(change, status) CHECK_REJECTED(&e, tflm_patch_softmax_params, change, status)
  REJECT(params->exp_table_at = 2, TFLM_PATCH_BAD_ALIGNMENT);
  REJECT(params->exp_table_at = 4, TFLM_PATCH_BAD_SIZE);
  REJECT(params->diff_min = 1, TFLM_PATCH_BAD_OP);
  REJECT(params->diff_min = -256, TFLM_PATCH_BAD_OP);
#undef REJECT
  encoded_free(&e);
}

static void test_programs_of_int16(void) {
  static builder b;
  const map_shape from = {TFLM_PATCH_INT8, 2, 3, 4, 0};
  const map_shape to = {TFLM_PATCH_INT16, 2, 3, 4, 0};
  int8_t input[24];
  int16_t expected[24];
  uint32_t seed = 17;
  const void* inputs[] = {input};
  fill_table(0.02);
  test_fill(&seed, input, sizeof(input));
  for (int cell = 0; cell < 6; ++cell) {
    tflm_patch_softmax_s8_s16(exp_table, -200, input + 4 * cell, expected + 4 * cell, 4);
  }
  builder_init(&b);
  const tflm_patch_softmax_params softmax = {builder_constant(&b, exp_table, sizeof(exp_table)),
                                             -200};
  encoded e = one_operator(&b, TFLM_PATCH_SOFTMAX_S8_S16, &from, 1, to, &softmax, sizeof(softmax));
  test_case = "program of int16";
  check_program(&e, inputs, expected);
#define REJECT(change) CHECK_REJECTED(&e, tflm_patch_softmax_params, change, TFLM_PATCH_BAD_OP)
  REJECT(params->diff_min = 1);
  REJECT(encoded_map(&bad, 0)->type = TFLM_PATCH_UINT8);
  REJECT(encoded_map(&bad, 1)->type = TFLM_PATCH_INT8);
#undef REJECT
  encoded_free(&e);
}

/* ---- LOG_SOFTMAX ---- */

/* Of differences in Q5.26: a multiplier of 2^30 is a half. */
static tflm_patch_log_softmax_params log_params(double scale) {
  tflm_patch_log_softmax_params params = {0, -255, 0, 0, 0, 0};
  int shift;
  int inverse_shift;
  params.multiplier = (int32_t)(frexp(scale * 67108864.0, &shift) * 2147483647.0);
  params.inverse_multiplier =
      (int32_t)(frexp(1 / (scale * 67108864.0), &inverse_shift) * 2147483647.0);
  params.shift = shift;
  params.inverse_shift = inverse_shift;
  return params;
}

/* Within a unit, of 1/16, of the real logarithm. */
static void test_log_near_the_real_one(void) {
  static int8_t input[400];
  static int8_t output[400];
  uint32_t seed = 16;
  test_case = "real logarithm";
  for (uint32_t n = 1; n <= 400; n += 7) {
    const double scale = 0.0003 * n;
    const tflm_patch_log_softmax_params params = log_params(scale);
    double sum = 0;
    fill_table(scale);
    test_fill(&seed, input, n);
    tflm_patch_log_softmax_s8(&params, exp_table, input, output, n);
    for (uint32_t i = 0; i < n; ++i) {
      sum += exp(input[i] * scale);
    }
    for (uint32_t i = 0; i < n; ++i) {
      const double real = (input[i] * scale - log(sum)) * 16 + 127;
      CHECK(fabs(output[i] - fmax(real, -128)) <= 1.0);
    }
  }
}

/* Any table and any parameters that check() lets through: nothing undefined. */
static void test_log_damaged(void) {
  uint32_t seed = 17;
  int8_t values[64];
  test_case = "damaged logarithm";
  for (int i = 0; i < 2000; ++i) {
    const tflm_patch_log_softmax_params params = {
        0,
        -(int32_t)(test_random(&seed) % 256),
        (int32_t)(test_random(&seed) >> 1) | 1,
        (int32_t)(test_random(&seed) % 62) - 31,
        (int32_t)(test_random(&seed) >> 1) | 1,
        (int32_t)(test_random(&seed) % 62) - 31,
    };
    for (int k = 0; k < 256; ++k) {
      exp_table[k] = i % 3 ? (int32_t)test_random(&seed) : i % 2 ? INT32_MAX : INT32_MIN;
    }
    test_fill(&seed, values, sizeof(values));
    tflm_patch_log_softmax_s8(&params, exp_table, values, values, sizeof(values));
    CHECK(values[0] >= INT8_MIN);
  }
}

static void test_log_program(void) {
  static builder b;
  const map_shape from = {TFLM_PATCH_INT8, 2, 3, 4, 0};
  const map_shape to = {TFLM_PATCH_INT8, 2, 3, 4, 127};
  tflm_patch_log_softmax_params logarithm = log_params(0.02);
  int8_t input[24];
  int8_t expected[24];
  uint32_t seed = 18;
  const void* inputs[] = {input};
  fill_table(0.02);
  test_fill(&seed, input, sizeof(input));
  for (int cell = 0; cell < 6; ++cell) {
    tflm_patch_log_softmax_s8(&logarithm, exp_table, input + 4 * cell, expected + 4 * cell, 4);
  }
  builder_init(&b);
  logarithm.exp_table_at = builder_constant(&b, exp_table, sizeof(exp_table));
  encoded e = one_operator(&b, TFLM_PATCH_LOG_SOFTMAX, &from, 1, to, &logarithm, sizeof(logarithm));
  test_case = "program of logarithms";
  check_program(&e, inputs, expected);
#define REJECT(change, status) CHECK_REJECTED(&e, tflm_patch_log_softmax_params, change, status)
  REJECT(params->exp_table_at = 2, TFLM_PATCH_BAD_ALIGNMENT);
  REJECT(params->exp_table_at = 4, TFLM_PATCH_BAD_SIZE);
  REJECT(params->diff_min = 1, TFLM_PATCH_BAD_OP);
  REJECT(params->diff_min = -256, TFLM_PATCH_BAD_OP);
  REJECT(params->multiplier = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->shift = 31, TFLM_PATCH_BAD_OP);
  REJECT(params->inverse_multiplier = -1, TFLM_PATCH_BAD_OP);
  REJECT(params->inverse_shift = -32, TFLM_PATCH_BAD_OP);
#undef REJECT
  encoded_free(&e);
}

int main(void) {
  test_near_the_real_one();
  test_near_the_real_one_in_int16();
  test_flat();
  test_diff_min();
  test_damaged();
  test_rejections();
  test_programs_of_int16();
  test_log_near_the_real_one();
  test_log_damaged();
  test_log_program();
  return TEST_RESULT();
}
