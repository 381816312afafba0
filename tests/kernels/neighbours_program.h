/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A graph of a few nodes, one without neighbours and one with many, and programs of NEIGHBOURS
 * and NODE_ORDER.
 */
#ifndef TFLM_PATCH_TESTS_NEIGHBOURS_PROGRAM_H_
#define TFLM_PATCH_TESTS_NEIGHBOURS_PROGRAM_H_

#include "rowwise_program.h"

enum {
  GRAPH_NODES = 6,
  GRAPH_OF_LAST = 35, /* neighbours of the last node, all of the last three */
  GRAPH_CONNECTIONS = 10 + GRAPH_OF_LAST,
  GRAPH_ZERO_POINT = -5,
  GRAPH_WEIGHTS_ZERO_POINT = 3
};

static const uint32_t kGraphStarts[] = {0, 3, 4, 4, 7, 10, GRAPH_CONNECTIONS};
static const uint16_t kGraphSpans[] = {0, 2, 1, 2, 1, 2, 1, 4, 3, 5, 3, 5};
static const uint16_t kGraphNodes[10] = {0, 1, 2, 1, 1, 3, 4, 3, 4, 5};

/* The graph's arrays in a program's constants. */
static inline tflm_patch_neighbours_params graph_params(builder* b, int per_node) {
  static const int32_t kMultipliers[] = {1 << 30, 1518500250, 1073741830,
                                         1 << 30, 2147483647, 1234567890};
  static const int8_t kShifts[] = {-5, -3, -4, 1, -31, -7};
  static const int32_t kBias[] = {12, -700, 350, 0, 2147483647, -9000};
  uint16_t nodes[GRAPH_CONNECTIONS];
  int8_t weights[GRAPH_CONNECTIONS];
  uint32_t seed = 5;
  test_fill(&seed, weights, sizeof(weights));
  for (uint32_t k = 0; k < GRAPH_CONNECTIONS; ++k) {
    nodes[k] = (uint16_t)(k < 10 ? kGraphNodes[k] : 3 + k % 3);
  }
  const tflm_patch_neighbours_params params = {
      .requant = {.multiplier_at = builder_constant(b, kMultipliers, sizeof(kMultipliers)),
                  .shift_at = builder_constant(b, kShifts, sizeof(kShifts)),
                  .act_min = -100,
                  .act_max = 120,
                  .output_zero_point = 9,
                  .per_channel = (uint8_t)per_node},
      .bias_at = builder_constant(b, kBias, sizeof(kBias)),
      .starts_at = builder_constant(b, kGraphStarts, sizeof(kGraphStarts)),
      .nodes_at = builder_constant(b, nodes, sizeof(nodes)),
      .weights_at = builder_constant(b, weights, sizeof(weights)),
      .spans_at = builder_constant(b, kGraphSpans, sizeof(kGraphSpans)),
      .connections = GRAPH_CONNECTIONS,
      .weights_zero_point = GRAPH_WEIGHTS_ZERO_POINT,
  };
  return params;
}

/* NEIGHBOURS of a tensor, or of a ring of its last rows. */
static inline encoded graph_program(uint16_t cols, uint16_t channels, int per_node, int ring) {
  static builder b;
  const map_shape map = {TFLM_PATCH_INT8, GRAPH_NODES, cols, channels, GRAPH_ZERO_POINT};
  builder_init(&b);
  const tflm_patch_neighbours_params params = graph_params(&b, per_node);
  if (!ring) {
    return one_operator(&b, TFLM_PATCH_NEIGHBOURS, &map, 1, map, &params, sizeof(params));
  }
  const uint32_t in = builder_tensor_map(&b, map.type, map.rows, cols, channels, map.zero_point, 0);
  const uint32_t out = builder_tensor_map(&b, map.type, map.rows, cols, channels, 9, 1);
  const uint32_t copy = builder_ring(&b, in, 4);
  builder_op(&b, TFLM_PATCH_NEIGHBOURS, &copy, 1, out, map.rows, &params, sizeof(params), 0);
  builder_stream(&b);
  return builder_encode(&b);
}

/* NODE_ORDER of rows of any type, in this order or back from it. */
static inline encoded node_order_program(uint8_t type, const uint16_t* exchanges, uint32_t back) {
  static builder b;
  const map_shape map = {type, GRAPH_NODES, 2, 3, 0};
  builder_init(&b);
  const tflm_patch_node_order_params params = {
      builder_constant(&b, exchanges, GRAPH_NODES * sizeof(exchanges[0])), back};
  return one_operator(&b, TFLM_PATCH_NODE_ORDER, &map, 1, map, &params, sizeof(params));
}

/* Rows 4, 2, 0, 5, 1, 3: with which row each one changes places, and where each goes back. */
static const uint16_t kGraphOrder[] = {4, 2, 0, 5, 1, 3};
static const uint16_t kGraphExchanges[] = {4, 2, 4, 5, 4, 5};
static const uint16_t kGraphExchangesBack[] = {0, 0, 0, 3, 1, 3};

#endif /* TFLM_PATCH_TESTS_NEIGHBOURS_PROGRAM_H_ */
