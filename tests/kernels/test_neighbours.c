/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * NEIGHBOURS against plain loops, of maps and of rings; NODE_ORDER into an order and back, in the
 * memory of its map; rejections. The arithmetic is compared with TFLM's in tests/e2e.
 */
#include "neighbours_program.h"
#include "requantize.h"

enum { MOST_VALUES = 2 * 37 };

/* What a program of graph_params says, from its constants. */
static void expect(const encoded* e, uint32_t op, const int8_t* input, uint32_t values,
                   int8_t* expected) {
  const tflm_patch_neighbours_params* params =
      (const tflm_patch_neighbours_params*)encoded_params(e, op);
#define CONSTANT(type, at) ((const type*)(const void*)(e->constants + params->at))
  for (uint32_t row = 0; row < GRAPH_NODES; ++row) {
    const uint32_t scale = params->requant.per_channel ? row : 0;
    for (uint32_t i = 0; i < values; ++i) {
      uint32_t sum = (uint32_t)CONSTANT(int32_t, bias_at)[row];
      for (uint32_t k = kGraphStarts[row]; k < kGraphStarts[row + 1]; ++k) {
        sum += (uint32_t)((CONSTANT(int8_t, weights_at)[k] - GRAPH_WEIGHTS_ZERO_POINT) *
                          input[CONSTANT(uint16_t, nodes_at)[k] * values + i]);
      }
      expected[row * values + i] = (int8_t)tflm_patch_requantize(
          (int32_t)sum, CONSTANT(int32_t, requant.multiplier_at)[scale],
          CONSTANT(int8_t, requant.shift_at)[scale], 9, -100, 120);
    }
  }
#undef CONSTANT
}

static void test_against_loops(uint16_t cols, uint16_t channels, int per_node, int ring) {
  static int8_t input[GRAPH_NODES * MOST_VALUES];
  static int8_t expected[sizeof(input)];
  const void* inputs[] = {input};
  uint32_t seed = 17u * channels;
  encoded e = graph_program(cols, channels, per_node, ring);
  test_case = ring ? "ring" : "map";
  test_fill(&seed, input, sizeof(input));
  expect(&e, ring ? 1 : 0, input, (uint32_t)cols * channels, expected);
  check_program(&e, inputs, expected);
  encoded_free(&e);
}

static void test_order(uint8_t type, uint32_t bytes) {
  uint8_t input[GRAPH_NODES * 6 * 4];
  uint8_t expected[sizeof(input)];
  const void* inputs[] = {input};
  const uint32_t row_bytes = 6 * bytes;
  uint32_t seed = 3;
  test_fill(&seed, input, sizeof(input));
  for (uint32_t back = 0; back < 2; ++back) {
    for (uint32_t row = 0; row < GRAPH_NODES; ++row) {
      const uint32_t from = back ? row : kGraphOrder[row];
      const uint32_t to = back ? kGraphOrder[row] : row;
      memcpy(expected + to * row_bytes, input + from * row_bytes, row_bytes);
    }
    encoded e = node_order_program(type, back ? kGraphExchangesBack : kGraphExchanges, back);
    test_case = back ? "back" : "into an order";
    check_program(&e, inputs, expected);
    encoded_free(&e);
  }
}

static void test_rejected(void) {
  encoded e = graph_program(1, 5, 1, 0);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
#define AT(type, at) ((type*)(void*)(bad.constants + params->at))
#define BAD(change, status) CHECK_REJECTED(&e, tflm_patch_neighbours_params, change, status)
  BAD(AT(uint32_t, starts_at)[0] = 1, TFLM_PATCH_BAD_OP);
  BAD(AT(uint32_t, starts_at)[2] = 2, TFLM_PATCH_BAD_OP); /* goes back */
  BAD(AT(uint32_t, starts_at)[3] = 0xFFFFFFFF, TFLM_PATCH_BAD_OP);
  BAD(AT(uint32_t, starts_at)[GRAPH_NODES] += 1, TFLM_PATCH_BAD_OP);
  BAD(AT(uint16_t, nodes_at)[0] = GRAPH_NODES, TFLM_PATCH_BAD_OP);
  BAD(AT(uint16_t, nodes_at)[4] = 0, TFLM_PATCH_BAD_OP); /* before its span */
  BAD(AT(uint16_t, nodes_at)[4] = 5, TFLM_PATCH_BAD_OP); /* behind it */
  BAD(AT(uint16_t, spans_at)[1] = GRAPH_NODES, TFLM_PATCH_BAD_OP);
  BAD(AT(uint16_t, spans_at)[2 * 5] = 2, TFLM_PATCH_BAD_OP);     /* the first row goes back */
  BAD(AT(uint16_t, spans_at)[2 * 5 + 1] = 4, TFLM_PATCH_BAD_OP); /* the last one does */
  BAD(params->connections -= 1, TFLM_PATCH_BAD_OP);
  BAD(params->weights_zero_point = 128, TFLM_PATCH_BAD_OP);
  BAD(params->requant.per_channel = 2, TFLM_PATCH_BAD_OP);
  BAD(params->connections = 0x7FFFFFFF, TFLM_PATCH_BAD_SIZE);
  BAD(params->bias_at = 0xFFFFFFF0, TFLM_PATCH_BAD_SIZE);
  BAD(params->nodes_at += 1, TFLM_PATCH_BAD_ALIGNMENT);
  BAD(params->requant.multiplier_at += 2, TFLM_PATCH_BAD_ALIGNMENT);
#undef BAD
  encoded_free(&e);
  e = node_order_program(TFLM_PATCH_INT8, kGraphExchanges, 0);
#define BAD(change, status) CHECK_REJECTED(&e, tflm_patch_node_order_params, change, status)
  BAD(AT(uint16_t, exchanges_at)[1] = 0, TFLM_PATCH_BAD_OP); /* a row that is taken */
  BAD(AT(uint16_t, exchanges_at)[3] = GRAPH_NODES, TFLM_PATCH_BAD_OP);
  BAD(params->back = 1, TFLM_PATCH_BAD_OP);
  BAD(params->back = 2, TFLM_PATCH_BAD_OP);
  BAD(params->exchanges_at += 1, TFLM_PATCH_BAD_ALIGNMENT);
  BAD(params->exchanges_at = 0xFFFFFFF0, TFLM_PATCH_BAD_SIZE);
  encoded_free(&e);
  e = node_order_program(TFLM_PATCH_INT8, kGraphExchangesBack, 1);
  BAD(AT(uint16_t, exchanges_at)[1] = 2, TFLM_PATCH_BAD_OP); /* no row is there yet */
  BAD(params->back = 0, TFLM_PATCH_BAD_OP);
  encoded_free(&e);
#undef BAD
#undef AT
}

/* Constants are never written: they lie in flash. */
static void test_constant(void) {
  static builder b;
  static const int8_t kRows[GRAPH_NODES * 2] = {1, 2, 3};
  builder_init(&b);
  const uint32_t in = builder_tensor_map(&b, TFLM_PATCH_INT8, GRAPH_NODES, 1, 2, 0, 0);
  const uint32_t made = builder_tensor_map(&b, TFLM_PATCH_INT8, GRAPH_NODES, 1, 2, 0, 1);
  const uint32_t sum = builder_tensor_map(&b, TFLM_PATCH_INT8, GRAPH_NODES, 1, 2, 0, 1);
  const uint32_t at = builder_constant(&b, kRows, sizeof(kRows));
  const uint32_t constant =
      builder_map(&b, TFLM_PATCH_REGION_CONSTANTS, at, TFLM_PATCH_INT8, GRAPH_NODES, 1, 2, 0);
  const tflm_patch_node_order_params params = {
      builder_constant(&b, kGraphExchanges, sizeof(kGraphExchanges)), 0};
  builder_op(&b, TFLM_PATCH_NODE_ORDER, &constant, 1, made, GRAPH_NODES, &params, sizeof(params),
             0);
  builder_op(&b, TFLM_PATCH_CONCATENATION, &in, 1, sum, GRAPH_NODES, NULL, 0, 0);
  builder_step(&b, 0, 0, GRAPH_NODES);
  builder_step(&b, 1, 0, GRAPH_NODES);
  encoded e = builder_encode(&b);
  test_case = "constant";
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_BAD_OP);
  encoded_free(&e);
}

int main(void) {
  static const uint16_t kChannels[] = {1, 4, 8, 15, 16, 17, 37};
  for (size_t i = 0; i < sizeof(kChannels) / sizeof(kChannels[0]); ++i) {
    for (int bits = 0; bits < 8; ++bits) {
      test_against_loops(1 + (bits & 1), kChannels[i], bits >> 1 & 1, bits >> 2);
    }
  }
  test_order(TFLM_PATCH_INT8, 1);
  test_order(TFLM_PATCH_INT16, 2);
  test_order(TFLM_PATCH_FLOAT32, 4);
  test_rejected();
  test_constant();
  return TEST_RESULT();
}
