/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolutions of a single column, as those over time are: four channels at a
 * time, one kernel row after the other. Neighbouring columns, which the other kernels
 * make together, there are none.
 */
#include "../family.h"

#if TFLM_PATCH_IS_DSP && TFLM_PATCH_HAS_COLUMNS

#include "arith.h"
#include "depthwise.h"

#define CHANNELS TFLM_PATCH_DEPTHWISE_CHANNELS
#define ROWS TFLM_PATCH_DEPTHWISE_COLUMN_ROWS

int tflm_patch_is_dsp_column(const tflm_patch_depthwise_conv_args* args, uint32_t channels) {
  return args->depth_multiplier == 1 && args->window.kernel_w == 1 && args->output_cols == 1 &&
         args->window.pad_left == 0 && args->window.kernel_h <= ROWS && channels >= CHANNELS;
}

/* Where four channels of the kernel rows lie; those outside the map all in one place. */
typedef struct {
  const int8_t* cells[ROWS];
  uint32_t step[ROWS]; /* 0 outside */
} column;

static void find_column(const tflm_patch_depthwise_conv_args* args, const tflm_patch_rows* input,
                        uint32_t row, const int8_t* outside, column* found) {
  const tflm_patch_kernel_rows rows = tflm_patch_find_kernel_rows(&args->window, input, row);
  uint32_t slot = rows.slot;
  for (uint32_t i = 0; i < args->window.kernel_h; ++i) {
    const int is_inside = i >= rows.inside.first && i < rows.inside.end;
    found->cells[i] = is_inside ? tflm_patch_slot_row(input, slot) : outside;
    found->step[i] = is_inside;
    slot = is_inside ? tflm_patch_next_slot(&rows, input, slot) : slot;
  }
}

/* Sums of four channels from their biases on. */
static inline void add_rows(const tflm_patch_depthwise_conv_args* args, const column* c,
                            uint32_t channels, uint32_t channel, int32_t* sums) {
  const int8_t* weights = args->weights + channel;
  const int8_t* const* cells = c->cells;
  const int8_t* const* end = cells + args->window.kernel_h;
  const uint32_t* step = c->step;
  int32_t s0 = args->bias[channel];
  int32_t s1 = args->bias[channel + 1];
  int32_t s2 = args->bias[channel + 2];
  int32_t s3 = args->bias[channel + 3];
  do {
    const uint32_t values = tflm_patch_load_word(*cells++ + *step++ * channel);
    const uint32_t taps = tflm_patch_load_word(weights);
    const uint32_t even_values = tflm_patch_even_bytes(values);
    const uint32_t odd_values = tflm_patch_odd_bytes(values);
    const uint32_t even_taps = tflm_patch_even_bytes(taps);
    const uint32_t odd_taps = tflm_patch_odd_bytes(taps);
    __asm__("smlabb %0, %1, %2, %0" : "+r"(s0) : "r"(even_values), "r"(even_taps));
    __asm__("smlabb %0, %1, %2, %0" : "+r"(s1) : "r"(odd_values), "r"(odd_taps));
    __asm__("smlatt %0, %1, %2, %0" : "+r"(s2) : "r"(even_values), "r"(even_taps));
    __asm__("smlatt %0, %1, %2, %0" : "+r"(s3) : "r"(odd_values), "r"(odd_taps));
    weights += channels;
  } while (cells != end);
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

static void put_bytes(const tflm_patch_requant_args* requant, uint32_t channel, const int32_t* sums,
                      int8_t* output) {
  for (uint32_t i = 0; i < CHANNELS; ++i) {
    output[i] = tflm_patch_requantize_channel(requant, (uint32_t)sums[i], channel + i);
  }
}

/* The last four channels overlap those before, whose bytes wait until all sums are made: the
 * output may lie over an input row. */
void tflm_patch_depthwise_column_s8(const tflm_patch_depthwise_conv_args* args,
                                    const tflm_patch_rows* input, uint32_t row, int8_t* output) {
  const tflm_patch_requant_args requant = args->requant;
  const uint32_t outside = (uint8_t)args->input_zero_point * 0x01010101u;
  const uint32_t channels = input->channels;
  const uint32_t last = channels - CHANNELS;
  uint32_t channel = 0;
  int32_t sums[CHANNELS];
  int8_t bytes[CHANNELS];
  column c;
  find_column(args, input, row, (const int8_t*)&outside, &c);
  add_rows(args, &c, channels, channel, sums);
  while (channel != last) {
    const uint32_t next = channel + CHANNELS < last ? channel + CHANNELS : last;
    put_bytes(&requant, channel, sums, bytes);
    add_rows(args, &c, channels, next, sums);
    memcpy(output + channel, bytes, CHANNELS);
    channel = next;
  }
  put_bytes(&requant, channel, sums, output + channel);
}

#endif /* TFLM_PATCH_IS_DSP && TFLM_PATCH_HAS_COLUMNS */
