/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * SOFTMAX over the channels of int16 maps, by tables of exp over [-10, 0] and of
 * 1 / (1 + x) over [0, 1], each with 512 steps between whose ends TFLM
 * interpolates (planner/lowering/operators/softmax_s16.py makes them).
 *
 * Inner loops.
 */
#include "kernels.h"
#include "requantize.h"

#define ENTRIES 513u

/* The table at `value`, the first of whose steps is at -2^15. */
static inline int16_t interpolate(const int16_t* table, int32_t value) {
  value = tflm_patch_clamp(value, INT16_MIN, INT16_MAX);
  const int16_t* entry = table + 256 + (value >> 7);
  const int16_t slope = (int16_t)(entry[1] - entry[0]);
  return (int16_t)(entry[0] + ((slope * (value & 127) + 64) >> 7));
}

static int32_t leading_zeros(uint32_t x) {
  int32_t n = 0;
  for (; x < 0x80000000u; x <<= 1) {
    ++n;
  }
  return n;
}

void tflm_patch_softmax_s16(const tflm_patch_softmax_s16_params* params, const int16_t* exp_table,
                            const int16_t* reciprocal_table, const int16_t* input, int16_t* output,
                            uint32_t n) {
  int32_t max = INT16_MIN;
  for (uint32_t i = 0; i < n; ++i) {
    max = input[i] > max ? input[i] : max;
  }
  int32_t sum = 0; /* 16 bits before the point */
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t scaled = tflm_patch_multiply_by_quantized_multiplier(
        input[i] - max, params->multiplier, params->shift);
    output[i] = interpolate(exp_table, tflm_patch_wrapping_add(scaled, INT16_MAX));
    sum = tflm_patch_wrapping_add(sum, output[i]);
  }
  /* The largest value alone adds one; the bound holds for a damaged table. */
  sum = sum < 2 ? 2 : sum;
  const int32_t headroom = leading_zeros((uint32_t)sum);
  /* The sum as 1 + x, x in [0, 1) with 16 bits; then less the table's middle. */
  const int32_t one_plus_x =
      (int32_t)((((int64_t)sum << (headroom - 1)) + ((int64_t)1 << 13)) >> 14);
  const int32_t x = one_plus_x - ((1 << 15) + (1 << 16));
  const int32_t reciprocal = interpolate(reciprocal_table, x);
  const int32_t shift = 31 - headroom;
  for (uint32_t i = 0; i < n; ++i) {
    const int64_t product = (int64_t)output[i] * reciprocal + ((int64_t)1 << (shift - 1));
    output[i] = (int16_t)tflm_patch_clamp((int32_t)(product >> shift), 0, INT16_MAX);
  }
}

/* ---- the operator ---- */

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_softmax_s16_params* params = (const tflm_patch_softmax_s16_params*)task->params;
  if (!tflm_patch_is_shift(params->shift)) {
    return TFLM_PATCH_BAD_OP;
  }
  const tflm_patch_status status =
      tflm_patch_check_constant(task->stage, params->exp_table_at, ENTRIES, sizeof(int16_t));
  return status != TFLM_PATCH_OK ? status
                                 : tflm_patch_check_constant(task->stage, params->reciprocal_at,
                                                             ENTRIES, sizeof(int16_t));
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_softmax_s16_params* params = (const tflm_patch_softmax_s16_params*)task->params;
  const int16_t* exp_table = (const int16_t*)tflm_patch_constant(task->stage, params->exp_table_at);
  const int16_t* reciprocal =
      (const int16_t*)tflm_patch_constant(task->stage, params->reciprocal_at);
  const uint32_t channels = task->input->channels;
  const int16_t* in = (const int16_t*)tflm_patch_input_row(task, step);
  int16_t* out = (int16_t*)tflm_patch_output_row(task, step);
  (void)count;
  for (uint32_t col = 0; col < task->input->cols; ++col) {
    tflm_patch_softmax_s16(params, exp_table, reciprocal, in, out, channels);
    in += channels;
    out += channels;
  }
}

const tflm_patch_kernel tflm_patch_softmax_s16_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_softmax_s16_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_SAME_SHAPE,
};
