/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * NEIGHBOURS: a sparse constant matrix times an int8 map, row by row: the sums over a node's
 * neighbours in a graph.
 *
 * Inner loops.
 */
#include "family.h"
#include "kernels.h"
#include "requantize.h"
#include "weights.h"

#if !TFLM_PATCH_HAS_OWN_NEIGHBOURS

/* Values of a row that are summed up together. */
#define BLOCK 16u

void tflm_patch_neighbours_s8(const tflm_patch_neighbours_args* args, const tflm_patch_rows* input,
                              uint32_t row, int8_t* output) {
  const uint32_t values = (uint32_t)input->cols * input->channels;
  const uint32_t end = args->starts[row + 1];
  for (uint32_t first = 0; first < values; first += BLOCK) {
    const uint32_t left = values - first;
    const uint32_t n = left < BLOCK ? left : BLOCK;
    uint32_t sums[BLOCK];
    for (uint32_t i = 0; i < n; ++i) {
      sums[i] = (uint32_t)args->bias[row];
    }
    for (uint32_t k = args->starts[row]; k < end; ++k) {
      const int8_t* x = tflm_patch_view_row(input, args->nodes[k]) + first;
      const int32_t weight = args->weights[k] - args->weights_zero_point;
      for (uint32_t i = 0; i < n; ++i) {
        sums[i] += (uint32_t)(weight * x[i]);
      }
    }
    for (uint32_t i = 0; i < n; ++i) {
      output[first + i] = tflm_patch_requantize_channel(&args->requant, sums[i], row);
    }
  }
}

#endif

/* ---- the operator ---- */

static const tflm_patch_neighbours_params* neighbours_params(const tflm_patch_task* task) {
  return (const tflm_patch_neighbours_params*)task->params;
}

static void find_args(const tflm_patch_task* task, tflm_patch_neighbours_args* args) {
  const tflm_patch_stage* stage = task->stage;
  const tflm_patch_neighbours_params* params = neighbours_params(task);
  tflm_patch_find_requant(stage, &params->requant, &args->requant);
  args->bias = (const int32_t*)tflm_patch_constant(stage, params->bias_at);
  args->starts = (const uint32_t*)tflm_patch_constant(stage, params->starts_at);
  args->nodes = (const uint16_t*)tflm_patch_constant(stage, params->nodes_at);
  args->weights = (const int8_t*)tflm_patch_constant(stage, params->weights_at);
  args->weights_zero_point = params->weights_zero_point;
}

static const uint16_t* spans(const tflm_patch_task* task) {
  return (const uint16_t*)tflm_patch_constant(task->stage, neighbours_params(task)->spans_at);
}

/* All entries are of some row, one row after the other; all nodes of a row are in its span, which
 * is in the input and never goes back. */
static int is_matrix(const tflm_patch_task* task) {
  const tflm_patch_neighbours_params* params = neighbours_params(task);
  const uint32_t rows = task->output->rows;
  const uint16_t* span = spans(task);
  uint32_t first = 0;
  uint32_t last = 0;
  tflm_patch_neighbours_args args;
  find_args(task, &args);
  if (args.starts[0] != 0 || args.starts[rows] != params->connections) {
    return 0;
  }
  for (uint32_t row = 0; row < rows; ++row, span += 2) {
    const uint32_t end = args.starts[row + 1];
    if (end < args.starts[row] || end > params->connections || span[0] < first || span[1] < last ||
        span[0] > span[1] || span[1] >= task->input->rows) {
      return 0;
    }
    first = span[0];
    last = span[1];
    for (uint32_t k = args.starts[row]; k < end; ++k) {
      if (args.nodes[k] < first || args.nodes[k] > last) {
        return 0;
      }
    }
  }
  return 1;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_neighbours_params* params = neighbours_params(task);
  const uint32_t rows = task->output->rows;
  const tflm_patch_constant_array arrays[] = {
      {params->bias_at, rows, 4},
      {params->starts_at, rows + 1, 4},
      {params->nodes_at, params->connections, 2},
      {params->weights_at, params->connections, 1},
      {params->spans_at, 2 * rows, 2},
  };
  tflm_patch_status status =
      tflm_patch_check_constants(task->stage, arrays, sizeof(arrays) / sizeof(arrays[0]));
  if (status == TFLM_PATCH_OK) {
    status = tflm_patch_check_requant(task->stage, TFLM_PATCH_INT8, &params->requant, rows);
  }
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  return task->input->cols == task->output->cols &&
                 task->input->channels == task->output->channels &&
                 tflm_patch_is_int8(params->weights_zero_point) && is_matrix(task)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  const uint16_t* span = spans(task) + 2 * step;
  rows->first = span[0];
  rows->last = span[1];
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_neighbours_args args;
  tflm_patch_rows input;
  (void)count;
  find_args(task, &args);
  tflm_patch_view_rows(task->stage, task->input, &input);
  tflm_patch_neighbours_s8(&args, &input, step, (int8_t*)tflm_patch_output_row(task, step));
}

const tflm_patch_kernel tflm_patch_neighbours_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_neighbours_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8,
};
