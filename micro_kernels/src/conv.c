/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONV_2D of int8 maps.
 */
#include <string.h>

#include "conv_line.h"
#include "dsp/conv_blocks.h"
#include "family.h"
#include "kernels.h"
#include "needed.h"
#include "portable/portable.h"
#include "weights.h"

#if !TFLM_PATCH_HAS_OWN_CONV
void tflm_patch_conv_s8(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                        uint32_t row, int8_t* output) {
  tflm_patch_conv_portable_s8(args, input, row, output);
}
#endif

/* Whether a pixel is made of the pixel at its place alone. */
static int is_pointwise(const tflm_patch_window* window, const tflm_patch_rows* input,
                        const tflm_patch_rows* output) {
  return window->kernel_h == 1 && window->kernel_w == 1 && window->stride_h == 1 &&
         window->stride_w == 1 && window->pad_top == 0 && window->pad_left == 0 &&
         input->rows == output->rows && input->cols == output->cols;
}

static int8_t* find_row(const tflm_patch_rows* map, uint32_t row) {
  return (int8_t*)(uintptr_t)tflm_patch_view_row(map, row);
}

/* How many of the rows [row, row + count), count > 0, lie one behind the other
 * without gaps. */
static uint32_t rows_in_line(const tflm_patch_rows* map, uint32_t row, uint32_t count) {
  const uint32_t slot = row % map->ring_rows;
  const uint32_t end = slot < map->split ? map->split : map->ring_rows;
  if (map->row_bytes != (int32_t)(map->cols * map->channels)) {
    return 1;
  }
  return count < end - slot ? count : end - slot;
}

/* How many of n rows in line can be made at once: the output may lie over input
 * rows that are read before, not over those that are read at the same time. */
static uint32_t rows_apart(const tflm_patch_rows* input, const int8_t* from,
                           const tflm_patch_rows* output, const int8_t* to, uint32_t n) {
  const uintptr_t a = (uintptr_t)from;
  const uintptr_t b = (uintptr_t)to;
  const uintptr_t apart =
      b < a ? (a - b) / (uint32_t)output->row_bytes : (b - a) / (uint32_t)input->row_bytes;
  return apart >= n ? n : apart > 1 ? (uint32_t)apart : 1;
}

/* An output row over the input row that it is made from: some cells at a time
 * are set aside first. args->output_cols changes. */
static void make_line_in_place(tflm_patch_conv_args* args, int8_t* cells, uint32_t channels) {
  int8_t aside[2 * TFLM_PATCH_CONV_IN_PLACE_CHANNELS];
  const uint32_t most = (uint32_t)sizeof(aside) / channels;
  int8_t* output = cells;
  for (uint32_t left = args->output_cols; left > 0; left -= args->output_cols) {
    args->output_cols = left < most ? left : most;
    const uint32_t bytes = args->output_cols * channels;
    const tflm_patch_rows input = {
        .base = aside,
        .row_bytes = (int32_t)bytes,
        .ring_rows = 1,
        .rows = 1,
        .cols = args->output_cols,
        .channels = channels,
        .split = 1,
    };
    memcpy(aside, cells, bytes);
    tflm_patch_conv_s8(args, &input, 0, output);
    cells += bytes;
    output += args->output_cols * args->output_channels;
  }
}

/* A row of any length, which the output may lie over. Apart from the rest: the
 * copy is not on the stack of families that do without. */
static TFLM_PATCH_NOINLINE void make_line(const tflm_patch_conv_args* args,
                                          const tflm_patch_rows* line, int8_t* output) {
  tflm_patch_conv_args long_row = *args;
  long_row.output_cols = line->cols;
  if (line->base == output && args->output_channels <= line->channels &&
      line->channels <= TFLM_PATCH_CONV_IN_PLACE_CHANNELS) {
    make_line_in_place(&long_row, output, line->channels);
  } else {
    tflm_patch_conv_s8(&long_row, line, 0, output);
  }
}

/* Rows that lie one behind the other as one long row: fewer rests of blocks. */
static void make_pointwise(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                           const tflm_patch_rows* output, uint32_t row, uint32_t count) {
  while (count > 0) {
    const int8_t* from = find_row(input, row);
    int8_t* to = find_row(output, row);
    uint32_t n = rows_in_line(input, row, count);
    n = rows_in_line(output, row, n);
    if (n > 1 && from != to) {
      n = rows_apart(input, from, output, to, n);
    }
    const tflm_patch_rows line = {
        .base = from,
        .ring_rows = 1,
        .rows = 1,
        .cols = input->cols * n,
        .channels = input->channels,
        .split = 1,
    };
#if TFLM_PATCH_HAS_OWN_CONV_LINE
    if (!tflm_patch_conv_line_s8(args, &line, to) && TFLM_PATCH_HAS_FALLBACK)
#endif
      make_line(args, &line, to);
    row += n;
    count -= n;
  }
}

void tflm_patch_conv_rows_s8(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                             const tflm_patch_rows* output, uint32_t row, uint32_t count) {
  if (is_pointwise(&args->window, input, output)) {
    make_pointwise(args, input, output, row, count);
    return;
  }
#if TFLM_PATCH_HAS_OWN_CONV_BLOCKS
  if (tflm_patch_conv_blocks_s8(args, input, output, row, count)) {
    return;
  }
#endif
  for (; count > 0; --count) {
    tflm_patch_conv_s8(args, input, row, find_row(output, row));
    ++row;
  }
}

tflm_patch_status tflm_patch_check_conv(const tflm_patch_task* task) {
  const tflm_patch_conv_params* params = (const tflm_patch_conv_params*)task->params;
  const tflm_patch_window* window = &params->window;
  const uint32_t groups = params->groups;
  const uint32_t inputs = task->input->channels;
  const uint32_t outputs = task->output->channels;
  const tflm_patch_status status = tflm_patch_check_window(window, task->input, task->output);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  if (groups == 0 || inputs % groups != 0 || outputs % groups != 0 ||
      !tflm_patch_is_conv_there(task)) {
    return TFLM_PATCH_BAD_OP;
  }
  return tflm_patch_check_weights(task, &params->requant,
                                  outputs * window->kernel_h * window->kernel_w, inputs / groups,
                                  outputs);
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  tflm_patch_conv_args args;
  tflm_patch_rows input;
  tflm_patch_rows output;
  tflm_patch_find_conv(task, &args);
  tflm_patch_view_rows(task->stage, task->input, &input);
  tflm_patch_view_rows(task->stage, task->output, &output);
  tflm_patch_conv_rows_s8(&args, &input, &output, step, count);
}

const tflm_patch_kernel tflm_patch_conv_2d_kernel = {
    .check = tflm_patch_check_conv,
    .reads = tflm_patch_windowed_reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_conv_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_IN_SERIES,
};
