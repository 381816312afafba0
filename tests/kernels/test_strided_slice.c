/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rowwise_program.h"

enum { kRows = 7, kCols = 6, kChannels = 5, kValues = 7 * 6 * 5 };

/* The size that a slice of an axis has. */
typedef struct {
  tflm_patch_strided_slice_params params;
  uint16_t rows;
  uint16_t cols;
  uint16_t channels;
} slice;

static const slice kSlices[] = {
    {{0, 0, 0, 1, 1, 1}, kRows, kCols, kChannels},
    {{0, 0, 1, 1, 1, 1}, kRows, kCols, 3},
    {{0, 0, 1, 1, 1, 2}, kRows, kCols, 2},
    {{0, 0, 4, 1, 1, -2}, kRows, kCols, 3},
    {{0, 2, 0, 1, 1, 1}, kRows, 4, kChannels},
    {{0, 1, 0, 1, 2, 1}, kRows, 3, kChannels},
    {{0, 5, 1, 1, -5, 1}, kRows, 2, 4},
    {{2, 0, 0, 1, 1, 1}, 3, kCols, kChannels},
    {{1, 1, 4, 3, 2, -4}, 2, 2, 2},
    {{6, 5, 4, 1, 1, 1}, 1, 1, 1},
};

static encoded slice_program(const slice* s, uint8_t type) {
  static builder b;
  const map_shape from = {type, kRows, kCols, kChannels, 0};
  const map_shape to = {type, s->rows, s->cols, s->channels, 0};
  builder_init(&b);
  return one_operator(&b, TFLM_PATCH_STRIDED_SLICE, &from, 1, to, &s->params, sizeof(s->params));
}

/* The slice value by value. */
static void take(const slice* s, const uint8_t* values, uint32_t value_bytes, uint8_t* out) {
  const tflm_patch_strided_slice_params* p = &s->params;
  for (int32_t row = 0; row < s->rows; ++row) {
    for (int32_t col = 0; col < s->cols; ++col) {
      for (int32_t channel = 0; channel < s->channels; ++channel) {
        const int32_t at =
            ((p->begin_row + row * p->row_stride) * kCols + p->begin_col + col * p->col_stride) *
                kChannels +
            p->begin_channel + channel * p->channel_stride;
        memcpy(out, values + (uint32_t)at * value_bytes, value_bytes);
        out += value_bytes;
      }
    }
  }
}

static void test_slices(void) {
  static const uint8_t kTypes[] = {TFLM_PATCH_INT8, TFLM_PATCH_INT16, TFLM_PATCH_FLOAT32};
  static const uint32_t kBytes[] = {1, 2, 4};
  uint8_t values[kValues * 4];
  uint8_t expected[kValues * 4];
  const void* inputs[] = {values};
  uint32_t seed = 11;
  test_fill(&seed, values, sizeof(values));
  for (size_t i = 0; i < sizeof(kSlices) / sizeof(kSlices[0]); ++i) {
    for (int type = 0; type < 3; ++type) {
      static char name[40];
      snprintf(name, sizeof(name), "slice %zu of %u bytes", i, (unsigned)kBytes[type]);
      test_case = name;
      take(&kSlices[i], values, kBytes[type], expected);
      encoded e = slice_program(&kSlices[i], kTypes[type]);
      check_program(&e, inputs, expected);
      encoded_free(&e);
    }
  }
}

/* With positive strides, a row may replace the one that it is cut from. */
static void test_in_place(void) {
  static const uint8_t kCells[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  static const uint8_t kExpected[] = {5, 7, 9, 11};
  const tflm_patch_strided_slice_params params = {0, 1, 1, 1, 1, 2};
  uint8_t values[sizeof(kCells)];
  test_case = "in place";
  memcpy(values, kCells, sizeof(kCells));
  tflm_patch_strided_slice_row(&params, values, 4, 1, values, 2, 2);
  CHECK_BYTES(values, kExpected, sizeof(kExpected));
}

static void test_rejected(void) {
  encoded e = slice_program(&kSlices[8], TFLM_PATCH_INT8);
  encoded one = slice_program(&kSlices[9], TFLM_PATCH_INT8);
#define REJECT(good, change) \
  CHECK_REJECTED(good, tflm_patch_strided_slice_params, change, TFLM_PATCH_BAD_OP)
  REJECT(&e, params->begin_row = 4);
  REJECT(&e, params->row_stride = 6);
  REJECT(&e, params->row_stride = 0xFFFF);
  REJECT(&e, params->row_stride = 0);
  REJECT(&e, params->begin_col = kCols);
  REJECT(&e, params->col_stride = 5);
  REJECT(&e, params->col_stride = -2);
  REJECT(&e, params->col_stride = 0);
  REJECT(&e, params->begin_channel = kChannels);
  REJECT(&e, params->channel_stride = -5);
  REJECT(&e, params->channel_stride = INT32_MIN);
  REJECT(&e, params->channel_stride = INT32_MAX);
  REJECT(&one, params->row_stride = 0);
  REJECT(&one, params->col_stride = INT32_MAX);
  REJECT(&one, params->channel_stride = INT32_MIN);
  REJECT(&e,
         (encoded_map(&bad, 0)->type = TFLM_PATCH_UINT8, bad.tensors[0].type = TFLM_PATCH_UINT8));
#undef REJECT
  encoded_free(&e);
  encoded_free(&one);
}

int main(void) {
  test_slices();
  test_in_place();
  test_rejected();
  return TEST_RESULT();
}
