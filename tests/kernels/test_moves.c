/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * PERMUTE and GATHER of maps of all types against plain loops; rejections.
 */
#include "rowwise_program.h"

enum { ROWS = 3, COLS = 5, CHANNELS = 4, N = ROWS * COLS * CHANNELS, MOST_BYTES = 4 * N };

static const uint8_t kTypes[] = {TFLM_PATCH_INT8, TFLM_PATCH_INT16, TFLM_PATCH_FLOAT32};
static const uint32_t kBytes[] = {1, 2, 4};
static const uint32_t kSizes[] = {ROWS, COLS, CHANNELS};

static void copy_value(uint8_t** output, const uint8_t* values, const uint32_t* at,
                       uint32_t bytes) {
  memcpy(*output, values + ((at[0] * COLS + at[1]) * CHANNELS + at[2]) * bytes, bytes);
  *output += bytes;
}

static encoded permute_program(uint8_t type, const tflm_patch_permute_params* params) {
  static builder b;
  const uint8_t* order = params->order;
  const map_shape input = {type, ROWS, COLS, CHANNELS, 0};
  const map_shape output = {type, (uint16_t)kSizes[order[0]], (uint16_t)kSizes[order[1]],
                            (uint16_t)kSizes[order[2]], 0};
  builder_init(&b);
  return one_operator(&b, TFLM_PATCH_PERMUTE, &input, 1, output, params, sizeof(*params));
}

static void test_permute(void) {
  static const tflm_patch_permute_params kOrders[] = {{{0, 1, 2}}, {{0, 2, 1}}, {{1, 0, 2}},
                                                      {{1, 2, 0}}, {{2, 0, 1}}, {{2, 1, 0}}};
  uint8_t values[MOST_BYTES];
  uint8_t expected[MOST_BYTES];
  uint32_t seed = 3;
  const void* inputs[] = {values};
  test_case = "permute";
  test_fill(&seed, values, sizeof(values));
  for (size_t t = 0; t < sizeof(kTypes); ++t) {
    for (size_t k = 0; k < sizeof(kOrders) / sizeof(kOrders[0]); ++k) {
      const uint8_t* order = kOrders[k].order;
      uint8_t* out = expected;
      uint32_t at[3];
      for (at[order[0]] = 0; at[order[0]] < kSizes[order[0]]; ++at[order[0]]) {
        for (at[order[1]] = 0; at[order[1]] < kSizes[order[1]]; ++at[order[1]]) {
          for (at[order[2]] = 0; at[order[2]] < kSizes[order[2]]; ++at[order[2]]) {
            copy_value(&out, values, at, kBytes[t]);
          }
        }
      }
      encoded e = permute_program(kTypes[t], &kOrders[k]);
      check_program(&e, inputs, expected);
      encoded_free(&e);
    }
  }
}

/* Input rows, and the first and the last that count as read, of which neither decreases. */
static const uint16_t kRows[] = {2, 0, 2, 0, 0, 2, 1, 1, 2, 1, 1, 2};
static const uint16_t kCols[] = {4, 0, 0, 2, 1, 3};
static const uint16_t kChannels[] = {3, 3, 1};

static encoded gather_program(uint8_t type, int bits) {
  static builder b;
  tflm_patch_gather_params params = {TFLM_PATCH_NONE, TFLM_PATCH_NONE, TFLM_PATCH_NONE};
  const map_shape input = {type, ROWS, COLS, CHANNELS, 0};
  const map_shape output = {type, bits & 1 ? 4 : ROWS, bits & 2 ? 6 : COLS, bits & 4 ? 3 : CHANNELS,
                            0};
  builder_init(&b);
  if (bits & 1) {
    params.row_at = builder_constant(&b, kRows, sizeof(kRows));
  }
  if (bits & 2) {
    params.col_at = builder_constant(&b, kCols, sizeof(kCols));
  }
  if (bits & 4) {
    params.channel_at = builder_constant(&b, kChannels, sizeof(kChannels));
  }
  return one_operator(&b, TFLM_PATCH_GATHER, &input, 1, output, &params, sizeof(params));
}

static void test_gather(void) {
  uint8_t values[MOST_BYTES];
  uint8_t expected[2 * MOST_BYTES];
  uint32_t seed = 4;
  const void* inputs[] = {values};
  test_case = "gather";
  test_fill(&seed, values, sizeof(values));
  for (size_t t = 0; t < sizeof(kTypes); ++t) {
    for (int bits = 0; bits < 8; ++bits) {
      uint8_t* out = expected;
      for (uint32_t row = 0; row < (bits & 1 ? 4 : ROWS); ++row) {
        for (uint32_t col = 0; col < (bits & 2 ? 6 : COLS); ++col) {
          for (uint32_t channel = 0; channel < (bits & 4 ? 3 : CHANNELS); ++channel) {
            const uint32_t at[] = {bits & 1 ? kRows[3 * row] : row, bits & 2 ? kCols[col] : col,
                                   bits & 4 ? kChannels[channel] : channel};
            copy_value(&out, values, at, kBytes[t]);
          }
        }
      }
      encoded e = gather_program(kTypes[t], bits);
      check_program(&e, inputs, expected);
      encoded_free(&e);
    }
  }
}

static void test_rejected(void) {
  static const tflm_patch_permute_params kTurned = {{2, 0, 1}};
  encoded e = permute_program(TFLM_PATCH_INT8, &kTurned);
#define BAD(change) CHECK_REJECTED(&e, tflm_patch_permute_params, change, TFLM_PATCH_BAD_OP)
  BAD(params->order[0] = 3);
  BAD(params->order[0] = 0);
  BAD(params->order[1] = 2);
#undef BAD
  encoded_free(&e);
  e = gather_program(TFLM_PATCH_INT8, 7);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
#define TABLE(at) ((uint16_t*)(void*)(bad.constants + params->at))
#define BAD(change) CHECK_REJECTED(&e, tflm_patch_gather_params, change, TFLM_PATCH_BAD_OP)
  BAD(TABLE(row_at)[3] = ROWS);
  BAD(TABLE(row_at)[5] = ROWS);
  BAD(TABLE(row_at)[8] = 1);  /* the last row of those read decreases */
  BAD(TABLE(row_at)[10] = 0); /* the first one does */
  BAD(TABLE(row_at)[6] = 0);  /* not among those read */
  BAD(TABLE(col_at)[0] = COLS);
  BAD(TABLE(channel_at)[2] = CHANNELS);
  BAD(params->row_at = TFLM_PATCH_NONE);
  BAD(params->col_at = TFLM_PATCH_NONE);
  BAD(params->channel_at = TFLM_PATCH_NONE);
#undef BAD
#undef TABLE
  encoded_free(&e);
}

int main(void) {
  test_permute();
  test_gather();
  test_rejected();
  return TEST_RESULT();
}
