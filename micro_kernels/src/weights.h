/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Weights, biases and requantization in the constants, and what operators with
 * them share. Internal.
 */
#ifndef TFLM_PATCH_SRC_WEIGHTS_H_
#define TFLM_PATCH_SRC_WEIGHTS_H_

#include "kernel.h"

/* What the records of these operators hold from the requantization on. */
typedef struct {
  tflm_patch_requant requant;
  uint32_t weights_at;
  uint32_t bias_at;
} tflm_patch_weights_record;

#define TFLM_PATCH_ASSERT_WEIGHTS(record)                                     \
  _Static_assert(offsetof(record, weights_at) - offsetof(record, requant) ==  \
                         offsetof(tflm_patch_weights_record, weights_at) &&   \
                     offsetof(record, bias_at) - offsetof(record, requant) == \
                         offsetof(tflm_patch_weights_record, bias_at),        \
                 #record)
TFLM_PATCH_ASSERT_WEIGHTS(tflm_patch_conv_params);
TFLM_PATCH_ASSERT_WEIGHTS(tflm_patch_depthwise_params);
TFLM_PATCH_ASSERT_WEIGHTS(tflm_patch_transpose_conv_params);
TFLM_PATCH_ASSERT_WEIGHTS(tflm_patch_fully_connected_params);

/* The weights of `filters` filters of filter_bytes, and the bias and
 * requantization of `channels` outputs; `requant` is in a record (src/check.c). */
tflm_patch_status tflm_patch_check_weights(const tflm_patch_task* task,
                                           const tflm_patch_requant* requant, uint32_t filters,
                                           uint32_t filter_bytes, uint32_t channels);

/* A record's requantization for the row kernels (src/weights.c). */
void tflm_patch_find_requant(const tflm_patch_stage* stage, const tflm_patch_requant* requant,
                             tflm_patch_requant_args* args);

/* Arguments of a convolution of any kind, from its record and maps
 * (src/weights.c). */
void tflm_patch_find_conv(const tflm_patch_task* task, tflm_patch_conv_args* args);

/* Runs an operator row by row. `make_row` is the row kernel; `output` has the
 * map's type (src/weights.c). */
typedef void (*tflm_patch_conv_row)(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                                    uint32_t row, int8_t* output);
void tflm_patch_run_conv(const tflm_patch_task* task, uint32_t step, uint32_t count,
                         tflm_patch_conv_row make_row);

/* ---- conv.c ---- */
tflm_patch_status tflm_patch_check_conv(const tflm_patch_task* task);

/* ---- depthwise_conv.c ---- */
tflm_patch_status tflm_patch_check_depthwise(const tflm_patch_task* task);

/* ---- fully_connected.c ---- */
tflm_patch_status tflm_patch_check_fully_connected(const tflm_patch_task* task);

/* The row kernels of a type; rows and sums have it. */
typedef struct {
  void (*make_row)(const tflm_patch_fully_connected_args* args, const void* input, void* output);
  void (*accumulate)(const tflm_patch_fully_connected_args* args, const void* input, uint32_t first,
                     uint32_t n, void* sums);
  void (*finish)(const tflm_patch_fully_connected_args* args, const void* sums, void* output);
  uint32_t sum_bytes;
} tflm_patch_fully_connected_rows;

void tflm_patch_run_fully_connected(const tflm_patch_task* task, uint32_t step, uint32_t count,
                                    const tflm_patch_fully_connected_rows* kernels);

#endif /* TFLM_PATCH_SRC_WEIGHTS_H_ */
