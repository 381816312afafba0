/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * FULLY_CONNECTED of int16 vectors.
 */
#include <string.h>

#include "dot.h"
#include "kernels.h"
#include "requantize.h"
#include "rowwise.h"
#include "typed.h"
#include "weights.h"

void tflm_patch_fully_connected_s16(
    const tflm_patch_fully_connected_s16_args* args, const int16_t* input,
    int16_t* output) {
  const int8_t* weights = args->weights;
  for (uint32_t o = 0; o < args->outputs; ++o) {
    const int64_t sum = tflm_patch_add_int64(
        tflm_patch_load_int64(&args->bias[o]),
        tflm_patch_dot_s16(input, weights, args->inputs));
    output[o] = tflm_patch_requantize_channel_s16(&args->requant, sum, o);
    weights += args->inputs;
  }
}

void tflm_patch_fully_connected_accumulate_s16(
    const tflm_patch_fully_connected_s16_args* args, const int16_t* input,
    uint32_t first, uint32_t n, tflm_patch_int64* sums) {
  const int8_t* weights = args->weights + first;
  for (uint32_t o = 0; o < args->outputs; ++o) {
    const uint64_t sum = (uint64_t)tflm_patch_add_int64(
        tflm_patch_load_int64(&sums[o]), tflm_patch_dot_s16(input, weights, n));
    sums[o].low = (uint32_t)sum;
    sums[o].high = (uint32_t)(sum >> 32);
    weights += args->inputs;
  }
}

void tflm_patch_fully_connected_finish_s16(
    const tflm_patch_fully_connected_s16_args* args,
    const tflm_patch_int64* sums, int16_t* output) {
  for (uint32_t o = 0; o < args->outputs; ++o) {
    output[o] = tflm_patch_requantize_channel_s16(
        &args->requant, tflm_patch_load_int64(&sums[o]), o);
  }
}

/* ---- the operator ---- */

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  return tflm_patch_check_fully_connected(stage, op, TFLM_PATCH_INT16);
}

static const int16_t* input_row(const tflm_patch_stage* stage,
                                const tflm_patch_op* op, uint32_t row) {
  return (const int16_t*)(const void*)tflm_patch_map_row(
      stage, tflm_patch_input_map(stage, op, 0), row);
}

static int16_t* output_row(const tflm_patch_stage* stage,
                           const tflm_patch_op* op, uint32_t row) {
  return (int16_t*)(void*)tflm_patch_map_row(
      stage, tflm_patch_output_map(stage, op, 0), row);
}

static void run_accumulating(const tflm_patch_stage* stage,
                             const tflm_patch_op* op,
                             const tflm_patch_fully_connected_s16_args* args,
                             uint32_t step, uint32_t count) {
  const uint32_t n =
      tflm_patch_row_values(tflm_patch_input_map(stage, op, 0));
  const uint32_t end = step + count;
  tflm_patch_int64* sums = (tflm_patch_int64*)tflm_patch_scratch(stage, op);
  if (step == 0) {
    memcpy(sums, args->bias, args->outputs * sizeof(*sums));
  }
  for (; step < end; ++step) {
    tflm_patch_fully_connected_accumulate_s16(
        args, input_row(stage, op, step), step * n, n, sums);
  }
  if (end == op->steps) {
    tflm_patch_fully_connected_finish_s16(args, sums,
                                          output_row(stage, op, 0));
  }
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_fully_connected_params* params =
      (const tflm_patch_fully_connected_params*)tflm_patch_params(stage, op);
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_fully_connected_s16_args args = {
      .requant = tflm_patch_find_requant(stage, &params->requant),
      .weights = (const int8_t*)tflm_patch_constant(stage, params->weights_at),
      .bias = (const tflm_patch_int64*)tflm_patch_constant(stage,
                                                           params->bias_at),
      .inputs =
          tflm_patch_row_values(input) * (params->flatten ? input->rows : 1u),
      .outputs = tflm_patch_row_values(tflm_patch_output_map(stage, op, 0)),
  };
  if (tflm_patch_fully_connected_accumulates(stage, op)) {
    run_accumulating(stage, op, &args, step, count);
    return;
  }
  for (uint32_t row = step; row < step + count; ++row) {
    tflm_patch_fully_connected_s16(&args, input_row(stage, op, row),
                                   output_row(stage, op, row));
  }
}

const tflm_patch_kernel tflm_patch_fully_connected_s16_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .accumulates = 2,
    .is_accumulating = tflm_patch_fully_connected_accumulates,
};
