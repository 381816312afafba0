/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * BOTTLENECK: the three convolutions of a MobileNet block, some columns of an
 * output row at a time, so that the wide map between the first two needs no row
 * of its own.
 *
 * The convolutions' own row kernels make them, on views of the operator's maps
 * and of the scratch.
 */
#include <string.h>

#include "family.h"
#include "kernels.h"
#include "weights.h"

/* The scratch's parts, one behind the other, in cells of the wide map; each
 * number is below 2^32. */
typedef struct {
  uint32_t reach_h; /* rows that a depthwise window spans */
  uint32_t reach_w;
  uint32_t tile_cols; /* that the windows of a tile span */
  uint32_t tile;
  uint32_t narrow; /* a tile of the depthwise convolution's output */
  uint32_t held;
} geometry;

/* `depthwise` is the window of that convolution. */
static geometry find_geometry(const tflm_patch_window* depthwise, uint32_t depth_multiplier,
                              uint32_t wide_cols, uint32_t tile_cols, uint32_t held_cols) {
  geometry g;
  g.reach_h = (depthwise->kernel_h - 1u) * depthwise->dilation_h + 1u;
  g.reach_w = (depthwise->kernel_w - 1u) * depthwise->dilation_w + 1u;
  g.tile_cols = (tile_cols - 1u) * depthwise->stride_w + g.reach_w;
  if (g.tile_cols > wide_cols) {
    g.tile_cols = wide_cols;
  }
  g.tile = g.reach_h * g.tile_cols;
  g.narrow = depth_multiplier * tile_cols;
  g.held = g.reach_h > depthwise->stride_h ? (g.reach_h - depthwise->stride_h) * held_cols : 0;
  return g;
}

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* The first cell inside of a window that begins at `low`. */
static int32_t inside(int32_t low) { return low < 0 ? 0 : low; }

/* Rows [first, end) of the wide map that an output row is made from, the end of
 * those of the row before, the first of those of the row behind. */
typedef struct {
  uint32_t first;
  uint32_t end;
  uint32_t before;
  uint32_t next;
} wide_range;

static wide_range find_wide_rows(const tflm_patch_window* window, uint32_t wide_rows,
                                 uint32_t row) {
  const int32_t low = (int32_t)(row * window->stride_h) - window->pad_top;
  const uint32_t end = (uint32_t)(low + (window->kernel_h - 1) * window->dilation_h + 1);
  wide_range range;
  range.first = (uint32_t)inside(low);
  range.end = smaller(end, wide_rows);
  range.before = row > 0 ? smaller(end - window->stride_h, wide_rows) : 0;
  range.next = (uint32_t)inside(low + window->stride_h);
  return range;
}

/* ---- rows ---- */

/* An output row at work. */
typedef struct {
  const tflm_patch_bottleneck_args* args;
  tflm_patch_bottleneck_args part; /* for the columns that are being made */
  const tflm_patch_rows* input;
  int8_t* output;
  geometry geometry;
  wide_range rows;
  int8_t* tile; /* columns [tile_first, tile_end) of them */
  int8_t* held;
  uint32_t tile_first;
  uint32_t tile_end;
  uint32_t tile_row_bytes;
} work;

static int8_t* tile_cell(const work* w, uint32_t i, uint32_t col) {
  return w->tile + i * w->tile_row_bytes + (col - w->tile_first) * w->args->expand.output_channels;
}

static int8_t* held_cell(const work* w, uint32_t i, uint32_t col) {
  return w->held + (i * w->args->held_cols + col) * w->args->expand.output_channels;
}

/* A map of which `slots` rows lie in the scratch or the output. */
static tflm_patch_rows view(const int8_t* base, uint32_t row_bytes, uint32_t slots, uint32_t rows,
                            uint32_t cols, uint32_t channels) {
  const tflm_patch_rows map = {
      .base = base,
      .row_bytes = (int32_t)row_bytes,
      .ring_rows = slots,
      .rows = rows,
      .cols = cols,
      .channels = channels,
      .split_base = base,
      .split = slots,
  };
  return map;
}

/* Makes columns [from, end) of row i of the tile. */
static void expand(work* w, uint32_t i, uint32_t from, uint32_t end) {
  tflm_patch_conv_args* conv = &w->part.expand;
  const int32_t low = (int32_t)(from * conv->window.stride_w) - w->args->expand.window.pad_left;
  const int32_t left = inside(low);
  tflm_patch_rows seen = *w->input;
  const uint32_t skipped = (uint32_t)left * seen.channels;
  seen.cols -= (uint32_t)left;
  seen.base += skipped;
  seen.split_base += skipped;
  conv->window.pad_left = (int16_t)(left - low);
  conv->output_cols = end - from;
  const tflm_patch_rows made = view(tile_cell(w, i, from), w->tile_row_bytes, 1, w->args->wide_rows,
                                    conv->output_cols, conv->output_channels);
  tflm_patch_conv_rows_s8(conv, &seen, &made, w->rows.first + i, 1);
}

/* Fills the tile up to column `end`. */
static void fill_tile(work* w, uint32_t first, uint32_t end) {
  const uint32_t channels = w->args->expand.output_channels;
  const uint32_t n = w->rows.end - w->rows.first;
  const uint32_t from = w->tile_end > first ? w->tile_end : first;
  if (from > first) { /* the windows of two tiles overlap */
    for (uint32_t i = 0; i < n; ++i) {
      memmove(w->tile + i * w->tile_row_bytes, tile_cell(w, i, first),
              (size_t)(from - first) * channels);
    }
  }
  w->tile_first = first;
  w->tile_end = end;
  const uint32_t held_end = smaller(end, w->args->held_cols);
  const size_t held_bytes = held_end > from ? (size_t)(held_end - from) * channels : 0;
  for (uint32_t i = 0; i < n; ++i) {
    uint32_t made = from;
    if (w->rows.first + i < w->rows.before && held_bytes != 0) {
      memcpy(tile_cell(w, i, from), held_cell(w, i, from), held_bytes);
      made = held_end;
    }
    if (made < end) {
      expand(w, i, made, end);
    }
  }
  if (held_bytes != 0) {
    const uint32_t keep_from = w->rows.next - w->rows.first;
    for (uint32_t i = keep_from; i < n; ++i) {
      memcpy(held_cell(w, i - keep_from, from), tile_cell(w, i, from), held_bytes);
    }
  }
}

/* Output columns [col, col + cols). */
static void make_tile(work* w, uint32_t col, uint32_t cols) {
  const tflm_patch_bottleneck_args* args = w->args;
  tflm_patch_depthwise_conv_args* depthwise = &w->part.depthwise;
  tflm_patch_conv_args* project = &w->part.project;
  tflm_patch_window* window = &depthwise->window;
  const int32_t low = (int32_t)(col * window->stride_w) - args->depthwise.window.pad_left;
  const int32_t high = low + (int32_t)((cols - 1) * window->stride_w + w->geometry.reach_w);
  const int32_t left = inside(low);
  fill_tile(w, (uint32_t)left, smaller((uint32_t)high, args->expand.output_cols));
  const uint32_t n = w->rows.end - w->rows.first;
  const uint32_t wide_channels = args->expand.output_channels;
  const uint32_t channels = wide_channels * depthwise->depth_multiplier;
  int8_t* between = w->tile + w->geometry.tile * wide_channels;
  const tflm_patch_rows wide =
      view(w->tile, w->tile_row_bytes, n, n, w->tile_end - w->tile_first, wide_channels);
  const tflm_patch_rows narrow = view(between, 0, 1, 1, cols, channels);
  const tflm_patch_rows made =
      view(w->output + col * project->output_channels, 0, 1, 1, cols, project->output_channels);
  window->pad_left = (int16_t)(left - low);
  depthwise->output_cols = cols;
  project->output_cols = cols;
  tflm_patch_depthwise_conv_s8(depthwise, &wide, 0, between);
  tflm_patch_conv_rows_s8(project, &narrow, &made, 0, 1);
}

void tflm_patch_bottleneck_s8(const tflm_patch_bottleneck_args* args, const tflm_patch_rows* input,
                              uint32_t row, int8_t* output) {
  const tflm_patch_window* window = &args->depthwise.window;
  const uint32_t cols = args->depthwise.output_cols;
  const uint32_t channels = args->expand.output_channels;
  work w = {
      .args = args,
      .part = *args,
      .input = input,
      .output = output,
      .geometry = find_geometry(window, args->depthwise.depth_multiplier, args->expand.output_cols,
                                args->tile_cols, args->held_cols),
      .rows = find_wide_rows(window, args->wide_rows, row),
      .tile = args->scratch,
  };
  w.held = w.tile + (w.geometry.tile + w.geometry.narrow) * channels;
  w.tile_row_bytes = w.geometry.tile_cols * channels;
  const int32_t low = (int32_t)(row * window->stride_h) - window->pad_top;
  w.part.depthwise.window.pad_top = (int16_t)(inside(low) - low);
  for (uint32_t col = 0; col < cols; col += args->tile_cols) {
    make_tile(&w, col, smaller(args->tile_cols, cols - col));
  }
}

/* ---- the operator ---- */

static const tflm_patch_bottleneck_params* bottleneck_params(const tflm_patch_task* task) {
  return (const tflm_patch_bottleneck_params*)task->params;
}

static uint32_t narrow_channels(const tflm_patch_bottleneck_params* params) {
  return (uint32_t)params->wide_channels * params->depthwise.depth_multiplier;
}

/* The convolutions as operators of their own, and the maps between them, which
 * do not exist as a whole. */
typedef struct {
  tflm_patch_map wide;
  tflm_patch_map narrow;
  tflm_patch_task expand;
  tflm_patch_task depthwise;
  tflm_patch_task project;
} parts;

static void find_parts(const tflm_patch_task* task, parts* p) {
  const tflm_patch_bottleneck_params* params = bottleneck_params(task);
  p->wide = *task->output; /* int8 */
  p->narrow = p->wide;
  p->wide.rows = params->wide_rows;
  p->wide.cols = params->wide_cols;
  p->wide.channels = params->wide_channels;
  p->wide.zero_point = params->wide_zero_point;
  p->narrow.channels = (uint16_t)narrow_channels(params);
  p->expand = *task;
  p->expand.params = &params->expand;
  p->expand.output = &p->wide;
  p->depthwise = *task;
  p->depthwise.params = &params->depthwise;
  p->depthwise.input = &p->wide;
  p->depthwise.output = &p->narrow;
  p->project = *task;
  p->project.params = &params->project;
  p->project.input = &p->narrow;
}

/* They have no memory of their own. */
static void find_part(const tflm_patch_task* task, tflm_patch_conv_args* args) {
  tflm_patch_find_conv(task, args);
  args->scratch = NULL;
  args->scratch_bytes = 0;
}

static void find_args(const tflm_patch_task* task, tflm_patch_bottleneck_args* args) {
  const tflm_patch_bottleneck_params* params = bottleneck_params(task);
  parts p;
  find_parts(task, &p);
  find_part(&p.expand, &args->expand);
  find_part(&p.depthwise, &args->depthwise);
  find_part(&p.project, &args->project);
  args->wide_rows = params->wide_rows;
  args->tile_cols = params->tile_cols;
  args->held_cols = params->held_cols;
  args->scratch = (int8_t*)tflm_patch_scratch(task);
}

/* Whether all windows of one dimension see a cell of the input. */
static int are_inside(uint32_t reach, int32_t stride, int32_t pad, int32_t input, int32_t output) {
  return pad < (int32_t)reach && (output - 1) * stride - pad < input;
}

static tflm_patch_status check(const tflm_patch_task* task) {
  const tflm_patch_bottleneck_params* params = bottleneck_params(task);
  const tflm_patch_window* window = &params->depthwise.window;
  const tflm_patch_window* first = &params->expand.window;
  const tflm_patch_window* last = &params->project.window;
  const uint32_t channels = narrow_channels(params);
  if (params->wide_rows == 0 || params->wide_cols == 0 || channels == 0 || channels > UINT16_MAX ||
      !tflm_patch_is_int8(params->wide_zero_point) || params->tile_cols == 0 ||
      params->held_cols > params->wide_cols || last->kernel_h != 1 || last->kernel_w != 1 ||
      last->stride_h != 1 || last->stride_w != 1 || last->pad_top != 0 || last->pad_left != 0 ||
      !TFLM_PATCH_HAS_FALLBACK) {
    return TFLM_PATCH_BAD_OP;
  }
  parts p;
  find_parts(task, &p);
  tflm_patch_status status = tflm_patch_check_conv(&p.expand);
  if (status == TFLM_PATCH_OK) {
    status = tflm_patch_check_depthwise(&p.depthwise);
  }
  if (status == TFLM_PATCH_OK) {
    status = tflm_patch_check_conv(&p.project);
  }
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const geometry g = find_geometry(window, params->depthwise.depth_multiplier, params->wide_cols,
                                   params->tile_cols, params->held_cols);
  if (!are_inside(g.reach_h, window->stride_h, window->pad_top, params->wide_rows,
                  task->output->rows) ||
      !are_inside(g.reach_w, window->stride_w, window->pad_left, params->wide_cols,
                  task->output->cols) ||
      !are_inside(UINT16_MAX, first->stride_w, first->pad_left, task->input->cols,
                  params->wide_cols)) {
    return TFLM_PATCH_BAD_OP;
  }
  const uint64_t bytes = ((uint64_t)g.tile + g.narrow + g.held) * params->wide_channels;
  return bytes <= INT32_MAX ? tflm_patch_check_scratch(task->op, (uint32_t)bytes, 1)
                            : TFLM_PATCH_BAD_SIZE;
}

static void reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  const tflm_patch_bottleneck_params* params = bottleneck_params(task);
  const tflm_patch_window* window = &params->expand.window;
  const uint32_t input_rows = task->input->rows;
  const wide_range wide = find_wide_rows(&params->depthwise.window, params->wide_rows, step);
  const int all_held = params->held_cols == params->wide_cols;
  const uint32_t from = all_held && wide.before > wide.first ? wide.before : wide.first;
  tflm_patch_span last;
  tflm_patch_window_reads(window, input_rows, wide.end - 1, &last);
  tflm_patch_window_reads(window, input_rows, from, rows);
  if (from >= wide.end) { /* all rows of the wide map are held */
    rows->first = last.last + 1;
  }
  rows->last = last.last;
}

static void run(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  const uint32_t end = step + count;
  tflm_patch_bottleneck_args args;
  tflm_patch_rows input;
  find_args(task, &args);
  tflm_patch_view_rows(task->stage, task->input, &input);
  for (; step < end; ++step) {
    tflm_patch_bottleneck_s8(&args, &input, step, (int8_t*)tflm_patch_output_row(task, step));
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
