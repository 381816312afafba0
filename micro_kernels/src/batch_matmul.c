/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inner loops. BATCH_MATMUL of int8 maps: products of matrices that both may be computed.
 */
#include "binary.h"
#include "kernels.h"
#include "requantize.h"

/* The most products of two differences below 256 whose sum stays below 2^31. */
#define MAX_DEPTH 32768
/* Columns of the result that are made together. */
#define BLOCK 16

enum { BY_COLUMNS = 2 }; /* `whole` of matrices side by side */

/* Row k of the second matrix. */
static const int8_t* matrix_row(const tflm_patch_batch_matmul_params* params,
                                const tflm_patch_rows* b, uint32_t b_row, uint32_t k) {
  return params->whole ? tflm_patch_view_row(b, k)
                       : tflm_patch_view_row(b, b_row) + (size_t)k * b->channels;
}

static int8_t requantize(const tflm_patch_batch_matmul_params* params, int32_t sum) {
  return (int8_t)tflm_patch_requantize(sum, params->output_multiplier, params->output_shift,
                                       params->output_zero_point, INT8_MIN, INT8_MAX);
}

/* The rows of the second matrix are the columns of the result. */
static void multiply_transposed(const tflm_patch_batch_matmul_params* params,
                                const tflm_patch_batch_matmul_args* args, int8_t* output) {
  const int32_t a_zero_point = args->a_zero_point;
  const int32_t b_zero_point = args->b_zero_point;
  for (uint32_t n = 0; n < args->outputs; ++n) {
    const int8_t* vector = args->a;
    const int8_t* weights = matrix_row(params, args->b, args->b_row, n);
    for (uint32_t m = 0; m < args->vectors; ++m) {
      int32_t sum = 0;
      for (uint32_t k = 0; k < args->depth; ++k) {
        sum += (vector[k] - a_zero_point) * (weights[k] - b_zero_point);
      }
      output[(size_t)m * args->outputs + n] = requantize(params, sum);
      vector += args->depth;
    }
  }
}

/* Columns [first, first + n) of one row of the result. */
static void multiply_block(const tflm_patch_batch_matmul_params* params,
                           const tflm_patch_batch_matmul_args* args, const int8_t* vector,
                           uint32_t first, uint32_t n, int8_t* output) {
  int32_t sums[BLOCK] = {0};
  for (uint32_t k = 0; k < args->depth; ++k) {
    const int8_t* weights = matrix_row(params, args->b, args->b_row, k) + first;
    const int32_t value = vector[k] - args->a_zero_point;
    for (uint32_t i = 0; i < n; ++i) {
      sums[i] += value * (weights[i] - args->b_zero_point);
    }
  }
  for (uint32_t i = 0; i < n; ++i) {
    output[first + i] = requantize(params, sums[i]);
  }
}

static void multiply(const tflm_patch_batch_matmul_params* params,
                     const tflm_patch_batch_matmul_args* args, int8_t* output) {
  if (params->transposed) {
    multiply_transposed(params, args, output);
    return;
  }
  const int8_t* vector = args->a;
  for (uint32_t m = 0; m < args->vectors; ++m) {
    for (uint32_t first = 0; first < args->outputs; first += BLOCK) {
      const uint32_t left = args->outputs - first;
      multiply_block(params, args, vector, first, left < BLOCK ? left : BLOCK, output);
    }
    vector += args->depth;
    output += args->outputs;
  }
}

void tflm_patch_batch_matmul_s8(const tflm_patch_batch_matmul_params* params,
                                const tflm_patch_batch_matmul_args* args, int8_t* output) {
  if (params->whole != BY_COLUMNS) {
    multiply(params, args, output);
    return;
  }
  tflm_patch_rows matrix = *args->b;
  tflm_patch_batch_matmul_args one = *args;
  one.b = &matrix;
  one.vectors = 1;
  for (uint32_t m = 0; m < args->vectors; ++m) {
    multiply(params, &one, output);
    one.a += args->depth;
    output += args->outputs;
    matrix.base += matrix.channels;
    matrix.split_base += matrix.channels;
  }
}

static int is_matrix(uint32_t rows, uint32_t cols, const tflm_patch_batch_matmul_params* params,
                     uint32_t depth, uint32_t outputs) {
  return params->transposed ? rows == outputs && cols == depth : rows == depth && cols == outputs;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_batch_matmul_params* params =
      (const tflm_patch_batch_matmul_params*)task->params;
  const tflm_patch_map* a = task->input;
  const tflm_patch_map* b = tflm_patch_input_map(task->stage, task->op, 1);
  const tflm_patch_map* output = task->output;
  const uint32_t rows = output->rows;
  int fits = a->cols == output->cols && a->channels <= MAX_DEPTH;
  if (params->whole) {
    const uint32_t matrices = params->whole == BY_COLUMNS ? a->cols : 1u;
    fits = fits && a->rows == rows && b->cols == matrices &&
           is_matrix(b->rows, b->channels, params, a->channels, output->channels);
  } else {
    fits = fits && (a->rows == rows || a->rows == 1) && (b->rows == rows || b->rows == 1) &&
           is_matrix(b->cols, b->channels, params, a->channels, output->channels);
  }
  return fits && params->whole <= BY_COLUMNS && params->transposed <= 1 &&
                 tflm_patch_is_shift(params->output_shift) &&
                 tflm_patch_is_int8(params->output_zero_point)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  const tflm_patch_batch_matmul_params* params =
      (const tflm_patch_batch_matmul_params*)task->params;
  if (params->whole && task->input == tflm_patch_input_map(task->stage, task->op, 1)) {
    tflm_patch_whole_reads(task, step, rows);
  } else {
    tflm_patch_binary_reads(task, step, rows);
  }
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_map* a = task->input;
  const tflm_patch_map* b = tflm_patch_input_map(task->stage, task->op, 1);
  (void)count;
  tflm_patch_rows view;
  tflm_patch_view_rows(task->stage, b, &view);
  const tflm_patch_batch_matmul_args args = {
      .a = (const int8_t*)tflm_patch_input_row(task, a->rows == 1 ? 0 : step),
      .b = &view,
      .b_row = b->rows == 1 ? 0 : step,
      .a_zero_point = a->zero_point,
      .b_zero_point = b->zero_point,
      .vectors = a->cols,
      .depth = a->channels,
      .outputs = task->output->channels,
  };
  tflm_patch_batch_matmul_s8((const tflm_patch_batch_matmul_params*)task->params, &args,
                             (int8_t*)tflm_patch_output_row(task, step));
}

const tflm_patch_kernel tflm_patch_batch_matmul_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_batch_matmul_params),
    .inputs = 2,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8,
};
