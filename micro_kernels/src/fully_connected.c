/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * FULLY_CONNECTED of int8 vectors.
 */
#include <string.h>

#include "dot.h"
#include "family.h"
#include "kernels.h"
#include "requantize.h"
#include "rowwise.h"
#include "weights.h"

#if !TFLM_PATCH_HAS_OWN_FULLY_CONNECTED
#define CHANNELS TFLM_PATCH_DOT_CHANNELS

/* Products of n input values from `first` on with the weights of up to CHANNELS
 * outputs from `output` on; returns how many outputs. */
static uint32_t dot_block(const tflm_patch_fully_connected_args* args,
                          const int8_t* input, uint32_t first, uint32_t n,
                          uint32_t output, uint32_t* sums) {
  const int8_t* weights =
      args->weights + (size_t)output * args->inputs + first;
  const uint32_t left = args->outputs - output;
  for (uint32_t i = 0; i < CHANNELS; ++i) {
    sums[i] = 0;
  }
  if (left >= CHANNELS) {
    tflm_patch_dot_4(input, weights, args->inputs, n, sums);
    return CHANNELS;
  }
  for (uint32_t i = 0; i < left; ++i) {
    sums[i] = tflm_patch_dot(input, weights, n);
    weights += args->inputs;
  }
  return left;
}

void tflm_patch_fully_connected_s8(const tflm_patch_fully_connected_args* args,
                                   const int8_t* input, int8_t* output) {
  uint32_t sums[CHANNELS];
  uint32_t n;
  for (uint32_t o = 0; o < args->outputs; o += n) {
    n = dot_block(args, input, 0, args->inputs, o, sums);
    for (uint32_t i = 0; i < n; ++i) {
      output[o + i] = tflm_patch_requantize_channel(
          &args->requant, sums[i] + (uint32_t)args->bias[o + i], o + i);
    }
  }
}

void tflm_patch_fully_connected_accumulate_s8(
    const tflm_patch_fully_connected_args* args, const int8_t* input,
    uint32_t first, uint32_t n, int32_t* sums) {
  uint32_t terms[CHANNELS];
  uint32_t outputs;
  for (uint32_t o = 0; o < args->outputs; o += outputs) {
    outputs = dot_block(args, input, first, n, o, terms);
    for (uint32_t i = 0; i < outputs; ++i) {
      sums[o + i] = tflm_patch_wrapping_add(sums[o + i], (int32_t)terms[i]);
    }
  }
}

void tflm_patch_fully_connected_finish_s8(
    const tflm_patch_fully_connected_args* args, const int32_t* sums,
    int8_t* output) {
  for (uint32_t o = 0; o < args->outputs; ++o) {
    output[o] =
        tflm_patch_requantize_channel(&args->requant, (uint32_t)sums[o], o);
  }
}
#endif

/* ---- the operator ---- */

static const tflm_patch_fully_connected_params* fully_connected_params(
    const tflm_patch_stage* stage, const tflm_patch_op* op) {
  return (const tflm_patch_fully_connected_params*)tflm_patch_params(stage, op);
}

/* A map of a single row is one vector, with or without `flatten`. */
static int is_accumulating(const tflm_patch_stage* stage,
                           const tflm_patch_op* op) {
  return fully_connected_params(stage, op)->flatten &&
         tflm_patch_input_map(stage, op, 0)->rows > 1;
}

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  const tflm_patch_fully_connected_params* params =
      fully_connected_params(stage, op);
  tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const uint64_t inputs = (uint64_t)tflm_patch_row_values(input) *
                          (params->flatten ? input->rows : 1u);
  const uint32_t outputs = tflm_patch_row_values(output);
  if (input->type != TFLM_PATCH_INT8 || output->type != TFLM_PATCH_INT8 ||
      params->flatten > 1 || op->steps != input->rows ||
      inputs > INT32_MAX) {
    return TFLM_PATCH_BAD_OP;
  }
  if (is_accumulating(stage, op)) {
    status =
        tflm_patch_check_scratch(op, (uint64_t)outputs * sizeof(int32_t));
    if (status != TFLM_PATCH_OK) {
      return status;
    }
  }
  return tflm_patch_check_weights(stage, params->weights_at, inputs * outputs,
                                  params->bias_at, &params->requant, outputs);
}

static tflm_patch_fully_connected_args make_args(const tflm_patch_stage* stage,
                                                 const tflm_patch_op* op) {
  const tflm_patch_fully_connected_params* params =
      fully_connected_params(stage, op);
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_fully_connected_args args = {
      .requant = tflm_patch_find_requant(stage, &params->requant),
      .weights = (const int8_t*)tflm_patch_constant(stage, params->weights_at),
      .bias = (const int32_t*)tflm_patch_constant(stage, params->bias_at),
      .inputs =
          tflm_patch_row_values(input) * (params->flatten ? input->rows : 1u),
      .outputs = tflm_patch_row_values(tflm_patch_output_map(stage, op, 0)),
  };
  return args;
}

static void run_rows(const tflm_patch_stage* stage, const tflm_patch_op* op,
                     uint32_t step, uint32_t count) {
  const tflm_patch_fully_connected_args args = make_args(stage, op);
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  for (uint32_t row = step; row < step + count; ++row) {
    tflm_patch_fully_connected_s8(
        &args, (const int8_t*)tflm_patch_map_row(stage, input, row),
        (int8_t*)tflm_patch_map_row(stage, output, row));
  }
}

static void run_accumulating(const tflm_patch_stage* stage,
                             const tflm_patch_op* op, uint32_t step,
                             uint32_t count) {
  const tflm_patch_fully_connected_args args = make_args(stage, op);
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const uint32_t n = tflm_patch_row_values(input);
  const uint32_t end = step + count;
  int32_t* sums = (int32_t*)tflm_patch_scratch(stage, op);
  if (step == 0) {
    memcpy(sums, args.bias, args.outputs * sizeof(int32_t));
  }
  for (; step < end; ++step) {
    tflm_patch_fully_connected_accumulate_s8(
        &args, (const int8_t*)tflm_patch_map_row(stage, input, step), step * n,
        n, sums);
  }
  if (end == op->steps) {
    tflm_patch_fully_connected_finish_s8(
        &args, sums,
        (int8_t*)tflm_patch_map_row(stage, tflm_patch_output_map(stage, op, 0),
                                    0));
  }
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  if (is_accumulating(stage, op)) {
    run_accumulating(stage, op, step, count);
  } else {
    run_rows(stage, op, step, count);
  }
}

const tflm_patch_kernel tflm_patch_fully_connected_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .accumulates = 2,
    .is_accumulating = is_accumulating,
};
