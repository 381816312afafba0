/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * FULLY_CONNECTED for Armv7E-M.
 */
#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "../portable/portable.h"
#include "blocks.h"

void tflm_patch_fully_connected_s8(const tflm_patch_fully_connected_args* args,
                                   const int8_t* input, int8_t* output) {
  const tflm_patch_dot_layer layer = {
      .weights = args->weights,
      .bias = args->bias,
      .requant = &args->requant,
      .taps = args->inputs,
      .channels = args->outputs,
  };
  if (args->inputs < 4 || !args->requant.bounded) {
    tflm_patch_fully_connected_portable_s8(args, input, output);
  } else {
    tflm_patch_make_one(&layer, input, output);
  }
}

#endif /* TFLM_PATCH_IS_DSP */
