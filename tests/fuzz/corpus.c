/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "corpus.h"

#include <stdlib.h>

#include "bottleneck_program.h"
#include "golden_cases.h"
#include "golden_int16_cases.h"
#include "golden_map_cases.h"
#include "int16_program.h"
#include "neighbours_program.h"
#include "overlap_program.h"
#include "recurrent_program.h"
#include "rowwise_program.h"
#include "sample_program.h"
#include "state_program.h"
#include "weighted.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static builder b;

static void add_with_status(corpus* c, encoded e, tflm_patch_status expected) {
  const tflm_patch_status status = encoded_validate(&e);
  if (c->n == CORPUS_MAX || status != expected) {
    fprintf(stderr, "corpus: program %u of at most %d: %s\n", (unsigned)c->n, CORPUS_MAX,
            tflm_patch_status_text(status));
    exit(2);
  }
  c->programs[c->n++] = e;
}

static void add(corpus* c, encoded e) { add_with_status(c, e, TFLM_PATCH_OK); }

static void add_weighted(corpus* c) {
  for (size_t i = 0; i < COUNT(kWeighted); ++i) {
    for (int ring = 0; ring < 2; ++ring) {
      add(c, weighted_program(&kWeighted[i], ring));
    }
  }
  add(c, weighted_program_in_place(&kWeighted[0])); /* pointwise */
}

static void add_maps(corpus* c) {
  for (size_t i = 0; i < COUNT(kMaps); ++i) {
    const golden_map* m = &kMaps[i];
    uint32_t sources[2];
    builder_init(&b);
    for (uint32_t k = 0; k < m->n_inputs; ++k) {
      sources[k] = builder_tensor_map(&b, TFLM_PATCH_INT8, m->shapes[k][0], m->shapes[k][1],
                                      m->shapes[k][2], m->zero_points[k], 0);
    }
    const uint32_t output = builder_tensor_map(&b, TFLM_PATCH_INT8, m->output_shape[0],
                                               m->output_shape[1], m->output_shape[2], 0, 1);
    builder_op(&b, m->kind, sources, m->n_inputs, output, m->steps, m->params, m->params_bytes,
               m->scratch_bytes);
    builder_stream(&b);
    add(c, builder_encode(&b));
  }
}

static void add_softmax(corpus* c) {
  for (size_t i = 0; i < COUNT(kSoftmax); ++i) {
    const map_shape shape = {TFLM_PATCH_INT8, kSoftmax[i].rows, 1, kSoftmax[i].channels, 0};
    const map_shape output = {TFLM_PATCH_INT8, kSoftmax[i].rows, 1, kSoftmax[i].channels, -128};
    builder_init(&b);
    const tflm_patch_softmax_params params = {builder_constant(&b, kSoftmax[i].exp_table, 256 * 4),
                                              kSoftmax[i].diff_min};
    add(c, one_operator(&b, TFLM_PATCH_SOFTMAX, &shape, 1, output, &params, sizeof(params)));
    const map_shape wide = {TFLM_PATCH_INT16, kSoftmax[i].rows, 1, kSoftmax[i].channels, 0};
    builder_init(&b);
    builder_constant(&b, kSoftmax[i].exp_table, 256 * 4);
    add(c, one_operator(&b, TFLM_PATCH_SOFTMAX_S8_S16, &shape, 1, wide, &params, sizeof(params)));
  }
}

/* LOG_SOFTMAX by a table of SOFTMAX; CUMSUM along every axis. */
static void add_log_and_cumsum(corpus* c) {
  const map_shape shape = {TFLM_PATCH_INT8, 3, 4, 5, 7};
  builder_init(&b);
  const tflm_patch_log_softmax_params log = {
      builder_constant(&b, kSoftmax[0].exp_table, 256 * 4), -200, 1518500250, 22, 1518500250, -22};
  add(c, one_operator(&b, TFLM_PATCH_LOG_SOFTMAX, &shape, 1, shape, &log, sizeof(log)));
  for (uint8_t axis = 0; axis < 3; ++axis) {
    const uint32_t sums[] = {20, 5, 1};
    const tflm_patch_cumsum_params params = {1 << 30, -17, -9, axis, axis & 1, axis > 0};
    builder_init(&b);
    const uint32_t in = builder_tensor_map(&b, TFLM_PATCH_INT8, 3, 4, 5, 7, 0);
    const uint32_t out = builder_tensor_map(&b, TFLM_PATCH_INT8, 3, 4, 5, -9, 1);
    builder_op(&b, TFLM_PATCH_CUMSUM, &in, 1, out, 3, &params, sizeof(params), 4 * sums[axis]);
    builder_stream(&b);
    add(c, builder_encode(&b));
  }
}

/* float32 -> QUANTIZE -> PAD -> LOOKUP -> CONCATENATION with itself ->
 * RESIZE_NEAREST -> DEQUANTIZE -> float32, for int8 and uint8. */
static void add_chains(corpus* c) {
  static const uint16_t kIndex[] = {0, 0, 1, 2, 2, 3, 4, 4};
  for (uint8_t type = TFLM_PATCH_INT8; type <= TFLM_PATCH_UINT8; ++type) {
    const tflm_patch_quantize_params scale = {kQuantize[type].scale,
                                              type == TFLM_PATCH_INT8 ? -3 : 3};
    const int zero = scale.zero_point;
    const tflm_patch_pad_params pad = {1, 2, 1, 5};
    uint8_t table[256];
    uint32_t seed = 4;
    builder_init(&b);
    test_fill(&seed, table, sizeof(table));
    const tflm_patch_lookup_params lookup = {builder_constant(&b, table, sizeof(table))};
    const tflm_patch_resize_params resize = {builder_constant(&b, kIndex, sizeof(kIndex)),
                                             builder_constant(&b, kIndex, sizeof(kIndex))};
    const uint32_t real = builder_tensor_map(&b, TFLM_PATCH_FLOAT32, 3, 4, 2, 0, 0);
    const uint32_t out = builder_tensor_map(&b, TFLM_PATCH_FLOAT32, 8, 8, 8, 0, 1);
    const uint32_t quantized = builder_workspace_map(&b, type, 3, 1, 4, 2, zero);
    const uint32_t padded = builder_workspace_map(&b, type, 5, 2, 7, 4, zero);
    const uint32_t looked = builder_workspace_map(&b, type, 5, 1, 7, 4, zero);
    const uint32_t twice[] = {looked, padded};
    const uint32_t joined = builder_workspace_map(&b, type, 5, 2, 7, 8, zero);
    const uint32_t resized = builder_workspace_map(&b, type, 8, 1, 8, 8, zero);
    builder_op(&b, TFLM_PATCH_QUANTIZE, &real, 1, quantized, 3, &scale, sizeof(scale), 0);
    builder_op(&b, TFLM_PATCH_PAD, &quantized, 1, padded, 5, &pad, sizeof(pad), 0);
    builder_op(&b, TFLM_PATCH_LOOKUP, &padded, 1, looked, 5, &lookup, sizeof(lookup), 0);
    builder_op(&b, TFLM_PATCH_CONCATENATION, twice, 2, joined, 5, NULL, 0, 0);
    builder_op(&b, TFLM_PATCH_RESIZE_NEAREST, &joined, 1, resized, 8, &resize, sizeof(resize), 0);
    builder_op(&b, TFLM_PATCH_DEQUANTIZE, &resized, 1, out, 8, &scale, sizeof(scale), 0);
    builder_stream(&b);
    add(c, builder_encode(&b));
  }
}

/* From every integer type to every other one. */
static void add_requantize(corpus* c) {
  static const uint8_t kTypes[] = {TFLM_PATCH_INT8, TFLM_PATCH_INT16, TFLM_PATCH_INT32};
  for (size_t i = 0; i < COUNT(kTypes); ++i) {
    for (size_t k = 0; k < COUNT(kTypes); ++k) {
      const tflm_patch_requantize_params params = {1 << 30, -7,
                                                   kTypes[i] == TFLM_PATCH_INT32 ? 0 : 9,
                                                   kTypes[k] == TFLM_PATCH_INT32 ? 0 : -5};
      const map_shape from = {kTypes[i], 3, 2, 4, 0};
      const map_shape to = {kTypes[k], 3, 2, 4, 0};
      builder_init(&b);
      add(c, one_operator(&b, TFLM_PATCH_REQUANTIZE, &from, 1, to, &params, sizeof(params)));
    }
  }
}

static void add_transpose(corpus* c) {
  static const uint8_t kTypes[] = {TFLM_PATCH_INT8, TFLM_PATCH_FLOAT32};
  for (size_t i = 0; i < COUNT(kTypes); ++i) {
    const map_shape planes = {kTypes[i], 3, 4, 5, 0};
    const map_shape pixels = {kTypes[i], 4, 5, 3, 0};
    builder_init(&b);
    add(c, one_operator(&b, TFLM_PATCH_TRANSPOSE, &planes, 1, pixels, NULL, 0));
  }
}

/* Operators that take maps apart, on int8 and float32. */
static void add_moves(corpus* c) {
  static const uint8_t kTypes[] = {TFLM_PATCH_INT8, TFLM_PATCH_FLOAT32};
  static const tflm_patch_strided_slice_params kSlice = {1, 0, 3, 2, 2, -2};
  static const tflm_patch_block_params kBlock = {2};
  for (size_t i = 0; i < COUNT(kTypes); ++i) {
    const map_shape whole = {kTypes[i], 6, 4, 4, 0};
    const map_shape slice = {kTypes[i], 3, 2, 2, 0};
    const map_shape deep = {kTypes[i], 3, 2, 16, 0};
    builder_init(&b);
    add(c, one_operator(&b, TFLM_PATCH_SPACE_TO_DEPTH, &whole, 1, deep, &kBlock, sizeof(kBlock)));
    builder_init(&b);
    add(c, one_operator(&b, TFLM_PATCH_DEPTH_TO_SPACE, &deep, 1, whole, &kBlock, sizeof(kBlock)));
    builder_init(&b);
    add(c, one_operator(&b, TFLM_PATCH_STRIDED_SLICE, &whole, 1, slice, &kSlice, sizeof(kSlice)));
  }
}

/* PERMUTE whose rows stay, and whose rows come from all; GATHER with all tables and with none. */
static void add_gathers(corpus* c) {
  static const tflm_patch_permute_params kOrders[] = {{{0, 2, 1}}, {{2, 0, 1}}};
  static const uint16_t kRows[] = {1, 0, 1, 0, 0, 2, 2, 2, 2};
  static const uint16_t kCols[] = {3, 0};
  static const uint16_t kChannels[] = {1, 1, 0};
  const map_shape from = {TFLM_PATCH_INT8, 3, 4, 2, 0};
  const map_shape turned[] = {{TFLM_PATCH_INT8, 3, 2, 4, 0}, {TFLM_PATCH_INT8, 2, 3, 4, 0}};
  const map_shape taken = {TFLM_PATCH_INT8, 3, 2, 3, 0};
  tflm_patch_gather_params gather = {TFLM_PATCH_NONE, TFLM_PATCH_NONE, TFLM_PATCH_NONE};
  for (size_t i = 0; i < COUNT(kOrders); ++i) {
    builder_init(&b);
    add(c,
        one_operator(&b, TFLM_PATCH_PERMUTE, &from, 1, turned[i], &kOrders[i], sizeof(kOrders[i])));
  }
  builder_init(&b);
  add(c, one_operator(&b, TFLM_PATCH_GATHER, &from, 1, from, &gather, sizeof(gather)));
  builder_init(&b);
  gather.row_at = builder_constant(&b, kRows, sizeof(kRows));
  gather.col_at = builder_constant(&b, kCols, sizeof(kCols));
  gather.channel_at = builder_constant(&b, kChannels, sizeof(kChannels));
  add(c, one_operator(&b, TFLM_PATCH_GATHER, &from, 1, taken, &gather, sizeof(gather)));
}

/* REDUCE_MAX over rows and columns, REDUCE_MIN over channels; ARG_MAX, CAST, and of pairs. */
static void add_reductions(corpus* c) {
  static const tflm_patch_reduce_params kOver[] = {{1, 1, 0}, {0, 0, 1}};
  static const tflm_patch_arg_max_params kFirst = {1};
  static const tflm_patch_add_params kSquare = {
      {1 << 30, 1 << 30}, 1 << 30, {0, -1}, -9, 7, -3, -128, 127};
  const map_shape pair[] = {{TFLM_PATCH_INT8, 3, 4, 2, 5}, {TFLM_PATCH_INT8, 1, 1, 2, -7}};
  const map_shape cells = {TFLM_PATCH_INT8, 3, 4, 1, 5};
  const map_shape places = {TFLM_PATCH_INT32, 3, 4, 1, 0};
  builder_init(&b);
  const uint32_t in = builder_tensor_map(&b, TFLM_PATCH_INT8, 3, 4, 2, 5, 0);
  const uint32_t out = builder_tensor_map(&b, TFLM_PATCH_INT8, 1, 1, 2, 5, 1);
  builder_op(&b, TFLM_PATCH_REDUCE_MAX, &in, 1, out, 3, &kOver[0], sizeof(kOver[0]), 2);
  builder_stream(&b);
  add(c, builder_encode(&b));
  builder_init(&b);
  add(c, one_operator(&b, TFLM_PATCH_REDUCE_MIN, pair, 1, cells, &kOver[1], sizeof(kOver[1])));
  builder_init(&b);
  add(c, one_operator(&b, TFLM_PATCH_ARG_MAX, pair, 1, places, &kFirst, sizeof(kFirst)));
  builder_init(&b);
  add(c, one_operator(&b, TFLM_PATCH_L2_NORMALIZATION, pair, 1, pair[0], NULL, 0));
  builder_init(&b);
  add(c, one_operator(&b, TFLM_PATCH_CAST, &places, 1, cells, NULL, 0));
  builder_init(&b);
  add(c,
      one_operator(&b, TFLM_PATCH_SQUARED_DIFFERENCE, pair, 2, pair[0], &kSquare, sizeof(kSquare)));
}

/* BATCH_MATMUL matrix by matrix, one of them broadcast, and with one whole matrix. */
static void add_products(corpus* c) {
  tflm_patch_batch_matmul_params params = {.output_multiplier = 1 << 30, .output_shift = -5};
  const map_shape by_rows[] = {{TFLM_PATCH_INT8, 3, 4, 5, 1}, {TFLM_PATCH_INT8, 1, 5, 2, -2}};
  const map_shape by_all[] = {{TFLM_PATCH_INT8, 3, 1, 5, 1}, {TFLM_PATCH_INT8, 2, 1, 5, -2}};
  const map_shape made[] = {{TFLM_PATCH_INT8, 3, 4, 2, 0}, {TFLM_PATCH_INT8, 3, 1, 2, 0}};
  builder_init(&b);
  add(c, one_operator(&b, TFLM_PATCH_BATCH_MATMUL, by_rows, 2, made[0], &params, sizeof(params)));
  builder_init(&b);
  params.whole = 2;
  const map_shape side_by_side[] = {{TFLM_PATCH_INT8, 3, 4, 5, 1}, {TFLM_PATCH_INT8, 5, 4, 2, -2}};
  add(c,
      one_operator(&b, TFLM_PATCH_BATCH_MATMUL, side_by_side, 2, made[0], &params, sizeof(params)));
  builder_init(&b);
  params.transposed = params.whole = 1;
  add(c, one_operator(&b, TFLM_PATCH_BATCH_MATMUL, by_all, 2, made[1], &params, sizeof(params)));
}

/* ADD_N of three maps; SQUARED_DIFFERENCE of int16 maps. */
static void add_sums(corpus* c) {
  static const tflm_patch_mul_params kSum = {1 << 30, -18, 3, -128, 127};
  static const tflm_patch_add_params kSquare = {
      {1 << 30, 1 << 30}, 1 << 30, {0, -1}, -9, 0, 0, -32768, 32767};
  const map_shape map = {TFLM_PATCH_INT8, 3, 4, 2, 5};
  const map_shape maps[] = {map, map, map};
  const map_shape pair[] = {{TFLM_PATCH_INT16, 3, 4, 2, 0}, {TFLM_PATCH_INT16, 1, 1, 2, 0}};
  builder_init(&b);
  add(c, one_operator(&b, TFLM_PATCH_ADD_N, maps, 3, map, &kSum, sizeof(kSum)));
  builder_init(&b);
  add(c, one_operator(&b, TFLM_PATCH_SQUARED_DIFFERENCE_S16, pair, 2, pair[0], &kSquare,
                      sizeof(kSquare)));
}

/* RESHAPE to more, and to fewer, rows of a ring. */
static void add_reshape(corpus* c) {
  builder_init(&b);
  const uint32_t in = builder_tensor_map(&b, TFLM_PATCH_INT16, 3, 4, 2, 0, 0);
  const uint32_t out = builder_tensor_map(&b, TFLM_PATCH_INT16, 2, 1, 12, 0, 1);
  const uint32_t ring = builder_workspace_map(&b, TFLM_PATCH_INT16, 8, 4, 1, 3, 0);
  builder_op(&b, TFLM_PATCH_RESHAPE, &in, 1, ring, 8, NULL, 0, 0);
  builder_op(&b, TFLM_PATCH_RESHAPE, &ring, 1, out, 2, NULL, 0, 0);
  builder_stream(&b);
  add(c, builder_encode(&b));
}

/* SPLIT -> rings -> CONCATENATION the other way round; a third part is an
 * output. */
static void add_split(corpus* c) {
  builder_init(&b);
  const uint32_t in = builder_tensor_map(&b, TFLM_PATCH_INT8, 4, 3, 6, 0, 0);
  const uint32_t out = builder_tensor_map(&b, TFLM_PATCH_INT8, 4, 3, 3, 0, 1);
  const uint32_t third = builder_tensor_map(&b, TFLM_PATCH_INT8, 4, 3, 3, 0, 1);
  const uint32_t first = builder_workspace_map(&b, TFLM_PATCH_INT8, 4, 1, 3, 1, 0);
  const uint32_t second = builder_workspace_map(&b, TFLM_PATCH_INT8, 4, 1, 3, 2, 0);
  const uint32_t parts[] = {first, second, third};
  const uint32_t swapped[] = {second, first};
  builder_op_outputs(&b, TFLM_PATCH_SPLIT, &in, 1, parts, 3, 4, NULL, 0, 0);
  builder_op(&b, TFLM_PATCH_CONCATENATION, swapped, 2, out, 4, NULL, 0, 0);
  builder_stream(&b);
  add(c, builder_encode(&b));
}

/* Bands of 2 rows -> FEED -> ring -> LOOKUP -> output. */
static void add_feed(corpus* c) {
  uint8_t table[256];
  uint32_t seed = 7;
  builder_init(&b);
  test_fill(&seed, table, sizeof(table));
  const tflm_patch_lookup_params lookup = {builder_constant(&b, table, sizeof(table))};
  const uint32_t band = builder_tensor_map(&b, TFLM_PATCH_INT8, 2, 3, 2, 0, 0);
  const uint32_t out = builder_tensor_map(&b, TFLM_PATCH_INT8, 6, 3, 2, 0, 1);
  const uint32_t frame = builder_workspace_map(&b, TFLM_PATCH_INT8, 6, 1, 3, 2, 0);
  builder_op(&b, TFLM_PATCH_FEED, &band, 1, frame, 6, NULL, 0, 0);
  builder_op(&b, TFLM_PATCH_LOOKUP, &frame, 1, out, 6, &lookup, sizeof(lookup), 0);
  for (uint32_t row = 0; row < 6; ++row) {
    if (row == 2 || row == 4) {
      builder_step(&b, TFLM_PATCH_PAUSE, 0, 0);
    }
    builder_step(&b, 0, row, 1);
    builder_step(&b, 1, row, 1);
  }
  add(c, builder_encode(&b));
}

/* A map in two parts, side by side: CROP, LOOKUP and JOIN of each half. */
static void add_views(corpus* c) {
  enum { ROWS = 4, COLS = 6, HALF = 3 };
  uint8_t table[256];
  uint32_t seed = 8;
  uint32_t parts[2];
  builder_init(&b);
  test_fill(&seed, table, sizeof(table));
  const tflm_patch_lookup_params lookup = {builder_constant(&b, table, sizeof(table))};
  const tflm_patch_crop_params crop = {1};
  const uint32_t in = builder_tensor_map(&b, TFLM_PATCH_INT8, ROWS + 1, COLS, 1, 0, 0);
  const uint32_t out = builder_tensor_map(&b, TFLM_PATCH_INT8, ROWS, COLS, 1, 0, 1);
  for (uint32_t i = 0; i < 2; ++i) {
    const uint32_t from = builder_map(&b, TFLM_PATCH_REGION_TENSOR, COLS + i * HALF,
                                      TFLM_PATCH_INT8, ROWS, HALF, 1, 0);
    parts[i] =
        builder_map(&b, TFLM_PATCH_REGION_TENSOR + 1, i * HALF, TFLM_PATCH_INT8, ROWS, HALF, 1, 0);
    b.maps[from].row_bytes = b.maps[parts[i]].row_bytes = COLS;
    builder_op(&b, TFLM_PATCH_CROP, &in, 1, from, ROWS, &crop, sizeof(crop), 0);
    builder_op(&b, TFLM_PATCH_LOOKUP, &from, 1, parts[i], ROWS, &lookup, sizeof(lookup), 0);
  }
  builder_op(&b, TFLM_PATCH_JOIN, parts, 2, out, ROWS, NULL, 0, 0);
  for (uint32_t op = 0; op < 5; ++op) {
    builder_step(&b, op, 0, ROWS);
  }
  add(c, builder_encode(&b));
}

static void add_maximum_minimum(corpus* c) {
  for (uint8_t kind = TFLM_PATCH_MAXIMUM; kind <= TFLM_PATCH_MINIMUM; ++kind) {
    const map_shape inputs[] = {{TFLM_PATCH_INT8, 3, 4, 5, 1}, {TFLM_PATCH_INT8, 1, 1, 5, 1}};
    builder_init(&b);
    add(c, one_operator(&b, kind, inputs, 2, inputs[0], NULL, 0));
  }
}

static void add_resize_bilinear(corpus* c) {
  static const tflm_patch_between kRows[] = {{0, 0}, {0, 700}, {1, 1}, {2, 0}};
  static const tflm_patch_between kCols[] = {{0, 1}, {1, 0}, {1, 1023}};
  const map_shape from = {TFLM_PATCH_INT8, 3, 3, 5, 0};
  const map_shape to = {TFLM_PATCH_INT8, 4, 3, 5, 0};
  builder_init(&b);
  const tflm_patch_resize_params params = {builder_constant(&b, kRows, sizeof(kRows)),
                                           builder_constant(&b, kCols, sizeof(kCols))};
  add(c, one_operator(&b, TFLM_PATCH_RESIZE_BILINEAR, &from, 1, to, &params, sizeof(params)));
}

/* A kernel of 3 rows and 2 columns, strides 2 and 1. */
static void add_transpose_conv(corpus* c) {
  enum { kTaps = 6, kOut = 5, kIn = 3 };
  static const int32_t kWords[kTaps * kOut] = {1 << 30, 5, -9, 70};
  static const int8_t kShifts[kOut] = {-7, -6, -5, -4, -8};
  int8_t weights[kTaps * kOut * kIn];
  const map_shape from = {TFLM_PATCH_INT8, 4, 3, kIn, 3};
  const map_shape to = {TFLM_PATCH_INT8, 8, 4, kOut, 0};
  uint32_t seed = 11;
  test_fill(&seed, weights, sizeof(weights));
  builder_init(&b);
  const uint32_t words = builder_constant(&b, kWords, sizeof(kWords));
  const tflm_patch_transpose_conv_params params = {
      .window = {.kernel_h = 3,
                 .kernel_w = 2,
                 .stride_h = 2,
                 .stride_w = 1,
                 .dilation_h = 1,
                 .dilation_w = 1,
                 .pad_left = 1},
      .requant = {.multiplier_at = words,
                  .shift_at = builder_constant(&b, kShifts, sizeof(kShifts)),
                  .act_min = -128,
                  .act_max = 127,
                  .per_channel = 1},
      .weights_at = builder_constant(&b, weights, sizeof(weights)),
      .bias_at = words,
      .offsets_at = words,
  };
  add(c, one_operator(&b, TFLM_PATCH_TRANSPOSE_CONV, &from, 1, to, &params, sizeof(params)));
}

static void add_bottleneck(corpus* c) {
  /* Cores have less memory for data than for jobs, where the heap is. */
  bottleneck_case* bottleneck = (bottleneck_case*)malloc(sizeof(*bottleneck));
  if (bottleneck == NULL) {
    exit(2);
  }
  uint32_t seed = 12;
  for (int i = 0; i < 4; ++i) {
    while (!random_bottleneck(bottleneck, &seed)) {
    }
    add(c, bottleneck_program(bottleneck, (bottleneck_memory)(i % 3)));
  }
  free(bottleneck);
}

static void add_int16(corpus* c) {
  for (size_t i = 0; i < COUNT(kInt16); ++i) {
    for (int ring = 0; ring < 2; ++ring) {
      add(c, int16_program(&kInt16[i], ring));
    }
  }
}

/* float32 -> QUANTIZE -> int16 ring -> PAD -> DEQUANTIZE -> float32. */
static void add_int16_boundary(corpus* c) {
  const tflm_patch_quantize_params scale = {0.001f, 0};
  const tflm_patch_pad_params pad = {1, 0, 1, -999};
  builder_init(&b);
  const uint32_t in = builder_tensor_map(&b, TFLM_PATCH_FLOAT32, 3, 4, 2, 0, 0);
  const uint32_t out = builder_tensor_map(&b, TFLM_PATCH_FLOAT32, 5, 4, 3, 0, 1);
  const uint32_t ring = builder_workspace_map(&b, TFLM_PATCH_INT16, 3, 1, 4, 2, 0);
  builder_op(&b, TFLM_PATCH_QUANTIZE, &in, 1, ring, 3, &scale, sizeof(scale), 0);
  const uint32_t padded = builder_workspace_map(&b, TFLM_PATCH_INT16, 5, 1, 4, 3, 0);
  builder_op(&b, TFLM_PATCH_PAD, &ring, 1, padded, 5, &pad, sizeof(pad), 0);
  builder_op(&b, TFLM_PATCH_DEQUANTIZE, &padded, 1, out, 5, &scale, sizeof(scale), 0);
  builder_stream(&b);
  add(c, builder_encode(&b));
}

/* Sums that are held while other rows are made, and bands; and both with memory over
 * what must stay, a small change away from good programs. */
static void add_overlaps(corpus* c) {
  for (int is_fed = 0; is_fed < 2; ++is_fed) {
    overlap_build(&b, is_fed);
    add(c, builder_encode(&b));
    if (is_fed) {
      overlap_lay_frame_over_band(&b);
    } else {
      overlap_lay_map_over_sums(&b);
    }
    add_with_status(c, builder_encode(&b), is_fed ? TFLM_PATCH_BAD_OP : TFLM_PATCH_BAD_STEP);
  }
}

static void add_state(corpus* c) {
  slide_build(&b);
  add(c, builder_encode(&b));
  hop_build(&b);
  add(c, builder_encode(&b));
  append_build(&b);
  add(c, builder_encode(&b));
  state_build(&b);
  add(c, builder_encode(&b));
}

/* Operators with states of their own. */
static void add_recurrent(corpus* c) {
  static lstm_constants lstm;
  static svdf_constants svdf;
  fill_lstm(3, &lstm);
  lstm_build(&b, &lstm, 5, 6);
  add(c, builder_encode(&b));
  fill_svdf(4, &svdf);
  for (int is_int16 = 0; is_int16 < 2; ++is_int16) {
    svdf_build(&b, &svdf, is_int16 ? TFLM_PATCH_INT16 : TFLM_PATCH_INT8, 5, 3, 2, 4);
    add(c, builder_encode(&b));
  }
}

/* NEIGHBOURS of a tensor and of a ring; NODE_ORDER into an order and back. */
static void add_neighbours(corpus* c) {
  for (int bits = 0; bits < 4; ++bits) {
    add(c, graph_program(2, 9, bits & 1, bits >> 1));
  }
  add(c, node_order_program(TFLM_PATCH_INT8, kGraphExchanges, 0));
  add(c, node_order_program(TFLM_PATCH_INT16, kGraphExchangesBack, 1));
}

static void check_kinds(const corpus* c) {
  int seen[TFLM_PATCH_KIND_COUNT] = {0};
  for (uint32_t i = 0; i < c->n; ++i) {
    for (uint32_t k = 0; k < encoded_header(&c->programs[i])->n_ops; ++k) {
      seen[encoded_op(&c->programs[i], k)->kind] = 1;
    }
  }
  for (int kind = 1; kind < TFLM_PATCH_KIND_COUNT; ++kind) {
    if (!seen[kind] && tflm_patch_find_kernel((uint32_t)kind) != NULL) {
      fprintf(stderr, "corpus: kind %d is missing\n", kind);
      exit(2);
    }
  }
}

void corpus_init(corpus* c) {
  c->n = 0;
  sample_build(&b);
  add(c, builder_encode(&b));
  builder_use_fast_memory(&b);
  add(c, builder_encode(&b));
  add_weighted(c);
  add_maps(c);
  add_softmax(c);
  add_log_and_cumsum(c);
  add_chains(c);
  add_requantize(c);
  add_transpose(c);
  add_feed(c);
  add_moves(c);
  add_split(c);
  add_views(c);
  add_maximum_minimum(c);
  add_resize_bilinear(c);
  add_transpose_conv(c);
  add_bottleneck(c);
  add_int16(c);
  add_reshape(c);
  add_gathers(c);
  add_reductions(c);
  add_products(c);
  add_sums(c);
  add_int16_boundary(c);
  add_overlaps(c);
  add_state(c);
  add_recurrent(c);
  add_neighbours(c);
  check_kinds(c);
}

static void read_bytes(FILE* file, void* bytes, size_t n, const char* path) {
  if (fread(bytes, 1, n, file) != n) {
    fprintf(stderr, "corpus: %s is too short\n", path);
    exit(2);
  }
}

static uint32_t read_word(FILE* file, const char* path) {
  uint32_t word = 0;
  read_bytes(file, &word, sizeof(word), path);
  return word;
}

static uint8_t* read_array(FILE* file, size_t n, const char* path) {
  uint8_t* bytes = builder_allocate(n);
  read_bytes(file, bytes, n, path);
  return bytes;
}

void corpus_load(corpus* c, const char* path) {
  encoded e = {0};
  FILE* file = fopen(path, "rb");
  if (file == NULL) {
    fprintf(stderr, "corpus: %s cannot be read\n", path);
    exit(2);
  }
  e.n_tensors = read_word(file, path);
  if (e.n_tensors > TFLM_PATCH_MAX_TENSORS) {
    fprintf(stderr, "corpus: %s has too many tensors\n", path);
    exit(2);
  }
  for (size_t i = 0; i < e.n_tensors; ++i) {
    e.tensors[i].bytes = read_word(file, path);
    e.tensors[i].type = (uint8_t)read_word(file, path);
  }
  e.program_bytes = read_word(file, path);
  e.constants_bytes = read_word(file, path);
  e.program = read_array(file, e.program_bytes, path);
  e.constants = read_array(file, e.constants_bytes, path);
  fclose(file);
  add(c, e);
}

void corpus_free(corpus* c) {
  for (uint32_t i = 0; i < c->n; ++i) {
    encoded_free(&c->programs[i]);
  }
}
