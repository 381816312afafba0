/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * L2_NORMALIZATION of int8 maps: every cell divided by its length, in steps of 1/128.
 */
#include "kernels.h"
#include "requantize.h"

/* Of more channels the sum of squares may reach 2^29. */
#define MAX_CHANNELS 8256
#define OUTPUT_BITS 7

static uint32_t bits_of(uint32_t value) {
  uint32_t bits = 0;
  for (; value != 0; value >>= 1) {
    ++bits;
  }
  return bits;
}

/* 1 / sqrt of a sum below 2^29 as a multiplier and a shift: five steps of Newton's
 * method from 1, in fixed point with 3 integer bits, as in TFLM. */
static int32_t inverse_sqrt(uint32_t sum, int32_t* shift) {
  *shift = 0;
  if (sum <= 1) {
    return INT32_MAX;
  }
  const int32_t pairs = (int32_t)(31 - bits_of(sum)) / 2 - 1;
  const int32_t value = (int32_t)(sum << (2 * pairs)) >> 1;
  const int32_t half = tflm_patch_rounding_divide_by_pot(value, 1);
  int32_t x = (int32_t)1 << 28;
  for (int i = 0; i < 5; ++i) {
    const int32_t square = tflm_patch_doubling_high_multiply(x, x);
    const int32_t cube =
        tflm_patch_wrapping_shift_left(tflm_patch_doubling_high_multiply(square, x), 6);
    x = tflm_patch_wrapping_shift_left(tflm_patch_doubling_high_multiply((int32_t)3 << 27, x) -
                                           tflm_patch_doubling_high_multiply(half, cube),
                                       3);
  }
  x = tflm_patch_doubling_high_multiply(x, 1518500250); /* sqrt(2) / 2 */
  *shift = pairs - 11;
  if (*shift > 0) {
    x = tflm_patch_wrapping_shift_left(x, *shift);
    *shift = 0;
  }
  return x;
}

void tflm_patch_l2_normalization_s8(int32_t input_zero_point, const int8_t* input, uint32_t cols,
                                    uint32_t channels, int8_t* output) {
  for (uint32_t col = 0; col < cols; ++col) {
    uint32_t sum = 0;
    for (uint32_t channel = 0; channel < channels; ++channel) {
      const int32_t value = input[channel] - input_zero_point;
      sum += (uint32_t)(value * value);
    }
    int32_t shift;
    const int32_t multiplier = inverse_sqrt(sum, &shift);
    for (uint32_t channel = 0; channel < channels; ++channel) {
      output[channel] = (int8_t)tflm_patch_requantize(input[channel] - input_zero_point, multiplier,
                                                      shift + OUTPUT_BITS, 0, INT8_MIN, INT8_MAX);
    }
    input += channels;
    output += channels;
  }
}

static tflm_patch_status check(const tflm_patch_task* task) {
  return task->input->channels <= MAX_CHANNELS ? TFLM_PATCH_OK : TFLM_PATCH_BAD_OP;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  (void)count;
  tflm_patch_l2_normalization_s8(task->input->zero_point,
                                 (const int8_t*)tflm_patch_input_row(task, step), task->input->cols,
                                 task->input->channels, (int8_t*)tflm_patch_output_row(task, step));
}

const tflm_patch_kernel tflm_patch_l2_normalization_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_SAME_SHAPE,
};
