/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * LOGISTIC and TANH of int16 maps.
 *
 * A value is brought to steps of 1 / 12288 and looked up in a table of the
 * logistic function in steps of 1 / 24, between whose entries TFLM interpolates;
 * tanh(x) is 2 * logistic(2 * x) - 1. Both are odd around their middle: the table
 * is of positive values alone.
 *
 * Inner loops.
 */
#include "kernels.h"

/* What the input stands for, in steps of 1 / 12288. */
static inline int32_t scaled(const tflm_patch_sigmoid_params* params, int16_t value) {
  const uint32_t half = params->shift > 0 ? (uint32_t)1 << (params->shift - 1) : 0;
  const uint32_t product = (uint32_t)value * (uint32_t)params->multiplier;
  return (int32_t)(product + half) >> params->shift;
}

/* The table at |x|, with `bits` fractional bits: 16 + bits of them behind the
 * point; what a saturated |x| has is given. */
static inline uint32_t interpolate(const uint16_t* table, int32_t x, uint32_t bits,
                                   uint32_t saturated) {
  const uint32_t size = x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
  const uint32_t i = size >> bits;
  if (i >= TFLM_PATCH_SIGMOID_ENTRIES - 1) { /* from the last entry on */
    return saturated << bits;
  }
  const uint32_t part = size & (((uint32_t)1 << bits) - 1);
  /* The entries may decrease in a damaged table: modulo 2^32. */
  return ((uint32_t)table[i] << bits) + part * ((uint32_t)table[i + 1] - table[i]);
}

void tflm_patch_logistic_s16(const tflm_patch_sigmoid_params* params, const uint16_t* table,
                             const int16_t* input, int16_t* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t x = scaled(params, input[i]);
    uint32_t y = interpolate(table, x, 9, 0xFFFE);
    /* 25 bits behind the point to 15, ties of what is negative downwards. */
    y = x >= 0 ? y + 512 : ((uint32_t)1 << 25) - y + 511;
    output[i] = (int16_t)(y >> 10);
  }
}

void tflm_patch_tanh_s16(const tflm_patch_sigmoid_params* params, const uint16_t* table,
                         const int16_t* input, int16_t* output, uint32_t n) {
  const uint32_t half = (uint32_t)1 << 23;
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t x = scaled(params, input[i]);
    uint32_t y = interpolate(table, x, 8, 0xFFFF);
    /* Twice the table less one: 23 bits behind the point to 15. */
    y = x >= 0 ? y - half + 128 : half - y + 127;
    output[i] = (int16_t)((int32_t)y >> 8);
  }
}

/* ---- the operators ---- */

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_sigmoid_params* params = (const tflm_patch_sigmoid_params*)task->params;
  return params->multiplier >= 0 && params->shift >= 0 && params->shift <= 31
             ? tflm_patch_check_constant(task->stage, params->table_at, TFLM_PATCH_SIGMOID_ENTRIES,
                                         sizeof(uint16_t))
             : TFLM_PATCH_BAD_OP;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_sigmoid_params* params = (const tflm_patch_sigmoid_params*)task->params;
  const uint16_t* table = (const uint16_t*)tflm_patch_constant(task->stage, params->table_at);
  const int16_t* in = (const int16_t*)tflm_patch_input_row(task, step);
  int16_t* out = (int16_t*)tflm_patch_output_row(task, step);
  const uint32_t n = tflm_patch_row_values(task->input);
  (void)count;
  if (task->op->kind == TFLM_PATCH_TANH_S16) {
    tflm_patch_tanh_s16(params, table, in, out, n);
  } else {
    tflm_patch_logistic_s16(params, table, in, out, n);
  }
}

const tflm_patch_kernel tflm_patch_logistic_s16_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_sigmoid_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_SAME_SHAPE,
};

const tflm_patch_kernel tflm_patch_tanh_s16_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_sigmoid_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_SAME_SHAPE,
};
