/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * LOG_SOFTMAX over the channels of int8 maps, in TFLM's fixed-point arithmetic.
 *
 * The sum of exponentials is that of SOFTMAX (softmax.c). With d = value - maximum of the row:
 *
 *   x      = MultiplyByQuantizedMultiplier(d, multiplier, shift), a Q5.26 number
 *   output = (x - log(sum)) / 2^22, rounded, + 127
 *
 * and -128 where x - log(sum) would leave int32, which a comparison of d finds out.
 */
#include "exponential.h"
#include "kernels.h"
#include "requantize.h"

#define LOG_INTEGER_BITS 5
#define OUTPUT_INTEGER_BITS 4

static int32_t multiply(int32_t a, int32_t b) { return tflm_patch_multiply_shared(a, b, 0); }

/* (integer_bits + quarters / 4) in Q6.25. */
static int32_t in_q6(int32_t integer, int32_t quarters) {
  return (int32_t)((uint32_t)integer << 25) + quarters * ((int32_t)1 << 23);
}

/* The natural logarithm of a positive Q12.19 number, in Q5.26: TFLM's
 * log_x_for_x_greater_than_or_equal_to_1.
 *
 * The number is 2^k r with r in [sqrt(1/2), 1), k in steps of a half: one of two candidates for
 * (k, r). Then log(x) = k log(2) + log(r), and log(r) is a rational function of
 * q = r - 2^(-1/4), one step of Halley's method from 2^(-1/4) on. */
static int32_t log_of(uint32_t sum) {
  const int32_t kLog2 = 1488522236; /* all in Q0.31 */
  const int32_t kSqrtHalf = 1518500250;
  const int32_t kSqrtSqrtHalf = 1805811301;
  const int32_t kAlphaN = 117049297;  /* 11 / 240 * 2^(1/4) */
  const int32_t kAlphaD = 127690142;  /* 1 / 20 * 2^(1/4) */
  const int32_t kAlphaI = 1057819769; /* 2 / 2^(1/4) - 2^(1/4) */
  const int32_t kAlphaF = 638450708;  /* 1 / 4 * 2^(1/4) */
  const int32_t x = (int32_t)sum;

  const int32_t headroom = tflm_patch_leading_zeros(sum) - 1;
  const int32_t r_whole = tflm_patch_saturating_shift_left(
      multiply(tflm_patch_saturating_shift_left(x, headroom), kSqrtHalf), 1);
  const int32_t k_whole = in_q6(TFLM_PATCH_SUM_INTEGER_BITS - headroom - 1, 1);

  const int32_t less = multiply(x, kSqrtHalf);
  const int32_t headroom_of_less = tflm_patch_leading_zeros((uint32_t)less) - 1;
  const int32_t r_half = tflm_patch_saturating_shift_left(x, headroom_of_less);
  const int32_t k_half = in_q6(TFLM_PATCH_SUM_INTEGER_BITS - headroom_of_less, -1);

  const int32_t r = r_whole < r_half ? r_whole : r_half;
  const int32_t k = k_whole > k_half ? k_whole : k_half;
  const int64_t twice = (int64_t)r + kSqrtSqrtHalf;
  const int32_t p = (int32_t)((twice + 1) / 2);
  const int32_t q = (r - kSqrtSqrtHalf) * 2;
  const int32_t square = multiply(q, q);
  const int32_t numerator = multiply(q, r) + multiply(multiply(q, square), kAlphaN);
  const int32_t denominator =
      multiply(p, kAlphaI + q + multiply(kAlphaD, square)) + multiply(kAlphaF, q);
  const int32_t reciprocal = tflm_patch_one_over_one_plus(denominator);
  const int32_t log_r =
      multiply(tflm_patch_rounding_divide_by_pot(numerator, LOG_INTEGER_BITS + 1), reciprocal);
  return tflm_patch_saturating_shift_left(multiply(k, kLog2) + log_r, 1);
}

void tflm_patch_log_softmax_s8(const tflm_patch_log_softmax_params* params,
                               const int32_t* exp_table, const int8_t* input, int8_t* output,
                               uint32_t n) {
  const int32_t max = tflm_patch_largest(input, n);
  const int32_t log_sum =
      log_of(tflm_patch_sum_of_exps(exp_table, params->diff_min, max, input, n));
  /* A difference above this one has an x of which log_sum may be taken. */
  const int32_t bound =
      tflm_patch_multiply_shared(tflm_patch_wrapping_add(log_sum, INT32_MIN),
                                 params->inverse_multiplier, params->inverse_shift);
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t diff = input[i] - max;
    int32_t value = INT8_MIN;
    if (diff >= params->diff_min && diff > bound) {
      const int32_t x = tflm_patch_multiply_shared(diff, params->multiplier, params->shift);
      const int32_t log = tflm_patch_wrapping_add(x, -log_sum);
      value = INT8_MAX +
              tflm_patch_rounding_divide_by_pot(log, 31 - LOG_INTEGER_BITS - OUTPUT_INTEGER_BITS);
    }
    output[i] = (int8_t)tflm_patch_clamp(value, INT8_MIN, INT8_MAX);
  }
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_log_softmax_params* params = (const tflm_patch_log_softmax_params*)task->params;
  return params->diff_min >= -255 && params->diff_min <= 0 && params->multiplier > 0 &&
                 params->inverse_multiplier > 0 && tflm_patch_is_shift(params->shift) &&
                 tflm_patch_is_shift(params->inverse_shift)
             ? tflm_patch_check_constant(task->stage, params->exp_table_at, 256, sizeof(int32_t))
             : TFLM_PATCH_BAD_OP;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_log_softmax_params* params = (const tflm_patch_log_softmax_params*)task->params;
  const int32_t* exp_table = (const int32_t*)tflm_patch_constant(task->stage, params->exp_table_at);
  const uint32_t channels = task->input->channels;
  const int8_t* in = (const int8_t*)tflm_patch_input_row(task, step);
  int8_t* out = (int8_t*)tflm_patch_output_row(task, step);
  (void)count;
  for (uint32_t col = 0; col < task->input->cols; ++col) {
    tflm_patch_log_softmax_s8(params, exp_table, in, out, channels);
    in += channels;
    out += channels;
  }
}

const tflm_patch_kernel tflm_patch_log_softmax_kernel = {
    .check = check,
    .reads = tflm_patch_rowwise_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_log_softmax_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_SAME_SHAPE,
};
