/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * AVERAGE_POOL_2D and MAX_POOL_2D of maps of one type: pool.c and pool_s16.c
 * define what is in capitals and include this file once. Cells outside the map
 * do not take part. Internal.
 */
#ifndef TFLM_PATCH_SRC_POOL_ROWS_H_
#define TFLM_PATCH_SRC_POOL_ROWS_H_

#include <string.h>

#include "kernels.h"
#include "requantize.h"
#include "typed.h"

#if !OWN_ROWS

/* Channels summed up at a time; their sums are on the stack. */
#define BLOCK 16u

/* Columns [first, end) of the map in the window of an output column. */
typedef struct {
  uint32_t first;
  uint32_t end;
} col_range;

static col_range window_cols(const tflm_patch_window* window, uint32_t cols,
                             uint32_t output_col) {
  const int32_t low =
      (int32_t)(output_col * window->stride_w) - window->pad_left;
  const int32_t high = low + window->kernel_w;
  const col_range range = {
      .first = (uint32_t)tflm_patch_clamp(low, 0, (int32_t)cols),
      .end = (uint32_t)tflm_patch_clamp(high, 0, (int32_t)cols),
  };
  return range;
}

/* The mean of count > 0 values, halves away from zero. */
static VALUE average(const tflm_patch_pool_params* params, int32_t sum,
                     int32_t count) {
  const int32_t half = sum > 0 ? count / 2 : -(count / 2);
  return (VALUE)tflm_patch_clamp((sum + half) / count, params->act_min,
                                 params->act_max);
}

static const VALUE* view_row(const tflm_patch_rows* rows, int32_t row) {
  return (const VALUE*)(const void*)tflm_patch_slot_row(
      rows, (uint32_t)row % rows->ring_rows);
}

void AVERAGE_ROW(const tflm_patch_pool_params* params,
                 const tflm_patch_rows* input, uint32_t row, VALUE* output,
                 uint32_t output_cols) {
  int32_t first;
  int32_t last;
  tflm_patch_window_reads(&params->window, input->rows, row, &first, &last);
  for (uint32_t output_col = 0; output_col < output_cols; ++output_col) {
    const col_range cols =
        window_cols(&params->window, input->cols, output_col);
    const int32_t count = (last - first + 1) * (int32_t)(cols.end - cols.first);
    for (uint32_t channel = 0; channel < input->channels; channel += BLOCK) {
      const uint32_t left = input->channels - channel;
      const uint32_t n = left < BLOCK ? left : BLOCK;
      int32_t sums[BLOCK] = {0};
      for (int32_t r = first; r <= last; ++r) {
        const VALUE* cell =
            view_row(input, r) + (size_t)cols.first * input->channels + channel;
        for (uint32_t col = cols.first; col < cols.end; ++col) {
          for (uint32_t i = 0; i < n; ++i) {
            sums[i] += cell[i];
          }
          cell += input->channels;
        }
      }
      for (uint32_t i = 0; i < n; ++i) {
        *output++ = average(params, sums[i], count);
      }
    }
  }
}

void MAX_ROW(const tflm_patch_pool_params* params, const tflm_patch_rows* input,
             uint32_t row, VALUE* output, uint32_t output_cols) {
  const uint32_t channels = input->channels;
  int32_t first;
  int32_t last;
  tflm_patch_window_reads(&params->window, input->rows, row, &first, &last);
  for (uint32_t output_col = 0; output_col < output_cols; ++output_col) {
    const col_range cols =
        window_cols(&params->window, input->cols, output_col);
    for (uint32_t i = 0; i < channels; ++i) {
      output[i] = VALUE_MIN;
    }
    for (int32_t r = first; r <= last; ++r) {
      const VALUE* cell = view_row(input, r) + (size_t)cols.first * channels;
      for (uint32_t col = cols.first; col < cols.end; ++col) {
        for (uint32_t i = 0; i < channels; ++i) {
          output[i] = cell[i] > output[i] ? cell[i] : output[i];
        }
        cell += channels;
      }
    }
    for (uint32_t i = 0; i < channels; ++i) {
      output[i] =
          (VALUE)tflm_patch_clamp(output[i], params->act_min, params->act_max);
    }
    output += channels;
  }
}

void AVERAGE_ADD(const tflm_patch_pool_params* params, const VALUE* input,
                 uint32_t cols, uint32_t channels, int32_t* sums,
                 uint32_t output_cols) {
  for (uint32_t output_col = 0; output_col < output_cols; ++output_col) {
    const col_range range = window_cols(&params->window, cols, output_col);
    const VALUE* cell = input + (size_t)range.first * channels;
    for (uint32_t col = range.first; col < range.end; ++col) {
      for (uint32_t i = 0; i < channels; ++i) {
        sums[i] += *cell++;
      }
    }
    sums += channels;
  }
}

void AVERAGE_FINISH(const tflm_patch_pool_params* params, const int32_t* sums,
                    uint32_t rows, uint32_t cols, uint32_t channels,
                    VALUE* output, uint32_t output_cols) {
  for (uint32_t output_col = 0; output_col < output_cols; ++output_col) {
    const col_range range = window_cols(&params->window, cols, output_col);
    const int32_t count = (int32_t)(rows * (range.end - range.first));
    for (uint32_t i = 0; i < channels; ++i) {
      *output++ = average(params, *sums++, count);
    }
  }
}

/* ---- the operators ---- */

#endif

static const tflm_patch_pool_params* pool_params(const tflm_patch_stage* stage,
                                                 const tflm_patch_op* op) {
  return (const tflm_patch_pool_params*)tflm_patch_params(stage, op);
}

static void run_accumulating(const tflm_patch_stage* stage,
                             const tflm_patch_op* op, uint32_t step,
                             uint32_t count) {
  const tflm_patch_pool_params* params = pool_params(stage, op);
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  int32_t* sums = (int32_t*)tflm_patch_scratch(stage, op);
  const uint32_t end = step + count;
  if (step == 0) {
    memset(sums, 0, sizeof(*sums) * output->cols * output->channels);
  }
  for (; step < end; ++step) {
    AVERAGE_ADD(params,
                (const VALUE*)(const void*)tflm_patch_map_row(
                    stage, input, params->first_row + step),
                input->cols, input->channels, sums, output->cols);
  }
  if (end == op->steps) {
    AVERAGE_FINISH(params, sums, op->steps, input->cols, input->channels,
                   (VALUE*)(void*)tflm_patch_map_row(stage, output, 0),
                   output->cols);
  }
}

typedef void (*pool_row)(const tflm_patch_pool_params* params,
                         const tflm_patch_rows* input, uint32_t row,
                         VALUE* output, uint32_t output_cols);

static void run_rows(const tflm_patch_stage* stage, const tflm_patch_op* op,
                     uint32_t step, uint32_t count, pool_row row_kernel) {
  const tflm_patch_rows input =
      tflm_patch_view_rows(stage, tflm_patch_input_map(stage, op, 0));
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  for (uint32_t row = step; row < step + count; ++row) {
    row_kernel(pool_params(stage, op), &input, row,
               (VALUE*)(void*)tflm_patch_map_row(stage, output, row),
               output->cols);
  }
}

static void run_average(const tflm_patch_stage* stage, const tflm_patch_op* op,
                        uint32_t step, uint32_t count) {
  if (pool_params(stage, op)->accumulate) {
    run_accumulating(stage, op, step, count);
  } else {
    run_rows(stage, op, step, count, AVERAGE_ROW);
  }
}

static void run_max(const tflm_patch_stage* stage, const tflm_patch_op* op,
                    uint32_t step, uint32_t count) {
  run_rows(stage, op, step, count, MAX_ROW);
}

#endif /* TFLM_PATCH_SRC_POOL_ROWS_H_ */
