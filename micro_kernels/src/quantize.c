/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * QUANTIZE from float32 to 8 bits or int16, and DEQUANTIZE back.
 */
#include <float.h>

#include "kernels.h"
#include "requantize.h"
#include "rowwise.h"

/* Larger magnitudes have no fraction. */
#define MAX_FRACTIONAL 8388608.0f /* 2^23 */
#define INT32_LIMIT 2147483648.0f /* 2^31 */

/* What TFLM's conversion of a float without an int32 gives: C leaves it open,
 * and the processors differ. x86 makes everything INT32_MIN; Arm, and the
 * libraries of processors without floating point, saturate. */
static int32_t convert_out_of_range(float x) {
#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || \
    defined(_M_IX86)
  (void)x;
  return INT32_MIN;
#else
  return x >= INT32_LIMIT ? INT32_MAX : x < 0.0f ? INT32_MIN : 0;
#endif
}

/* Rounds to nearest, halves away from zero. */
static int32_t round_to_int32(float x) {
  if (x > -MAX_FRACTIONAL && x < MAX_FRACTIONAL) {
    const int32_t whole = (int32_t)x;
    const float fraction = x - (float)whole; /* exact */
    return whole + (fraction >= 0.5f) - (fraction <= -0.5f);
  }
  return x >= -INT32_LIMIT && x < INT32_LIMIT ? (int32_t)x
                                              : convert_out_of_range(x);
}

static int32_t quantize(const tflm_patch_quantize_params* params, float value,
                        int32_t low, int32_t high) {
  return tflm_patch_clamp(
      tflm_patch_wrapping_add(round_to_int32(value / params->scale),
                              params->zero_point),
      low, high);
}

void tflm_patch_quantize_f32_s8(const tflm_patch_quantize_params* params,
                                const float* input, int8_t* output,
                                uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = (int8_t)quantize(params, input[i], INT8_MIN, INT8_MAX);
  }
}

void tflm_patch_quantize_f32_u8(const tflm_patch_quantize_params* params,
                                const float* input, uint8_t* output,
                                uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = (uint8_t)quantize(params, input[i], 0, UINT8_MAX);
  }
}

void tflm_patch_quantize_f32_s16(const tflm_patch_quantize_params* params,
                                 const float* input, int16_t* output,
                                 uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = (int16_t)quantize(params, input[i], INT16_MIN, INT16_MAX);
  }
}

/* TFLM multiplies in double and rounds to float. The double product of a float
 * and a difference of 16 bits is exact, so a float product is the same. */
static float dequantize(const tflm_patch_quantize_params* params,
                        int32_t value) {
  return params->scale * (float)(value - params->zero_point);
}

void tflm_patch_dequantize_s8_f32(const tflm_patch_quantize_params* params,
                                  const int8_t* input, float* output,
                                  uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = dequantize(params, input[i]);
  }
}

void tflm_patch_dequantize_u8_f32(const tflm_patch_quantize_params* params,
                                  const uint8_t* input, float* output,
                                  uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = dequantize(params, input[i]);
  }
}

void tflm_patch_dequantize_s16_f32(const tflm_patch_quantize_params* params,
                                   const int16_t* input, float* output,
                                   uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    output[i] = dequantize(params, input[i]);
  }
}

/* ---- the operators ---- */

static const tflm_patch_quantize_params* quantize_params(
    const tflm_patch_stage* stage, const tflm_patch_op* op) {
  return (const tflm_patch_quantize_params*)tflm_patch_params(stage, op);
}

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

/* Shapes, types and parameters of a conversion between the two maps. */
static tflm_patch_status check_maps(const tflm_patch_stage* stage,
                                    const tflm_patch_op* op,
                                    const tflm_patch_map* real,
                                    const tflm_patch_map* quantized) {
  const tflm_patch_quantize_params* params = quantize_params(stage, op);
  return real->type == TFLM_PATCH_FLOAT32 && params->scale > 0.0f &&
                 params->scale <= FLT_MAX &&
                 is_zero_point(quantized->type, params->zero_point)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static tflm_patch_status check_quantize(const tflm_patch_stage* stage,
                                        const tflm_patch_op* op) {
  const tflm_patch_status status = tflm_patch_check_rowwise(stage, op);
  return status != TFLM_PATCH_OK
             ? status
             : check_maps(stage, op, tflm_patch_input_map(stage, op, 0),
                          tflm_patch_output_map(stage, op, 0));
}

static tflm_patch_status check_dequantize(const tflm_patch_stage* stage,
                                          const tflm_patch_op* op) {
  const tflm_patch_status status = tflm_patch_check_rowwise(stage, op);
  return status != TFLM_PATCH_OK
             ? status
             : check_maps(stage, op, tflm_patch_output_map(stage, op, 0),
                          tflm_patch_input_map(stage, op, 0));
}

static void run_quantize(const tflm_patch_stage* stage, const tflm_patch_op* op,
                         uint32_t step, uint32_t count) {
  const tflm_patch_quantize_params* params = quantize_params(stage, op);
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const uint32_t n = tflm_patch_row_values(input);
  for (uint32_t row = step; row < step + count; ++row) {
    const float* in =
        (const float*)(const void*)tflm_patch_map_row(stage, input, row);
    uint8_t* out = tflm_patch_map_row(stage, output, row);
    if (output->type == TFLM_PATCH_INT8) {
      tflm_patch_quantize_f32_s8(params, in, (int8_t*)out, n);
    } else if (output->type == TFLM_PATCH_INT16) {
      tflm_patch_quantize_f32_s16(params, in, (int16_t*)(void*)out, n);
    } else {
      tflm_patch_quantize_f32_u8(params, in, out, n);
    }
  }
}

static void run_dequantize(const tflm_patch_stage* stage,
                           const tflm_patch_op* op, uint32_t step,
                           uint32_t count) {
  const tflm_patch_quantize_params* params = quantize_params(stage, op);
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const uint32_t n = tflm_patch_row_values(input);
  for (uint32_t row = step; row < step + count; ++row) {
    const uint8_t* in = tflm_patch_map_row(stage, input, row);
    float* out = (float*)(void*)tflm_patch_map_row(stage, output, row);
    if (input->type == TFLM_PATCH_INT8) {
      tflm_patch_dequantize_s8_f32(params, (const int8_t*)in, out, n);
    } else if (input->type == TFLM_PATCH_INT16) {
      tflm_patch_dequantize_s16_f32(params, (const int16_t*)(const void*)in,
                                    out, n);
    } else {
      tflm_patch_dequantize_u8_f32(params, in, out, n);
    }
  }
}

const tflm_patch_kernel tflm_patch_quantize_kernel = {
    .check = check_quantize,
    .reads = tflm_patch_rowwise_reads,
    .run = run_quantize,
};

const tflm_patch_kernel tflm_patch_dequantize_kernel = {
    .check = check_dequantize,
    .reads = tflm_patch_rowwise_reads,
    .run = run_dequantize,
};
