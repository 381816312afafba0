/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * AVERAGE_POOL_2D and MAX_POOL_2D of int8 maps. Cells outside the map do not
 * take part.
 */
#include <string.h>

#include "family.h"
#include "kernels.h"
#include "requantize.h"

#if !TFLM_PATCH_HAS_OWN_POOL
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
static int8_t average(const tflm_patch_pool_params* params, int32_t sum,
                      int32_t count) {
  const int32_t half = sum > 0 ? count / 2 : -(count / 2);
  return (int8_t)tflm_patch_clamp((sum + half) / count, params->act_min,
                                  params->act_max);
}

static const int8_t* view_row(const tflm_patch_rows* rows, int32_t row) {
  return tflm_patch_slot_row(rows, (uint32_t)row % rows->ring_rows);
}

void tflm_patch_average_pool_s8(const tflm_patch_pool_params* params,
                                const tflm_patch_rows* input, uint32_t row,
                                int8_t* output, uint32_t output_cols) {
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
        const int8_t* cell =
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

void tflm_patch_max_pool_s8(const tflm_patch_pool_params* params,
                            const tflm_patch_rows* input, uint32_t row,
                            int8_t* output, uint32_t output_cols) {
  const uint32_t channels = input->channels;
  int32_t first;
  int32_t last;
  tflm_patch_window_reads(&params->window, input->rows, row, &first, &last);
  for (uint32_t output_col = 0; output_col < output_cols; ++output_col) {
    const col_range cols =
        window_cols(&params->window, input->cols, output_col);
    for (uint32_t i = 0; i < channels; ++i) {
      output[i] = INT8_MIN;
    }
    for (int32_t r = first; r <= last; ++r) {
      const int8_t* cell = view_row(input, r) + (size_t)cols.first * channels;
      for (uint32_t col = cols.first; col < cols.end; ++col) {
        for (uint32_t i = 0; i < channels; ++i) {
          output[i] = cell[i] > output[i] ? cell[i] : output[i];
        }
        cell += channels;
      }
    }
    for (uint32_t i = 0; i < channels; ++i) {
      output[i] =
          (int8_t)tflm_patch_clamp(output[i], params->act_min, params->act_max);
    }
    output += channels;
  }
}

void tflm_patch_average_pool_accumulate_s8(const tflm_patch_pool_params* params,
                                           const int8_t* input, uint32_t cols,
                                           uint32_t channels, int32_t* sums,
                                           uint32_t output_cols) {
  for (uint32_t output_col = 0; output_col < output_cols; ++output_col) {
    const col_range range = window_cols(&params->window, cols, output_col);
    const int8_t* cell = input + (size_t)range.first * channels;
    for (uint32_t col = range.first; col < range.end; ++col) {
      for (uint32_t i = 0; i < channels; ++i) {
        sums[i] += *cell++;
      }
    }
    sums += channels;
  }
}

void tflm_patch_average_pool_finish_s8(const tflm_patch_pool_params* params,
                                       const int32_t* sums, uint32_t rows,
                                       uint32_t cols, uint32_t channels,
                                       int8_t* output, uint32_t output_cols) {
  for (uint32_t output_col = 0; output_col < output_cols; ++output_col) {
    const col_range range = window_cols(&params->window, cols, output_col);
    const int32_t count = (int32_t)(rows * (range.end - range.first));
    for (uint32_t i = 0; i < channels; ++i) {
      *output++ = average(params, *sums++, count);
    }
  }
}
#endif

static const tflm_patch_pool_params* pool_params(const tflm_patch_stage* stage,
                                                 const tflm_patch_op* op) {
  return (const tflm_patch_pool_params*)tflm_patch_params(stage, op);
}

/* Every window of one dimension has a cell in the map. */
static int windows_meet(int32_t kernel, int32_t stride, int32_t pad,
                        int32_t input, int32_t output) {
  return pad < kernel && (output - 1) * stride - pad < input;
}

static tflm_patch_status check_pool(const tflm_patch_stage* stage,
                                    const tflm_patch_op* op) {
  const tflm_patch_pool_params* params = pool_params(stage, op);
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
  return window->dilation_h == 1 && window->dilation_w == 1 &&
                 input->type == TFLM_PATCH_INT8 &&
                 output->type == TFLM_PATCH_INT8 &&
                 output->channels == input->channels &&
                 tflm_patch_is_int8_range(params->act_min, params->act_max)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

static tflm_patch_status check_max(const tflm_patch_stage* stage,
                                   const tflm_patch_op* op) {
  return pool_params(stage, op)->accumulate ? TFLM_PATCH_BAD_OP
                                            : check_pool(stage, op);
}

static tflm_patch_status check_average(const tflm_patch_stage* stage,
                                       const tflm_patch_op* op) {
  const tflm_patch_pool_params* params = pool_params(stage, op);
  const tflm_patch_window* window = &params->window;
  const tflm_patch_status status = check_pool(stage, op);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  if (params->accumulate > 1 ||
      !windows_meet(window->kernel_h, window->stride_h, window->pad_top,
                    input->rows, output->rows) ||
      !windows_meet(window->kernel_w, window->stride_w, window->pad_left,
                    input->cols, output->cols)) {
    return TFLM_PATCH_BAD_OP;
  }
  if (!params->accumulate) {
    return TFLM_PATCH_OK;
  }
  int32_t first;
  int32_t last;
  tflm_patch_window_reads(window, input->rows, 0, &first, &last);
  if (params->first_row != first || op->steps != last - first + 1) {
    return TFLM_PATCH_BAD_OP;
  }
  return tflm_patch_check_scratch(op, 4ull * output->cols * output->channels);
}

static int is_accumulating(const tflm_patch_stage* stage,
                           const tflm_patch_op* op) {
  return pool_params(stage, op)->accumulate;
}

static void reads(const tflm_patch_stage* stage, const tflm_patch_op* op,
                  uint32_t input, uint32_t step, int32_t* first,
                  int32_t* last) {
  const tflm_patch_pool_params* params = pool_params(stage, op);
  if (params->accumulate) {
    *first = (int32_t)(params->first_row + step);
    *last = *first;
    return;
  }
  tflm_patch_window_reads(&params->window,
                          tflm_patch_input_map(stage, op, input)->rows, step,
                          first, last);
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
    tflm_patch_average_pool_accumulate_s8(
        params,
        (const int8_t*)tflm_patch_map_row(stage, input,
                                          params->first_row + step),
        input->cols, input->channels, sums, output->cols);
  }
  if (end == op->steps) {
    tflm_patch_average_pool_finish_s8(
        params, sums, op->steps, input->cols, input->channels,
        (int8_t*)tflm_patch_map_row(stage, output, 0), output->cols);
  }
}

typedef void (*pool_row)(const tflm_patch_pool_params* params,
                         const tflm_patch_rows* input, uint32_t row,
                         int8_t* output, uint32_t output_cols);

static void run_rows(const tflm_patch_stage* stage, const tflm_patch_op* op,
                     uint32_t step, uint32_t count, pool_row row_kernel) {
  const tflm_patch_rows input =
      tflm_patch_view_rows(stage, tflm_patch_input_map(stage, op, 0));
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  for (uint32_t row = step; row < step + count; ++row) {
    row_kernel(pool_params(stage, op), &input, row,
               (int8_t*)tflm_patch_map_row(stage, output, row), output->cols);
  }
}

static void run_average(const tflm_patch_stage* stage, const tflm_patch_op* op,
                        uint32_t step, uint32_t count) {
  if (pool_params(stage, op)->accumulate) {
    run_accumulating(stage, op, step, count);
  } else {
    run_rows(stage, op, step, count, tflm_patch_average_pool_s8);
  }
}

static void run_max(const tflm_patch_stage* stage, const tflm_patch_op* op,
                    uint32_t step, uint32_t count) {
  run_rows(stage, op, step, count, tflm_patch_max_pool_s8);
}

const tflm_patch_kernel tflm_patch_average_pool_2d_kernel = {
    .check = check_average,
    .reads = reads,
    .run = run_average,
    .accumulates = 2,
    .is_accumulating = is_accumulating,
};

const tflm_patch_kernel tflm_patch_max_pool_2d_kernel = {
    .check = check_max,
    .reads = reads,
    .run = run_max,
};
