/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * FULLY_CONNECTED of int8 vectors.
 */
#include <string.h>

#include "family.h"
#include "kernels.h"
#include "portable/portable.h"
#include "rowwise.h"
#include "typed.h"
#include "weights.h"

#if !TFLM_PATCH_HAS_OWN_FULLY_CONNECTED
void tflm_patch_fully_connected_s8(const tflm_patch_fully_connected_args* args,
                                   const int8_t* input, int8_t* output) {
  tflm_patch_fully_connected_portable_s8(args, input, output);
}
#endif

static const tflm_patch_fully_connected_params* fully_connected_params(
    const tflm_patch_stage* stage, const tflm_patch_op* op) {
  return (const tflm_patch_fully_connected_params*)tflm_patch_params(stage, op);
}

/* A map of a single row is one vector, with or without `flatten`. */
int tflm_patch_fully_connected_accumulates(const tflm_patch_stage* stage,
                                           const tflm_patch_op* op) {
  return fully_connected_params(stage, op)->flatten &&
         tflm_patch_input_map(stage, op, 0)->rows > 1;
}

tflm_patch_status tflm_patch_check_fully_connected(
    const tflm_patch_stage* stage, const tflm_patch_op* op, uint8_t type) {
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
  const uint64_t sum_bytes = type == TFLM_PATCH_INT16
                                 ? sizeof(tflm_patch_int64)
                                 : sizeof(int32_t);
  if (input->type != type || output->type != type ||
      params->flatten > 1 || op->steps != input->rows ||
      inputs > INT32_MAX) {
    return TFLM_PATCH_BAD_OP;
  }
  if (tflm_patch_fully_connected_accumulates(stage, op)) {
    status = tflm_patch_check_scratch(op, outputs * sum_bytes);
    if (status != TFLM_PATCH_OK) {
      return status;
    }
  }
  return tflm_patch_check_weights(stage, type, params->weights_at,
                                  inputs * outputs, params->bias_at,
                                  &params->requant, outputs);
}

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  return tflm_patch_check_fully_connected(stage, op, TFLM_PATCH_INT8);
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
  if (tflm_patch_fully_connected_accumulates(stage, op)) {
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
    .is_accumulating = tflm_patch_fully_connected_accumulates,
};
