/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * DEPTHWISE_CONV_2D of int8 maps. Cells outside the map count as the input's
 * zero point, as in conv.c.
 */
#include "../family.h"

#if !TFLM_PATCH_HAS_OWN_DEPTHWISE_CONV

#include "../requantize.h"
#include "../window.h"
#include "portable.h"

/* Output channels at a time; their sums are on the stack. */
#define BLOCK 64u

/* A block of output channels of an output row at work. */
typedef struct {
  const tflm_patch_depthwise_conv_args* args;
  const tflm_patch_rows* input;
  tflm_patch_kernel_rows rows;
  uint32_t channels;      /* of the output */
  uint32_t channel;       /* first of the block */
  uint32_t n;             /* in the block */
  uint32_t input_channel; /* that channel `channel` reads */
  uint32_t head;          /* channels from `channel` on that read it, too */
} depthwise_block;

/* sums[i] += zero_point * weights[i], a tap outside the map. */
static void add_outside(uint32_t* restrict sums, const int8_t* weights, uint32_t zero_point,
                        uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    sums[i] += zero_point * (uint32_t)weights[i];
  }
}

/* sums[i] += cells[i] * weights[i] for a depth multiplier of 1, and the same
 * for the taps behind it: three at a time, to load and store the sums less. */
static void add_taps(uint32_t* restrict sums, const int8_t* cells, uint32_t cell_stride,
                     const int8_t* weights, uint32_t weight_stride, uint32_t taps, uint32_t n) {
  for (; taps >= 3; taps -= 3) {
    const int8_t* c1 = cells + cell_stride;
    const int8_t* c2 = c1 + cell_stride;
    const int8_t* w1 = weights + weight_stride;
    const int8_t* w2 = w1 + weight_stride;
    for (uint32_t i = 0; i < n; ++i) {
      sums[i] += (uint32_t)(cells[i] * weights[i] + c1[i] * w1[i] + c2[i] * w2[i]);
    }
    cells = c2 + cell_stride;
    weights = w2 + weight_stride;
  }
  for (; taps > 0; --taps) {
    for (uint32_t i = 0; i < n; ++i) {
      sums[i] += (uint32_t)(cells[i] * weights[i]);
    }
    cells += cell_stride;
    weights += weight_stride;
  }
}

/* A tap of a depth multiplier above 1: the first `head` sums belong to the value
 * of *cell, the next m to the one behind it, and so on. */
static void add_multiplied(uint32_t* restrict sums, const int8_t* cell, const int8_t* weights,
                           uint32_t head, uint32_t m, uint32_t n) {
  for (uint32_t i = 0, run = head; i < n; run = m) {
    const int32_t value = *cell++;
    const uint32_t end = run < n - i ? i + run : n;
    for (; i < end; ++i) {
      sums[i] += (uint32_t)(value * weights[i]);
    }
  }
}

/* Taps [0, n) of a kernel row, all of them outside the map. */
static void add_row_outside(const depthwise_block* block, const int8_t* weights, uint32_t n,
                            uint32_t* sums) {
  for (uint32_t i = 0; i < n; ++i) {
    add_outside(sums, weights, (uint32_t)block->args->input_zero_point, block->n);
    weights += block->channels;
  }
}

/* A kernel row that lies in the map, the taps `inside` of it in the columns; cell
 * is that of the first of them. */
static void add_row(const depthwise_block* block, const int8_t* cell, tflm_patch_range inside,
                    const int8_t* weights, uint32_t* sums) {
  const tflm_patch_depthwise_conv_args* args = block->args;
  const uint32_t taps = inside.end - inside.first;
  const uint32_t cell_stride = args->window.dilation_w * block->input->channels;
  add_row_outside(block, weights, inside.first, sums);
  weights += (size_t)inside.first * block->channels;
  if (args->depth_multiplier == 1) {
    add_taps(sums, cell, cell_stride, weights, block->channels, taps, block->n);
    weights += (size_t)taps * block->channels;
  } else {
    for (uint32_t i = 0; i < taps; ++i) {
      add_multiplied(sums, cell, weights, block->head, args->depth_multiplier, block->n);
      cell += cell_stride;
      weights += block->channels;
    }
  }
  add_row_outside(block, weights, args->window.kernel_w - inside.end, sums);
}

static void make_cell(const depthwise_block* block, int32_t col, int8_t* output) {
  const tflm_patch_depthwise_conv_args* args = block->args;
  const tflm_patch_rows* input = block->input;
  const tflm_patch_window* window = &args->window;
  const tflm_patch_range inside =
      tflm_patch_taps_inside(col, window->kernel_w, window->dilation_w, input->cols);
  const int is_inside = inside.first < inside.end;
  const int8_t* weights = args->weights + block->channel;
  size_t cell_at = 0; /* in a row */
  uint32_t slot = block->rows.slot;
  uint32_t sums[BLOCK];
  if (is_inside) {
    const uint32_t first_col = (uint32_t)(col + (int32_t)(inside.first * window->dilation_w));
    cell_at = (size_t)first_col * input->channels + block->input_channel;
  }
  for (uint32_t i = 0; i < block->n; ++i) {
    sums[i] = (uint32_t)args->bias[block->channel + i];
  }
  for (uint32_t i = 0; i < window->kernel_h; ++i) {
    const int is_row = i >= block->rows.inside.first && i < block->rows.inside.end;
    if (is_row && is_inside) {
      add_row(block, tflm_patch_slot_row(input, slot) + cell_at, inside, weights, sums);
    } else {
      add_row_outside(block, weights, window->kernel_w, sums);
    }
    if (is_row) {
      slot = tflm_patch_next_slot(&block->rows, input, slot);
    }
    weights += (size_t)window->kernel_w * block->channels;
  }
  const tflm_patch_requant_args requant = args->requant;
  for (uint32_t i = 0; i < block->n; ++i) {
    output[i] = tflm_patch_requantize_channel(&requant, sums[i], block->channel + i);
  }
}

void tflm_patch_depthwise_conv_portable_s8(const tflm_patch_depthwise_conv_args* args,
                                           const tflm_patch_rows* input, uint32_t row,
                                           int8_t* output) {
  depthwise_block block = {
      .args = args,
      .input = input,
      .rows = tflm_patch_find_kernel_rows(&args->window, input, row),
      .channels = input->channels * args->depth_multiplier,
  };
  for (; block.channel < block.channels; block.channel += block.n) {
    const uint32_t left = block.channels - block.channel;
    block.n = left < BLOCK ? left : BLOCK;
    block.input_channel = block.channel / args->depth_multiplier;
    block.head = (block.input_channel + 1) * args->depth_multiplier - block.channel;
    for (uint32_t x = 0; x < args->output_cols; ++x) {
      make_cell(&block, tflm_patch_first_col(&args->window, x),
                output + (size_t)x * block.channels + block.channel);
    }
  }
}

#endif /* !TFLM_PATCH_HAS_OWN_DEPTHWISE_CONV */
