/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * FULLY_CONNECTED of int16 vectors.
 */
#include "dot.h"
#include "family.h"
#include "kernels.h"
#include "requantize.h"
#include "weights.h"

/* Inputs [first, first + n), of which `input` is the first, and output o. */
static int64_t dot(const tflm_patch_fully_connected_args* args, const int16_t* input,
                   uint32_t first, uint32_t n, uint32_t o) {
  return tflm_patch_dot_s16(input, args->weights + (size_t)o * args->inputs + first, n);
}

static const tflm_patch_int64* wide_bias(const tflm_patch_fully_connected_args* args) {
  return (const tflm_patch_int64*)(const void*)args->bias;
}

void tflm_patch_fully_connected_s16(const tflm_patch_fully_connected_args* args,
                                    const int16_t* input, int16_t* output) {
  for (uint32_t o = 0; o < args->outputs; ++o) {
    const int64_t sum = tflm_patch_add_int64(tflm_patch_load_int64(&wide_bias(args)[o]),
                                             dot(args, input, 0, args->inputs, o));
    output[o] = tflm_patch_requantize_channel_s16(&args->requant, sum, o);
  }
}

void tflm_patch_fully_connected_accumulate_s16(const tflm_patch_fully_connected_args* args,
                                               const int16_t* input, uint32_t first, uint32_t n,
                                               tflm_patch_int64* sums) {
  for (uint32_t o = 0; o < args->outputs; ++o) {
    const uint64_t sum = (uint64_t)tflm_patch_add_int64(tflm_patch_load_int64(&sums[o]),
                                                        dot(args, input, first, n, o));
    sums[o].low = (uint32_t)sum;
    sums[o].high = (uint32_t)(sum >> 32);
  }
}

void tflm_patch_fully_connected_finish_s16(const tflm_patch_fully_connected_args* args,
                                           const tflm_patch_int64* sums, int16_t* output) {
  for (uint32_t o = 0; o < args->outputs; ++o) {
    output[o] =
        tflm_patch_requantize_channel_s16(&args->requant, tflm_patch_load_int64(&sums[o]), o);
  }
}

/* ---- the operator ---- */

static void make_row(const tflm_patch_fully_connected_args* args, const void* input, void* output) {
  tflm_patch_fully_connected_s16(args, (const int16_t*)input, (int16_t*)output);
}

static void accumulate(const tflm_patch_fully_connected_args* args, const void* input,
                       uint32_t first, uint32_t n, void* sums) {
  tflm_patch_fully_connected_accumulate_s16(args, (const int16_t*)input, first, n,
                                            (tflm_patch_int64*)sums);
}

static void finish(const tflm_patch_fully_connected_args* args, const void* sums, void* output) {
  tflm_patch_fully_connected_finish_s16(args, (const tflm_patch_int64*)sums, (int16_t*)output);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  static const tflm_patch_fully_connected_rows kKernels = {
      make_row, TFLM_PATCH_HAS_ROW_SUMS ? accumulate : NULL,
      TFLM_PATCH_HAS_ROW_SUMS ? finish : NULL, sizeof(tflm_patch_int64)};
  tflm_patch_run_fully_connected(task, step, count, &kKernels);
}

const tflm_patch_kernel tflm_patch_fully_connected_s16_kernel = {
    .check = tflm_patch_check_fully_connected,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_fully_connected_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_MAY_ACCUMULATE | TFLM_PATCH_IN_SERIES,
};
