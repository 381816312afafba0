/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * LSTM of int8 vectors, with a cell state of int16: a step makes an output row of an input row
 * and of the states, and new states.
 *
 * As TFLM's LstmStep (lstm_eval.h): products with the input and with the hidden state are
 * brought to Q3.12 apart from each other, each clamped to int16, and so is their sum; gates are
 * Q0.15 by the table of the logistic function. The gates of a unit are made together, so none is
 * held for other units; the new hidden state stays in the output row until no unit reads the old
 * one.
 *
 * Inner loops.
 */
#include <string.h>

#include "family.h"
#include "gates.h"
#include "kernels.h"
#include "requantize.h"
#include "sigmoid.h"

enum { INPUT_GATE, FORGET_GATE, CELL_GATE, OUTPUT_GATE, GATES };

static int32_t clamp_to_s16(int32_t value) { return tflm_patch_clamp(value, INT16_MIN, INT16_MAX); }

/* A sum of products, in Q3.12. */
static inline int32_t scaled(uint32_t sum, int32_t multiplier, int32_t shift) {
  return clamp_to_s16(tflm_patch_multiply_by_quantized_multiplier((int32_t)sum, multiplier, shift));
}

/* The gates of a unit before the functions, in Q3.12. */
static inline void make_gates(const tflm_patch_lstm_params* params,
                              const tflm_patch_lstm_args* args, const int8_t* input,
                              const int8_t* hidden, uint32_t unit, int32_t* gates) {
  const uint32_t inputs = args->inputs;
  const uint32_t units = args->units;
  uint32_t new_sums[GATES];
  uint32_t old_sums[GATES];
  for (uint32_t gate = 0; gate < GATES; ++gate) {
    new_sums[gate] = (uint32_t)args->input_bias[gate * units + unit];
    old_sums[gate] = (uint32_t)args->recurrent_bias[gate * units + unit];
  }
  tflm_patch_dot_gates(input, args->input_weights + (size_t)unit * inputs, (size_t)units * inputs,
                       inputs, new_sums);
  tflm_patch_dot_gates(hidden, args->recurrent_weights + (size_t)unit * units,
                       (size_t)units * units, units, old_sums);
  for (uint32_t gate = 0; gate < GATES; ++gate) {
    gates[gate] = clamp_to_s16(
        scaled(new_sums[gate], params->input_multiplier[gate], params->input_shift[gate]) +
        scaled(old_sums[gate], params->recurrent_multiplier[gate], params->recurrent_shift[gate]));
  }
}

/* The part of the old cell state that is kept, and the part of the cell gate that is let in. */
static inline int16_t next_cell(const tflm_patch_lstm_params* params, int16_t cell, int32_t forget,
                                int32_t input, int32_t candidate) {
  /* 2^-15 as QuantizeMultiplier has it; the scale of the state is that of the product. */
  const int32_t kept = clamp_to_s16(
      tflm_patch_multiply_by_quantized_multiplier(forget * cell, (int32_t)1 << 30, -14));
  const int32_t added = clamp_to_s16(tflm_patch_multiply_by_quantized_multiplier(
      input * candidate, (int32_t)1 << 30, params->cell_shift));
  const int32_t clip = params->cell_clip;
  return (int16_t)tflm_patch_clamp(clamp_to_s16(kept + added), -clip, clip);
}

void tflm_patch_lstm_s8(const tflm_patch_lstm_params* params, const tflm_patch_lstm_args* args,
                        const int8_t* input, int8_t* hidden, int16_t* cell, int8_t* output) {
  const uint16_t* table = args->table;
  for (uint32_t unit = 0; unit < args->units; ++unit) {
    int32_t gates[GATES];
    make_gates(params, args, input, hidden, unit, gates);
    for (uint32_t gate = 0; gate < GATES; ++gate) {
      const int32_t x = 3 * gates[gate]; /* steps of 1 / 4096 */
      gates[gate] =
          gate == CELL_GATE ? tflm_patch_tanh_of(table, x) : tflm_patch_logistic_of(table, x);
    }
    const int16_t made =
        next_cell(params, cell[unit], gates[FORGET_GATE], gates[INPUT_GATE], gates[CELL_GATE]);
    const int32_t squashed = tflm_patch_tanh_of(
        table, tflm_patch_sigmoid_steps(params->tanh_multiplier, params->tanh_shift, made));
    cell[unit] = made;
    output[unit] = (int8_t)tflm_patch_requantize(squashed * gates[OUTPUT_GATE],
                                                 params->hidden_multiplier, params->hidden_shift,
                                                 params->hidden_zero_point, INT8_MIN, INT8_MAX);
  }
  memcpy(hidden, output, args->units);
}

/* ---- the operator ---- */

static const tflm_patch_map* state_map(const tflm_patch_task* task, uint32_t i) {
  return tflm_patch_output_map(task->stage, task->op, 1 + i);
}

static int is_state(const tflm_patch_map* map, uint8_t type, uint32_t units) {
  return map->kept && map->type == type && map->rows == 1 && tflm_patch_row_values(map) == units;
}

static int are_maps(const tflm_patch_task* task, uint32_t units) {
  return task->input->type == TFLM_PATCH_INT8 && task->output->type == TFLM_PATCH_INT8 &&
         task->input->rows == task->op->steps && task->output->rows == task->op->steps &&
         !task->output->kept && is_state(state_map(task, 0), TFLM_PATCH_INT8, units) &&
         is_state(state_map(task, 1), TFLM_PATCH_INT16, units);
}

static int are_scales(const tflm_patch_lstm_params* params) {
  for (uint32_t gate = 0; gate < GATES; ++gate) {
    if (!tflm_patch_is_shift(params->input_shift[gate]) ||
        !tflm_patch_is_shift(params->recurrent_shift[gate])) {
      return 0;
    }
  }
  return tflm_patch_is_shift(params->hidden_shift) && tflm_patch_is_shift(params->cell_shift) &&
         params->tanh_shift <= 31 && params->cell_clip >= 0 &&
         params->cell_clip <= -(int32_t)INT16_MIN;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_lstm_params* params = (const tflm_patch_lstm_params*)task->params;
  const uint32_t units = tflm_patch_row_values(task->output);
  const uint32_t inputs = tflm_patch_row_values(task->input);
  if (!are_maps(task, units) || !are_scales(params)) {
    return TFLM_PATCH_BAD_OP;
  }
  const uint32_t most = inputs > units ? inputs : units;
  if (units > UINT32_MAX / GATES / most) {
    return TFLM_PATCH_BAD_SIZE;
  }
  const uint32_t rows = GATES * units;
  const tflm_patch_constant_array arrays[] = {
      {params->input_weights_at, rows * inputs, 1},
      {params->recurrent_weights_at, rows * units, 1},
      {params->input_bias_at, rows, 4},
      {params->recurrent_bias_at, rows, 4},
      {params->table_at, TFLM_PATCH_SIGMOID_ENTRIES, 2},
  };
  return tflm_patch_check_constants(task->stage, arrays, sizeof(arrays) / sizeof(arrays[0]));
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_stage* stage = task->stage;
  const tflm_patch_lstm_params* params = (const tflm_patch_lstm_params*)task->params;
  const tflm_patch_lstm_args args = {
      .input_weights = (const int8_t*)tflm_patch_constant(stage, params->input_weights_at),
      .recurrent_weights = (const int8_t*)tflm_patch_constant(stage, params->recurrent_weights_at),
      .input_bias = (const int32_t*)tflm_patch_constant(stage, params->input_bias_at),
      .recurrent_bias = (const int32_t*)tflm_patch_constant(stage, params->recurrent_bias_at),
      .table = (const uint16_t*)tflm_patch_constant(stage, params->table_at),
      .inputs = tflm_patch_row_values(task->input),
      .units = tflm_patch_row_values(task->output),
  };
  (void)count;
  tflm_patch_lstm_s8(params, &args, (const int8_t*)tflm_patch_input_row(task, step),
                     (int8_t*)tflm_patch_map_row(stage, state_map(task, 0), 0),
                     (int16_t*)tflm_patch_map_row(stage, state_map(task, 1), 0),
                     (int8_t*)tflm_patch_output_row(task, step));
}

const tflm_patch_kernel tflm_patch_lstm_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_lstm_params),
    .inputs = 1,
    .outputs = 3,
    .rules = TFLM_PATCH_ANY_TYPES | TFLM_PATCH_MAY_ACCUMULATE,
};
