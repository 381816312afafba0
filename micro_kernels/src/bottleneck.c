/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * BOTTLENECK: the three convolutions of a MobileNet block, some columns of an
 * output row at a time, so that the wide map between the first two needs no row
 * of its own.
 *
 * The convolutions are run by their own kernels, on a stage with two maps: parts
 * of the operator's maps and of the scratch.
 */
#include <string.h>

#include "kernels.h"

/* Where the scratch's parts lie, and how large they are. Sizes are in bytes,
 * reaches and columns in cells of the wide map. */
typedef struct {
  uint32_t reach_h; /* rows that a depthwise window spans */
  uint32_t reach_w;
  uint32_t tile_cols; /* that the windows of a tile span */
  uint32_t held_rows;
  uint64_t tile_bytes;
  uint64_t narrow_bytes; /* of a tile of the depthwise convolution's output */
  uint64_t held_bytes;
} geometry;

static const tflm_patch_bottleneck_params* bottleneck_params(
    const tflm_patch_stage* stage, const tflm_patch_op* op) {
  return (const tflm_patch_bottleneck_params*)tflm_patch_params(stage, op);
}

static uint32_t narrow_channels(const tflm_patch_bottleneck_params* params) {
  return (uint32_t)params->wide_channels * params->depthwise.depth_multiplier;
}

static geometry find_geometry(const tflm_patch_bottleneck_params* params) {
  const tflm_patch_window* window = &params->depthwise.window;
  geometry g;
  g.reach_h = (window->kernel_h - 1u) * window->dilation_h + 1u;
  g.reach_w = (window->kernel_w - 1u) * window->dilation_w + 1u;
  g.tile_cols = (params->tile_cols - 1u) * window->stride_w + g.reach_w;
  if (g.tile_cols > params->wide_cols) {
    g.tile_cols = params->wide_cols;
  }
  g.held_rows =
      g.reach_h > window->stride_h ? g.reach_h - window->stride_h : 0;
  const uint64_t channels = params->wide_channels;
  g.tile_bytes = channels * g.reach_h * g.tile_cols;
  g.narrow_bytes = (uint64_t)params->tile_cols * narrow_channels(params);
  g.held_bytes = channels * g.held_rows * params->held_cols;
  return g;
}

/* ---- the convolutions ---- */

/* A stage of one operator: map 0 to map 1. */
typedef struct {
  tflm_patch_stage stage;
  tflm_patch_op op;
  tflm_patch_map maps[2];
} part;

static void open_part(part* p, const tflm_patch_stage* stage, uint8_t kind,
                      const void* params, const tflm_patch_map* input,
                      const tflm_patch_map* output) {
  static const uint16_t kEdges[] = {0, 1};
  const tflm_patch_op op = {
      .kind = kind,
      .n_inputs = 1,
      .n_outputs = 1,
      .steps = output->rows,
      .scratch = TFLM_PATCH_NONE,
  };
  p->op = op;
  p->maps[0] = *input;
  p->maps[1] = *output;
  p->stage = *stage;
  p->stage.program = (const uint8_t*)params;
  p->stage.maps = p->maps;
  p->stage.edges = kEdges;
}

static tflm_patch_status check_part(const tflm_patch_stage* stage, uint8_t kind,
                                    const void* params,
                                    const tflm_patch_map* input,
                                    const tflm_patch_map* output) {
  part p;
  open_part(&p, stage, kind, params, input, output);
  return tflm_patch_find_kernel(kind)->check(&p.stage, &p.op);
}

static void run_part(const tflm_patch_stage* stage, uint8_t kind,
                     const void* params, const tflm_patch_map* input,
                     const tflm_patch_map* output, uint32_t step) {
  part p;
  open_part(&p, stage, kind, params, input, output);
  tflm_patch_find_kernel(kind)->run(&p.stage, &p.op, step, 1);
}

/* A map's columns from `left` on. */
static tflm_patch_map from_col(const tflm_patch_map* map, uint32_t left,
                               uint32_t cols) {
  tflm_patch_map view = *map;
  view.cols = (uint16_t)cols;
  view.offset += left * map->channels;
  view.split_offset += left * map->channels;
  return view;
}

/* A map of int8 in the scratch, `at` bytes from its start; every row lies in the
 * same place when it is a ring of one. */
static tflm_patch_map in_scratch(const tflm_patch_op* op, uint32_t at,
                                 uint32_t rows, uint32_t ring_rows,
                                 uint32_t cols, uint32_t channels,
                                 uint32_t row_bytes, int16_t zero_point) {
  const tflm_patch_map map = {
      .offset = op->scratch + at,
      .row_bytes = (int32_t)row_bytes,
      .rows = (uint16_t)rows,
      .ring_rows = (uint16_t)ring_rows,
      .cols = (uint16_t)cols,
      .channels = (uint16_t)channels,
      .region = op->scratch_region,
      .type = TFLM_PATCH_INT8,
      .zero_point = zero_point,
      .split = (uint16_t)ring_rows,
      .split_region = op->scratch_region,
  };
  return map;
}

/* ---- check ---- */

/* Whether all windows of one dimension see a cell of the input. */
static int are_inside(uint32_t reach, int32_t stride, int32_t pad,
                      int32_t input, int32_t output) {
  return pad < (int32_t)reach && (output - 1) * stride - pad < input;
}

static tflm_patch_status check(const tflm_patch_stage* stage,
                               const tflm_patch_op* op) {
  const tflm_patch_bottleneck_params* params = bottleneck_params(stage, op);
  const tflm_patch_window* window = &params->depthwise.window;
  const tflm_patch_window* first = &params->expand.window;
  const tflm_patch_window* last = &params->project.window;
  tflm_patch_status status = tflm_patch_check_arity(op, 1, 1);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  if (params->wide_rows == 0 || params->wide_cols == 0 ||
      params->wide_channels == 0 ||
      !tflm_patch_is_int8(params->wide_zero_point) ||
      narrow_channels(params) > UINT16_MAX || params->tile_cols == 0 ||
      params->held_cols > params->wide_cols || last->kernel_h != 1 ||
      last->kernel_w != 1 || last->stride_h != 1 || last->stride_w != 1 ||
      last->pad_top != 0 || last->pad_left != 0) {
    return TFLM_PATCH_BAD_OP;
  }
  const tflm_patch_map* input = tflm_patch_input_map(stage, op, 0);
  const tflm_patch_map* output = tflm_patch_output_map(stage, op, 0);
  const tflm_patch_map wide =
      in_scratch(op, 0, params->wide_rows, 1, params->wide_cols,
                 params->wide_channels, 0, params->wide_zero_point);
  const tflm_patch_map narrow = in_scratch(op, 0, output->rows, 1, output->cols,
                                           narrow_channels(params), 0, 0);
  status = check_part(stage, TFLM_PATCH_CONV_2D, &params->expand, input, &wide);
  if (status == TFLM_PATCH_OK) {
    status = check_part(stage, TFLM_PATCH_DEPTHWISE_CONV_2D, &params->depthwise,
                        &wide, &narrow);
  }
  if (status == TFLM_PATCH_OK) {
    status = check_part(stage, TFLM_PATCH_CONV_2D, &params->project, &narrow,
                        output);
  }
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const geometry g = find_geometry(params);
  if (!are_inside(g.reach_h, window->stride_h, window->pad_top, wide.rows,
                  output->rows) ||
      !are_inside(g.reach_w, window->stride_w, window->pad_left, wide.cols,
                  output->cols) ||
      !are_inside(UINT16_MAX, first->stride_w, first->pad_left, input->cols,
                  wide.cols)) {
    return TFLM_PATCH_BAD_OP;
  }
  const uint64_t bytes = g.tile_bytes + g.narrow_bytes + g.held_bytes;
  return bytes <= INT32_MAX ? tflm_patch_check_scratch(op, bytes)
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
  const tflm_patch_window* window = &params->depthwise.window;
  const int32_t low = (int32_t)(row * window->stride_h) - window->pad_top;
  const int32_t end = low + (window->kernel_h - 1) * window->dilation_h + 1;
  wide_range range;
  range.first = low < 0 ? 0 : (uint32_t)low;
  range.end = end < params->wide_rows ? (uint32_t)end : params->wide_rows;
  return range;
}

static void reads(const tflm_patch_stage* stage, const tflm_patch_op* op,
                  uint32_t input, uint32_t step, int32_t* first,
                  int32_t* last) {
  const tflm_patch_bottleneck_params* params = bottleneck_params(stage, op);
  const tflm_patch_window* window = &params->expand.window;
  const uint32_t rows = tflm_patch_input_map(stage, op, input)->rows;
  const wide_range wide = find_wide_rows(params, step);
  uint32_t from = wide.first;
  int32_t unused;
  if (step > 0 && params->held_cols == params->wide_cols) {
    const uint32_t made = find_wide_rows(params, step - 1).end;
    from = made > from ? made : from;
  }
  tflm_patch_window_reads(window, rows, wide.end - 1, first, last);
  if (from < wide.end) {
    tflm_patch_window_reads(window, rows, from, first, &unused);
  } else {
    *first = *last + 1; /* all rows of the wide map are held */
  }
}

/* ---- run ---- */

/* An output row at work. */
typedef struct {
  const tflm_patch_stage* stage;
  const tflm_patch_op* op;
  const tflm_patch_bottleneck_params* params;
  geometry geometry;
  uint32_t row;
  wide_range rows;
  uint32_t kept;      /* rows of them that the output row before left */
  uint32_t keep_from; /* the first of them that the next output row reads */
  uint8_t* tile;      /* columns [tile_first, tile_end) of them */
  uint8_t* held;
  uint32_t tile_first;
  uint32_t tile_end;
  uint32_t tile_row_bytes;
} work;

static uint8_t* tile_cell(const work* w, uint32_t i, uint32_t col) {
  return w->tile + i * w->tile_row_bytes +
         (col - w->tile_first) * w->params->wide_channels;
}

static uint8_t* held_cell(const work* w, uint32_t i, uint32_t col) {
  return w->held + (i * w->params->held_cols + col) * w->params->wide_channels;
}

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Makes columns [from, end) of row i of the tile. */
static void expand(const work* w, uint32_t i, uint32_t from, uint32_t end) {
  const tflm_patch_bottleneck_params* params = w->params;
  const tflm_patch_map* input = tflm_patch_input_map(w->stage, w->op, 0);
  tflm_patch_conv_params conv = params->expand;
  const int32_t low =
      (int32_t)(from * conv.window.stride_w) - conv.window.pad_left;
  const uint32_t left = low < 0 ? 0 : (uint32_t)low;
  const tflm_patch_map seen = from_col(input, left, input->cols - left);
  const uint32_t at = (uint32_t)(tile_cell(w, i, from) - w->tile);
  const tflm_patch_map made =
      in_scratch(w->op, at, params->wide_rows, 1, end - from,
                 params->wide_channels, w->tile_row_bytes,
                 params->wide_zero_point);
  conv.window.pad_left = (int16_t)(low < 0 ? -low : 0);
  run_part(w->stage, TFLM_PATCH_CONV_2D, &conv, &seen, &made,
           w->rows.first + i);
}

/* Fills the tile up to column `end`. */
static void fill_tile(work* w, uint32_t first, uint32_t end) {
  const uint32_t channels = w->params->wide_channels;
  const uint32_t n = w->rows.end - w->rows.first;
  const uint32_t held_cols = w->params->held_cols;
  const uint32_t from = w->tile_end > first ? w->tile_end : first;
  if (from > first) { /* the windows of two tiles overlap */
    for (uint32_t i = 0; i < n; ++i) {
      memmove(w->tile + i * w->tile_row_bytes, tile_cell(w, i, first),
              (size_t)(from - first) * channels);
    }
  }
  w->tile_first = first;
  w->tile_end = end;
  const uint32_t held_end = smaller(end, held_cols);
  const size_t held_bytes =
      held_end > from ? (size_t)(held_end - from) * channels : 0;
  for (uint32_t i = 0; i < n; ++i) {
    uint32_t made = from;
    if (i < w->kept && held_bytes != 0) {
      memcpy(tile_cell(w, i, from), held_cell(w, i, from), held_bytes);
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
  const tflm_patch_map* output = tflm_patch_output_map(w->stage, w->op, 0);
  tflm_patch_depthwise_params depthwise = params->depthwise;
  tflm_patch_window* window = &depthwise.window;
  const int32_t top = (int32_t)(w->row * window->stride_h) - window->pad_top;
  const int32_t low = (int32_t)(col * window->stride_w) - window->pad_left;
  const int32_t high = low + (int32_t)((cols - 1) * window->stride_w +
                                       w->geometry.reach_w);
  fill_tile(w, low < 0 ? 0 : (uint32_t)low,
            smaller((uint32_t)high, params->wide_cols));
  const uint32_t n = w->rows.end - w->rows.first;
  const tflm_patch_map wide =
      in_scratch(w->op, 0, n, n, w->tile_end - w->tile_first,
                 params->wide_channels, w->tile_row_bytes,
                 params->wide_zero_point);
  const uint32_t channels = narrow_channels(params);
  const tflm_patch_map narrow =
      in_scratch(w->op, (uint32_t)w->geometry.tile_bytes, output->rows, 1, cols,
                 channels, cols * channels, 0);
  const tflm_patch_map made = from_col(output, col, cols);
  window->pad_top = (int16_t)(top < 0 ? -top : 0);
  window->pad_left = (int16_t)(low < 0 ? -low : 0);
  run_part(w->stage, TFLM_PATCH_DEPTHWISE_CONV_2D, &depthwise, &wide, &narrow,
           0);
  run_part(w->stage, TFLM_PATCH_CONV_2D, &params->project, &narrow, &made,
           w->row);
}

static void run(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t step, uint32_t count) {
  const tflm_patch_bottleneck_params* params = bottleneck_params(stage, op);
  const uint32_t cols = tflm_patch_output_map(stage, op, 0)->cols;
  work w = {
      .stage = stage,
      .op = op,
      .params = params,
      .geometry = find_geometry(params),
      .tile = (uint8_t*)tflm_patch_scratch(stage, op),
  };
  w.held = w.tile + w.geometry.tile_bytes + w.geometry.narrow_bytes;
  w.tile_row_bytes = w.geometry.tile_cols * params->wide_channels;
  for (w.row = step; w.row < step + count; ++w.row) {
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
};
