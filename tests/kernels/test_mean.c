/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * MEAN's three forms, extreme values, rejections. The arithmetic is compared
 * with TFLM's in test_golden_maps.c.
 */
#include "rowwise_program.h"
#include "sample_program.h"

enum { ROWS = 5, COLS = 4, CHANNELS = 7, N = ROWS * COLS * CHANNELS };

static tflm_patch_mean_params mean_over(int rows, int cols) {
  tflm_patch_mean_params params = sample_mean((rows ? ROWS : 1u) * (cols ? COLS : 1u));
  params.over_rows = (uint8_t)rows;
  params.over_cols = (uint8_t)cols;
  params.output_zero_point = -3;
  return params;
}

static encoded mean_program(const tflm_patch_mean_params* params, uint32_t batch) {
  static builder b;
  builder_init(&b);
  const uint32_t output_cols = params->over_cols ? 1 : COLS;
  const uint32_t input = builder_tensor_map(&b, TFLM_PATCH_INT8, ROWS, COLS, CHANNELS, 9, 0);
  const uint32_t output = builder_tensor_map(&b, TFLM_PATCH_INT8, params->over_rows ? 1 : ROWS,
                                             output_cols, CHANNELS, 0, 1);
  builder_op(&b, TFLM_PATCH_MEAN, &input, 1, output, ROWS, params, sizeof(*params),
             params->over_rows ? 4 * output_cols * CHANNELS : 0);
  for (uint32_t row = 0; row < ROWS; row += batch) {
    builder_step(&b, 0, row, row + batch <= ROWS ? batch : ROWS - row);
  }
  return builder_encode(&b);
}

/* Sums over all values that belong to an output, then the row kernel's end. */
static void expected_mean(const tflm_patch_mean_params* params, const int8_t* input,
                          int8_t* output) {
  int32_t sums[N] = {0};
  const uint32_t cols = params->over_cols ? 1 : COLS;
  const uint32_t rows = params->over_rows ? 1 : ROWS;
  for (uint32_t row = 0; row < ROWS; ++row) {
    for (uint32_t col = 0; col < COLS; ++col) {
      for (uint32_t channel = 0; channel < CHANNELS; ++channel) {
        sums[((row % rows) * cols + col % cols) * CHANNELS + channel] += *input++;
      }
    }
  }
  tflm_patch_mean_finish_s8(params, 9, sums, N / (rows * cols * CHANNELS), output,
                            rows * cols * CHANNELS);
}

static void test_forms(void) {
  uint32_t seed = 21;
  for (int form = 1; form < 4; ++form) {
    const tflm_patch_mean_params params = mean_over(form & 1, form >> 1);
    int8_t input[N];
    int8_t expected[N];
    const void* inputs[] = {input};
    test_case = form == 1 ? "rows" : form == 2 ? "columns" : "both";
    for (uint32_t batch = 1; batch <= ROWS; ++batch) {
      test_fill(&seed, input, N);
      expected_mean(&params, input, expected);
      encoded e = mean_program(&params, batch);
      check_program(&e, inputs, expected);
      encoded_free(&e);
    }
  }
}

/* Of equal scales: the mean less the input's zero point. It is rounded twice,
 * at halves and at wholes, so that 10.25 becomes 10.5 and then 11, as in TFLM.
 */
static void test_known_values(void) {
  const tflm_patch_mean_params params = sample_mean(4);
  static const struct {
    int32_t sum;
    int32_t zero_point;
    int8_t mean;
  } kCases[] = {
      {40, 0, 10},   {41, 0, 11},      {42, 0, 11},       {43, 0, 11},
      {-42, 0, -11}, {-41, 0, -10},    {512, 0, 127},     {-516, 0, -128},
      {40, 10, 0},   {508, -128, 127}, {-512, 127, -128},
  };
  test_case = "known values";
  for (size_t i = 0; i < sizeof(kCases) / sizeof(kCases[0]); ++i) {
    int8_t output = 0;
    tflm_patch_mean_finish_s8(&params, kCases[i].zero_point, &kCases[i].sum, 4, &output, 1);
    CHECK_EQUAL(output, kCases[i].mean);
  }
}

/* The largest count: sums and their offsets stay in int32. */
static void test_extremes(void) {
  const int32_t count = 1 << 23;
  test_case = "extremes";
  for (int32_t shift = -31; shift <= 30; ++shift) {
    tflm_patch_mean_params params = sample_mean((uint32_t)count);
    const int32_t sums[] = {-128 * count, 127 * count};
    int8_t output[2];
    CHECK_EQUAL(params.shift, -22);
    tflm_patch_mean_finish_s8(&params, 127, sums, (uint32_t)count, output, 2);
    CHECK_EQUAL(output[0], -128);
    CHECK_EQUAL(output[1], 0);
    tflm_patch_mean_finish_s8(&params, -128, sums, (uint32_t)count, output, 2);
    CHECK_EQUAL(output[0], 0);
    CHECK_EQUAL(output[1], 127);
    params.shift = shift; /* nonsense, but defined */
    params.multiplier = INT32_MIN;
    tflm_patch_mean_finish_s8(&params, 127, sums, (uint32_t)count, output, 2);
    CHECK_EQUAL(output[1], 0);
  }
}

static void test_rejected(void) {
  const tflm_patch_mean_params both_params = mean_over(1, 1);
  const tflm_patch_mean_params cols_params = mean_over(0, 1);
  encoded both = mean_program(&both_params, 1);
  encoded cols = mean_program(&cols_params, 1);
#define REJECT(good, change, status) \
  CHECK_REJECTED(good, tflm_patch_mean_params, change, TFLM_PATCH_##status)
  REJECT(&both, params->over_rows = 0, BAD_OP);
  REJECT(&both, params->over_cols = 0, BAD_OP);
  REJECT(&both, params->over_rows = 2, BAD_OP);
  REJECT(&both, params->over_cols = 2, BAD_OP);
  REJECT(&cols, params->over_cols = 0, BAD_OP);
  REJECT(&cols, params->over_rows = 1, BAD_OP);
  REJECT(&cols,
         (params->over_cols = 0, encoded_map(&bad, 1)->cols = COLS,
          encoded_map(&bad, 1)->row_bytes = COLS * CHANNELS, bad.tensors[1].bytes = N),
         BAD_OP);
  REJECT(&both, encoded_op(&bad, 0)->n_outputs = 0, BAD_OP);
  REJECT(&both, params->shift = 31, BAD_OP);
  REJECT(&both, params->shift = -32, BAD_OP);
  REJECT(&both, params->output_zero_point = 128, BAD_OP);
  REJECT(&both, params->output_zero_point = -129, BAD_OP);
  REJECT(&both, encoded_op(&bad, 0)->steps = 1, BAD_OP);
  REJECT(&both, encoded_op(&bad, 0)->scratch_bytes = 4 * CHANNELS - 1, BAD_SIZE);
  REJECT(&both, (encoded_map(&bad, 0)->channels = 1, encoded_map(&bad, 0)->cols = COLS * CHANNELS),
         BAD_OP);
  REJECT(&both,
         (encoded_map(&bad, 0)->type = TFLM_PATCH_UINT8, bad.tensors[0].type = TFLM_PATCH_UINT8),
         BAD_OP);
  REJECT(&both,
         (encoded_map(&bad, 1)->type = TFLM_PATCH_UINT8, bad.tensors[1].type = TFLM_PATCH_UINT8),
         BAD_OP);
#undef REJECT
  encoded_free(&both);
  encoded_free(&cols);
}

/* More than 2^23 values in a mean: only the declared sizes matter. */
static void test_too_many_values(void) {
  for (uint32_t rows = 129; rows <= 130; ++rows) {
    static builder b;
    const tflm_patch_mean_params params = sample_mean(4);
    test_case = "too many values";
    builder_init(&b);
    const uint32_t input = builder_tensor_map(&b, TFLM_PATCH_INT8, rows, 0xFE03, 1, 0, 0);
    const uint32_t output = builder_tensor_map(&b, TFLM_PATCH_INT8, 1, 1, 1, 0, 1);
    builder_op(&b, TFLM_PATCH_MEAN, &input, 1, output, rows, &params, sizeof(params), 4);
    builder_step(&b, 0, 0, rows);
    encoded e = builder_encode(&b);
    /* 129 * 0xFE03 is 2^23 less 125. */
    CHECK_EQUAL(encoded_validate(&e), rows == 129 ? TFLM_PATCH_OK : TFLM_PATCH_BAD_OP);
    encoded_free(&e);
  }
}

int main(void) {
  test_forms();
  test_known_values();
  test_extremes();
  test_rejected();
  test_too_many_values();
  return TEST_RESULT();
}
