/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * FULLY_CONNECTED of the dsp family.
 */
#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "../portable/portable.h"
#include "gemm.h"

void tflm_patch_fully_connected_s8(const tflm_patch_fully_connected_args* args, const int8_t* input,
                                   int8_t* output) {
  if (TFLM_PATCH_HAS_FALLBACK && !tflm_patch_is_dsp_fully_connected(args->inputs, &args->requant)) {
    tflm_patch_fully_connected_portable_s8(args, input, output);
    return;
  }
  tflm_patch_dot_job j;
  tflm_patch_init_dot_job(&j, args->weights, args->bias, &args->requant, args->inputs,
                          args->outputs);
  tflm_patch_make_few(&j, input, 1, output);
  tflm_patch_clamp_bytes(&args->requant, output, args->outputs);
}

#endif /* TFLM_PATCH_IS_DSP */
