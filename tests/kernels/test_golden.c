/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The kernels against what the TFLM interpreter computed.
 */
#include "golden_cases.h"
#include "tflm_patch/kernels.h"
#include "weighted.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_weighted(void) {
  for (size_t i = 0; i < COUNT(kWeighted); ++i) {
    test_case = kWeighted[i].name;
    check_weighted(&kWeighted[i]);
  }
}

static void test_softmax(void) {
  int8_t output[1024];
  test_case = "softmax";
  for (size_t i = 0; i < COUNT(kSoftmax); ++i) {
    const golden_softmax* c = &kSoftmax[i];
    const uint32_t n = c->channels;
    for (uint32_t row = 0; row < c->rows; ++row) {
      tflm_patch_softmax_s8(c->exp_table, c->diff_min, c->input + row * n, output + row * n, n);
    }
    CHECK_BYTES(output, c->output, c->rows * n);
  }
}

static void test_quantize(void) {
  int8_t quantized[256];
  int8_t values[256];
  float real[256];
  test_case = "quantize";
  for (int i = 0; i < 256; ++i) {
    values[i] = (int8_t)(i - 128);
  }
  for (size_t i = 0; i < COUNT(kQuantize); ++i) {
    const golden_quantize* c = &kQuantize[i];
    const tflm_patch_quantize_params params = {c->scale, c->zero_point};
    tflm_patch_quantize(&params, c->real, quantized, TFLM_PATCH_INT8, c->n);
    CHECK_BYTES(quantized, c->quantized, c->n);
    tflm_patch_dequantize(&params, values, TFLM_PATCH_INT8, real, 256);
    CHECK_BYTES(real, c->dequantized, sizeof(real));
  }
}

int main(void) {
  test_weighted();
  test_softmax();
  test_quantize();
  return TEST_RESULT();
}
