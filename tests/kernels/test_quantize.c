/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <float.h>
#include <math.h>

#include "rowwise_program.h"

/* Values whose quotient has an int32: round() of the C library is TFLM's. */
static void test_in_range(void) {
  static const float kScales[] = {1.0f, 0.05f, 0.0078125f, 3.7f};
  static const int32_t kZeroPoints[] = {-128, -1, 0, 77, 127};
  float real[4000];
  int8_t expected[4000];
  int8_t output[4000];
  uint32_t seed = 12;
  test_case = "in range";
  for (uint32_t s = 0; s < 4; ++s) {
    for (uint32_t z = 0; z < 5; ++z) {
      const tflm_patch_quantize_params params = {kScales[s], kZeroPoints[z]};
      for (int i = 0; i < 4000; ++i) {
        const int32_t x = (int32_t)test_random(&seed);
        real[i] = i % 2 ? (float)(x >> 22) * kScales[s] * 0.5f : (float)x * 0.0078125f * kScales[s];
        const float rounded = roundf(real[i] / kScales[s]) + (float)kZeroPoints[z];
        expected[i] = (int8_t)fmaxf(-128.0f, fminf(127.0f, rounded));
      }
      tflm_patch_quantize(&params, real, output, TFLM_PATCH_INT8, 4000);
      CHECK_BYTES(output, expected, 4000);
    }
  }
}

/* Large values: the fraction is gone from 2^23 on, and int32 ends at 2^31. */
static void test_large(void) {
  static const float kReal[] = {8388607.5f,  -8388607.5f,   8388608.0f,
                                16777217.0f, 2147483520.0f, -2147483520.0f};
  static const int8_t kExpected[] = {127, -128, 127, 127, 127, -128};
  const tflm_patch_quantize_params params = {1.0f, -100};
  int8_t output[6];
  test_case = "large";
  tflm_patch_quantize(&params, kReal, output, TFLM_PATCH_INT8, 6);
  CHECK_BYTES(output, kExpected, 6);
}

/* Without an int32, the result is the processor's, but it is one of the ends,
 * or the zero point. */
static void test_out_of_range(void) {
  static const float kReal[] = {INFINITY, -INFINITY, NAN,   FLT_MAX,
                                -FLT_MAX, 3e9f,      -3e9f, 2147483648.0f};
  const tflm_patch_quantize_params params = {0.5f, 3};
  int8_t output[8];
  uint8_t unsigned_output[8];
  test_case = "out of range";
  tflm_patch_quantize(&params, kReal, output, TFLM_PATCH_INT8, 8);
  tflm_patch_quantize(&params, kReal, unsigned_output, TFLM_PATCH_UINT8, 8);
  for (int i = 0; i < 8; ++i) {
    CHECK(output[i] == INT8_MIN || output[i] == INT8_MAX || output[i] == 3);
    CHECK(unsigned_output[i] == 0 || unsigned_output[i] == UINT8_MAX || unsigned_output[i] == 3);
#if defined(__x86_64__)
    CHECK_EQUAL(output[i], INT8_MIN);
#endif
  }
}

/* TFLM's formula in double, for all values of both types. */
static void test_dequantize(void) {
  static const float kScales[] = {0.1f, 1.7e-38f, 3e-42f, 2.3e36f, 1.0f / 3.0f};
  uint8_t values[256];
  float signed_output[256];
  float unsigned_output[256];
  test_case = "dequantize";
  for (int i = 0; i < 256; ++i) {
    values[i] = (uint8_t)i;
  }
  for (uint32_t s = 0; s < 5; ++s) {
    const double scale = (double)kScales[s];
    for (int32_t zero_point = -128; zero_point < 256; zero_point += 51) {
      const tflm_patch_quantize_params params = {kScales[s], zero_point};
      tflm_patch_dequantize(&params, (const int8_t*)values, TFLM_PATCH_INT8, signed_output, 256);
      tflm_patch_dequantize(&params, values, TFLM_PATCH_UINT8, unsigned_output, 256);
      for (int i = 0; i < 256; ++i) {
        const float a = (float)(scale * ((int8_t)values[i] - zero_point));
        const float b = (float)(scale * (values[i] - zero_point));
        CHECK_BYTES(&signed_output[i], &a, sizeof(a));
        CHECK_BYTES(&unsigned_output[i], &b, sizeof(b));
      }
    }
  }
}

static void test_programs(void) {
  static const float kReal[2 * 3] = {-1.0f, 0.0f, 0.25f, 0.3f, 1.0f, 20.0f};
  static const uint8_t kQuantized[2 * 3] = {8, 10, 11, 11, 12, 50};
  static const float kBack[2 * 3] = {-1.0f, 0.0f, 0.5f, 0.5f, 1.0f, 20.0f};
  const map_shape real = {TFLM_PATCH_FLOAT32, 2, 3, 1, 0};
  const map_shape quantized = {TFLM_PATCH_UINT8, 2, 3, 1, 10};
  const tflm_patch_quantize_params scale = {0.5f, 10};
  static builder b;
  const void* real_inputs[] = {kReal};
  const void* quantized_inputs[] = {kQuantized};
  test_case = "programs";
  builder_init(&b);
  encoded back =
      one_operator(&b, TFLM_PATCH_DEQUANTIZE, &quantized, 1, real, &scale, sizeof(scale));
  check_program(&back, quantized_inputs, kBack);
  encoded_free(&back);
  builder_init(&b);
  encoded e = one_operator(&b, TFLM_PATCH_QUANTIZE, &real, 1, quantized, &scale, sizeof(scale));
  check_program(&e, real_inputs, kQuantized);
#define REJECT(change) CHECK_REJECTED(&e, tflm_patch_quantize_params, change, TFLM_PATCH_BAD_OP)
  REJECT(params->scale = 0.0f);
  REJECT(params->scale = -1.0f);
  REJECT(params->scale = NAN);
  REJECT(params->scale = INFINITY);
  REJECT(params->zero_point = -1);
  REJECT(params->zero_point = 256);
  REJECT(encoded_op(&bad, 0)->kind = TFLM_PATCH_DEQUANTIZE);
#undef REJECT
  encoded_free(&e);
}

int main(void) {
  test_in_range();
  test_large();
  test_out_of_range();
  test_dequantize();
  test_programs();
  return TEST_RESULT();
}
