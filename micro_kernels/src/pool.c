/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * AVERAGE_POOL_2D and MAX_POOL_2D of int8 maps, and what those of int16 maps
 * share with them.
 */
#include "family.h"

#define OWN_ROWS TFLM_PATCH_HAS_OWN_POOL
#define VALUE int8_t
#define VALUE_MIN INT8_MIN
#define AVERAGE_ROW tflm_patch_average_pool_s8
#define AVERAGE_ADD tflm_patch_average_pool_accumulate_s8
#define AVERAGE_FINISH tflm_patch_average_pool_finish_s8
#define MAX_ROW tflm_patch_max_pool_s8
#include "pool_rows.h"

/* Every window of one dimension has a cell in the map. */
static int windows_meet(int32_t kernel, int32_t stride, int32_t pad,
                        int32_t input, int32_t output) {
  return pad < kernel && (output - 1) * stride - pad < input;
}

static tflm_patch_status check_pool(const tflm_patch_stage* stage,
                                    const tflm_patch_op* op, uint8_t type) {
  const tflm_patch_pool_params* params = pool_params(stage, op);
  const tflm_patch_window* window = &params->window;
  tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  status = tflm_patch_check_window(window, input, output);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  return window->dilation_h == 1 && window->dilation_w == 1 &&
                 input->type == type && output->type == type &&
                 output->channels == input->channels &&
                 tflm_patch_is_clamp(type, params->act_min, params->act_max)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

tflm_patch_status tflm_patch_check_max_pool(const tflm_patch_stage* stage,
                                            const tflm_patch_op* op,
                                            uint8_t type) {
  return pool_params(stage, op)->accumulate ? TFLM_PATCH_BAD_OP
                                            : check_pool(stage, op, type);
}

tflm_patch_status tflm_patch_check_average_pool(const tflm_patch_stage* stage,
                                                const tflm_patch_op* op,
                                                uint8_t type) {
  const tflm_patch_pool_params* params = pool_params(stage, op);
  const tflm_patch_window* window = &params->window;
  const tflm_patch_status status = check_pool(stage, op, type);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  if (params->accumulate > 1 ||
      !windows_meet(window->kernel_h, window->stride_h, window->pad_top,
                    input->rows, output->rows) ||
      !windows_meet(window->kernel_w, window->stride_w, window->pad_left,
                    input->cols, output->cols)) {
    return TFLM_PATCH_BAD_OP;
  }
  if (!params->accumulate) {
    return TFLM_PATCH_OK;
  }
  int32_t first;
  int32_t last;
  tflm_patch_window_reads(window, input->rows, 0, &first, &last);
  if (params->first_row != first || op->steps != last - first + 1) {
    return TFLM_PATCH_BAD_OP;
  }
  return tflm_patch_check_scratch(op, 4ull * output->cols * output->channels);
}

int tflm_patch_pool_accumulates(const tflm_patch_stage* stage,
                                const tflm_patch_op* op) {
  return pool_params(stage, op)->accumulate;
}

void tflm_patch_pool_reads(const tflm_patch_stage* stage,
                           const tflm_patch_op* op, uint32_t input,
                           uint32_t step, int32_t* first, int32_t* last) {
  const tflm_patch_pool_params* params = pool_params(stage, op);
  if (params->accumulate) {
    *first = (int32_t)(params->first_row + step);
    *last = *first;
    return;
  }
  tflm_patch_window_reads(&params->window,
                          tflm_patch_input_map(stage, op, input)->rows, step,
                          first, last);
}

static tflm_patch_status check_average(const tflm_patch_stage* stage,
                                       const tflm_patch_op* op) {
  return tflm_patch_check_average_pool(stage, op, TFLM_PATCH_INT8);
}

static tflm_patch_status check_max(const tflm_patch_stage* stage,
                                   const tflm_patch_op* op) {
  return tflm_patch_check_max_pool(stage, op, TFLM_PATCH_INT8);
}

const tflm_patch_kernel tflm_patch_average_pool_2d_kernel = {
    .check = check_average,
    .reads = tflm_patch_pool_reads,
    .run = run_average,
    .accumulates = 2,
    .is_accumulating = tflm_patch_pool_accumulates,
};

const tflm_patch_kernel tflm_patch_max_pool_2d_kernel = {
    .check = check_max,
    .reads = tflm_patch_pool_reads,
    .run = run_max,
};
