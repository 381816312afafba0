/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * BOTTLENECK: the three convolutions of a MobileNet block, some columns of an
 * output row at a time, so that the wide map between the first two needs no row
 * of its own.
 *
 * The convolutions are those of CONV_2D and DEPTHWISE_CONV_2D, on parts of the
 * operator's maps and of the scratch.
 */
#include <string.h>

#include "family.h"
#include "kernels.h"
#include "weights.h"

/* Where the scratch's parts lie, and how large they are. Sizes are in bytes,
 * reaches and columns in cells of the wide map. */
typedef struct {
  uint32_t reach_h; /* rows that a depthwise window spans */
  uint32_t reach_w;
  uint32_t tile_cols; /* that the windows of a tile span */
  uint32_t tile_row_bytes;
  uint32_t tile_bytes;
  uint32_t narrow_bytes; /* of a tile of the depthwise convolution's output */
  uint32_t held_cells;
} geometry;

static const tflm_patch_bottleneck_params* bottleneck_params(
    const tflm_patch_task* task) {
  return (const tflm_patch_bottleneck_params*)task->params;
}

static uint32_t narrow_channels(const tflm_patch_bottleneck_params* params) {
  return (uint32_t)params->wide_channels * params->depthwise.depth_multiplier;
}

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Sizes modulo 2^32; check() refuses what does not fit. */
static void find_geometry(const tflm_patch_bottleneck_params* params,
                          geometry* g) {
  const tflm_patch_window* window = &params->depthwise.window;
  g->reach_h = (window->kernel_h - 1u) * window->dilation_h + 1u;
  g->reach_w = (window->kernel_w - 1u) * window->dilation_w + 1u;
  g->tile_cols =
      smaller((params->tile_cols - 1u) * window->stride_w + g->reach_w,
              params->wide_cols);
  g->tile_row_bytes = g->tile_cols * params->wide_channels;
  g->tile_bytes = g->reach_h * g->tile_row_bytes;
  g->narrow_bytes = params->tile_cols * narrow_channels(params);
  g->held_cells = g->reach_h > window->stride_h
                      ? (g->reach_h - window->stride_h) * params->held_cols
                      : 0;
}

/* The maps between the convolutions, which do not exist as a whole. */
static void make_inner_maps(const tflm_patch_task* task, tflm_patch_map* wide,
                            tflm_patch_map* narrow) {
  const tflm_patch_bottleneck_params* params = bottleneck_params(task);
  *wide = *task->output; /* int8 */
  *narrow = *wide;
  wide->rows = params->wide_rows;
  wide->cols = params->wide_cols;
  wide->channels = params->wide_channels;
  wide->zero_point = params->wide_zero_point;
  narrow->channels = (uint16_t)narrow_channels(params);
  narrow->zero_point = 0;
}

/* One of the convolutions. */
static tflm_patch_task part_of(const tflm_patch_task* task, const void* params,
                               const tflm_patch_map* input,
                               const tflm_patch_map* output) {
  tflm_patch_task part = *task;
  part.params = params;
  part.input = input;
  part.output = output;
  return part;
}

/* ---- check ---- */

/* Whether all windows of one dimension see a cell of the input. */
static int are_inside(uint32_t reach, int32_t stride, int32_t pad,
                      int32_t input, int32_t output) {
  return pad < (int32_t)reach && (output - 1) * stride - pad < input;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_bottleneck_params* params = bottleneck_params(task);
  const tflm_patch_window* window = &params->depthwise.window;
  const tflm_patch_window* first = &params->expand.window;
  const tflm_patch_window* last = &params->project.window;
  const uint32_t channels = narrow_channels(params);
  if (params->wide_rows == 0 || params->wide_cols == 0 || channels == 0 ||
      channels > UINT16_MAX || !tflm_patch_is_int8(params->wide_zero_point) ||
      params->tile_cols == 0 || params->held_cols > params->wide_cols ||
      last->kernel_h != 1 || last->kernel_w != 1 || last->stride_h != 1 ||
      last->stride_w != 1 || last->pad_top != 0 || last->pad_left != 0 ||
      !TFLM_PATCH_HAS_FALLBACK) {
    return TFLM_PATCH_BAD_OP;
  }
  tflm_patch_map wide;
  tflm_patch_map narrow;
  make_inner_maps(task, &wide, &narrow);
  const tflm_patch_task parts[] = {
      part_of(task, &params->expand, task->input, &wide),
      part_of(task, &params->depthwise, &wide, &narrow),
      part_of(task, &params->project, &narrow, task->output),
  };
  for (uint32_t i = 0; i < 3; ++i) {
    const tflm_patch_status status = i == 1
                                         ? tflm_patch_check_depthwise(&parts[i])
                                         : tflm_patch_check_conv(&parts[i]);
    if (status != TFLM_PATCH_OK) {
      return status;
    }
  }
  geometry g;
  find_geometry(params, &g);
  if (!are_inside(g.reach_h, window->stride_h, window->pad_top, wide.rows,
                  narrow.rows) ||
      !are_inside(g.reach_w, window->stride_w, window->pad_left, wide.cols,
                  narrow.cols) ||
      !are_inside(UINT16_MAX, first->stride_w, first->pad_left,
                  task->input->cols, wide.cols)) {
    return TFLM_PATCH_BAD_OP;
  }
  /* Cells of the wide map; narrow_bytes fit into 32 bits as they are. */
  const uint64_t cells = (uint64_t)g.reach_h * g.tile_cols + g.held_cells;
  const uint64_t bytes = cells * wide.channels + g.narrow_bytes;
  return bytes <= INT32_MAX
             ? tflm_patch_check_scratch(task->op, (uint32_t)bytes, 1)
             : TFLM_PATCH_BAD_SIZE;
}

/* ---- rows ---- */

/* Rows [first, end) of the wide map that an output row is made from. */
typedef struct {
  uint32_t first;
  uint32_t end;
} wide_range;

static wide_range find_wide_rows(const tflm_patch_bottleneck_params* params,
                                 uint32_t row) {
  tflm_patch_span span;
  tflm_patch_window_reads(&params->depthwise.window, params->wide_rows, row,
                          &span);
  const wide_range range = {
      .first = (uint32_t)span.first,
      .end = (uint32_t)span.last + 1u,
  };
  return range;
}

static void reads(const tflm_patch_task* task, uint32_t step,
                  tflm_patch_span* rows) {
  const tflm_patch_bottleneck_params* params = bottleneck_params(task);
  const tflm_patch_window* window = &params->expand.window;
  const uint32_t input_rows = task->input->rows;
  const wide_range wide = find_wide_rows(params, step);
  uint32_t from = wide.first;
  tflm_patch_span last;
  if (step > 0 && params->held_cols == params->wide_cols) {
    const uint32_t made = find_wide_rows(params, step - 1).end;
    from = made > from ? made : from;
  }
  tflm_patch_window_reads(window, input_rows, wide.end - 1, &last);
  tflm_patch_window_reads(window, input_rows, from, rows);
  if (from >= wide.end) { /* all rows of the wide map are held */
    rows->first = last.last + 1;
  }
  rows->last = last.last;
}

/* ---- run ---- */

/* An output row at work. */
typedef struct {
  const tflm_patch_task* task;
  const tflm_patch_bottleneck_params* params;
  uint32_t row;
  wide_range rows;
  uint32_t kept;      /* rows of them that the output row before left */
  uint32_t keep_from; /* the first of them that the next output row reads */
  uint8_t* tile;      /* columns [tile_first, tile_end) of them */
  uint8_t* narrow;
  uint8_t* held;
  uint32_t tile_first;
  uint32_t tile_end;
  geometry geometry;
  tflm_patch_rows input;
  tflm_patch_conv_args expand;
  tflm_patch_depthwise_conv_args depthwise;
  tflm_patch_conv_args project;
} work;

static uint8_t* tile_cell(const work* w, uint32_t i, uint32_t col) {
  return w->tile + i * w->geometry.tile_row_bytes +
         (col - w->tile_first) * w->params->wide_channels;
}

static uint8_t* held_cell(const work* w, uint32_t i, uint32_t col) {
  return w->held + (i * w->params->held_cols + col) * w->params->wide_channels;
}

/* Cells in memory as the rows of a map: all in the same place. */
static void view_cells(tflm_patch_rows* view, const void* cells, uint32_t rows,
                       uint32_t channels) {
  view->base = (const int8_t*)cells;
  view->row_bytes = 0;
  view->ring_rows = 1;
  view->rows = rows;
  view->channels = channels;
  view->split_base = NULL;
  view->split = 1;
}

/* The input column where a window begins, and the padding before it. */
static uint32_t begin_window(tflm_patch_conv_args* args,
                             const tflm_patch_window* window,
                             uint32_t output_col) {
  const int32_t low =
      (int32_t)(output_col * window->stride_w) - window->pad_left;
  args->window.pad_left = (int16_t)(low < 0 ? -low : 0);
  return low < 0 ? 0 : (uint32_t)low;
}

/* Makes columns [from, end) of row i of the tile. */
static void expand(work* w, uint32_t i, uint32_t from, uint32_t end) {
  const uint32_t left =
      begin_window(&w->expand, &w->params->expand.window, from);
  const uint32_t skipped = left * w->input.channels;
  tflm_patch_rows made;
  tflm_patch_rows seen = w->input;
  view_cells(&made, tile_cell(w, i, from), w->params->wide_rows,
             w->params->wide_channels);
  made.cols = end - from;
  seen.base += skipped;
  seen.split_base += skipped;
  seen.cols -= left;
  w->expand.output_cols = made.cols;
  tflm_patch_conv_rows_s8(&w->expand, &seen, &made, w->rows.first + i, 1);
}

/* Fills the tile up to column `end`. */
static void fill_tile(work* w, uint32_t first, uint32_t end) {
  const uint32_t channels = w->params->wide_channels;
  const uint32_t n = w->rows.end - w->rows.first;
  const uint32_t held_end = smaller(end, w->params->held_cols);
  const uint32_t from = w->tile_end > first ? w->tile_end : first;
  const size_t held_bytes =
      held_end > from ? (size_t)(held_end - from) * channels : 0;
  /* What the windows of two tiles share. */
  const size_t shared_bytes = (size_t)(from - first) * channels;
  const uint32_t shift = (first - w->tile_first) * channels;
  w->tile_first = first;
  w->tile_end = end;
  for (uint32_t i = 0; i < n; ++i) {
    uint8_t* row = tile_cell(w, i, first);
    uint32_t made = from;
    if (shared_bytes != 0) {
      memmove(row, row + shift, shared_bytes);
    }
    if (i < w->kept && held_bytes != 0) {
      memcpy(row + shared_bytes, held_cell(w, i, from), held_bytes);
      made = held_end;
    }
    if (made < end) {
      expand(w, i, made, end);
    }
  }
  if (held_bytes != 0) {
    for (uint32_t i = w->keep_from; i < n; ++i) {
      memcpy(held_cell(w, i - w->keep_from, from), tile_cell(w, i, from),
             held_bytes);
    }
  }
}

/* Output columns [col, col + cols). */
static void make_tile(work* w, uint32_t col, uint32_t cols) {
  const tflm_patch_bottleneck_params* params = w->params;
  const tflm_patch_window* window = &params->depthwise.window;
  const tflm_patch_map* output = w->task->output;
  const int32_t top = (int32_t)(w->row * window->stride_h) - window->pad_top;
  const uint32_t first = begin_window(&w->depthwise, window, col);
  const uint32_t high =
      (col + cols - 1) * window->stride_w + w->geometry.reach_w;
  w->depthwise.window.pad_top = (int16_t)(top < 0 ? -top : 0);
  w->depthwise.output_cols = cols;
  w->project.output_cols = cols;
  fill_tile(w, first,
            smaller(high - (uint32_t)window->pad_left, params->wide_cols));
  tflm_patch_rows from;
  view_cells(&from, w->tile, w->rows.end - w->rows.first,
             params->wide_channels);
  from.row_bytes = (int32_t)w->geometry.tile_row_bytes;
  from.ring_rows = from.rows;
  from.split = from.rows;
  from.cols = w->tile_end - w->tile_first;
  tflm_patch_depthwise_conv_s8(&w->depthwise, &from, 0, (int8_t*)w->narrow);
  tflm_patch_rows made;
  view_cells(&from, w->narrow, output->rows, narrow_channels(params));
  view_cells(&made,
             (uint8_t*)tflm_patch_output_row(w->task, w->row) +
                 col * output->channels,
             output->rows, output->channels);
  from.cols = cols;
  made.cols = cols;
  tflm_patch_conv_rows_s8(&w->project, &from, &made, w->row, 1);
}

/* Arguments of one of the convolutions, which have no memory of their own. */
static void find_part(const tflm_patch_task* task, const void* params,
                      const tflm_patch_map* input, const tflm_patch_map* output,
                      tflm_patch_conv_args* args) {
  const tflm_patch_task part = part_of(task, params, input, output);
  tflm_patch_find_conv(&part, args);
  args->scratch = NULL;
  args->scratch_bytes = 0;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const tflm_patch_bottleneck_params* params = bottleneck_params(task);
  const uint32_t cols = task->output->cols;
  const uint32_t end = step + count;
  tflm_patch_map wide;
  tflm_patch_map narrow;
  work w;
  w.task = task;
  w.params = params;
  find_geometry(params, &w.geometry);
  make_inner_maps(task, &wide, &narrow);
  find_part(task, &params->expand, task->input, &wide, &w.expand);
  find_part(task, &params->depthwise, &wide, &narrow, &w.depthwise);
  find_part(task, &params->project, &narrow, task->output, &w.project);
  tflm_patch_view_rows(task->stage, task->input, &w.input);
  w.tile = (uint8_t*)tflm_patch_scratch(task);
  w.narrow = w.tile + w.geometry.tile_bytes;
  w.held = w.narrow + w.geometry.narrow_bytes;
  for (w.row = step; w.row < end; ++w.row) {
    const uint32_t before =
        w.row > 0 ? find_wide_rows(params, w.row - 1).end : 0;
    w.rows = find_wide_rows(params, w.row);
    w.kept = before > w.rows.first ? before - w.rows.first : 0;
    w.keep_from = find_wide_rows(params, w.row + 1).first - w.rows.first;
    w.tile_first = 0;
    w.tile_end = 0;
    for (uint32_t col = 0; col < cols; col += params->tile_cols) {
      make_tile(&w, col, smaller(params->tile_cols, cols - col));
    }
  }
}

const tflm_patch_kernel tflm_patch_bottleneck_kernel = {
    .check = check,
    .reads = reads,
    .run = run,
    .params_bytes = sizeof(tflm_patch_bottleneck_params),
    .inputs = 1,
    .outputs = 1,
    .rules = TFLM_PATCH_INT8 | TFLM_PATCH_IN_SERIES,
};
