/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * NEIGHBOURS for MVE: sixteen values of a row at a time.
 *
 * Inner loops.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "../kernel.h"
#include "vector.h"

#define LANES 4u
#define BLOCK (4u * LANES)

/* Vector v of a block of n values. */
TFLM_PATCH_INLINE mve_pred16_t lanes(uint32_t n, uint32_t v) {
  return vctp32q(n > v * LANES ? n - v * LANES : 0);
}

void tflm_patch_neighbours_s8(const tflm_patch_neighbours_args* args, const tflm_patch_rows* input,
                              uint32_t row, int8_t* output) {
  const uint32_t values = (uint32_t)input->cols * input->channels;
  const tflm_patch_requant_args* requant = &args->requant;
  const uint32_t channel = row * requant->channel_step;
  const tflm_patch_scaling scaling =
      tflm_patch_make_scaling(requant->multipliers[channel], requant->shifts[channel]);
  for (uint32_t first = 0; first < values; first += BLOCK) {
    const uint32_t n = values - first;
    const mve_pred16_t in[] = {lanes(n, 0), lanes(n, 1), lanes(n, 2), lanes(n, 3)};
    int32x4_t s0 = vdupq_n_s32(args->bias[row]);
    int32x4_t s1 = s0, s2 = s0, s3 = s0;
    for (uint32_t k = args->starts[row]; k < args->starts[row + 1]; ++k) {
      const int8_t* x = tflm_patch_view_row(input, args->nodes[k]) + first;
      const int32_t weight = args->weights[k] - args->weights_zero_point;
      s0 = vmlaq_n_s32(s0, vldrbq_z_s32(x, in[0]), weight);
      s1 = vmlaq_n_s32(s1, vldrbq_z_s32(x + LANES, in[1]), weight);
      s2 = vmlaq_n_s32(s2, vldrbq_z_s32(x + 2 * LANES, in[2]), weight);
      s3 = vmlaq_n_s32(s3, vldrbq_z_s32(x + 3 * LANES, in[3]), weight);
    }
    int32x4_t sums[] = {s0, s1, s2, s3};
    for (uint32_t v = 0; v < 4; ++v) {
      const int32x4_t y =
          vaddq_n_s32(tflm_patch_scale_all(sums[v], &scaling), requant->output_zero_point);
      vstrbq_p_s32(output + first + v * LANES,
                   tflm_patch_clamp_vector(y, requant->act_min, requant->act_max), in[v]);
    }
  }
}

#endif /* TFLM_PATCH_IS_MVE */
