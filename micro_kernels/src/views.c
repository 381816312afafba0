/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CROP and JOIN: maps that lie in other maps' memory. Nothing is copied: they
 * only say which rows are there once which others are.
 */
#include "kernels.h"

static const tflm_patch_crop_params* crop_params(const tflm_patch_stage* stage,
                                                 const tflm_patch_op* op) {
  return (const tflm_patch_crop_params*)tflm_patch_params(stage, op);
}

static tflm_patch_status check_crop(const tflm_patch_stage* stage,
                                    const tflm_patch_op* op) {
  const tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* whole = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* part = tflm_patch_output_map(stage, op, 0);
  if (whole->type != part->type || whole->channels != part->channels ||
      part->cols > whole->cols || op->steps != part->rows ||
      (uint32_t)crop_params(stage, op)->top + part->rows > whole->rows) {
    return TFLM_PATCH_BAD_OP;
  }
  return TFLM_PATCH_OK;
}

static void crop_reads(const tflm_patch_stage* stage, const tflm_patch_op* op,
                       uint32_t input, uint32_t step, int32_t* first,
                       int32_t* last) {
  (void)input;
  *first = (int32_t)(crop_params(stage, op)->top + step);
  *last = *first;
}

static tflm_patch_status check_join(const tflm_patch_stage* stage,
                                    const tflm_patch_op* op) {
  if (op->n_inputs == 0 || op->n_outputs != 1) {
    return TFLM_PATCH_BAD_OP;
  }
  const tflm_patch_map* whole = tflm_patch_output_map(stage, op, 0);
  for (uint32_t i = 0; i < op->n_inputs; ++i) {
    const tflm_patch_map* part = tflm_patch_input_map(stage, op, i);
    if (whole->type != part->type || whole->channels != part->channels) {
      return TFLM_PATCH_BAD_OP;
    }
  }
  return op->steps == whole->rows ? TFLM_PATCH_OK : TFLM_PATCH_BAD_OP;
}

/* All parts are there before the whole is. */
static void join_reads(const tflm_patch_stage* stage, const tflm_patch_op* op,
                       uint32_t input, uint32_t step, int32_t* first,
                       int32_t* last) {
  (void)step;
  *first = 0;
  *last = (int32_t)tflm_patch_input_map(stage, op, input)->rows - 1;
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  (void)stage;
  (void)op;
  (void)step;
  (void)count;
}

const tflm_patch_kernel tflm_patch_crop_kernel = {
    .check = check_crop,
    .reads = crop_reads,
    .run = run,
};

const tflm_patch_kernel tflm_patch_join_kernel = {
    .check = check_join,
    .reads = join_reads,
    .run = run,
};
