/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * DEPTHWISE_CONV_2D of int8 maps for MVE: which channels are made which way.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "../depthwise_rows.h"
#include "../portable/portable.h"
#include "depthwise.h"
#include "vector.h"

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX_TAPS 64u
#define MAX_CHANNELS 8192u /* 7 cells are less than 2^16 bytes */
#define MAX_STEP 128u      /* bytes between windows in a strip */

/* The rows of an output row's windows. */
static void find_rows(tflm_patch_depthwise_row* r, uint32_t row, int8_t* output) {
  const tflm_patch_kernel_rows rows = tflm_patch_find_kernel_rows(&r->args->window, r->input, row);
  uint32_t slot = rows.slot;
  r->rows_inside = rows.inside;
  r->output = output;
  for (uint32_t i = 0; i < rows.inside.end - rows.inside.first; ++i) {
    r->rows[i] = tflm_patch_slot_row(r->input, slot);
    slot = tflm_patch_next_slot(&rows, r->input, slot);
  }
}

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

static int8_t* find_row(const tflm_patch_rows* map, uint32_t row) {
  return (int8_t*)(uintptr_t)tflm_patch_slot_row(map, row % map->ring_rows);
}

/* A row, any window that vectors are for. */
static __attribute__((noinline)) void make_row(tflm_patch_depthwise_row* r, uint32_t row,
                                               int8_t* output) {
  const tflm_patch_depthwise_conv_args* args = r->args;
  const tflm_patch_window* window = &args->window;
  const uint32_t taps = (uint32_t)window->kernel_h * window->kernel_w;
  uint32_t channel = 0;
  find_rows(r, row, output);
  if (args->depth_multiplier == 1 && r->channels >= TFLM_PATCH_DEPTHWISE_BLOCK &&
      least_value(args->weights, taps * r->channels) > INT8_MIN) {
    channel = tflm_patch_mve_depthwise_blocks(r);
  }
  if (channel < r->channels) {
    tflm_patch_mve_depthwise_strips(r, channel, r->channels);
  }
}

/* ---- 3 x 3 windows, some rows at once: constants are made once for them ---- */

#define ROWS 4u

static int is_flat(const tflm_patch_depthwise_row* r) {
  const tflm_patch_window* window = &r->args->window;
  return r->channels < TFLM_PATCH_DEPTHWISE_BLOCK &&
         TFLM_PATCH_DEPTHWISE_BLOCK % r->channels == 0 && window->stride_w == 1 &&
         window->pad_left == 1 && r->args->output_cols == r->input->cols &&
         r->args->output_cols * r->channels >= TFLM_PATCH_DEPTHWISE_BLOCK;
}

static int is_3x3(const tflm_patch_depthwise_row* r) {
  const tflm_patch_window* window = &r->args->window;
  return r->is_usual && window->kernel_w == 3 && window->kernel_h == 3 && window->stride_w <= 2 &&
         r->args->depth_multiplier == 1 &&
         (r->channels >= TFLM_PATCH_DEPTHWISE_LEAST || is_flat(r));
}

static void find_place(const tflm_patch_depthwise_row* r, uint32_t row, int8_t* output,
                       tflm_patch_depthwise_place* place) {
  const tflm_patch_kernel_rows rows = tflm_patch_find_kernel_rows(&r->args->window, r->input, row);
  uint32_t slot = rows.slot;
  for (uint32_t i = 0; i < 3; ++i) {
    place->rows[i] = r->input->base;
    if (i >= rows.inside.first && i < rows.inside.end) {
      place->rows[i] = tflm_patch_slot_row(r->input, slot);
      slot = tflm_patch_next_slot(&rows, r->input, slot);
    }
  }
  place->inside = rows.inside;
  place->output = output;
}

/* n rows from `row` on, at most ROWS. */
static void make_rows_3x3(tflm_patch_depthwise_row* r, const tflm_patch_rows* output, uint32_t row,
                          uint32_t n) {
  const uint32_t block = TFLM_PATCH_DEPTHWISE_BLOCK;
  tflm_patch_depthwise_place places[ROWS];
  for (uint32_t i = 0; i < n; ++i) {
    find_place(r, row + i, find_row(output, row + i), &places[i]);
  }
  const int in_cells = !is_flat(r);
  if (!in_cells && tflm_patch_mve_depthwise_flat(r, places, n)) {
    return;
  }
  for (uint32_t channel = 0;; channel += block) {
    if (in_cells) {
      channel = tflm_patch_mve_depthwise_3x3(r, places, n, channel);
    }
    if (channel >= r->channels) {
      return;
    }
    for (uint32_t i = 0; i < n; ++i) {
      find_rows(r, row + i, places[i].output);
      tflm_patch_mve_depthwise_strips(r, channel, MIN(channel + block, r->channels));
    }
  }
}

void tflm_patch_depthwise_rows_s8(const tflm_patch_depthwise_conv_args* args,
                                  const tflm_patch_rows* input, const tflm_patch_rows* output,
                                  uint32_t row, uint32_t count) {
  const tflm_patch_window* window = &args->window;
  const uint32_t taps = (uint32_t)window->kernel_h * window->kernel_w;
  const uint32_t end = row + count;
  tflm_patch_depthwise_row r;
  r.args = args;
  r.input = input;
  r.channels = input->channels * args->depth_multiplier;
  if (window->dilation_w != 1 || taps > MAX_TAPS || window->kernel_h > TFLM_PATCH_DEPTHWISE_ROWS ||
      r.channels > MAX_CHANNELS || (uint32_t)window->stride_w * window->kernel_h > MAX_STEP) {
    for (; row < end; ++row) {
      tflm_patch_depthwise_conv_portable_s8(args, input, row, find_row(output, row));
    }
    return;
  }
  r.is_usual = tflm_patch_is_usual(&args->requant, r.channels);
  if (is_3x3(&r)) {
    r.cols_inside = tflm_patch_cols_inside(window, input->cols, args->output_cols);
    /* At once, channels are the outer loop: those of a row must not lie over others. */
    const uint32_t most = count == 1 || tflm_patch_are_cells_aligned(input, output) ? ROWS : 1;
    for (uint32_t n; row < end; row += n) {
      n = MIN(most, end - row);
      make_rows_3x3(&r, output, row, n);
    }
    return;
  }
  for (; row < end; ++row) {
    make_row(&r, row, find_row(output, row));
  }
}

void tflm_patch_depthwise_conv_s8(const tflm_patch_depthwise_conv_args* args,
                                  const tflm_patch_rows* input, uint32_t row, int8_t* output) {
  const tflm_patch_rows made = {.base = output, .ring_rows = 1, .split = 1};
  tflm_patch_depthwise_rows_s8(args, input, &made, row, 1);
}

#endif /* TFLM_PATCH_IS_MVE */
