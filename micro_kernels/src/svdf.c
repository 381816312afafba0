/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * SVDF of int8 vectors: every filter makes one number of the input, and a weighted sum of its
 * numbers of the last steps is added to its unit. The numbers are the state.
 *
 * As TFLM's EvalIntegerSvdfReference: a filter's numbers lie one behind the other, the oldest
 * first; the products with zero points are in the biases.
 *
 * Inner loops.
 */
#include <string.h>

#include "dot.h"
#include "family.h"
#include "gates.h"
#include "kernels.h"
#include "push.h"
#include "requantize.h"

#if !TFLM_PATCH_IS_DSP
uint32_t tflm_patch_push_s8(int8_t* numbers, uint32_t memory, int32_t value,
                            const int8_t* weights) {
  uint32_t sum = 0;
  uint32_t i = 0;
  for (; i + sizeof(uint32_t) < memory; i += sizeof(uint32_t)) {
    uint32_t four;
    memcpy(&four, numbers + i + 1, sizeof(four));
    memcpy(numbers + i, &four, sizeof(four));
  }
  for (; i + 1 < memory; ++i) {
    numbers[i] = numbers[i + 1];
  }
  numbers[memory - 1] = (int8_t)value;
  tflm_patch_dot_channels(numbers, weights, 0, memory, 1, &sum);
  return sum;
}
#endif

/* The same of int16 numbers. */
static uint32_t push_s16(int16_t* numbers, uint32_t memory, int32_t value, const int16_t* weights) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i + 1 < memory; ++i) {
    const int16_t next = numbers[i + 1];
    numbers[i] = next;
    sum += (uint32_t)(next * weights[i]);
  }
  numbers[memory - 1] = (int16_t)value;
  return sum + (uint32_t)(numbers[memory - 1] * weights[memory - 1]);
}

/* Adds the products of the input with the weights of n filters to their biases, and brings the
 * sums to the state's scale: clamped before the zero point is added, so that what leaves int8
 * by it wraps around when it is stored, as in TFLM. */
static void make_numbers(const tflm_patch_svdf_params* params, const tflm_patch_svdf_args* args,
                         const int8_t* input, uint32_t first, uint32_t n, int32_t* numbers) {
  uint32_t sums[TFLM_PATCH_DOT_CHANNELS];
  const int32_t low = args->is_int16 ? INT16_MIN : INT8_MIN;
  const int32_t high = args->is_int16 ? INT16_MAX : INT8_MAX;
  for (uint32_t i = 0; i < n; ++i) {
    sums[i] = (uint32_t)args->feature_bias[first + i];
  }
  const int8_t* weights = args->weights + (size_t)first * args->inputs;
  if (n == TFLM_PATCH_DOT_CHANNELS) {
    tflm_patch_dot_gates(input, weights, args->inputs, args->inputs, sums);
  } else {
    tflm_patch_dot_channels(input, weights, args->inputs, args->inputs, n, sums);
  }
  for (uint32_t i = 0; i < n; ++i) {
    numbers[i] =
        args->state_zero_point + tflm_patch_requantize((int32_t)sums[i], params->state_multiplier,
                                                       params->state_shift, 0, low, high);
  }
}

void tflm_patch_svdf_s8(const tflm_patch_svdf_params* params, const tflm_patch_svdf_args* args,
                        const int8_t* input, void* state, int8_t* output) {
  const uint32_t memory = params->memory;
  const uint32_t filters = args->units * params->rank;
  uint32_t left = params->rank; /* filters of the unit at hand */
  uint32_t unit = 0;
  uint32_t sum = (uint32_t)args->bias[0];
  for (uint32_t first = 0; first < filters; first += TFLM_PATCH_DOT_CHANNELS) {
    int32_t numbers[TFLM_PATCH_DOT_CHANNELS];
    const uint32_t rest = filters - first;
    const uint32_t n = rest < TFLM_PATCH_DOT_CHANNELS ? rest : TFLM_PATCH_DOT_CHANNELS;
    make_numbers(params, args, input, first, n, numbers);
    for (uint32_t i = 0; i < n; ++i) {
      const size_t at = (size_t)(first + i) * memory;
      sum += args->is_int16 ? push_s16((int16_t*)state + at, memory, numbers[i],
                                       (const int16_t*)args->time_weights + at)
                            : tflm_patch_push_s8((int8_t*)state + at, memory, numbers[i],
                                                 (const int8_t*)args->time_weights + at);
      if (--left == 0) {
        output[unit] = (int8_t)tflm_patch_requantize((int32_t)sum, params->output_multiplier,
                                                     params->output_shift,
                                                     params->output_zero_point, INT8_MIN, INT8_MAX);
        unit += 1;
        left = params->rank;
        sum = unit < args->units ? (uint32_t)args->bias[unit] : 0;
      }
    }
  }
}

/* ---- the operator ---- */

static const tflm_patch_map* state_map(const tflm_patch_task* task) {
  return tflm_patch_output_map(task->stage, task->op, 1);
}

/* The maps: input and output of int8, the state kept, of int8 or int16. */
static int are_maps(const tflm_patch_task* task, uint64_t numbers) {
  const tflm_patch_map* state = state_map(task);
  return task->input->type == TFLM_PATCH_INT8 && task->output->type == TFLM_PATCH_INT8 &&
         (state->type == TFLM_PATCH_INT8 || state->type == TFLM_PATCH_INT16) && state->kept &&
         !task->output->kept && state->rows == 1 && tflm_patch_row_values(state) == numbers &&
         task->input->rows == task->op->steps && task->output->rows == task->op->steps;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_svdf_params* params = (const tflm_patch_svdf_params*)task->params;
  const uint32_t units = tflm_patch_row_values(task->output);
  const uint64_t filters = (uint64_t)units * params->rank;
  if (params->rank == 0 || params->memory == 0 || !are_maps(task, filters * params->memory) ||
      !tflm_patch_is_shift(params->state_shift) || !tflm_patch_is_shift(params->output_shift) ||
      !tflm_patch_is_int8(params->output_zero_point)) {
    return TFLM_PATCH_BAD_OP;
  }
  /* The state's numbers are in 32 bits, so the filters are. */
  const uint32_t n = (uint32_t)filters;
  const uint32_t inputs = tflm_patch_row_values(task->input);
  if (inputs > UINT32_MAX / n) {
    return TFLM_PATCH_BAD_SIZE;
  }
  const tflm_patch_constant_array arrays[] = {
      {params->weights_at, n * inputs, 1},
      {params->time_weights_at, n * params->memory, tflm_patch_type_bytes(state_map(task)->type)},
      {params->feature_bias_at, n, 4},
      {params->bias_at, units, 4},
  };
  return tflm_patch_check_constants(task->stage, arrays, sizeof(arrays) / sizeof(arrays[0]));
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_stage* stage = task->stage;
  const tflm_patch_svdf_params* params = (const tflm_patch_svdf_params*)task->params;
  const tflm_patch_map* state = state_map(task);
  const tflm_patch_svdf_args args = {
      .weights = (const int8_t*)tflm_patch_constant(stage, params->weights_at),
      .feature_bias = (const int32_t*)tflm_patch_constant(stage, params->feature_bias_at),
      .time_weights = tflm_patch_constant(stage, params->time_weights_at),
      .bias = (const int32_t*)tflm_patch_constant(stage, params->bias_at),
      .inputs = tflm_patch_row_values(task->input),
      .units = tflm_patch_row_values(task->output),
      .state_zero_point = state->zero_point,
      .is_int16 = state->type == TFLM_PATCH_INT16,
  };
  (void)count;
  tflm_patch_svdf_s8(params, &args, (const int8_t*)tflm_patch_input_row(task, step),
                     tflm_patch_map_row(stage, state, 0),
                     (int8_t*)tflm_patch_output_row(task, step));
}

const tflm_patch_kernel tflm_patch_svdf_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_svdf_params),
    .inputs = 1,
    .outputs = 2,
    .rules = TFLM_PATCH_ANY_TYPES | TFLM_PATCH_MAY_ACCUMULATE,
};
