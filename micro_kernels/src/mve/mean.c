/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * MEAN of int8 maps for MVE.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "sums.h"

#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* sums[c] += the channels of n cells. */
static void add_all(const int8_t* cells, uint32_t n, uint32_t channels, int32_t* sums) {
  for (uint32_t c = 0; c < channels; c += TFLM_PATCH_SUMS) {
    tflm_patch_add_cells(cells + c, channels, n, MIN(TFLM_PATCH_SUMS, channels - c), sums + c);
  }
}

void tflm_patch_mean_finish_s8(const tflm_patch_mean_params* params, int32_t input_zero_point,
                               const int32_t* sums, uint32_t count, int8_t* output, uint32_t n) {
  const int32_t offset = -input_zero_point * (int32_t)count;
  const tflm_patch_scaling scaling = tflm_patch_make_scaling(params->multiplier, params->shift);
  for (int32_t left = (int32_t)n; left > 0; left -= 4) {
    const mve_pred16_t in = vctp32q((uint32_t)left);
    int32x4_t x = vaddq_n_s32(vldrwq_z_s32(sums, in), offset);
    x = tflm_patch_scale_all(x, &scaling);
    x = tflm_patch_saturate(vaddq_n_s32(x, params->output_zero_point));
    vstrbq_p_s32(output, x, in);
    sums += 4;
    output += 4;
  }
}

void tflm_patch_mean_cols_s8(const tflm_patch_mean_params* params, int32_t input_zero_point,
                             const int8_t* input, uint32_t cols, uint32_t channels,
                             int8_t* output) {
  for (uint32_t c = 0; c < channels; c += TFLM_PATCH_SUMS) {
    const uint32_t n = MIN(TFLM_PATCH_SUMS, channels - c);
    int32_t sums[TFLM_PATCH_SUMS] = {0};
    tflm_patch_add_cells(input + c, channels, cols, n, sums);
    tflm_patch_mean_finish_s8(params, input_zero_point, sums, cols, output + c, n);
  }
}

void tflm_patch_mean_accumulate_s8(const tflm_patch_mean_params* params, const int8_t* input,
                                   uint32_t cols, uint32_t channels, int32_t* sums) {
  if (params->over_cols) {
    add_all(input, cols, channels, sums);
  } else {
    add_all(input, 1, cols * channels, sums);
  }
}

#endif /* TFLM_PATCH_IS_MVE */
