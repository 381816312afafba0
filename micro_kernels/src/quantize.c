/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * QUANTIZE from float32 to 8 bits or int16, and DEQUANTIZE back.
 */
#include <float.h>
#include <string.h>

#include "kernels.h"
#include "requantize.h"

#define INT32_LIMIT 2147483648.0f      /* 2^31 */
#define QUARTER_LIMIT_BITS 0x4E000000u /* 2^29 as IEEE 754 has it */

/* What TFLM's conversion of a float without an int32 gives: C leaves it open,
 * and the processors differ. x86 makes everything INT32_MIN; Arm, and the
 * libraries of processors without floating point, saturate. */
static int32_t convert_out_of_range(float x) {
#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
  (void)x;
  return INT32_MIN;
#else
  return x >= INT32_LIMIT ? INT32_MAX : x < 0.0f ? INT32_MIN : 0;
#endif
}

/* Rounds to nearest, halves away from zero. */
static int32_t round_to_int32(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  if (bits << 1 < QUARTER_LIMIT_BITS << 1) { /* one comparison, of the absolute value */
    const int32_t halves = (int32_t)(x + x); /* towards zero; the sum is exact */
    return (halves + (halves >= 0)) >> 1;
  }
  if (x >= -INT32_LIMIT && x < INT32_LIMIT) {
    const int32_t whole = (int32_t)x;
    const float fraction = x - (float)whole; /* exact */
    return whole + (fraction >= 0.5f) - (fraction <= -0.5f);
  }
  return convert_out_of_range(x);
}

static int32_t quantize(float x, float scale, int32_t zero_point, int32_t low, int32_t high) {
  return tflm_patch_clamp(tflm_patch_wrapping_add(round_to_int32(x / scale), zero_point), low,
                          high);
}

void tflm_patch_quantize(const tflm_patch_quantize_params* params, const float* input, void* output,
                         uint8_t type, uint32_t n) {
  const float scale = params->scale;
  const int32_t zero_point = params->zero_point;
  if (type == TFLM_PATCH_INT16) {
    int16_t* to = (int16_t*)output;
    for (const float* end = input + n; input != end; ++input) {
      *to++ = (int16_t)quantize(*input, scale, zero_point, INT16_MIN, INT16_MAX);
    }
    return;
  }
  const int32_t low = type == TFLM_PATCH_UINT8 ? 0 : INT8_MIN;
  uint8_t* to = (uint8_t*)output;
  for (const float* end = input + n; input != end; ++input) {
    *to++ = (uint8_t)quantize(*input, scale, zero_point, low, low + UINT8_MAX);
  }
}

/* TFLM multiplies in double and rounds to float. The double product of a float
 * and a difference of 16 bits is exact, so a float product is the same. */
void tflm_patch_dequantize(const tflm_patch_quantize_params* params, const void* input,
                           uint8_t type, float* output, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t value = type == TFLM_PATCH_INT16  ? ((const int16_t*)input)[i]
                          : type == TFLM_PATCH_INT8 ? ((const int8_t*)input)[i]
                                                    : ((const uint8_t*)input)[i];
    output[i] = params->scale * (float)(value - params->zero_point);
  }
}

/* ---- the operators ---- */

static int is_zero_point(uint8_t type, int32_t zero_point) {
  switch (type) {
    case TFLM_PATCH_INT8:
      return tflm_patch_is_int8(zero_point);
    case TFLM_PATCH_UINT8:
      return zero_point >= 0 && zero_point <= UINT8_MAX;
    default:
      return type == TFLM_PATCH_INT16 && zero_point == 0;
  }
}

/* Types and parameters of a conversion between the two maps. */
static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_quantize_params* params = (const tflm_patch_quantize_params*)task->params;
  const int from_real = task->op->kind == TFLM_PATCH_QUANTIZE;
  const tflm_patch_map* real = from_real ? task->input : task->output;
  const tflm_patch_map* quantized = from_real ? task->output : task->input;
  return real->type == TFLM_PATCH_FLOAT32 && params->scale > 0.0f && params->scale <= FLT_MAX &&
                 is_zero_point(quantized->type, params->zero_point)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static void run_quantize(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  (void)count;
  tflm_patch_quantize((const tflm_patch_quantize_params*)task->params,
                      (const float*)tflm_patch_input_row(task, step),
                      tflm_patch_output_row(task, step), task->output->type,
                      tflm_patch_row_values(task->input));
}

static void run_dequantize(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  (void)count;
  tflm_patch_dequantize((const tflm_patch_quantize_params*)task->params,
                        tflm_patch_input_row(task, step), task->input->type,
                        (float*)tflm_patch_output_row(task, step),
                        tflm_patch_row_values(task->input));
}

const tflm_patch_kernel tflm_patch_quantize_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run_quantize,
    .params_bytes = sizeof(tflm_patch_quantize_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_ANY_TYPES | TFLM_PATCH_SAME_SHAPE,
};

const tflm_patch_kernel tflm_patch_dequantize_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run_dequantize,
    .params_bytes = sizeof(tflm_patch_quantize_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_ANY_TYPES | TFLM_PATCH_SAME_SHAPE,
};
