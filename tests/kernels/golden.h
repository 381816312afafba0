/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Cases that the TFLM interpreter computed; see tests/support/golden/operators.py.
 */
#ifndef TFLM_PATCH_TESTS_GOLDEN_H_
#define TFLM_PATCH_TESTS_GOLDEN_H_

#include <stdint.h>

#include "tflm_patch/program.h"

/* CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED. */
typedef struct {
  const char* name;
  uint8_t kind;
  uint16_t shape[3]; /* rows, columns, channels */
  uint16_t output_shape[3];
  tflm_patch_window window;
  uint16_t groups; /* or the depth multiplier */
  int16_t input_zero_point;
  int32_t output_zero_point;
  int16_t act_min;
  int16_t act_max;
  const int8_t* weights;
  uint32_t weights_bytes;
  const int32_t* bias; /* folded */
  const int32_t* multipliers;
  const int8_t* shifts;
  uint32_t scales; /* multipliers and shifts */
  const int8_t* input;
  const int8_t* output;
} golden_weighted;

typedef struct {
  const int32_t* exp_table;
  int32_t diff_min;
  uint16_t rows;
  uint16_t channels;
  const int8_t* input;
  const int8_t* output;
} golden_softmax;

typedef struct {
  float scale;
  int32_t zero_point;
  const float* real;
  uint16_t n;
  const int8_t* quantized;  /* of real */
  const float* dequantized; /* of -128..127 */
} golden_quantize;

/* An operator on int8 maps; a second input is a constant. See
 * tests/support/golden/maps.py. */
typedef struct {
  uint8_t kind;
  uint8_t n_inputs;
  uint16_t shapes[2][3]; /* rows, columns, channels */
  int16_t zero_points[2];
  uint16_t output_shape[3];
  uint16_t steps;
  uint32_t scratch_bytes;
  const uint8_t* params; /* the parameter record */
  uint32_t params_bytes;
  const int8_t* inputs[2];
  const int8_t* output;
} golden_map;

/* An operator on int16 maps; see tests/support/golden/int16.py. */
typedef struct {
  const char* name;
  uint8_t kind;
  uint8_t n_inputs;
  uint16_t shapes[2][3]; /* rows, columns, channels */
  uint16_t output_shape[3];
  uint16_t steps;
  uint16_t ring_rows; /* of an input that a step reads */
  uint32_t scratch_bytes;
  const uint8_t* params; /* the parameter record */
  uint32_t params_bytes;
  const uint8_t* constants;
  uint32_t constants_bytes;
  const int16_t* inputs[2];
  const int16_t* output;
} golden_int16;

#endif /* TFLM_PATCH_TESTS_GOLDEN_H_ */
