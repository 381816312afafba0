/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * ADD of int8 maps: both are brought to a common scale with `left_shift`
 * fractional bits, added, and brought to the output's scale.
 */
#include "binary.h"
#include "family.h"
#include "portable/portable.h"
#include "requantize.h"

/* The most that keep (value - zero point) << left_shift in int32. */
#define MAX_LEFT_SHIFT 20
#define MAX_LEFT_SHIFT_S16 15

#if !TFLM_PATCH_HAS_OWN_ADD
void tflm_patch_add_s8(const tflm_patch_add_params* params, int32_t a_zero_point,
                       int32_t b_zero_point, const int8_t* a, uint32_t a_step, const int8_t* b,
                       uint32_t b_step, int8_t* output, uint32_t n) {
  tflm_patch_add_portable_s8(params, a_zero_point, b_zero_point, a, a_step, b, b_step, output, n);
}
#endif

static int is_right_shift(int32_t shift) { return tflm_patch_is_shift(shift) && shift <= 0; }

tflm_patch_status tflm_patch_check_add(const tflm_patch_task* task) {
  const tflm_patch_add_params* params = (const tflm_patch_add_params*)task->params;
  const uint8_t type = task->output->type;
  const int is_int16 = type == TFLM_PATCH_INT16;
  return is_right_shift(params->input_shift[0]) && is_right_shift(params->input_shift[1]) &&
                 is_right_shift(params->output_shift) && params->left_shift >= 0 &&
                 params->left_shift <= (is_int16 ? MAX_LEFT_SHIFT_S16 : MAX_LEFT_SHIFT) &&
                 (is_int16 ? params->output_zero_point == 0
                           : tflm_patch_is_int8(params->output_zero_point)) &&
                 tflm_patch_is_clamp(type, params->act_min, params->act_max)
             ? tflm_patch_check_binary(task)
             : TFLM_PATCH_BAD_OP;
}

static void add_row(const void* params, int32_t a_zero_point, int32_t b_zero_point, const int8_t* a,
                    uint32_t a_step, const int8_t* b, uint32_t b_step, int8_t* output, uint32_t n) {
  tflm_patch_add_s8((const tflm_patch_add_params*)params, a_zero_point, b_zero_point, a, a_step, b,
                    b_step, output, n);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_run_binary(task, step, count, add_row);
}

const tflm_patch_kernel tflm_patch_add_kernel = {
    .check = tflm_patch_check_add,
    .reads = tflm_patch_binary_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_add_params),
    .inputs = 2,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_IN_SERIES,
};
