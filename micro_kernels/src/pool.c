/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * AVERAGE_POOL_2D and MAX_POOL_2D of int8 and int16 maps. Cells outside the map
 * do not take part.
 *
 * The loops over windows are the same for all; those over the cells of a row and
 * over the values of a result know the type.
 */
#include <string.h>

#include "family.h"
#include "kernels.h"
#include "requantize.h"

/* Channels at a time; their sums or largest values are on the stack. */
#define BLOCK 32u

/* Columns [first, end) of the map in the window of an output column. */
typedef struct {
  uint32_t first;
  uint32_t end;
} col_range;

/* Apart, for the size: three loops need it. */
static TFLM_PATCH_NOINLINE void window_cols(const tflm_patch_window* window, uint32_t cols,
                                            uint32_t output_col, col_range* range) {
  const int32_t low = (int32_t)(output_col * window->stride_w) - window->pad_left;
  const int32_t high = low + window->kernel_w;
  range->first = (uint32_t)tflm_patch_clamp(low, 0, (int32_t)cols);
  range->end = (uint32_t)tflm_patch_clamp(high, 0, (int32_t)cols);
}

/* n channels of some cells of a row. */
typedef struct {
  const int8_t* values;
  uint32_t value_bytes;
  uint32_t channels; /* from a cell to the next */
  uint32_t cells;
  uint32_t n;
} block;

#if TFLM_PATCH_IS_DSP && !defined(__OPTIMIZE_SIZE__)

/* Adds whole fours of channels of int8; returns how many. */
static uint32_t add_fours(const block* b, int32_t* sums) {
  const uint32_t fours = b->n & ~3u;
  for (uint32_t i = 0; i < fours; i += 4) {
    const int8_t* cell = b->values + i;
    int32_t x[4] = {sums[i], sums[i + 1], sums[i + 2], sums[i + 3]};
    for (uint32_t cells = b->cells; cells > 0; --cells) {
      uint32_t word;
      memcpy(&word, cell, 4);
      cell += b->channels;
      __asm__("sxtab %0, %0, %1" : "+r"(x[0]) : "r"(word));
      __asm__("sxtab %0, %0, %1, ror #8" : "+r"(x[1]) : "r"(word));
      __asm__("sxtab %0, %0, %1, ror #16" : "+r"(x[2]) : "r"(word));
      __asm__("sxtab %0, %0, %1, ror #24" : "+r"(x[3]) : "r"(word));
    }
    memcpy(sums + i, x, sizeof(x));
  }
  return fours;
}

#else

static uint32_t add_fours(const block* b, int32_t* sums) {
  (void)b;
  (void)sums;
  return 0;
}

#endif

static void add_cells(const block* b, int32_t* sums) {
  const uint32_t n = b->n;
  uint32_t cells = b->cells;
  if (b->value_bytes == 1) {
    const uint32_t first = add_fours(b, sums);
    cells = first == n ? 0 : cells;
    for (const int8_t* cell = b->values; cells > 0; --cells) {
      for (uint32_t i = first; i < n; ++i) {
        sums[i] = (int32_t)((uint32_t)sums[i] + (uint32_t)cell[i]);
      }
      cell += b->channels;
    }
    return;
  }
  const int16_t* cell = (const int16_t*)(const void*)b->values;
  for (; cells > 0; --cells) {
    for (uint32_t i = 0; i < n; ++i) {
      sums[i] = (int32_t)((uint32_t)sums[i] + (uint32_t)cell[i]);
    }
    cell += b->channels;
  }
}

static void find_largest(const block* b, int32_t* largest) {
  const uint32_t n = b->n;
  uint32_t cells = b->cells;
  if (b->value_bytes == 1) {
    for (const int8_t* cell = b->values; cells > 0; --cells) {
      for (uint32_t i = 0; i < n; ++i) {
        largest[i] = cell[i] > largest[i] ? cell[i] : largest[i];
      }
      cell += b->channels;
    }
    return;
  }
  const int16_t* cell = (const int16_t*)(const void*)b->values;
  for (; cells > 0; --cells) {
    for (uint32_t i = 0; i < n; ++i) {
      largest[i] = cell[i] > largest[i] ? cell[i] : largest[i];
    }
    cell += b->channels;
  }
}

/* The means of n sums of count > 0 values, halves away from zero, as values of
 * the type. Any sums: the application may write where they are between two bands.
 * Returns where they end. */
static int8_t* finish(const tflm_patch_pool_params* params, const int32_t* sums, int32_t count,
                      uint32_t n, int8_t* output, uint32_t value_bytes) {
  for (uint32_t i = 0; i < n; ++i) {
    int32_t value = sums[i];
    if (count != 1) {
      const uint32_t half = (uint32_t)count / 2;
      value = value > 0 ? (int32_t)(((uint32_t)value + half) / (uint32_t)count)
                        : -(int32_t)((half - (uint32_t)value) / (uint32_t)count);
    }
    value = tflm_patch_clamp(value, params->act_min, params->act_max);
    if (value_bytes == 1) {
      *output = (int8_t)value;
    } else {
      *(int16_t*)(void*)output = (int16_t)value;
    }
    output += value_bytes;
  }
  return output;
}

static int is_max_pool(uint32_t kind) {
  return kind == TFLM_PATCH_MAX_POOL_2D || kind == TFLM_PATCH_MAX_POOL_2D_S16;
}

void tflm_patch_pool(uint32_t kind, const tflm_patch_pool_params* params,
                     const tflm_patch_rows* input, uint32_t row, void* output,
                     uint32_t output_cols) {
  const int is_max = is_max_pool(kind);
#if TFLM_PATCH_HAS_OWN_POOL
  if (kind == TFLM_PATCH_MAX_POOL_2D) {
    tflm_patch_max_pool_s8(params, input, row, (int8_t*)output, output_cols);
    return;
  }
  if (kind == TFLM_PATCH_AVERAGE_POOL_2D) {
    tflm_patch_average_pool_s8(params, input, row, (int8_t*)output, output_cols);
    return;
  }
#endif
  const uint32_t channels = input->channels;
  int8_t* out = (int8_t*)output;
  block b = {
      .value_bytes =
          kind == TFLM_PATCH_AVERAGE_POOL_2D_S16 || kind == TFLM_PATCH_MAX_POOL_2D_S16 ? 2 : 1,
      .channels = channels,
  };
  tflm_patch_span rows;
  tflm_patch_window_reads(&params->window, input->rows, row, &rows);
  for (uint32_t output_col = 0; output_col < output_cols; ++output_col) {
    col_range cols;
    window_cols(&params->window, input->cols, output_col, &cols);
    int32_t count = 1; /* a largest value is a mean of itself */
    b.cells = cols.end - cols.first;
    if (!is_max) {
      count = (rows.last - rows.first + 1) * (int32_t)b.cells;
    }
    for (uint32_t channel = 0; channel < channels; channel += BLOCK) {
      int32_t results[BLOCK];
      b.n = channels - channel < BLOCK ? channels - channel : BLOCK;
      for (uint32_t i = 0; i < b.n; ++i) {
        results[i] = is_max ? params->act_min : 0;
      }
      for (int32_t r = rows.first; r <= rows.last; ++r) {
        b.values = tflm_patch_view_row(input, (uint32_t)r) +
                   ((size_t)cols.first * channels + channel) * b.value_bytes;
        if (is_max) {
          find_largest(&b, results);
        } else {
          add_cells(&b, results);
        }
      }
      out = finish(params, results, count, b.n, out, b.value_bytes);
    }
  }
}

void tflm_patch_average_pool_accumulate(const tflm_patch_pool_params* params, const void* input,
                                        uint32_t cols, uint32_t channels, int32_t* sums,
                                        uint32_t output_cols, uint32_t value_bytes) {
#if TFLM_PATCH_HAS_OWN_POOL
  if (value_bytes == 1) {
    tflm_patch_average_pool_accumulate_s8(params, (const int8_t*)input, cols, channels, sums,
                                          output_cols);
    return;
  }
#endif
  for (uint32_t output_col = 0; output_col < output_cols; ++output_col) {
    col_range range;
    window_cols(&params->window, cols, output_col, &range);
    const block b = {
        .values = (const int8_t*)input + (size_t)range.first * channels * value_bytes,
        .value_bytes = value_bytes,
        .channels = channels,
        .cells = range.end - range.first,
        .n = channels,
    };
    add_cells(&b, sums);
    sums += channels;
  }
}

void tflm_patch_average_pool_finish(const tflm_patch_pool_params* params, const int32_t* sums,
                                    uint32_t rows, uint32_t cols, uint32_t channels, void* output,
                                    uint32_t output_cols, uint32_t value_bytes) {
#if TFLM_PATCH_HAS_OWN_POOL
  if (value_bytes == 1) {
    tflm_patch_average_pool_finish_s8(params, sums, rows, cols, channels, (int8_t*)output,
                                      output_cols);
    return;
  }
#endif
  int8_t* out = (int8_t*)output;
  for (uint32_t output_col = 0; output_col < output_cols; ++output_col) {
    col_range range;
    window_cols(&params->window, cols, output_col, &range);
    out = finish(params, sums, (int32_t)(rows * (range.end - range.first)), channels, out,
                 value_bytes);
    sums += channels;
  }
}

/* ---- the operators ---- */

/* Every window of one dimension has a cell in the map. */
static int windows_meet(int32_t kernel, int32_t stride, int32_t pad, int32_t input,
                        int32_t output) {
  return pad < kernel && (output - 1) * stride - pad < input;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_pool_params* params = (const tflm_patch_pool_params*)task->params;
  const tflm_patch_window* window = &params->window;
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* output = task->output;
  const tflm_patch_op* op = task->op;
  const tflm_patch_status status = tflm_patch_check_window(window, input, output);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  if (window->dilation_h != 1 || window->dilation_w != 1 || output->channels != input->channels ||
      !tflm_patch_is_clamp(output->type, params->act_min, params->act_max) ||
      output->rows != (params->accumulate ? 1 : op->steps)) {
    return TFLM_PATCH_BAD_OP;
  }
  if (is_max_pool(op->kind)) {
    return params->accumulate ? TFLM_PATCH_BAD_OP : TFLM_PATCH_OK;
  }
  if (params->accumulate > 1 ||
      !windows_meet(window->kernel_h, window->stride_h, window->pad_top, input->rows,
                    output->rows) ||
      !windows_meet(window->kernel_w, window->stride_w, window->pad_left, input->cols,
                    output->cols)) {
    return TFLM_PATCH_BAD_OP;
  }
  if (!params->accumulate) {
    return TFLM_PATCH_OK;
  }
  tflm_patch_span rows;
  tflm_patch_window_reads(window, input->rows, 0, &rows);
  if (params->first_row != rows.first || op->steps != rows.last - rows.first + 1) {
    return TFLM_PATCH_BAD_OP;
  }
  return tflm_patch_check_scratch(op, tflm_patch_row_values(output), 4);
}

static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  const tflm_patch_pool_params* params = (const tflm_patch_pool_params*)task->params;
  if (params->accumulate) {
    tflm_patch_rowwise_reads(task, params->first_row + step, rows);
  } else {
    tflm_patch_windowed_reads(task, step, rows);
  }
}

/* One step. */
static void run_accumulating(const tflm_patch_task* task, uint32_t step) {
  const tflm_patch_pool_params* params = (const tflm_patch_pool_params*)task->params;
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* output = task->output;
  const uint32_t value_bytes = tflm_patch_type_bytes(input->type);
  int32_t* sums = (int32_t*)tflm_patch_scratch(task);
  if (step == 0) {
    memset(sums, 0, sizeof(*sums) * tflm_patch_row_values(output));
  }
  tflm_patch_average_pool_accumulate(params, tflm_patch_input_row(task, params->first_row + step),
                                     input->cols, input->channels, sums, output->cols, value_bytes);
  if (step + 1 == task->op->steps) {
    tflm_patch_average_pool_finish(params, sums, task->op->steps, input->cols, input->channels,
                                   tflm_patch_output_row(task, 0), output->cols, value_bytes);
  }
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_pool_params* params = (const tflm_patch_pool_params*)task->params;
  tflm_patch_rows input;
  (void)count;
  if (params->accumulate) {
    run_accumulating(task, step);
    return;
  }
  tflm_patch_view_rows(task->stage, task->input, &input);
  tflm_patch_pool(task->op->kind, params, &input, step, tflm_patch_output_row(task, step),
                  task->output->cols);
}

const tflm_patch_kernel tflm_patch_average_pool_2d_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_pool_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_MAY_ACCUMULATE,
};

const tflm_patch_kernel tflm_patch_max_pool_2d_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_pool_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_MAY_ACCUMULATE,
};

const tflm_patch_kernel tflm_patch_average_pool_2d_s16_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_pool_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_MAY_ACCUMULATE,
};

const tflm_patch_kernel tflm_patch_max_pool_2d_s16_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_pool_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT16 | TFLM_PATCH_MAY_ACCUMULATE,
};
