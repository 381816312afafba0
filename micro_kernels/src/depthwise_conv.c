/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * DEPTHWISE_CONV_2D of int8 maps. Cells outside the map count as the input's
 * zero point, as in conv.c.
 */
#include "kernels.h"
#include "requantize.h"
#include "typed.h"
#include "weights.h"
#include "window.h"

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
static void add_outside(uint32_t* restrict sums, const int8_t* weights,
                        uint32_t zero_point, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    sums[i] += zero_point * (uint32_t)weights[i];
  }
}

/* sums[i] += cells[i] * weights[i] for a depth multiplier of 1, and the same
 * for the taps behind it: three at a time, to load and store the sums less. */
static void add_taps(uint32_t* restrict sums, const int8_t* cells,
                     uint32_t cell_stride, const int8_t* weights,
                     uint32_t weight_stride, uint32_t taps, uint32_t n) {
  for (; taps >= 3; taps -= 3) {
    const int8_t* c1 = cells + cell_stride;
    const int8_t* c2 = c1 + cell_stride;
    const int8_t* w1 = weights + weight_stride;
    const int8_t* w2 = w1 + weight_stride;
    for (uint32_t i = 0; i < n; ++i) {
      sums[i] += (uint32_t)(cells[i] * weights[i] + c1[i] * w1[i] +
                            c2[i] * w2[i]);
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
static void add_multiplied(uint32_t* restrict sums, const int8_t* cell,
                           const int8_t* weights, uint32_t head, uint32_t m,
                           uint32_t n) {
  for (uint32_t i = 0, run = head; i < n; run = m) {
    const int32_t value = *cell++;
    const uint32_t end = run < n - i ? i + run : n;
    for (; i < end; ++i) {
      sums[i] += (uint32_t)(value * weights[i]);
    }
  }
}

/* Taps [0, n) of a kernel row, all of them outside the map. */
static void add_row_outside(const depthwise_block* block, const int8_t* weights,
                            uint32_t n, uint32_t* sums) {
  for (uint32_t i = 0; i < n; ++i) {
    add_outside(sums, weights, (uint32_t)block->args->input_zero_point,
                block->n);
    weights += block->channels;
  }
}

/* A kernel row that lies in the map, the taps `inside` of it in the columns; cell
 * is that of the first of them. */
static void add_row(const depthwise_block* block, const int8_t* cell,
                    tflm_patch_range inside, const int8_t* weights,
                    uint32_t* sums) {
  const tflm_patch_depthwise_conv_args* args = block->args;
  const uint32_t taps = inside.end - inside.first;
  const uint32_t cell_stride =
      args->window.dilation_w * block->input->channels;
  add_row_outside(block, weights, inside.first, sums);
  weights += (size_t)inside.first * block->channels;
  if (args->depth_multiplier == 1) {
    add_taps(sums, cell, cell_stride, weights, block->channels, taps, block->n);
    weights += (size_t)taps * block->channels;
  } else {
    for (uint32_t i = 0; i < taps; ++i) {
      add_multiplied(sums, cell, weights, block->head, args->depth_multiplier,
                     block->n);
      cell += cell_stride;
      weights += block->channels;
    }
  }
  add_row_outside(block, weights, args->window.kernel_w - inside.end, sums);
}

static void make_cell(const depthwise_block* block, int32_t col,
                      int8_t* output) {
  const tflm_patch_depthwise_conv_args* args = block->args;
  const tflm_patch_rows* input = block->input;
  const tflm_patch_window* window = &args->window;
  const tflm_patch_range inside = tflm_patch_taps_inside(
      col, window->kernel_w, window->dilation_w, input->cols);
  const int is_inside = inside.first < inside.end;
  const int8_t* weights = args->weights + block->channel;
  size_t cell_at = 0; /* in a row */
  uint32_t slot = block->rows.slot;
  uint32_t sums[BLOCK];
  if (is_inside) {
    const uint32_t first_col =
        (uint32_t)(col + (int32_t)(inside.first * window->dilation_w));
    cell_at = (size_t)first_col * input->channels + block->input_channel;
  }
  for (uint32_t i = 0; i < block->n; ++i) {
    sums[i] = (uint32_t)args->bias[block->channel + i];
  }
  for (uint32_t i = 0; i < window->kernel_h; ++i) {
    const int is_row =
        i >= block->rows.inside.first && i < block->rows.inside.end;
    if (is_row && is_inside) {
      add_row(block, tflm_patch_slot_row(input, slot) + cell_at,
              inside, weights, sums);
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
    output[i] = tflm_patch_requantize_channel(&requant, sums[i],
                                              block->channel + i);
  }
}

void tflm_patch_depthwise_conv_s8(const tflm_patch_depthwise_conv_args* args,
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
    block.head = (block.input_channel + 1) * args->depth_multiplier -
                 block.channel;
    for (uint32_t x = 0; x < args->output_cols; ++x) {
      make_cell(&block, tflm_patch_first_col(&args->window, x),
                output + (size_t)x * block.channels + block.channel);
    }
  }
}

/* ---- the operator ---- */

static const tflm_patch_depthwise_params* depthwise_params(
    const tflm_patch_stage* stage, const tflm_patch_op* op) {
  return (const tflm_patch_depthwise_params*)tflm_patch_params(stage, op);
}

tflm_patch_status tflm_patch_check_depthwise(const tflm_patch_stage* stage,
                                             const tflm_patch_op* op,
                                             uint8_t type) {
  const tflm_patch_depthwise_params* params = depthwise_params(stage, op);
  const tflm_patch_window* window = &params->window;
  tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  status = tflm_patch_check_window(window, input, output);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  if (input->type != type || output->type != type ||
      params->depth_multiplier == 0 ||
      (uint32_t)input->channels * params->depth_multiplier !=
          output->channels) {
    return TFLM_PATCH_BAD_OP;
  }
  return tflm_patch_check_weights(
      stage, type, params->weights_at,
      (uint64_t)output->channels * window->kernel_h * window->kernel_w,
      params->bias_at, &params->requant, output->channels);
}

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  return tflm_patch_check_depthwise(stage, op, TFLM_PATCH_INT8);
}

void tflm_patch_depthwise_reads(const tflm_patch_stage* stage,
                                const tflm_patch_op* op, uint32_t input,
                                uint32_t step, int32_t* first, int32_t* last) {
  tflm_patch_window_reads(&depthwise_params(stage, op)->window,
                          tflm_patch_input_map(stage, op, input)->rows, step,
                          first, last);
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_depthwise_params* params = depthwise_params(stage, op);
  const tflm_patch_map* input_map = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const tflm_patch_rows input = tflm_patch_view_rows(stage, input_map);
  const tflm_patch_depthwise_conv_args args = {
      .window = params->window,
      .requant = tflm_patch_find_requant(stage, &params->requant),
      .weights = (const int8_t*)tflm_patch_constant(stage, params->weights_at),
      .bias = (const int32_t*)tflm_patch_constant(stage, params->bias_at),
      .input_zero_point = input_map->zero_point,
      .depth_multiplier = params->depth_multiplier,
      .output_cols = output->cols,
  };
  for (uint32_t row = step; row < step + count; ++row) {
    tflm_patch_depthwise_conv_s8(
        &args, &input, row, (int8_t*)tflm_patch_map_row(stage, output, row));
  }
}

const tflm_patch_kernel tflm_patch_depthwise_conv_2d_kernel = {
    .check = check,
    .reads = tflm_patch_depthwise_reads,
    .run = run,
};
