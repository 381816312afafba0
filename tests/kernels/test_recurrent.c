/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * LSTM and SVDF against plain loops over invocation after invocation, with resets; rejections.
 * Their arithmetic is compared with TFLM's in tests/e2e.
 */
#include <stdlib.h>

#include "recurrent_program.h"
#include "reject.h"
#include "requantize.h"
#include "test.h"

static builder b;

/* An encoded program with its state and tensors. */
typedef struct {
  encoded e;
  uint8_t* state;
  int8_t* tensors[2]; /* of exactly their sizes */
} machine;

static machine machine_of(void) {
  machine m = {.e = builder_encode(&b)};
  CHECK_EQUAL(encoded_validate(&m.e), TFLM_PATCH_OK);
  m.state = builder_allocate(tflm_patch_state_size(m.e.program));
  for (int i = 0; i < 2; ++i) {
    m.tensors[i] = (int8_t*)builder_allocate(m.e.tensors[i].bytes);
  }
  tflm_patch_reset_state(m.e.program, m.state);
  return m;
}

static void invoke(machine* m, uint32_t* seed) {
  tflm_patch_position position = {0, 0, m->state, NULL, 0};
  void* tensors[] = {m->tensors[0], m->tensors[1]};
  test_fill(seed, m->tensors[0], m->e.tensors[0].bytes);
  memset(m->tensors[1], 0x5A, m->e.tensors[1].bytes);
  CHECK_EQUAL(tflm_patch_resume(m->e.program, m->e.constants, tensors, NULL, &position),
              TFLM_PATCH_OK);
}

static void machine_free(machine* m) {
  builder_release((uint8_t*)m->tensors[0]);
  builder_release((uint8_t*)m->tensors[1]);
  builder_release(m->state);
  encoded_free(&m->e);
}

/* ---- LSTM ---- */

static lstm_constants kLstm;
static int8_t old_hidden[LSTM_MOST];
static int16_t cells[LSTM_MOST];

static int32_t product(const int8_t* vector, const int8_t* weights, uint32_t n, int32_t bias,
                       int32_t multiplier, int32_t shift) {
  for (uint32_t i = 0; i < n; ++i) {
    bias += vector[i] * weights[i];
  }
  return tflm_patch_requantize(bias, multiplier, shift, 0, INT16_MIN, INT16_MAX);
}

static int16_t gate_of(const tflm_patch_lstm_params* params, uint32_t gate, const int8_t* input,
                       uint32_t inputs, uint32_t units, uint32_t unit) {
  const uint32_t row = gate * units + unit;
  const tflm_patch_sigmoid_params sigmoid = {.multiplier = 3};
  const int32_t sum = product(input, kLstm.weights[0] + row * inputs, inputs, kLstm.bias[0][row],
                              params->input_multiplier[gate], params->input_shift[gate]) +
                      product(old_hidden, kLstm.weights[1] + row * units, units, kLstm.bias[1][row],
                              params->recurrent_multiplier[gate], params->recurrent_shift[gate]);
  const int16_t clamped = (int16_t)tflm_patch_clamp(sum, INT16_MIN, INT16_MAX);
  int16_t made = 0;
  if (gate == 2) {
    tflm_patch_tanh_s16(&sigmoid, kLstm.table, &clamped, &made, 1);
  } else {
    tflm_patch_logistic_s16(&sigmoid, kLstm.table, &clamped, &made, 1);
  }
  return made;
}

static int8_t unit_of(const tflm_patch_lstm_params* params, const int8_t* input, uint32_t inputs,
                      uint32_t units, uint32_t unit) {
  int16_t gates[4];
  int16_t squashed = 0;
  const tflm_patch_sigmoid_params sigmoid = {.multiplier = params->tanh_multiplier,
                                             .shift = params->tanh_shift};
  for (uint32_t gate = 0; gate < 4; ++gate) {
    gates[gate] = gate_of(params, gate, input, inputs, units, unit);
  }
  int32_t cell =
      tflm_patch_multiply_by_quantized_multiplier(gates[1] * cells[unit], 1 << 30, -14) +
      tflm_patch_multiply_by_quantized_multiplier(gates[0] * gates[2], 1 << 30, params->cell_shift);
  cell = tflm_patch_clamp(cell, -params->cell_clip, params->cell_clip);
  cells[unit] = (int16_t)cell;
  tflm_patch_tanh_s16(&sigmoid, kLstm.table, &cells[unit], &squashed, 1);
  return (int8_t)tflm_patch_requantize(squashed * gates[3], params->hidden_multiplier,
                                       params->hidden_shift, params->hidden_zero_point, INT8_MIN,
                                       INT8_MAX);
}

static void test_lstm(uint32_t inputs, uint32_t units) {
  const tflm_patch_lstm_params params = lstm_params();
  uint32_t seed = 7 + inputs * 16 + units;
  test_case = "lstm";
  fill_lstm(seed, &kLstm);
  lstm_build(&b, &kLstm, inputs, units);
  machine m = machine_of();
  for (int i = 0; i < 9; ++i) {
    if (i % 4 == 0) {
      tflm_patch_reset_state(m.e.program, m.state);
      memset(old_hidden, LSTM_HIDDEN_ZERO_POINT, sizeof(old_hidden));
      memset(cells, 0, sizeof(cells));
    }
    invoke(&m, &seed);
    for (uint32_t step = 0; step < LSTM_STEPS; ++step) {
      int8_t wanted[LSTM_MOST];
      for (uint32_t unit = 0; unit < units; ++unit) {
        wanted[unit] = unit_of(&params, m.tensors[0] + step * inputs, inputs, units, unit);
      }
      memcpy(old_hidden, wanted, units);
      CHECK_BYTES(m.tensors[1] + step * units, wanted, units);
    }
    CHECK_BYTES(m.state, old_hidden, units);
    CHECK_BYTES(m.state + 16, cells, 2 * units);
  }
  machine_free(&m);
}

static void test_lstm_rejected(void) {
  fill_lstm(1, &kLstm);
  lstm_build(&b, &kLstm, 5, 3);
  encoded e = builder_encode(&b);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
#define BAD(change, status) CHECK_REJECTED(&e, tflm_patch_lstm_params, change, TFLM_PATCH_##status)
  BAD(params->input_shift[3] = 31, BAD_OP);
  BAD(params->recurrent_shift[0] = -32, BAD_OP);
  BAD(params->hidden_shift = 31, BAD_OP);
  BAD(params->cell_shift = -32, BAD_OP);
  BAD(params->tanh_shift = 32, BAD_OP);
  BAD(params->cell_clip = -1, BAD_OP);
  BAD(params->cell_clip = 32769, BAD_OP);
  BAD(params->input_weights_at = encoded_header(&bad)->constants_bytes - 59, BAD_SIZE);
  BAD(params->recurrent_weights_at = encoded_header(&bad)->constants_bytes - 35, BAD_SIZE);
  BAD(params->input_bias_at += 2, BAD_ALIGNMENT);
  BAD(params->recurrent_bias_at = encoded_header(&bad)->constants_bytes - 44, BAD_SIZE);
  BAD(params->table_at = encoded_header(&bad)->constants_bytes - 510, BAD_SIZE);
  BAD(encoded_map(&bad, 2)->channels = 2, BAD_OP);
  BAD(encoded_map(&bad, 3)->channels = 2, BAD_OP);
  BAD(encoded_map(&bad, 3)->type = TFLM_PATCH_INT8, BAD_OP);
  BAD((encoded_map(&bad, 3)->kept = 0, encoded_map(&bad, 3)->region = TFLM_PATCH_REGION_WORKSPACE,
       encoded_header(&bad)->workspace_bytes = 32),
      BAD_OP);
  BAD(encoded_op(&bad, 0)->n_outputs = 2, BAD_OP);
  BAD(encoded_op(&bad, 0)->steps = 2, BAD_OP);
#undef BAD
  encoded_free(&e);
}

/* ---- SVDF ---- */

static svdf_constants kSvdf;

typedef struct {
  uint8_t type;
  uint32_t inputs;
  uint32_t units;
  uint32_t rank;
  uint32_t memory;
} svdf_case;

static int32_t time_weight(const svdf_case* c, uint32_t i) {
  return c->type == TFLM_PATCH_INT16 ? kSvdf.time_weights[i]
                                     : ((const int8_t*)kSvdf.time_weights)[i];
}

/* Makes the next number of every filter; numbers: [filters][memory]. */
static void push(const svdf_case* c, const tflm_patch_svdf_params* params, const int8_t* input,
                 int16_t* numbers) {
  const int is_int16 = c->type == TFLM_PATCH_INT16;
  for (uint32_t f = 0; f < c->units * c->rank; ++f) {
    int32_t sum = kSvdf.feature_bias[f];
    for (uint32_t i = 0; i < c->inputs; ++i) {
      sum += input[i] * kSvdf.weights[f * c->inputs + i];
    }
    sum = tflm_patch_requantize(sum, params->state_multiplier, params->state_shift, 0,
                                is_int16 ? INT16_MIN : INT8_MIN, is_int16 ? INT16_MAX : INT8_MAX);
    int16_t* own = numbers + f * c->memory;
    memmove(own, own + 1, (c->memory - 1) * sizeof(*own));
    own[c->memory - 1] = is_int16 ? (int16_t)sum : (int8_t)(sum + SVDF_STATE_ZERO_POINT);
  }
}

static void test_svdf(const svdf_case* c) {
  static int16_t numbers[SVDF_MOST_FILTERS * SVDF_MOST_MEMORY];
  const uint32_t of_unit = c->rank * c->memory;
  uint32_t seed = 11 + c->inputs;
  test_case = "svdf";
  fill_svdf(seed, &kSvdf);
  svdf_build(&b, &kSvdf, c->type, c->inputs, c->units, c->rank, c->memory);
  machine m = machine_of();
  const tflm_patch_svdf_params* params = (const tflm_patch_svdf_params*)encoded_params(&m.e, 0);
  for (uint32_t i = 0; i < 20; ++i) {
    if (i % 8 == 0) {
      tflm_patch_reset_state(m.e.program, m.state);
      for (uint32_t k = 0; k < c->units * of_unit; ++k) {
        numbers[k] = c->type == TFLM_PATCH_INT16 ? 0 : SVDF_STATE_ZERO_POINT;
      }
    }
    invoke(&m, &seed);
    push(c, params, m.tensors[0], numbers);
    for (uint32_t unit = 0; unit < c->units; ++unit) {
      int32_t sum = kSvdf.bias[unit];
      for (uint32_t k = unit * of_unit; k < (unit + 1) * of_unit; ++k) {
        sum += numbers[k] * time_weight(c, k);
      }
      CHECK_EQUAL(m.tensors[1][unit],
                  tflm_patch_requantize(sum, params->output_multiplier, params->output_shift,
                                        params->output_zero_point, INT8_MIN, INT8_MAX));
    }
  }
  machine_free(&m);
}

static void test_svdf_rejected(void) {
  fill_svdf(1, &kSvdf);
  svdf_build(&b, &kSvdf, TFLM_PATCH_INT8, 5, 3, 2, 4);
  encoded e = builder_encode(&b);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
#define BAD(change, status) CHECK_REJECTED(&e, tflm_patch_svdf_params, change, TFLM_PATCH_##status)
  BAD(params->rank = 0, BAD_OP);
  BAD(params->rank = 3, BAD_OP);
  BAD(params->memory = 0, BAD_OP);
  BAD(params->memory = 5, BAD_OP);
  BAD(params->state_shift = 31, BAD_OP);
  BAD(params->output_shift = -32, BAD_OP);
  BAD(params->output_zero_point = 128, BAD_OP);
  BAD(params->weights_at = encoded_header(&bad)->constants_bytes - 29, BAD_SIZE);
  BAD(params->time_weights_at = encoded_header(&bad)->constants_bytes - 23, BAD_SIZE);
  BAD(params->feature_bias_at += 1, BAD_ALIGNMENT);
  BAD(params->bias_at = encoded_header(&bad)->constants_bytes - 8, BAD_SIZE);
  BAD(encoded_map(&bad, 1)->channels = 2, BAD_OP);
  BAD(encoded_map(&bad, 2)->channels = 23, BAD_OP);
  BAD(encoded_map(&bad, 2)->type = TFLM_PATCH_UINT8, BAD_OP);
  BAD((encoded_map(&bad, 2)->kept = 0, encoded_map(&bad, 2)->region = TFLM_PATCH_REGION_WORKSPACE,
       encoded_header(&bad)->workspace_bytes = 32),
      BAD_OP);
  BAD(encoded_op(&bad, 0)->n_outputs = 1, BAD_OP);
#undef BAD
  encoded_free(&e);
}

int main(void) {
  static const svdf_case kCases[] = {{TFLM_PATCH_INT8, 9, 3, 1, 6},  {TFLM_PATCH_INT8, 5, 5, 2, 4},
                                     {TFLM_PATCH_INT8, 1, 1, 1, 1},  {TFLM_PATCH_INT8, 8, 2, 5, 3},
                                     {TFLM_PATCH_INT16, 9, 3, 1, 6}, {TFLM_PATCH_INT16, 3, 2, 3, 2},
                                     {TFLM_PATCH_INT16, 4, 10, 1, 1}};
  for (uint32_t size = 1; size <= LSTM_MOST; ++size) {
    test_lstm(size, LSTM_MOST + 1 - size);
  }
  test_lstm(8, 8);
  test_lstm_rejected();
  for (size_t i = 0; i < sizeof(kCases) / sizeof(kCases[0]); ++i) {
    test_svdf(&kCases[i]);
  }
  test_svdf_rejected();
  return TEST_RESULT();
}
