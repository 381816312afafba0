/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * BOTTLENECK for tests: random cases, the outputs of its convolutions by their
 * definition, and programs.
 */
#ifndef TFLM_PATCH_TESTS_BOTTLENECK_PROGRAM_H_
#define TFLM_PATCH_TESTS_BOTTLENECK_PROGRAM_H_

#include "weighted.h"

typedef struct {
  weighted_case parts[3]; /* expand, depthwise, project */
  uint16_t tile_cols;
  uint16_t held_cols;
} bottleneck_case;

/* A window, input and output size of one dimension; every window sees a cell. */
static inline void random_axis(uint32_t* seed, uint32_t size, uint8_t* kernel, uint8_t* stride,
                               uint16_t* dilation, int16_t* pad, uint16_t* output) {
  do {
    *kernel = (uint8_t)random_between(seed, 1, 4);
    *stride = (uint8_t)random_between(seed, 1, 3);
    *dilation = (uint16_t)(random_between(seed, 0, 3) ? 1 : 2);
    *output = (uint16_t)random_size(seed, size, *kernel, *stride, *dilation, pad);
  } while (*output == 0 || (*output - 1) * *stride - *pad >= (int32_t)size);
}

static inline void random_part_window(uint32_t* seed, golden_weighted* c) {
  tflm_patch_window* w = &c->window;
  random_axis(seed, c->shape[0], &w->kernel_h, &w->stride_h, &w->dilation_h, &w->pad_top,
              &c->output_shape[0]);
  random_axis(seed, c->shape[1], &w->kernel_w, &w->stride_w, &w->dilation_w, &w->pad_left,
              &c->output_shape[1]);
}

/* Fills in a part, whose window, groups and channels are set. Returns 0 when it
 * is too large. */
static inline int fill_part(bottleneck_case* b, uint32_t i, uint32_t* seed) {
  weighted_case* part = &b->parts[i];
  golden_weighted* c = &part->c;
  const uint32_t taps = (uint32_t)c->window.kernel_h * c->window.kernel_w;
  const uint32_t depth = c->kind == TFLM_PATCH_CONV_2D ? c->shape[2] / c->groups : 1u;
  if (!weighted_fill(part, seed, c->output_shape[2] * taps * depth)) {
    return 0;
  }
  if (i > 0) {
    const weighted_case* before = &b->parts[i - 1];
    c->input_zero_point = (int16_t)before->c.output_zero_point;
    memcpy(part->input, before->output, weighted_size(c->shape));
    naive_weighted(c, part->output);
  }
  return 1;
}

static inline int random_bottleneck(bottleneck_case* b, uint32_t* seed) {
  golden_weighted* expand = &b->parts[0].c;
  golden_weighted* depthwise = &b->parts[1].c;
  golden_weighted* project = &b->parts[2].c;
  memset(b, 0, sizeof(*b));
  expand->kind = project->kind = TFLM_PATCH_CONV_2D;
  depthwise->kind = TFLM_PATCH_DEPTHWISE_CONV_2D;
  expand->groups = project->groups = 1;
  depthwise->groups = (uint16_t)(random_between(seed, 0, 3) ? 1 : 2);
  for (uint32_t i = 0; i < 2; ++i) {
    expand->shape[i] = (uint16_t)random_between(seed, 1, 12);
  }
  expand->shape[2] = (uint16_t)random_between(seed, 1, 5);
  expand->output_shape[2] = (uint16_t)random_between(seed, 1, 12);
  random_part_window(seed, expand);
  memcpy(depthwise->shape, expand->output_shape, sizeof(expand->shape));
  random_part_window(seed, depthwise);
  depthwise->output_shape[2] = (uint16_t)(depthwise->shape[2] * depthwise->groups);
  memcpy(project->shape, depthwise->output_shape, sizeof(project->shape));
  memcpy(project->output_shape, project->shape, sizeof(project->shape));
  project->output_shape[2] = (uint16_t)random_between(seed, 1, 9);
  project->window.kernel_h = project->window.kernel_w = 1;
  project->window.stride_h = project->window.stride_w = 1;
  project->window.dilation_h = project->window.dilation_w = 1;
  b->tile_cols = (uint16_t)random_between(seed, 1, project->output_shape[1] + 1u);
  const uint16_t wide_cols = depthwise->shape[1];
  b->held_cols =
      (uint16_t)(random_between(seed, 0, 2) ? wide_cols : random_between(seed, 0, wide_cols));
  return fill_part(b, 0, seed) && fill_part(b, 1, seed) && fill_part(b, 2, seed);
}

/* Bytes of the scratch, as program.h says. */
static inline uint32_t bottleneck_scratch(const bottleneck_case* b) {
  const golden_weighted* depthwise = &b->parts[1].c;
  const tflm_patch_window* w = &depthwise->window;
  const uint32_t reach_h = (w->kernel_h - 1u) * w->dilation_h + 1u;
  const uint32_t reach_w = (w->kernel_w - 1u) * w->dilation_w + 1u;
  const uint32_t span = (b->tile_cols - 1u) * w->stride_w + reach_w;
  const uint32_t cols = span < depthwise->shape[1] ? span : depthwise->shape[1];
  const uint32_t held = reach_h > w->stride_h ? reach_h - w->stride_h : 0;
  return (reach_h * cols + held * b->held_cols) * depthwise->shape[2] +
         b->tile_cols * depthwise->output_shape[2];
}

/* Where the operator reads and writes: both in tensors; from a ring of as few rows as the
 * windows of a step need; from a whole map, each row over the oldest that it is made from. */
typedef enum { BOTTLENECK_APART, BOTTLENECK_RING, BOTTLENECK_OVER } bottleneck_memory;

static inline int32_t bottleneck_least(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t bottleneck_most(int32_t a, int32_t b) { return a > b ? a : b; }

/* How far an output row begins before the input row that it lies over, so that no column is
 * written over cells that a later one is made from. Columns may be made one by one. */
static inline int32_t bottleneck_gap(const bottleneck_case* c) {
  const golden_weighted* expand = &c->parts[0].c;
  const golden_weighted* depthwise = &c->parts[1].c;
  const tflm_patch_window* w = &depthwise->window;
  const int32_t wide = depthwise->shape[1];
  int32_t gap = 0;
  for (int32_t end = 1; end < depthwise->output_shape[1]; ++end) {
    const int32_t reach = (w->kernel_w - 1) * w->dilation_w + 1;
    const int32_t made = bottleneck_least((end - 1) * w->stride_w - w->pad_left + reach, wide);
    const int32_t from = made * expand->window.stride_w - expand->window.pad_left;
    const int32_t needed = made == wide ? expand->shape[1] : bottleneck_most(from, 0);
    const int32_t written = end * c->parts[2].c.output_shape[2];
    gap = bottleneck_most(gap, written - needed * expand->shape[2]);
  }
  return gap;
}

/* Makes room for the output of BOTTLENECK_OVER in the workspace and returns its map; -1 when
 * its rows do not fit over those of `source`, whose map lies last in the workspace. */
static inline int32_t bottleneck_over(builder* b, const bottleneck_case* c, uint32_t source) {
  const golden_weighted* project = &c->parts[2].c;
  const tflm_patch_window* w[] = {&c->parts[0].c.window, &c->parts[1].c.window};
  const uint16_t* out = project->output_shape;
  const int32_t gap = bottleneck_gap(c);
  const int32_t step = w[1]->stride_h * w[0]->stride_h;
  const int32_t before = w[1]->pad_top * w[0]->stride_h + w[0]->pad_top;
  if (out[1] * out[2] > b->maps[source].row_bytes ||
      (out[0] - 1) * step - before >= b->maps[source].rows) {
    return -1;
  }
  b->maps[source].row_bytes += gap;
  const int32_t slot = b->maps[source].row_bytes;
  const uint32_t made =
      builder_map(b, TFLM_PATCH_REGION_WORKSPACE, b->maps[source].offset, TFLM_PATCH_INT8, out[0],
                  out[1], out[2], project->output_zero_point);
  b->maps[source].offset += (uint32_t)(before * slot + gap);
  b->maps[made].row_bytes = step * slot;
  const uint32_t rows = (uint32_t)bottleneck_most(before + b->maps[source].rows, out[0] * step);
  b->header.workspace_bytes = b->maps[made].offset + (rows * (uint32_t)slot + 31u) / 16u * 16u;
  return (int32_t)made;
}

/* The operator of a case. But for BOTTLENECK_APART, a LOOKUP of identity makes what it reads. */
static inline encoded bottleneck_program(const bottleneck_case* c, bottleneck_memory memory) {
  static builder b;
  uint8_t identity[256];
  const golden_weighted* expand = &c->parts[0].c;
  const golden_weighted* depthwise = &c->parts[1].c;
  const golden_weighted* project = &c->parts[2].c;
  const uint16_t* in = expand->shape;
  const uint16_t* out = project->output_shape;
  weighted_record records[3];
  for (uint32_t i = 0; i < 256; ++i) {
    identity[i] = (uint8_t)i;
  }
  builder_init(&b);
  const tflm_patch_lookup_params lookup = {builder_constant(&b, identity, sizeof(identity))};
  for (uint32_t i = 0; i < 3; ++i) {
    weighted_params(&b, &c->parts[i].c, &records[i]);
  }
  const tflm_patch_bottleneck_params params = {
      .expand = records[0].conv,
      .depthwise = records[1].depthwise,
      .project = records[2].conv,
      .wide_rows = depthwise->shape[0],
      .wide_cols = depthwise->shape[1],
      .wide_channels = depthwise->shape[2],
      .wide_zero_point = depthwise->input_zero_point,
      .tile_cols = c->tile_cols,
      .held_cols = c->held_cols,
  };
  uint32_t source =
      builder_tensor_map(&b, TFLM_PATCH_INT8, in[0], in[1], in[2], expand->input_zero_point, 0);
  const uint32_t target = builder_tensor_map(&b, TFLM_PATCH_INT8, out[0], out[1], out[2],
                                             project->output_zero_point, 1);
  int32_t made = -1;
  if (memory != BOTTLENECK_APART) {
    const tflm_patch_window* w[] = {&expand->window, &depthwise->window};
    const uint32_t rows = (w[1]->kernel_h - 1u) * w[1]->dilation_h * w[0]->stride_h +
                          (w[0]->kernel_h - 1u) * w[0]->dilation_h + 1u;
    const uint32_t kept = memory == BOTTLENECK_RING && rows < in[0] ? rows : in[0];
    const uint32_t middle = builder_workspace_map(&b, TFLM_PATCH_INT8, in[0], kept, in[1], in[2],
                                                  expand->input_zero_point);
    made = memory == BOTTLENECK_OVER ? bottleneck_over(&b, c, middle) : -1;
    builder_op(&b, TFLM_PATCH_LOOKUP, &source, 1, middle, in[0], &lookup, sizeof(lookup), 0);
    source = middle;
  }
  const uint32_t output = made < 0 ? target : (uint32_t)made;
  builder_op(&b, TFLM_PATCH_BOTTLENECK, &source, 1, output, out[0], &params, sizeof(params),
             bottleneck_scratch(c));
  if (made >= 0) {
    builder_op(&b, TFLM_PATCH_LOOKUP, &output, 1, target, out[0], &lookup, sizeof(lookup), 0);
  }
  builder_stream(&b);
  return builder_encode(&b);
}

#endif /* TFLM_PATCH_TESTS_BOTTLENECK_PROGRAM_H_ */
