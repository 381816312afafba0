/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * SPLIT, and what the executor does with operators of several outputs.
 */
#include "reject.h"

enum { kRows = 5, kCols = 6, kChannels = 7, kParts = 3 };

static const uint16_t kColParts[kParts] = {1, 3, 2};
static const uint16_t kChannelParts[kParts] = {4, 1, 2};

/* A split of a tensor into tensors. */
static encoded split_program(uint8_t type, int by_cols) {
  static builder b;
  uint32_t outputs[kParts];
  builder_init(&b);
  const uint32_t input = builder_tensor_map(&b, type, kRows, kCols, kChannels, 0, 0);
  for (int i = 0; i < kParts; ++i) {
    outputs[i] = builder_tensor_map(&b, type, kRows, by_cols ? kColParts[i] : kCols,
                                    by_cols ? kChannels : kChannelParts[i], 0, 1);
  }
  builder_op_outputs(&b, TFLM_PATCH_SPLIT, &input, 1, outputs, kParts, kRows, NULL, 0, 0);
  builder_step(&b, 0, 0, 2);
  builder_step(&b, 0, 2, kRows - 2);
  return builder_encode(&b);
}

static void test_parts(uint8_t type, uint32_t value_bytes, int by_cols) {
  uint8_t values[kRows * kCols * kChannels * 4];
  uint8_t expected[kParts][sizeof(values)];
  uint8_t made[kParts][sizeof(values)];
  const void* inputs[] = {values};
  void* outputs[] = {made[0], made[1], made[2]};
  uint8_t* out[] = {expected[0], expected[1], expected[2]};
  uint32_t seed = 12;
  test_fill(&seed, values, sizeof(values));
  const uint8_t* in = values;
  for (int row = 0; row < kRows; ++row) {
    for (int cell = 0; cell < (by_cols ? 1 : kCols); ++cell) {
      for (int i = 0; i < kParts; ++i) {
        const uint32_t n =
            (by_cols ? (uint32_t)kColParts[i] * kChannels : kChannelParts[i]) * value_bytes;
        memcpy(out[i], in, n);
        out[i] += n;
        in += n;
      }
    }
  }
  encoded e = split_program(type, by_cols);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
  CHECK_EQUAL(encoded_run(&e, inputs, outputs, 0x5A), TFLM_PATCH_OK);
  for (int i = 0; i < kParts; ++i) {
    CHECK_BYTES(made[i], expected[i], (size_t)(out[i] - expected[i]));
  }
  encoded_free(&e);
}

/* SPLIT -> rings of one row -> CONCATENATION the other way round, with an
 * output that nobody reads; too late, when all rows are split first. */
static encoded swap_program(int too_late) {
  static builder b;
  uint32_t parts[kParts];
  builder_init(&b);
  const uint32_t input = builder_tensor_map(&b, TFLM_PATCH_INT8, kRows, kCols, kChannels, 0, 0);
  const uint32_t output = builder_tensor_map(&b, TFLM_PATCH_INT8, kRows, kCols, 5, 0, 1);
  for (int i = 0; i < kParts; ++i) {
    parts[i] = builder_workspace_map(&b, TFLM_PATCH_INT8, kRows, 1, kCols, kChannelParts[i], 0);
  }
  const uint32_t swapped[] = {parts[1], parts[0]};
  builder_op_outputs(&b, TFLM_PATCH_SPLIT, &input, 1, parts, kParts, kRows, NULL, 0, 0);
  builder_op(&b, TFLM_PATCH_CONCATENATION, swapped, 2, output, kRows, NULL, 0, 0);
  if (too_late) {
    builder_step(&b, 0, 0, kRows);
    builder_step(&b, 1, 0, kRows);
  } else {
    builder_stream(&b);
  }
  return builder_encode(&b);
}

static void test_stream(void) {
  uint8_t values[kRows * kCols * kChannels];
  uint8_t expected[kRows * kCols * 5];
  uint8_t made[sizeof(expected)];
  const void* inputs[] = {values};
  void* outputs[] = {made};
  uint32_t seed = 13;
  test_case = "stream";
  test_fill(&seed, values, sizeof(values));
  for (int cell = 0; cell < kRows * kCols; ++cell) {
    expected[cell * 5] = values[cell * kChannels + 4];
    memcpy(expected + cell * 5 + 1, values + cell * kChannels, 4);
  }
  encoded e = swap_program(0);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
  CHECK_EQUAL(encoded_run(&e, inputs, outputs, 0x5A), TFLM_PATCH_OK);
  CHECK_BYTES(made, expected, sizeof(expected));
  encoded_free(&e);
  e = swap_program(1);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_BAD_STEP);
  encoded_free(&e);
}

static void test_rejected(void) {
  encoded channels = split_program(TFLM_PATCH_INT8, 0);
  encoded cols = split_program(TFLM_PATCH_INT8, 1);
#define REJECT(good, change, status) CHECK_REJECTED(good, void, change, status)
  for (uint32_t i = 1; i <= kParts; ++i) {
    REJECT(&channels,
           (encoded_map(&bad, i)->channels += 1, encoded_map(&bad, i)->row_bytes += kCols,
            bad.tensors[i].bytes += kRows * kCols),
           TFLM_PATCH_BAD_OP);
    REJECT(&cols,
           (encoded_map(&bad, i)->cols += 1, encoded_map(&bad, i)->row_bytes += kChannels,
            bad.tensors[i].bytes += kRows * kChannels),
           TFLM_PATCH_BAD_OP);
    REJECT(&cols,
           (encoded_map(&bad, i)->type = TFLM_PATCH_UINT8, bad.tensors[i].type = TFLM_PATCH_UINT8),
           TFLM_PATCH_BAD_OP);
    REJECT(&channels, encoded_map(&bad, i)->producer = 1, TFLM_PATCH_BAD_MAP);
  }
  /* Fewer rows in than out. */
  REJECT(&channels,
         (encoded_map(&bad, 0)->rows = kRows - 1, encoded_map(&bad, 0)->ring_rows = kRows - 1,
          encoded_map(&bad, 0)->split = kRows - 1,
          bad.tensors[0].bytes = (kRows - 1) * kCols * kChannels),
         TFLM_PATCH_BAD_OP);
  REJECT(&channels, encoded_op(&bad, 0)->n_outputs = 2, TFLM_PATCH_BAD_OP);
  REJECT(&channels, encoded_op(&bad, 0)->n_outputs = 0, TFLM_PATCH_BAD_OP);
  REJECT(&channels, encoded_op(&bad, 0)->n_outputs = 4, TFLM_PATCH_BAD_INDEX);
#undef REJECT
  encoded_free(&channels);
  encoded_free(&cols);
}

int main(void) {
  for (int by_cols = 0; by_cols < 2; ++by_cols) {
    test_case = by_cols ? "columns" : "channels";
    test_parts(TFLM_PATCH_INT8, 1, by_cols);
    test_parts(TFLM_PATCH_FLOAT32, 4, by_cols);
  }
  test_stream();
  test_rejected();
  return TEST_RESULT();
}
