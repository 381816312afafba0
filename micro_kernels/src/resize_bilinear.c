/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RESIZE_BILINEAR of int8 maps: every value is a mean of up to four, with
 * weights in 1/1024 along each axis.
 */
#include "kernels.h"

enum { WHOLE = 1 << TFLM_PATCH_BETWEEN_BITS };

/* A sum of four products to int8, rounded to nearest, ties away from zero. */
static inline int8_t round_sum(int32_t sum) {
  const int32_t half = WHOLE * WHOLE / 2;
  return (int8_t)((sum + (sum > 0 ? half : -half)) / (WHOLE * WHOLE));
}

void tflm_patch_resize_bilinear_s8(const tflm_patch_between* cols, uint32_t n,
                                   const int8_t* above, const int8_t* below,
                                   uint32_t below_weight, uint32_t channels,
                                   int8_t* output) {
  const int32_t low = (int32_t)below_weight;
  const int32_t high = WHOLE - low;
  for (uint32_t x = 0; x < n; ++x) {
    const int32_t right = cols[x].weight;
    const int32_t left = WHOLE - right;
    const size_t at = (size_t)cols[x].index * channels;
    const size_t next = right != 0 ? at + channels : at;
    for (uint32_t c = 0; c < channels; ++c) {
      const int32_t a = above[at + c] * high + below[at + c] * low;
      const int32_t b = above[next + c] * high + below[next + c] * low;
      *output++ = round_sum(a * left + b * right);
    }
  }
}

static const tflm_patch_resize_params* resize_params(
    const tflm_patch_stage* stage, const tflm_patch_op* op) {
  return (const tflm_patch_resize_params*)tflm_patch_params(stage, op);
}

static const tflm_patch_between* find_positions(const tflm_patch_stage* stage,
                                                uint32_t at) {
  return (const tflm_patch_between*)tflm_patch_constant(stage, at);
}

static uint32_t last_index(const tflm_patch_between* position) {
  return (uint32_t)position->index + (position->weight != 0);
}

/* n positions below size; neither of the indices that they read decreases. */
static tflm_patch_status check_positions(const tflm_patch_stage* stage,
                                         uint32_t at, uint32_t n,
                                         uint32_t size) {
  if (at % sizeof(uint16_t) != 0) {
    return TFLM_PATCH_BAD_ALIGNMENT;
  }
  if (!tflm_patch_constant_fits(stage, at,
                                (uint64_t)n * sizeof(tflm_patch_between),
                                sizeof(uint16_t))) {
    return TFLM_PATCH_BAD_SIZE;
  }
  const tflm_patch_between* positions = find_positions(stage, at);
  for (uint32_t i = 0; i < n; ++i) {
    const tflm_patch_between* position = &positions[i];
    if (position->weight >= WHOLE || last_index(position) >= size ||
        (i > 0 && (position->index < position[-1].index ||
                   last_index(position) < last_index(position - 1)))) {
      return TFLM_PATCH_BAD_OP;
    }
  }
  return TFLM_PATCH_OK;
}

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  const tflm_patch_resize_params* params = resize_params(stage, op);
  tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  if (input->type != TFLM_PATCH_INT8 || output->type != TFLM_PATCH_INT8 ||
      input->channels != output->channels || op->steps != output->rows) {
    return TFLM_PATCH_BAD_OP;
  }
  status = check_positions(stage, params->row_at, output->rows, input->rows);
  return status != TFLM_PATCH_OK
             ? status
             : check_positions(stage, params->col_at, output->cols,
                               input->cols);
}

static void reads(const tflm_patch_stage* stage, const tflm_patch_op* op,
                  uint32_t input, uint32_t step, int32_t* first,
                  int32_t* last) {
  const tflm_patch_between* row =
      find_positions(stage, resize_params(stage, op)->row_at) + step;
  (void)input;
  *first = row->index;
  *last = (int32_t)last_index(row);
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_resize_params* params = resize_params(stage, op);
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const tflm_patch_between* rows = find_positions(stage, params->row_at);
  for (uint32_t row = step; row < step + count; ++row) {
    tflm_patch_resize_bilinear_s8(
        find_positions(stage, params->col_at), output->cols,
        (const int8_t*)tflm_patch_map_row(stage, input, rows[row].index),
        (const int8_t*)tflm_patch_map_row(stage, input, last_index(&rows[row])),
        rows[row].weight, input->channels,
        (int8_t*)tflm_patch_map_row(stage, output, row));
  }
}

const tflm_patch_kernel tflm_patch_resize_bilinear_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
};
