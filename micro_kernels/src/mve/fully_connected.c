/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * FULLY_CONNECTED of int8 vectors for MVE: four outputs at a time. The last four
 * may overlap those before; fewer than four repeat the last one.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "dot.h"
#include "gemm.h"
#include "vector.h"

/* The products of n values with the weights of outputs [output, output + 4). */
TFLM_PATCH_INLINE tflm_patch_four_sums multiply(const tflm_patch_fully_connected_args* args,
                                                const int8_t* input, uint32_t first, uint32_t n,
                                                uint32_t output) {
  const size_t step = args->inputs;
  const uint32_t last = args->outputs - 1;
  const size_t s1 = output < last ? step : 0;
  const size_t s2 = output + 1 < last ? step : 0;
  const size_t s3 = output + 2 < last ? step : 0;
  const int8_t* w0 = args->weights + output * step + first;
  const int8_t* w1 = w0 + s1;
  const int8_t* w2 = w1 + s2;
  tflm_patch_four_sums s = {0, 0, 0, 0};
  if (n > 0) {
    tflm_patch_mve_add_products(&s, input, w0, w1, w2, w2 + s3, n);
  }
  return s;
}

/* Where the four outputs at `output` begin. */
TFLM_PATCH_INLINE uint32_t four_at(uint32_t output, uint32_t outputs) {
  return output + 4 > outputs && outputs >= 4 ? outputs - 4 : output;
}

/* Outputs from their sums, those of `in`. */
TFLM_PATCH_INLINE void finish(const tflm_patch_requant_args* requant, int32x4_t sums,
                              uint32_t output, mve_pred16_t in, int8_t* to) {
  int32x4_t multiplier;
  int32x4_t shift;
  if (requant->channel_step) {
    multiplier = vldrwq_z_s32(requant->multipliers + output, in);
    shift = vldrbq_z_s32(requant->shifts + output, in);
  } else {
    multiplier = vdupq_n_s32(*requant->multipliers);
    shift = vdupq_n_s32(*requant->shifts);
  }
  sums = tflm_patch_scale(sums, multiplier, shift);
  sums = vaddq_n_s32(sums, requant->output_zero_point);
  sums = tflm_patch_clamp_vector(sums, requant->act_min, requant->act_max);
  vstrbq_p_s32(to + output, sums, in);
}

void tflm_patch_fully_connected_s8(const tflm_patch_fully_connected_args* args, const int8_t* input,
                                   int8_t* output) {
  if (args->outputs >= 4 && tflm_patch_is_usual(&args->requant, args->outputs)) {
    const tflm_patch_filters filters = {
        .weights = args->weights,
        .channel_step = args->inputs,
        .bias = args->bias,
        .n_channels = args->outputs,
    };
    tflm_patch_mve_make_fours(&args->requant, input, args->inputs, &filters, output);
    return;
  }
  const mve_pred16_t in = vctp32q(args->outputs);
  for (uint32_t o = 0; o < args->outputs; o += 4) {
    const uint32_t at = four_at(o, args->outputs);
    const tflm_patch_four_sums s = multiply(args, input, 0, args->inputs, at);
    const int32x4_t sums = tflm_patch_make_vector(s.s0, s.s1, s.s2, s.s3);
    finish(&args->requant, vaddq_s32(sums, vldrwq_z_s32(args->bias + at, in)), at, in, output);
  }
}

void tflm_patch_fully_connected_accumulate_s8(const tflm_patch_fully_connected_args* args,
                                              const int8_t* input, uint32_t first, uint32_t n,
                                              int32_t* sums) {
  for (uint32_t o = 0; o < args->outputs; o += 4) {
    const mve_pred16_t in = vctp32q(args->outputs - o);
    const tflm_patch_four_sums s = multiply(args, input, first, n, o);
    const int32x4_t terms = tflm_patch_make_vector(s.s0, s.s1, s.s2, s.s3);
    vstrwq_p_s32(sums + o, vaddq_s32(terms, vldrwq_z_s32(sums + o, in)), in);
  }
}

void tflm_patch_fully_connected_finish_s8(const tflm_patch_fully_connected_args* args,
                                          const int32_t* sums, int8_t* output) {
  for (uint32_t o = 0; o < args->outputs; o += 4) {
    const mve_pred16_t in = vctp32q(args->outputs - o);
    finish(&args->requant, vldrwq_z_s32(sums + o, in), o, in, output);
  }
}

#endif /* TFLM_PATCH_IS_MVE */
