/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Operators of two maps: broadcasting, extreme values, rejections. Their arithmetic is
 * compared with TFLM's in test_golden_maps.c.
 */
#include "rowwise_program.h"
#include "sample_program.h"

enum { ROWS = 3, COLS = 4, CHANNELS = 5, N = ROWS * COLS * CHANNELS };

/* 0.03 * 0.05 / 0.04. */
static const tflm_patch_mul_params kMul = {
    .output_multiplier = 1288490189, /* 0.6 */
    .output_shift = -4,
    .output_zero_point = -7,
    .act_min = -120,
    .act_max = 110,
};

/* Halves what is positive; a sixteenth of the product else. */
static const tflm_patch_prelu_params kPrelu = {
    .multiplier = {1 << 30, 1 << 30},
    .shift = {0, -3},
    .output_zero_point = 1,
};

/* The row kernel of a kind. */
static void run_row(uint8_t kind, const void* params, int32_t a_zero_point, int32_t b_zero_point,
                    const int8_t* a, uint32_t a_step, const int8_t* b, uint32_t b_step,
                    int8_t* output, uint32_t n) {
  switch (kind) {
    case TFLM_PATCH_ADD:
      tflm_patch_add_s8((const tflm_patch_add_params*)params, a_zero_point, b_zero_point, a, a_step,
                        b, b_step, output, n);
      break;
    case TFLM_PATCH_SUB:
      tflm_patch_sub_s8((const tflm_patch_add_params*)params, a_zero_point, b_zero_point, a, a_step,
                        b, b_step, output, n);
      break;
    case TFLM_PATCH_PRELU:
      tflm_patch_prelu_s8((const tflm_patch_prelu_params*)params, a_zero_point, b_zero_point, a,
                          a_step, b, b_step, output, n);
      break;
    case TFLM_PATCH_MAXIMUM:
      tflm_patch_maximum_s8(a, a_step, b, b_step, output, n);
      break;
    case TFLM_PATCH_MINIMUM:
      tflm_patch_minimum_s8(a, a_step, b, b_step, output, n);
      break;
    default:
      tflm_patch_mul_s8((const tflm_patch_mul_params*)params, a_zero_point, b_zero_point, a, a_step,
                        b, b_step, output, n);
  }
}

/* One value, by the row kernel on a row of one. */
static int8_t one_value(uint8_t kind, const void* params, int32_t a_zero_point,
                        int32_t b_zero_point, int8_t a, int8_t b) {
  int8_t output = 0;
  run_row(kind, params, a_zero_point, b_zero_point, &a, 0, &b, 0, &output, 1);
  return output;
}

static size_t operand_index(const map_shape* shape, uint32_t row, uint32_t col, uint32_t channel) {
  return ((size_t)(row % shape->rows) * shape->cols + col % shape->cols) * shape->channels +
         channel % shape->channels;
}

/* Every way in which two maps can be broadcast to ROWS x COLS x CHANNELS. */
static void test_broadcasts(uint8_t kind, const void* params, uint32_t params_bytes) {
  uint32_t seed = 5;
  test_case = "broadcast";
  for (uint32_t bits = 0; bits < 64; ++bits) {
    static builder b;
    const map_shape shapes[2] = {
        {TFLM_PATCH_INT8, bits & 1 ? 1 : ROWS, bits & 2 ? 1 : COLS, bits & 4 ? 1 : CHANNELS, 3},
        {TFLM_PATCH_INT8, bits & 8 ? 1 : ROWS, bits & 16 ? 1 : COLS, bits & 32 ? 1 : CHANNELS,
         -128},
    };
    const map_shape output = {TFLM_PATCH_INT8, ROWS, COLS, CHANNELS, 0};
    int8_t values[2][N];
    int8_t expected[N];
    int8_t* out = expected;
    const void* inputs[] = {values[0], values[1]};
    test_fill(&seed, values, sizeof(values));
    for (uint32_t row = 0; row < ROWS; ++row) {
      for (uint32_t col = 0; col < COLS; ++col) {
        for (uint32_t channel = 0; channel < CHANNELS; ++channel) {
          *out++ = one_value(kind, params, 3, -128,
                             values[0][operand_index(&shapes[0], row, col, channel)],
                             values[1][operand_index(&shapes[1], row, col, channel)]);
        }
      }
    }
    builder_init(&b);
    encoded e = one_operator(&b, kind, shapes, 2, output, params, params_bytes);
    check_program(&e, inputs, expected);
    encoded_free(&e);
  }
}

/* The output may take the place of an input. */
static void test_in_place(uint8_t kind, const void* params) {
  int8_t a[N];
  int8_t b[N];
  int8_t expected[N];
  int8_t values[N];
  uint32_t seed = 6;
  test_case = "in place";
  test_fill(&seed, a, N);
  test_fill(&seed, b, N);
  for (uint32_t i = 0; i < N; ++i) {
    expected[i] = one_value(kind, params, 0, 0, a[i], b[i]);
  }
  for (int second = 0; second < 2; ++second) {
    memcpy(values, second ? b : a, N);
    const int8_t* first_operand = second ? a : values;
    const int8_t* second_operand = second ? values : b;
    run_row(kind, params, 0, 0, first_operand, 1, second_operand, 1, values, N);
    CHECK_BYTES(values, expected, N);
  }
}

/* The largest parameters and values that pass the check stay defined. */
static void test_extremes(void) {
  static const int32_t kMultipliers[] = {0, 1 << 30, INT32_MAX, INT32_MIN, -1};
  static const int8_t kValues[] = {-128, 127};
  test_case = "extremes";
  for (size_t i = 0; i < 5; ++i) {
    for (int32_t shift = -31; shift <= 30; ++shift) {
      for (int bits = 0; bits < 16; ++bits) {
        const int8_t a = kValues[bits & 1];
        const int8_t b = kValues[bits >> 1 & 1];
        const int32_t a_zero = kValues[bits >> 2 & 1];
        const int32_t b_zero = kValues[bits >> 3 & 1];
        tflm_patch_mul_params mul = kMul;
        mul.output_multiplier = kMultipliers[i];
        mul.output_shift = shift;
        mul.output_zero_point = a_zero;
        const int8_t product = one_value(TFLM_PATCH_MUL, &mul, a_zero, b_zero, a, b);
        CHECK(product >= mul.act_min && product <= mul.act_max);
        tflm_patch_prelu_params prelu = kPrelu;
        prelu.multiplier[0] = kMultipliers[i];
        prelu.multiplier[1] = kMultipliers[(i + 1) % 5];
        prelu.shift[0] = (int8_t)shift;
        prelu.shift[1] = (int8_t)shift;
        const int8_t rectified = one_value(TFLM_PATCH_PRELU, &prelu, a_zero, b_zero, a, b);
        CHECK(a != a_zero || rectified == 1);
        tflm_patch_add_params add = sample_add();
        add.input_multiplier[0] = kMultipliers[i];
        add.input_multiplier[1] = kMultipliers[(i + 1) % 5];
        add.output_multiplier = kMultipliers[(i + 2) % 5];
        add.output_shift = (int8_t)(shift > 0 ? 0 : shift);
        add.output_zero_point = b_zero;
        add.act_min = -100;
        const int8_t sum = one_value(TFLM_PATCH_ADD, &add, a_zero, b_zero, a, b);
        CHECK(sum >= add.act_min);
        const int8_t difference = one_value(TFLM_PATCH_SUB, &add, a_zero, b_zero, a, b);
        CHECK(difference >= add.act_min);
      }
    }
  }
}

static void test_known_values(void) {
  const tflm_patch_add_params add = sample_add(); /* (a + b) / 2 */
  test_case = "known values";
  CHECK_EQUAL(one_value(TFLM_PATCH_ADD, &add, 0, 0, 10, 20), 15);
  CHECK_EQUAL(one_value(TFLM_PATCH_ADD, &add, 0, 0, 127, 127), 127);
  CHECK_EQUAL(one_value(TFLM_PATCH_ADD, &add, 10, -10, 10, -10), 0);
  CHECK_EQUAL(one_value(TFLM_PATCH_ADD, &add, -128, -128, 127, 127), 127);
  CHECK_EQUAL(one_value(TFLM_PATCH_SUB, &add, 0, 0, 10, 20), -5);
  CHECK_EQUAL(one_value(TFLM_PATCH_SUB, &add, 5, -5, 125, -125), 120);
  CHECK_EQUAL(one_value(TFLM_PATCH_SUB, &add, -128, 127, 127, -128), 127);
  CHECK_EQUAL(one_value(TFLM_PATCH_MAXIMUM, NULL, 9, -9, -128, 127), 127);
  CHECK_EQUAL(one_value(TFLM_PATCH_MAXIMUM, NULL, 9, -9, -3, -4), -3);
  CHECK_EQUAL(one_value(TFLM_PATCH_MINIMUM, NULL, 9, -9, -128, 127), -128);
  CHECK_EQUAL(one_value(TFLM_PATCH_MINIMUM, NULL, 9, -9, -3, -4), -4);
  CHECK_EQUAL(one_value(TFLM_PATCH_PRELU, &kPrelu, 0, 0, 40, 99), 21);
  CHECK_EQUAL(one_value(TFLM_PATCH_PRELU, &kPrelu, 10, 0, 10, 99), 1);
  CHECK_EQUAL(one_value(TFLM_PATCH_PRELU, &kPrelu, 0, 5, -8, 7), 0);
  CHECK_EQUAL(one_value(TFLM_PATCH_PRELU, &kPrelu, 0, 0, -8, -8), 5);
  CHECK_EQUAL(one_value(TFLM_PATCH_PRELU, &kPrelu, 127, -128, -128, 127), -128);
  CHECK_EQUAL(one_value(TFLM_PATCH_MUL, &kMul, 0, 0, 40, 40), 53); /* 60 - 7 */
  CHECK_EQUAL(one_value(TFLM_PATCH_MUL, &kMul, 0, 0, 40, -40), -67);
  CHECK_EQUAL(one_value(TFLM_PATCH_MUL, &kMul, 0, 0, 127, 127), 110);
  CHECK_EQUAL(one_value(TFLM_PATCH_MUL, &kMul, 5, 0, 5, 99), -7);
}

static encoded program_of(uint8_t kind, const void* params, uint32_t bytes) {
  static builder b;
  const map_shape inputs[] = {{TFLM_PATCH_INT8, ROWS, COLS, CHANNELS, 0},
                              {TFLM_PATCH_INT8, ROWS, COLS, CHANNELS, 0}};
  builder_init(&b);
  return one_operator(&b, kind, inputs, 2, inputs[0], params, bytes);
}

static void test_rejected(void) {
  const tflm_patch_add_params add_params = sample_add();
  encoded add = program_of(TFLM_PATCH_ADD, &add_params, sizeof(add_params));
  encoded difference = program_of(TFLM_PATCH_SUB, &add_params, sizeof(add_params));
  encoded prelu = program_of(TFLM_PATCH_PRELU, &kPrelu, sizeof(kPrelu));
  encoded mul = program_of(TFLM_PATCH_MUL, &kMul, sizeof(kMul));
#define REJECT_ADD(change) CHECK_REJECTED(&add, tflm_patch_add_params, change, TFLM_PATCH_BAD_OP)
#define REJECT_SUB(change) \
  CHECK_REJECTED(&difference, tflm_patch_add_params, change, TFLM_PATCH_BAD_OP)
#define REJECT_PRELU(change) \
  CHECK_REJECTED(&prelu, tflm_patch_prelu_params, change, TFLM_PATCH_BAD_OP)
#define REJECT_MUL(change) CHECK_REJECTED(&mul, tflm_patch_mul_params, change, TFLM_PATCH_BAD_OP)
  REJECT_ADD(params->input_shift[0] = 1);
  REJECT_ADD(params->input_shift[1] = -32);
  REJECT_ADD(params->output_shift = 1);
  REJECT_ADD(params->output_shift = -32);
  REJECT_ADD(params->left_shift = 21);
  REJECT_ADD(params->left_shift = -1);
  REJECT_ADD(params->output_zero_point = 128);
  REJECT_ADD(params->output_zero_point = -129);
  REJECT_ADD(params->act_min = -129);
  REJECT_ADD(params->act_max = 128);
  REJECT_ADD((params->act_min = 5, params->act_max = 4));
  REJECT_SUB(params->input_shift[0] = 1);
  REJECT_SUB(params->output_shift = -32);
  REJECT_SUB(params->left_shift = 21);
  REJECT_SUB(encoded_op(&bad, 0)->n_inputs = 1);
  REJECT_PRELU(params->shift[0] = 31);
  REJECT_PRELU(params->shift[1] = -32);
  REJECT_PRELU(params->output_zero_point = 128);
  REJECT_PRELU(encoded_op(&bad, 0)->n_inputs = 1);
  REJECT_MUL(params->output_shift = 31);
  REJECT_MUL(params->output_shift = -32);
  REJECT_MUL(params->output_zero_point = 128);
  REJECT_MUL(params->output_zero_point = INT32_MIN);
  REJECT_MUL(params->act_min = -129);
  REJECT_MUL(params->act_max = 128);
  REJECT_MUL((params->act_min = 5, params->act_max = 4));
  /* The shapes of the first input, the second, the output. */
  for (uint32_t i = 0; i < 3; ++i) {
    REJECT_ADD((encoded_map(&bad, i)->channels = COLS, encoded_map(&bad, i)->cols = CHANNELS));
    REJECT_MUL((encoded_map(&bad, i)->channels = COLS * CHANNELS, encoded_map(&bad, i)->cols = 1));
    REJECT_MUL(
        (encoded_map(&bad, i)->type = TFLM_PATCH_UINT8, bad.tensors[i].type = TFLM_PATCH_UINT8));
  }
  /* An input of 2 rows, 2 columns, 2 channels is not broadcast. */
  for (uint32_t i = 0; i < 2; ++i) {
    REJECT_ADD((encoded_map(&bad, i)->rows = 2, encoded_map(&bad, i)->ring_rows = 2,
                encoded_map(&bad, i)->split = 2, bad.tensors[i].bytes = 2 * COLS * CHANNELS));
    REJECT_MUL((encoded_map(&bad, i)->cols = 2, encoded_map(&bad, i)->row_bytes = 2 * CHANNELS,
                bad.tensors[i].bytes = ROWS * 2 * CHANNELS));
    REJECT_ADD((encoded_map(&bad, i)->channels = 2, encoded_map(&bad, i)->row_bytes = COLS * 2,
                bad.tensors[i].bytes = ROWS * COLS * 2));
  }
  REJECT_ADD((encoded_op(&bad, 0)->n_inputs = 1));
  REJECT_MUL((encoded_op(&bad, 0)->n_inputs = 1, encoded_op(&bad, 0)->n_outputs = 2));
#undef REJECT_ADD
#undef REJECT_SUB
#undef REJECT_PRELU
#undef REJECT_MUL
  encoded_free(&add);
  encoded_free(&difference);
  encoded_free(&prelu);
  encoded_free(&mul);
}

int main(void) {
  const tflm_patch_add_params add = sample_add();
  /* Kernels of rows may treat an input that counts half in a way of their own. */
  tflm_patch_add_params unequal = add;
  unequal.input_multiplier[0] = 1717986918; /* 0.8 / 8 */
  unequal.input_shift[0] = -3;
  tflm_patch_add_params swapped = unequal;
  swapped.input_multiplier[0] = unequal.input_multiplier[1];
  swapped.input_multiplier[1] = unequal.input_multiplier[0];
  swapped.input_shift[0] = unequal.input_shift[1];
  swapped.input_shift[1] = unequal.input_shift[0];
  test_known_values();
  test_broadcasts(TFLM_PATCH_ADD, &add, sizeof(add));
  test_broadcasts(TFLM_PATCH_SUB, &add, sizeof(add));
  test_broadcasts(TFLM_PATCH_MUL, &kMul, sizeof(kMul));
  test_broadcasts(TFLM_PATCH_PRELU, &kPrelu, sizeof(kPrelu));
  test_broadcasts(TFLM_PATCH_MAXIMUM, NULL, 0);
  test_broadcasts(TFLM_PATCH_MINIMUM, NULL, 0);
  test_broadcasts(TFLM_PATCH_ADD, &unequal, sizeof(unequal));
  test_broadcasts(TFLM_PATCH_ADD, &swapped, sizeof(swapped));
  test_in_place(TFLM_PATCH_ADD, &add);
  test_in_place(TFLM_PATCH_ADD, &unequal);
  test_in_place(TFLM_PATCH_ADD, &swapped);
  test_in_place(TFLM_PATCH_SUB, &add);
  test_in_place(TFLM_PATCH_PRELU, &kPrelu);
  test_in_place(TFLM_PATCH_MAXIMUM, NULL);
  test_in_place(TFLM_PATCH_MINIMUM, NULL);
  test_in_place(TFLM_PATCH_MUL, &kMul);
  test_extremes();
  test_rejected();
  return TEST_RESULT();
}
