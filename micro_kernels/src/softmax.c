/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * SOFTMAX over the channels of int8 maps, in TFLM's fixed-point arithmetic.
 *
 * With d = maximum of the row - value, 0 <= d <= 255, exp_table[d] is
 * exp(-d * beta * scale) in Q0.31:
 *
 *   (m, s) = QuantizeMultiplier(min(beta * scale * 2^26, 2^31 - 1))
 *   x      = MultiplyByQuantizedMultiplier(-d, m, s), a Q5.26 number
 *   entry  = gemmlowp's exp_on_negative_values(x)
 *
 * which planner/lowering/operators/softmax_table.py computes when a model is converted.
 * Differences with -d < diff_min = -floor(31 * 2^26 / 2^s) are left out. What
 * depends on the row is done here: the sum in Q12.19, its reciprocal by three
 * Newton steps, and the products.
 */
#include "kernels.h"
#include "requantize.h"

#define SUM_INTEGER_BITS 12
#define OUTPUT_BITS 8

/* a * b / 2^31, rounded. */
static int32_t multiply(int32_t a, int32_t b) { return tflm_patch_multiply_shared(a, b, 0); }

/* x * 2^shift, saturated. */
static int32_t saturating_shift_left(int32_t x, int32_t shift) {
  const int32_t most = INT32_MAX >> shift;
  return x > most ? INT32_MAX : x < -most ? INT32_MIN : tflm_patch_wrapping_shift_left(x, shift);
}

/* 1 / (1 + a) for a in [0, 1), both in Q0.31. */
static int32_t one_over_one_plus(int32_t a) {
  const int32_t k48Over17 = 1515870810; /* in Q2.29 */
  const int32_t kMinus32Over17 = -1010580540;
  const int32_t kOne = (int32_t)1 << 29;
  /* (1 + a) / 2, rounded. */
  const int32_t half = (int32_t)(((uint32_t)a + 0x80000000u) / 2);
  int32_t x = k48Over17 + multiply(half, kMinus32Over17);
  for (int i = 0; i < 3; ++i) {
    const int32_t error = kOne - multiply(half, x);
    x = tflm_patch_wrapping_add(x, saturating_shift_left(multiply(x, error), 2));
  }
  return saturating_shift_left(x, 1);
}

static int32_t leading_zeros(uint32_t x) {
  int32_t n = 0;
  for (; x < 0x80000000u; x <<= 1) {
    ++n;
  }
  return n;
}

void tflm_patch_softmax_s8(const int32_t* exp_table, int32_t diff_min, const int8_t* input,
                           int8_t* output, uint32_t n) {
  int32_t max = INT8_MIN;
  for (uint32_t i = 0; i < n; ++i) {
    max = input[i] > max ? input[i] : max;
  }
  int64_t exact_sum = 0;
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t diff = input[i] - max;
    if (diff >= diff_min) {
      exact_sum += tflm_patch_rounding_divide_by_pot(exp_table[-diff], SUM_INTEGER_BITS);
    }
  }
  /* The largest value alone adds one, in Q12.19. The bounds hold for a damaged
   * table, and for a sum that leaves int32, to which TFLM has no answer. */
  const uint32_t sum = exact_sum < 1 ? 1 : exact_sum > INT32_MAX ? INT32_MAX : (uint32_t)exact_sum;
  const int32_t headroom = leading_zeros(sum);
  const int32_t reciprocal = one_over_one_plus((int32_t)((sum << headroom) - 0x80000000u));
  const int32_t exponent = SUM_INTEGER_BITS - headroom + 31 - OUTPUT_BITS;
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t diff = input[i] - max;
    int32_t value = 0;
    /* A damaged program may have written an input here: its diff is positive.
     * With a sum of 512 or more, where TFLM stops the program, the exponent is
     * above 31, and all outputs are less than half a unit. */
    if (diff >= diff_min && diff <= 0 && exponent <= 31) {
      value = tflm_patch_multiply_shared(reciprocal, exp_table[-diff], -exponent);
    }
    output[i] = (int8_t)tflm_patch_clamp(value + INT8_MIN, INT8_MIN, INT8_MAX);
  }
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_softmax_params* params = (const tflm_patch_softmax_params*)task->params;
  return params->diff_min >= -255 && params->diff_min <= 0
             ? tflm_patch_check_constant(task->stage, params->exp_table_at, 256, sizeof(int32_t))
             : TFLM_PATCH_BAD_OP;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_softmax_params* params = (const tflm_patch_softmax_params*)task->params;
  const int32_t* exp_table = (const int32_t*)tflm_patch_constant(task->stage, params->exp_table_at);
  const uint32_t channels = task->input->channels;
  const int8_t* in = (const int8_t*)tflm_patch_input_row(task, step);
  int8_t* out = (int8_t*)tflm_patch_output_row(task, step);
  (void)count;
  for (uint32_t col = 0; col < task->input->cols; ++col) {
    tflm_patch_softmax_s8(exp_table, params->diff_min, in, out, channels);
    in += channels;
    out += channels;
  }
}

const tflm_patch_kernel tflm_patch_softmax_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_softmax_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_SAME_SHAPE,
};
