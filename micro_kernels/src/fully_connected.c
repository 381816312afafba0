/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * FULLY_CONNECTED of int8 vectors.
 */
#include <string.h>

#include "family.h"
#include "kernels.h"
#include "needed.h"
#include "portable/portable.h"
#include "weights.h"

#if !TFLM_PATCH_HAS_OWN_FULLY_CONNECTED
void tflm_patch_fully_connected_s8(const tflm_patch_fully_connected_args* args, const int8_t* input,
                                   int8_t* output) {
  tflm_patch_fully_connected_portable_s8(args, input, output);
}
#endif

static const tflm_patch_fully_connected_params* fully_connected_params(
    const tflm_patch_task* task) {
  return (const tflm_patch_fully_connected_params*)task->params;
}

/* A map of a single row is one vector, with or without `flatten`. */
static int has_several_rows(const tflm_patch_task* task) {
  return fully_connected_params(task)->flatten && task->input->rows > 1;
}

tflm_patch_status tflm_patch_check_fully_connected(const tflm_patch_task* task) {
  const tflm_patch_fully_connected_params* params = fully_connected_params(task);
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* output = task->output;
  const int accumulates = has_several_rows(task);
  const uint32_t outputs = tflm_patch_row_values(output);
  const uint32_t row_inputs = tflm_patch_row_values(input);
  const uint32_t parts = accumulates ? input->rows : 1;
  if (params->flatten > 1 || task->op->steps != input->rows ||
      output->rows != (accumulates ? 1 : input->rows) || row_inputs > INT32_MAX / parts ||
      (accumulates && !TFLM_PATCH_HAS_ROW_SUMS) || !tflm_patch_is_fully_connected_there(task)) {
    return TFLM_PATCH_BAD_OP;
  }
  if (accumulates) {
    const tflm_patch_status status =
        tflm_patch_check_scratch(task->op, outputs, input->type == TFLM_PATCH_INT16 ? 8 : 4);
    if (status != TFLM_PATCH_OK) {
      return status;
    }
  }
  return tflm_patch_check_weights(task, &params->requant, outputs, row_inputs * parts, outputs);
}

static void find_args(const tflm_patch_task* task, tflm_patch_fully_connected_args* args) {
  const tflm_patch_stage* stage = task->stage;
  const tflm_patch_fully_connected_params* params = fully_connected_params(task);
  tflm_patch_find_requant(stage, &params->requant, &args->requant);
  args->weights = (const int8_t*)tflm_patch_constant(stage, params->weights_at);
  args->bias = (const int32_t*)tflm_patch_constant(stage, params->bias_at);
  args->inputs = tflm_patch_row_values(task->input);
  if (params->flatten) {
    args->inputs *= task->input->rows;
  }
  args->outputs = tflm_patch_row_values(task->output);
}

void tflm_patch_run_fully_connected(const tflm_patch_task* task, uint32_t step, uint32_t count,
                                    const tflm_patch_fully_connected_rows* kernels) {
  const int accumulates = TFLM_PATCH_HAS_ROW_SUMS && has_several_rows(task);
  const uint32_t n = tflm_patch_row_values(task->input);
  const uint32_t end = step + count;
  void* sums = tflm_patch_scratch(task);
  tflm_patch_fully_connected_args args;
  find_args(task, &args);
  if (accumulates && step == 0) {
    memcpy(sums, args.bias, args.outputs * kernels->sum_bytes);
  }
  for (; step < end; ++step) {
    const void* input = tflm_patch_input_row(task, step);
    if (accumulates) {
      kernels->accumulate(&args, input, step * n, n, sums);
    } else {
      kernels->make_row(&args, input, tflm_patch_output_row(task, step));
    }
  }
  if (accumulates && end == task->op->steps) {
    kernels->finish(&args, sums, tflm_patch_output_row(task, 0));
  }
}

static void make_row(const tflm_patch_fully_connected_args* args, const void* input, void* output) {
  tflm_patch_fully_connected_s8(args, (const int8_t*)input, (int8_t*)output);
}

static void accumulate(const tflm_patch_fully_connected_args* args, const void* input,
                       uint32_t first, uint32_t n, void* sums) {
  tflm_patch_fully_connected_accumulate_s8(args, (const int8_t*)input, first, n, (int32_t*)sums);
}

static void finish(const tflm_patch_fully_connected_args* args, const void* sums, void* output) {
  tflm_patch_fully_connected_finish_s8(args, (const int32_t*)sums, (int8_t*)output);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  static const tflm_patch_fully_connected_rows kKernels = {
      make_row, TFLM_PATCH_HAS_ROW_SUMS ? accumulate : NULL,
      TFLM_PATCH_HAS_ROW_SUMS ? finish : NULL, sizeof(int32_t)};
  tflm_patch_run_fully_connected(task, step, count, &kKernels);
}

const tflm_patch_kernel tflm_patch_fully_connected_kernel = {
    .check = tflm_patch_check_fully_connected,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_fully_connected_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_MAY_ACCUMULATE | TFLM_PATCH_IN_SERIES,
};
