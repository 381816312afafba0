/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * DEPTHWISE_CONV_2D of the dsp family: an output row in stretches of columns, four
 * channels at a time. Their values are turned into words of two 16-bit values of a
 * channel, for two products at a time.
 */
#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "../kernels.h"
#include "../portable/portable.h"
#include "../requantize.h"
#include "depthwise.h"

#define CHANNELS TFLM_PATCH_DEPTHWISE_CHANNELS
#define STACK_WORDS TFLM_PATCH_DEPTHWISE_STACK_WORDS

/* Output bytes of n columns. */
static void clamp_block(const tflm_patch_depthwise_row* d, uint32_t n, uint32_t n_channels,
                        int8_t* output) {
  for (; n != 0; --n) {
    for (uint32_t i = 0; i < n_channels; ++i) {
      output[i] =
          (int8_t)tflm_patch_clamp(output[i], d->args->requant.act_min, d->args->requant.act_max);
    }
    output += d->channels;
  }
}

int tflm_patch_is_dsp_depthwise(const tflm_patch_depthwise_conv_args* args, uint32_t channels) {
  const tflm_patch_window* window = &args->window;
  return args->depth_multiplier == 1 && args->requant.bounded && channels >= CHANNELS &&
         window->dilation_w == 1 && window->stride_w <= TFLM_PATCH_DEPTHWISE_STRIDE &&
         window->kernel_w <= TFLM_PATCH_DEPTHWISE_TAPS * window->stride_w &&
         window->kernel_h <= TFLM_PATCH_DEPTHWISE_KERNEL_H;
}

static void find_kernel_rows(tflm_patch_depthwise_row* d, const tflm_patch_rows* input,
                             uint32_t row) {
  const tflm_patch_window* window = &d->args->window;
  const tflm_patch_kernel_rows rows = tflm_patch_find_kernel_rows(window, input, row);
  uint32_t slot = rows.slot;
  for (uint32_t i = 0; i < window->kernel_h; ++i) {
    if (i >= rows.inside.first && i < rows.inside.end) {
      d->cells[i] = tflm_patch_slot_row(input, slot);
      d->step[i] = d->channels;
      slot = tflm_patch_next_slot(&rows, input, slot);
    } else {
      d->cells[i] = (const int8_t*)&d->outside;
      d->step[i] = 0;
    }
  }
}

/* An output row in stretches that need at most `words` words for a channel. */
static void make_row(const tflm_patch_depthwise_row* d, uint32_t* buffer, uint32_t words,
                     int8_t* output) {
  const tflm_patch_depthwise_conv_args* args = d->args;
  const tflm_patch_window* window = &args->window;
  const uint32_t cols = args->output_cols;
  const int is_3x3 = !TFLM_PATCH_HAS_PAIRS || tflm_patch_is_3x3(window);
  const int is_clamped = args->requant.act_max - args->requant.act_min != 255;
  uint32_t max_n = is_3x3 ? tflm_patch_max_columns_3x3(window->stride_w, words)
                          : tflm_patch_max_columns(window->kernel_w, window->stride_w, words);
  const int is_by_cells = TFLM_PATCH_HAS_CELLS && is_3x3 && cols < TFLM_PATCH_MANY_COLUMNS;
  if (is_by_cells) {
    max_n = tflm_patch_max_cells_3x3(window->stride_w, words);
  }
  const uint32_t stretches = (cols + max_n - 1) / max_n;
  const uint32_t most = (cols + stretches - 1) / stretches;
  tflm_patch_stretch s = {.buffer = buffer, .pitch = words};
  uint32_t n;
  for (uint32_t first = 0; first < cols; first += n) {
    uint32_t n_channels;
    uint32_t slow = 1;
    n = most < cols - first ? most : cols - first;
    for (uint32_t channel = 0; channel < d->channels; channel += n_channels) {
      int8_t* cells = output + first * d->channels + channel;
      n_channels = d->channels - channel;
      n_channels = n_channels < CHANNELS ? n_channels : CHANNELS;
      if (slow != 0) { /* nothing is there yet, or not any more */
        s.first = first;
        s.n = n;
        if (is_3x3) {
          tflm_patch_find_columns_3x3(d, &s);
        } else {
          tflm_patch_find_columns(d, &s);
        }
        slow = 0;
      }
      s.channel = channel;
      s.n_channels = n_channels;
      s.back = CHANNELS - n_channels;
      if (is_3x3) {
        slow = is_by_cells ? tflm_patch_make_cells_3x3(d, &s, cells)
                           : tflm_patch_make_stretch_3x3(d, &s, cells);
        if (TFLM_PATCH_HAS_PAIRS && slow != 0) {
          tflm_patch_make_slow_channels(d, &s, slow, cells);
        }
      } else {
        tflm_patch_make_stretch(d, &s, cells);
      }
      if (is_clamped) {
        clamp_block(d, n, n_channels, cells);
      }
    }
  }
}

/* Apart, for the stack of those that have a scratch. */
static TFLM_PATCH_NOINLINE void make_row_on_stack(const tflm_patch_depthwise_row* d,
                                                  int8_t* output) {
  uint32_t buffer[CHANNELS * STACK_WORDS];
  make_row(d, buffer, STACK_WORDS, output);
}

void tflm_patch_depthwise_conv_s8(const tflm_patch_depthwise_conv_args* args,
                                  const tflm_patch_rows* input, uint32_t row, int8_t* output) {
#if TFLM_PATCH_HAS_COLUMNS
  if (tflm_patch_is_dsp_column(args, input->channels)) {
    tflm_patch_depthwise_column_s8(args, input, row, output);
    return;
  }
#endif
  if (TFLM_PATCH_HAS_FALLBACK && !tflm_patch_is_dsp_depthwise(args, input->channels)) {
    tflm_patch_depthwise_conv_portable_s8(args, input, row, output);
    return;
  }
  tflm_patch_depthwise_row d = {
      .args = args,
      .channels = input->channels,
      .in_cols = input->cols,
      .outside = (uint8_t)args->input_zero_point * 0x01010101u,
  };
  find_kernel_rows(&d, input, row);
  if (args->scratch_bytes > 4 * CHANNELS * STACK_WORDS) {
    make_row(&d, (uint32_t*)args->scratch, args->scratch_bytes / (4 * CHANNELS), output);
  } else {
    make_row_on_stack(&d, output);
  }
}

#endif /* TFLM_PATCH_IS_DSP */
