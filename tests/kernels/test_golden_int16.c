/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Operators on int16 maps, as stage programs, against what the TFLM interpreter
 * computed, and programs that the validator refuses.
 */
#include "dot.h"
#include "golden_int16_cases.h"
#include "int16_program.h"
#include "requantize.h"
#include "rowwise_program.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_cases(void) {
  for (size_t i = 0; i < COUNT(kInt16); ++i) {
    const void* inputs[] = {kInt16[i].inputs[0], kInt16[i].inputs[1]};
    test_case = kInt16[i].name;
    for (int ring = 0; ring < 2; ++ring) {
      encoded e = int16_program(&kInt16[i], ring);
      check_program(&e, inputs, kInt16[i].output);
      encoded_free(&e);
    }
  }
}

/* The largest products, past what an int32 holds. */
static void test_dot(void) {
  enum { N = 2000 };
  static int16_t values[N];
  static int8_t weights[N];
  test_case = "dot";
  for (int low = 0; low < 2; ++low) {
    for (int i = 0; i < N; ++i) {
      values[i] = low ? INT16_MIN : INT16_MAX;
      weights[i] = INT8_MIN;
    }
    for (int n = 0; n <= N; n += n < 1100 ? 1 : 300) {
      CHECK_EQUAL(tflm_patch_dot_s16(values, weights, (size_t)n),
                  (int64_t)n * values[0] * INT8_MIN);
    }
  }
}

/* TFLM's formula as a division that rounds down. */
static void test_multiply_wide(void) {
  uint32_t seed = 31;
  test_case = "multiply wide";
  for (int i = 0; i < 20000; ++i) {
    const int32_t multiplier = i % 50 == 0 ? INT32_MAX : (int32_t)(test_random(&seed) >> 1);
    const int32_t shift = (int32_t)(test_random(&seed) % 39) - 31;
    int64_t x = (int64_t)(test_random(&seed) >> (i % 31)) << (i % 16);
    x = i % 2 ? -x : x;
    const int64_t rounded = multiplier < 0x7FFF0000 ? ((int64_t)multiplier + 32768) / 65536 : 32767;
    const int64_t divisor = (int64_t)1 << (15 - shift);
    const int64_t sum = x * rounded + divisor / 2;
    const int64_t rest = sum % divisor;
    const int64_t floor = (sum - rest) / divisor - (rest < 0);
    CHECK_EQUAL(tflm_patch_multiply_wide(x, multiplier, shift), (int32_t)(uint32_t)(uint64_t)floor);
  }
}

static const golden_int16* find_case(const char* name) {
  size_t i = 0;
  while (i + 1 < COUNT(kInt16) && strcmp(kInt16[i].name, name) != 0) {
    ++i;
  }
  return &kInt16[i];
}

#define REJECT(record, change, status) CHECK_REJECTED(&good, record, change, status)

/* A map of another type on one side. */
#define REJECT_TYPES(record)                                                                  \
  REJECT(record,                                                                              \
         (encoded_map(&bad, 0)->type = TFLM_PATCH_INT8, encoded_map(&bad, 0)->row_bytes /= 2, \
          bad.tensors[0].type = TFLM_PATCH_INT8, bad.tensors[0].bytes /= 2),                  \
         TFLM_PATCH_BAD_OP)

static void test_conv_rejections(void) {
  encoded good = int16_program(find_case("conv"), 0);
  const uint32_t end = (uint32_t)good.constants_bytes;
  test_case = "conv rejections";
  CHECK_EQUAL(encoded_validate(&good), TFLM_PATCH_OK);
#define REJECT_CONV(change, status) REJECT(tflm_patch_conv_params, change, status)
  REJECT_TYPES(tflm_patch_conv_params);
  REJECT_CONV(params->requant.sums = 3, TFLM_PATCH_BAD_OP);
  REJECT_CONV(params->requant.output_zero_point = 1, TFLM_PATCH_BAD_OP);
  REJECT_CONV(params->requant.act_max = -1, TFLM_PATCH_BAD_OP);
  REJECT_CONV(params->bias_at += 2, TFLM_PATCH_BAD_ALIGNMENT);
  /* Room for an int32 bias alone. */
  REJECT_CONV(params->bias_at = (end - 5 * 4) / 4 * 4, TFLM_PATCH_BAD_SIZE);
  REJECT_CONV(params->weights_at = end - 5 * 27 + 1, TFLM_PATCH_BAD_SIZE);
  REJECT_CONV(params->groups = 2, TFLM_PATCH_BAD_OP);
#undef REJECT_CONV
  /* Shifts that the wide rounding does not take, and a narrow one does. */
  const tflm_patch_conv_params* params = (const tflm_patch_conv_params*)encoded_params(&good, 0);
  good.constants[params->requant.shift_at] = TFLM_PATCH_MAX_WIDE_SHIFT;
  CHECK_EQUAL(encoded_validate(&good), TFLM_PATCH_OK);
  good.constants[params->requant.shift_at] = TFLM_PATCH_MAX_WIDE_SHIFT + 1;
  CHECK_EQUAL(encoded_validate(&good), TFLM_PATCH_BAD_OP);
  encoded narrow = encoded_copy(&good);
  ((tflm_patch_conv_params*)encoded_params(&narrow, 0))->requant.sums = 0;
  encoded_repair(&narrow);
  CHECK_EQUAL(encoded_validate(&narrow), TFLM_PATCH_OK);
  encoded_free(&narrow);
  encoded_free(&good);
}

static void test_other_rejections(void) {
  encoded good = int16_program(find_case("map"), 0);
  test_case = "fully connected rejections";
  REJECT_TYPES(tflm_patch_fully_connected_params);
  REJECT(tflm_patch_fully_connected_params, encoded_op(&bad, 0)->scratch_bytes -= 1,
         TFLM_PATCH_BAD_SIZE);
  encoded_free(&good);
  good = int16_program(find_case("depthwise"), 0);
  test_case = "depthwise rejections";
  REJECT_TYPES(tflm_patch_depthwise_params);
  REJECT(tflm_patch_depthwise_params, params->depth_multiplier = 2, TFLM_PATCH_BAD_OP);
  encoded_free(&good);
  good = int16_program(find_case("maximum"), 0);
  test_case = "pool rejections";
  REJECT_TYPES(tflm_patch_pool_params);
  REJECT(tflm_patch_pool_params, params->accumulate = 1, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_pool_params, params->act_max = INT16_MIN, TFLM_PATCH_BAD_OP);
  encoded_free(&good);
  good = int16_program(find_case("add"), 0);
  test_case = "add rejections";
  REJECT_TYPES(tflm_patch_add_params);
  REJECT(tflm_patch_add_params, params->left_shift = 16, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_add_params, params->output_zero_point = 1, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_add_params, params->output_shift = 1, TFLM_PATCH_BAD_OP);
  encoded_free(&good);
}

static void test_elementwise_rejections(void) {
  encoded good = int16_program(find_case("mul"), 0);
  test_case = "mul rejections";
  REJECT_TYPES(tflm_patch_mul_params);
  REJECT(tflm_patch_mul_params, params->output_zero_point = 1, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_mul_params, params->output_shift = 31, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_mul_params, (params->act_min = 1, params->act_max = 0), TFLM_PATCH_BAD_OP);
  encoded_free(&good);
  good = int16_program(find_case("logistic"), 0);
  test_case = "logistic rejections";
  REJECT_TYPES(tflm_patch_sigmoid_params);
  REJECT(tflm_patch_sigmoid_params, params->shift = 32, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_sigmoid_params, params->shift = -1, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_sigmoid_params, params->multiplier = -1, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_sigmoid_params, params->table_at += 4, TFLM_PATCH_BAD_SIZE);
  REJECT(tflm_patch_sigmoid_params, params->table_at += 1, TFLM_PATCH_BAD_ALIGNMENT);
  encoded_free(&good);
  good = int16_program(find_case("leaky relu"), 0);
  test_case = "rescale rejections";
  REJECT_TYPES(tflm_patch_rescale_params);
  REJECT(tflm_patch_rescale_params, params->shift[0] = 31, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_rescale_params, params->shift[1] = -32, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_rescale_params, (params->act_min = 1, params->act_max = 0), TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_rescale_params, params->magnitude = 2, TFLM_PATCH_BAD_OP);
  encoded_free(&good);
}

static void test_row_rejections(void) {
  encoded good = int16_program(find_case("softmax"), 0);
  const uint32_t end = (uint32_t)good.constants_bytes;
  test_case = "softmax rejections";
  REJECT_TYPES(tflm_patch_softmax_s16_params);
  REJECT(tflm_patch_softmax_s16_params, params->shift = 31, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_softmax_s16_params, params->exp_table_at = end - 1024, TFLM_PATCH_BAD_SIZE);
  REJECT(tflm_patch_softmax_s16_params, params->reciprocal_at = end - 1024, TFLM_PATCH_BAD_SIZE);
  encoded_free(&good);
  good = int16_program(find_case("mean"), 0);
  test_case = "mean rejections";
  REJECT_TYPES(tflm_patch_mean_params);
  REJECT(tflm_patch_mean_params, params->output_zero_point = 1, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_mean_params, params->shift = -32, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_mean_params, params->over_cols = 0, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_mean_params, encoded_op(&bad, 0)->scratch_bytes -= 1, TFLM_PATCH_BAD_SIZE);
  encoded_free(&good);
  good = int16_program(find_case("transposed"), 0);
  test_case = "transposed convolution rejections";
  REJECT_TYPES(tflm_patch_transpose_conv_params);
  REJECT(tflm_patch_transpose_conv_params, params->window.stride_h = 0, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_transpose_conv_params, params->window.pad_left = -1, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_transpose_conv_params, params->requant.sums = 3, TFLM_PATCH_BAD_OP);
  REJECT(tflm_patch_transpose_conv_params, params->weights_at += 16 * 1024, TFLM_PATCH_BAD_SIZE);
  encoded_free(&good);
}

/* Tables that no model has: results differ, memory does not. */
static void test_damaged_tables(void) {
  static const char* const kCases[] = {"logistic", "tanh", "softmax"};
  static int16_t made[5 * 6 * 7];
  uint32_t seed = 7;
  for (size_t i = 0; i < COUNT(kCases); ++i) {
    const golden_int16* c = find_case(kCases[i]);
    encoded e = int16_program(c, 0);
    test_case = kCases[i];
    for (size_t k = 0; k < (size_t)e.constants_bytes; ++k) {
      e.constants[k] = (uint8_t)test_random(&seed);
    }
    const void* inputs[] = {c->inputs[0]};
    void* outputs[] = {made};
    CHECK_EQUAL(encoded_run(&e, inputs, outputs, 0xA5), TFLM_PATCH_OK);
    encoded_free(&e);
  }
}

int main(void) {
  test_cases();
  test_dot();
  test_multiply_wide();
  test_conv_rejections();
  test_other_rejections();
  test_elementwise_rejections();
  test_row_rejections();
  test_damaged_tables();
  return TEST_RESULT();
}
