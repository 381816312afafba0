/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * DEPTHWISE_CONV_2D of int8 maps for MVE: which channels are made which way.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "../portable/portable.h"
#include "depthwise.h"
#include "vector.h"

#define MAX_TAPS 64u
#define MAX_CHANNELS 8192u /* 7 cells are less than 2^16 bytes */
#define MAX_STEP 128u      /* bytes between windows in a strip */

static int8_t least_value(const int8_t* values, uint32_t n) {
  int32_t least = INT8_MAX;
  __asm__ volatile(
      "   dlstp.8 lr, %[n]\n"
      "1: vldrb.8 q0, [%[values]], #16\n"
      "   vminv.s8 %[least], q0\n"
      "   letp lr, 1b\n"
      : [values] "+&r"(values), [least] "+&r"(least)
      : [n] "r"(n)
      : "q0", "lr", "memory");
  return (int8_t)least;
}

void tflm_patch_depthwise_conv_s8(const tflm_patch_depthwise_conv_args* args,
                                  const tflm_patch_rows* input, uint32_t row, int8_t* output) {
  const tflm_patch_window* window = &args->window;
  const uint32_t taps = (uint32_t)window->kernel_h * window->kernel_w;
  tflm_patch_depthwise_row r = {
      .args = args,
      .input = input,
      .channels = input->channels * args->depth_multiplier,
      .output = output,
  };
  if (window->dilation_w != 1 || taps > MAX_TAPS || window->kernel_h > TFLM_PATCH_DEPTHWISE_ROWS ||
      r.channels > MAX_CHANNELS || (uint32_t)window->stride_w * window->kernel_h > MAX_STEP) {
    tflm_patch_depthwise_conv_portable_s8(args, input, row, output);
    return;
  }
  const tflm_patch_kernel_rows rows = tflm_patch_find_kernel_rows(window, input, row);
  uint32_t slot = rows.slot;
  r.rows_inside = rows.inside;
  for (uint32_t i = 0; i < rows.inside.end - rows.inside.first; ++i) {
    r.rows[i] = tflm_patch_slot_row(input, slot);
    slot = tflm_patch_next_slot(&rows, input, slot);
  }
  r.is_usual = tflm_patch_is_usual(&args->requant, r.channels);
  uint32_t channel = 0;
  if (args->depth_multiplier == 1 && r.channels >= TFLM_PATCH_DEPTHWISE_BLOCK &&
      least_value(args->weights, taps * r.channels) > INT8_MIN) {
    channel = tflm_patch_mve_depthwise_blocks(&r);
  }
  if (channel < r.channels) {
    tflm_patch_mve_depthwise_strips(&r, channel, r.channels);
  }
}

#endif /* TFLM_PATCH_IS_MVE */
