/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rowwise_program.h"
#include "sample_program.h"

enum { MAX_VALUES = 2048 };

typedef struct {
  uint32_t rows, cols, channels;
  uint32_t kernel_h, kernel_w, stride_h, stride_w;
  int pad_top, pad_left;
  uint32_t output_rows, output_cols;
  int act_min, act_max;
} pool_case;

/* Straight from the definition: over all cells of the window inside the map,
 * the maximum, or the mean rounded to nearest, halves away from zero. */
static int8_t pool_cell(const pool_case* c, const int8_t* input, int is_max, uint32_t row,
                        uint32_t col, uint32_t channel) {
  int64_t sum = 0;
  int64_t count = 0;
  int64_t best = INT8_MIN;
  for (uint32_t i = 0; i < c->kernel_h; ++i) {
    for (uint32_t j = 0; j < c->kernel_w; ++j) {
      const int64_t y = (int64_t)row * c->stride_h + i - c->pad_top;
      const int64_t x = (int64_t)col * c->stride_w + j - c->pad_left;
      if (y >= 0 && y < c->rows && x >= 0 && x < c->cols) {
        const int8_t value = input[((size_t)y * c->cols + (size_t)x) * c->channels + channel];
        sum += value;
        ++count;
        best = value > best ? value : best;
      }
    }
  }
  if (!is_max) {
    const int64_t twice = 2 * (sum < 0 ? -sum : sum) + count;
    best = (sum < 0 ? -1 : 1) * (twice / (2 * count));
  }
  best = best < c->act_min ? c->act_min : best;
  return (int8_t)(best > c->act_max ? c->act_max : best);
}

static void expected_pool(const pool_case* c, const int8_t* input, int is_max, int8_t* output) {
  for (uint32_t row = 0; row < c->output_rows; ++row) {
    for (uint32_t col = 0; col < c->output_cols; ++col) {
      for (uint32_t channel = 0; channel < c->channels; ++channel) {
        *output++ = pool_cell(c, input, is_max, row, col, channel);
      }
    }
  }
}

static tflm_patch_pool_params params_of(const pool_case* c) {
  const tflm_patch_pool_params params = {
      .window = {.kernel_h = (uint8_t)c->kernel_h,
                 .kernel_w = (uint8_t)c->kernel_w,
                 .stride_h = (uint8_t)c->stride_h,
                 .stride_w = (uint8_t)c->stride_w,
                 .dilation_h = 1,
                 .dilation_w = 1,
                 .pad_top = (int16_t)c->pad_top,
                 .pad_left = (int16_t)c->pad_left},
      .act_min = (int16_t)c->act_min,
      .act_max = (int16_t)c->act_max,
  };
  return params;
}

static encoded pool_program(const pool_case* c, uint8_t kind, int accumulate) {
  static builder b;
  tflm_patch_pool_params params = params_of(c);
  uint32_t steps = c->output_rows;
  uint32_t scratch = 0;
  builder_init(&b);
  const uint32_t input =
      builder_tensor_map(&b, TFLM_PATCH_INT8, c->rows, c->cols, c->channels, 0, 0);
  const uint32_t output =
      builder_tensor_map(&b, TFLM_PATCH_INT8, c->output_rows, c->output_cols, c->channels, 0, 1);
  if (accumulate) {
    const uint32_t reach = c->kernel_h - (uint32_t)c->pad_top;
    params.accumulate = 1;
    steps = reach < c->rows ? reach : c->rows;
    scratch = 4 * c->output_cols * c->channels;
  }
  builder_op(&b, kind, &input, 1, output, steps, &params, sizeof(params), scratch);
  builder_stream(&b);
  return builder_encode(&b);
}

static void check_case(const pool_case* c) {
  int8_t input[MAX_VALUES];
  int8_t expected[MAX_VALUES];
  const void* inputs[] = {input};
  uint32_t seed = c->rows * 31 + c->cols;
  test_fill(&seed, input, (size_t)c->rows * c->cols * c->channels);

  expected_pool(c, input, 1, expected);
  encoded e = pool_program(c, TFLM_PATCH_MAX_POOL_2D, 0);
  check_program(&e, inputs, expected);
  encoded_free(&e);

  if ((uint32_t)c->pad_top < c->kernel_h && (uint32_t)c->pad_left < c->kernel_w) {
    for (int accumulate = 0; accumulate <= (c->output_rows == 1); ++accumulate) {
      expected_pool(c, input, 0, expected);
      e = pool_program(c, TFLM_PATCH_AVERAGE_POOL_2D, accumulate);
      check_program(&e, inputs, expected);
      encoded_free(&e);
    }
  }
}

static void test_windows(void) {
  static const pool_case kCases[] = {
      {6, 5, 3, 3, 3, 1, 1, 1, 1, 6, 5, -128, 127},  /* same */
      {7, 7, 17, 2, 2, 2, 2, 0, 0, 3, 3, -128, 127}, /* valid, rest left over */
      {7, 5, 33, 3, 2, 2, 1, 1, 0, 4, 5, -100, 90},
      {4, 9, 16, 4, 9, 1, 1, 0, 0, 1, 1, -128, 127}, /* global */
      {5, 6, 4, 5, 3, 1, 2, 0, 1, 1, 3, -3, 3},      /* one output row */
      {5, 6, 4, 7, 7, 1, 1, 1, 3, 1, 6, -128, 127},  /* kernel beyond the map */
      {5, 6, 4, 3, 4, 1, 1, 2, 3, 1, 6, -128, 127},  /* part of the rows */
      {1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, -128, 127},
      {9, 1, 2, 2, 1, 3, 255, 0, 0, 3, 1, -128, 127},
      {1, 12, 5, 255, 255, 1, 1, 127, 127, 1, 12, -128, 127},
      {3, 3, 2, 2, 2, 1, 1, 3, 3, 8, 8, -60, 127}, /* max: all in the padding */
  };
  test_case = "windows";
  for (size_t i = 0; i < sizeof(kCases) / sizeof(kCases[0]); ++i) {
    check_case(&kCases[i]);
  }
}

/* Halves, and the ends of the range. */
static void test_rounding(void) {
  static const struct {
    int8_t values[4];
    int8_t mean;
  } kCases[] = {
      {{1, 1, 1, -1}, 1},     /* 0.5 */
      {{-1, -1, -1, 1}, -1},  /* -0.5 */
      {{1, 0, 0, 0}, 0},      /* 0.25 */
      {{3, 3, 2, 2}, 3},      /* 2.5 */
      {{-3, -3, -2, -2}, -3}, /* -2.5 */
      {{127, 127, 127, 126}, 127}, {{-128, -128, -128, -128}, -128},
  };
  test_case = "rounding";
  for (size_t i = 0; i < sizeof(kCases) / sizeof(kCases[0]); ++i) {
    const tflm_patch_pool_params params = sample_pool(2, 2, 0);
    const tflm_patch_rows view = {kCases[i].values, 2, 2, 2, 2, 1, NULL, 2};
    int8_t output = 0;
    int32_t sum = 0;
    tflm_patch_pool(TFLM_PATCH_AVERAGE_POOL_2D, &params, &view, 0, &output, 1);
    CHECK_EQUAL(output, kCases[i].mean);
    tflm_patch_average_pool_accumulate(&params, kCases[i].values, 2, 1, &sum, 1, 1);
    tflm_patch_average_pool_accumulate(&params, kCases[i].values + 2, 2, 1, &sum, 1, 1);
    tflm_patch_average_pool_finish(&params, &sum, 2, 2, 1, &output, 1, 1);
    CHECK_EQUAL(output, kCases[i].mean);
  }
}

static uint32_t between(uint32_t* seed, uint32_t low, uint32_t high) {
  return low + test_random(seed) % (high - low + 1);
}

/* An output size whose every window has a cell in the map. */
static uint32_t random_size(uint32_t* seed, uint32_t size, uint32_t kernel, uint32_t stride,
                            int* pad) {
  *pad = (int)between(seed, 0, kernel - 1);
  return between(seed, 1, (size - 1 + (uint32_t)*pad) / stride + 1);
}

static void test_random_cases(void) {
  uint32_t seed = 4;
  test_case = "random";
  for (int i = 0; i < 300; ++i) {
    pool_case c = {
        .rows = between(&seed, 1, 8),
        .cols = between(&seed, 1, 8),
        .channels = between(&seed, 1, 31),
        .kernel_h = between(&seed, 1, 6),
        .kernel_w = between(&seed, 1, 6),
        .stride_h = between(&seed, 1, 3),
        .stride_w = between(&seed, 1, 3),
        .act_min = (int)between(&seed, 0, 90) - 128,
        .act_max = (int)between(&seed, 0, 127),
    };
    c.output_rows = random_size(&seed, c.rows, c.kernel_h, c.stride_h, &c.pad_top);
    c.output_cols = random_size(&seed, c.cols, c.kernel_w, c.stride_w, &c.pad_left);
    if (c.output_rows * c.output_cols * c.channels <= MAX_VALUES) {
      check_case(&c);
    }
  }
}

/* Sums of many values, those next to a half among them. */
static void test_counts(void) {
  static const uint32_t kCounts[] = {1, 2, 3, 7, 49, 255, 256, 4095, 4096, 4097, 65025, 65535};
  const tflm_patch_pool_params params = sample_pool(1, 1, 0);
  uint32_t seed = 6;
  test_case = "counts";
  for (size_t i = 0; i < sizeof(kCounts) / sizeof(kCounts[0]); ++i) {
    const int32_t count = (int32_t)kCounts[i];
    for (int j = 0; j < 200; ++j) {
      int32_t sums[5];
      int8_t output[5];
      for (int k = 0; k < 5; ++k) {
        const int32_t mean = (int32_t)between(&seed, 0, 255) - 128;
        sums[k] = mean * count + (count / 2) * (mean < 0 ? -1 : 1) + k - 2;
        sums[k] = sums[k] < -128 * count  ? -128 * count
                  : sums[k] > 127 * count ? 127 * count
                                          : sums[k];
      }
      tflm_patch_average_pool_finish(&params, sums, kCounts[i], 1, 5, output, 1, 1);
      for (int k = 0; k < 5; ++k) {
        const int64_t size = sums[k] < 0 ? -(int64_t)sums[k] : sums[k];
        const int64_t mean = (2 * size + count) / (2 * count);
        CHECK_EQUAL(output[k], sums[k] < 0 ? -mean : mean);
      }
    }
  }
}

/* A ring that starts in its middle. */
static void test_ring(void) {
  const tflm_patch_pool_params params = sample_pool(3, 1, 0);
  /* Rows 4, 5, 3 of a map of three columns, 4 bytes apart. */
  static const int8_t kRing[] = {4, 5, 6, 99, 7, 8, 9, 99, 1, 2, 3, 99};
  const tflm_patch_rows view = {kRing, 4, 3, 9, 3, 1, NULL, 3};
  int8_t output = 0;
  test_case = "ring";
  /* Row 3 of the output reads rows 3..5, in slots 0, 1, 2 of 3. */
  tflm_patch_pool(TFLM_PATCH_AVERAGE_POOL_2D, &params, &view, 3, &output, 1);
  CHECK_EQUAL(output, 5);
  tflm_patch_pool(TFLM_PATCH_MAX_POOL_2D, &params, &view, 3, &output, 1);
  CHECK_EQUAL(output, 9);
}

static void test_rejected(void) {
  const pool_case c = {6, 5, 3, 3, 3, 1, 1, 1, 1, 6, 5, -128, 127};
  const pool_case one_row = {4, 5, 3, 5, 3, 1, 1, 1, 1, 1, 5, -128, 127};
  encoded average = pool_program(&c, TFLM_PATCH_AVERAGE_POOL_2D, 0);
  encoded max = pool_program(&c, TFLM_PATCH_MAX_POOL_2D, 0);
  /* The last window begins right before row 1 + INT16_MAX. */
  const pool_case long_case = {1, 1, 1, 1, 1, 254, 1, 0, 0, 130, 1, -128, 127};
  encoded far = pool_program(&long_case, TFLM_PATCH_MAX_POOL_2D, 0);
  test_case = "windows far behind the map";
  CHECK_EQUAL(encoded_validate(&far), TFLM_PATCH_OK);
  encoded sums = pool_program(&one_row, TFLM_PATCH_AVERAGE_POOL_2D, 1);
#define REJECT_BOTH(change)                                                    \
  CHECK_REJECTED(&average, tflm_patch_pool_params, change, TFLM_PATCH_BAD_OP); \
  CHECK_REJECTED(&max, tflm_patch_pool_params, change, TFLM_PATCH_BAD_OP)
  REJECT_BOTH(params->window.kernel_h = 0);
  REJECT_BOTH(params->window.kernel_w = 0);
  REJECT_BOTH(params->window.stride_h = 0);
  REJECT_BOTH(params->window.stride_w = 0);
  REJECT_BOTH(params->window.dilation_h = 0);
  REJECT_BOTH(params->window.dilation_h = 2);
  REJECT_BOTH(params->window.dilation_w = 2);
  REJECT_BOTH(params->window.pad_top = -1);
  REJECT_BOTH(params->window.pad_left = -1);
  REJECT_BOTH(params->act_min = -129);
  REJECT_BOTH(params->act_max = 128);
  REJECT_BOTH((params->act_min = 1, params->act_max = 0));
  REJECT_BOTH(params->accumulate = 2);
  REJECT_BOTH((encoded_map(&bad, 1)->channels = 1, encoded_map(&bad, 1)->cols = 15));
  REJECT_BOTH(
      (encoded_map(&bad, 0)->type = TFLM_PATCH_UINT8, bad.tensors[0].type = TFLM_PATCH_UINT8));
  REJECT_BOTH(
      (encoded_map(&bad, 1)->type = TFLM_PATCH_UINT8, bad.tensors[1].type = TFLM_PATCH_UINT8));
#undef REJECT_BOTH
  /* A window of an average without a cell, on each side. */
#define REJECT(good, change, status) \
  CHECK_REJECTED(good, tflm_patch_pool_params, change, TFLM_PATCH_##status)
  REJECT(&average, params->window.pad_top = 3, BAD_OP);
  REJECT(&average, params->window.pad_left = 3, BAD_OP);
  REJECT(&average, params->window.stride_h = 2, BAD_OP);
  REJECT(&average, params->window.stride_w = 2, BAD_OP);
  REJECT(&max, params->accumulate = 1, BAD_OP);
  REJECT(&far, params->window.stride_h = 255, BAD_OP);
  REJECT(&sums, params->accumulate = 2, BAD_OP);
  REJECT(&sums, params->first_row = 1, BAD_OP);
  REJECT(&sums, params->window.kernel_h = 4, BAD_OP); /* fewer steps */
  REJECT(&sums, params->window.pad_top = 2, BAD_OP);
  REJECT(&sums, encoded_op(&bad, 0)->steps = 3, BAD_OP);
  REJECT(&sums, encoded_op(&bad, 0)->scratch_bytes = 59, BAD_SIZE);
  REJECT(&sums, params->accumulate = 0, BAD_OP); /* one row, four steps */
#undef REJECT
  encoded_free(&average);
  encoded_free(&max);
  encoded_free(&far);
  encoded_free(&sums);
}

int main(void) {
  test_windows();
  test_random_cases();
  test_rounding();
  test_counts();
  test_ring();
  test_rejected();
  return TEST_RESULT();
}
