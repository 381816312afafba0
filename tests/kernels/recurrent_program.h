/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Programs of one operator that keeps states: LSTM and SVDF.
 */
#ifndef TFLM_PATCH_TESTS_RECURRENT_PROGRAM_H_
#define TFLM_PATCH_TESTS_RECURRENT_PROGRAM_H_

#include "program_builder.h"
#include "test_random.h"

enum {
  LSTM_STEPS = 3,
  LSTM_MOST = 9, /* inputs or units */
  LSTM_HIDDEN_ZERO_POINT = -5,
  SVDF_MOST_FILTERS = 10,
  SVDF_MOST_MEMORY = 6,
  SVDF_STATE_ZERO_POINT = 17
};

/* What the operators compute with. */
typedef struct {
  int8_t weights[2][4 * LSTM_MOST * LSTM_MOST]; /* of the input, of the hidden state */
  int32_t bias[2][4 * LSTM_MOST];
  uint16_t table[TFLM_PATCH_SIGMOID_ENTRIES];
} lstm_constants;

typedef struct {
  int8_t weights[SVDF_MOST_FILTERS * LSTM_MOST];
  int32_t feature_bias[SVDF_MOST_FILTERS];
  int16_t time_weights[SVDF_MOST_FILTERS * SVDF_MOST_MEMORY]; /* or int8 */
  int32_t bias[SVDF_MOST_FILTERS];
} svdf_constants;

static inline tflm_patch_lstm_params lstm_params(void) {
  tflm_patch_lstm_params params = {
      .hidden_multiplier = 1 << 30,
      .tanh_multiplier = 3,
      .cell_clip = 20000,
      .hidden_shift = -21,
      .cell_shift = -17,
      .hidden_zero_point = LSTM_HIDDEN_ZERO_POINT,
      .tanh_shift = 1,
  };
  for (int gate = 0; gate < 4; ++gate) {
    params.input_multiplier[gate] = 1100000000 + gate * 100000007;
    params.recurrent_multiplier[gate] = 2100000000 - gate * 100000007;
    params.input_shift[gate] = (int8_t)(gate - 3);
    params.recurrent_shift[gate] = (int8_t)(1 - gate);
  }
  return params;
}

static inline void fill_bias(uint32_t* seed, int32_t* bias, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    bias[i] = (int32_t)(test_random(seed) % 20001) - 10000;
  }
}

/* A logistic curve of a kind: it rises from a half to one. */
static inline void fill_lstm(uint32_t seed, lstm_constants* c) {
  for (int k = 0; k < 2; ++k) {
    test_fill(&seed, c->weights[k], sizeof(c->weights[k]));
    fill_bias(&seed, c->bias[k], 4 * LSTM_MOST);
  }
  for (uint32_t i = 0; i < TFLM_PATCH_SIGMOID_ENTRIES; ++i) {
    const uint32_t left = TFLM_PATCH_SIGMOID_ENTRIES - 1 - i;
    c->table[i] = (uint16_t)(65535u - left * left * left / 507u);
  }
}

static inline void fill_svdf(uint32_t seed, svdf_constants* c) {
  test_fill(&seed, c->weights, sizeof(c->weights));
  test_fill(&seed, c->time_weights, sizeof(c->time_weights));
  fill_bias(&seed, c->feature_bias, SVDF_MOST_FILTERS);
  fill_bias(&seed, c->bias, SVDF_MOST_FILTERS);
}

static inline uint32_t kept_map(builder* b, uint32_t at, uint8_t type, uint32_t values,
                                int zero_point) {
  const uint32_t map = builder_map(b, TFLM_PATCH_REGION_STATE, at, type, 1, 1, values, zero_point);
  b->maps[map].kept = 1;
  return map;
}

/* Maps: input, output, hidden state, cell state. */
static inline void lstm_build(builder* b, const lstm_constants* c, uint32_t inputs,
                              uint32_t units) {
  tflm_patch_lstm_params params = lstm_params();
  builder_init(b);
  params.input_weights_at = builder_constant(b, c->weights[0], 4 * units * inputs);
  params.recurrent_weights_at = builder_constant(b, c->weights[1], 4 * units * units);
  params.input_bias_at = builder_constant(b, c->bias[0], 16 * units);
  params.recurrent_bias_at = builder_constant(b, c->bias[1], 16 * units);
  params.table_at = builder_constant(b, c->table, sizeof(c->table));
  const uint32_t in = builder_tensor_map(b, TFLM_PATCH_INT8, LSTM_STEPS, 1, inputs, 3, 0);
  const uint32_t out = builder_tensor_map(b, TFLM_PATCH_INT8, LSTM_STEPS, 1, units, 0, 1);
  const uint32_t hidden = kept_map(b, 0, TFLM_PATCH_INT8, units, LSTM_HIDDEN_ZERO_POINT);
  const uint32_t cell = kept_map(b, 16, TFLM_PATCH_INT16, units, 0);
  b->header.state_bytes = 48;
  const uint32_t outputs[] = {out, hidden, cell};
  builder_op_outputs(b, TFLM_PATCH_LSTM, &in, 1, outputs, 3, LSTM_STEPS, &params, sizeof(params),
                     0);
  builder_step(b, 0, 0, LSTM_STEPS);
}

static inline tflm_patch_svdf_params svdf_params(uint32_t rank, uint32_t memory) {
  const tflm_patch_svdf_params params = {
      .state_multiplier = 1518500250,
      .output_multiplier = 1311111111,
      .memory = (uint16_t)memory,
      .rank = (uint16_t)rank,
      .state_shift = -5,
      .output_shift = -6,
      .output_zero_point = 9,
  };
  return params;
}

/* Maps: input, output, state. */
static inline void svdf_build(builder* b, const svdf_constants* c, uint8_t type, uint32_t inputs,
                              uint32_t units, uint32_t rank, uint32_t memory) {
  tflm_patch_svdf_params params = svdf_params(rank, memory);
  const uint32_t filters = units * rank;
  const uint32_t value_bytes = type == TFLM_PATCH_INT16 ? 2 : 1;
  builder_init(b);
  params.weights_at = builder_constant(b, c->weights, filters * inputs);
  params.time_weights_at = builder_constant(b, c->time_weights, filters * memory * value_bytes);
  params.feature_bias_at = builder_constant(b, c->feature_bias, 4 * filters);
  params.bias_at = builder_constant(b, c->bias, 4 * units);
  if (type == TFLM_PATCH_INT16) {
    params.output_shift = -20;
    params.state_shift = -1;
  }
  const uint32_t in = builder_tensor_map(b, TFLM_PATCH_INT8, 1, 1, inputs, 3, 0);
  const uint32_t out = builder_tensor_map(b, TFLM_PATCH_INT8, 1, 1, units, 0, 1);
  const uint32_t state =
      kept_map(b, 0, type, filters * memory, type == TFLM_PATCH_INT16 ? 0 : SVDF_STATE_ZERO_POINT);
  b->header.state_bytes = (filters * memory * value_bytes + 15) / 16 * 16;
  const uint32_t outputs[] = {out, state};
  builder_op_outputs(b, TFLM_PATCH_SVDF, &in, 1, outputs, 2, 1, &params, sizeof(params), 0);
  builder_step(b, 0, 0, 1);
}

#endif /* TFLM_PATCH_TESTS_RECURRENT_PROGRAM_H_ */
