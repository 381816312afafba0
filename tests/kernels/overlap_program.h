/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Programs in whose memory something may lie over something else.
 */
#ifndef TFLM_PATCH_TESTS_OVERLAP_PROGRAM_H_
#define TFLM_PATCH_TESTS_OVERLAP_PROGRAM_H_

#include "program_builder.h"
#include "sample_program.h"

enum {
  OVERLAP_ROWS = 6,
  OVERLAP_COLS = 4,
  OVERLAP_CHANNELS = 8,
  OVERLAP_ROW = OVERLAP_COLS * OVERLAP_CHANNELS,
  /* Maps and operators of both programs; the second has no FEED. */
  OVERLAP_SOURCE = 0, /* a band of two rows, or all */
  OVERLAP_OUT,        /* the means */
  OVERLAP_RING,
  OVERLAP_MAPPED,
  OVERLAP_COPY
};

static inline uint32_t overlap_lookup(builder* b) {
  uint8_t table[256];
  for (int i = 0; i < 256; ++i) {
    table[i] = (uint8_t)(i ^ 0x55);
  }
  return builder_constant(b, table, sizeof(table));
}

static inline void overlap_mean(builder* b, uint32_t map, uint32_t out) {
  tflm_patch_mean_params params = sample_mean(OVERLAP_ROWS * OVERLAP_COLS);
  params.over_rows = 1;
  params.over_cols = 1;
  builder_op(b, TFLM_PATCH_MEAN, &map, 1, out, OVERLAP_ROWS, &params, sizeof(params),
             4 * OVERLAP_CHANNELS);
}

/* A source, or FEED of its bands, -> LOOKUP into a ring -> MEAN; LOOKUP of the
 * ring's rows into a whole map while the sums are held. Everything lies apart. */
static inline void overlap_build(builder* b, int is_fed) {
  builder_init(b);
  const tflm_patch_lookup_params lookup = {overlap_lookup(b)};
  const uint32_t source = builder_tensor_map(b, TFLM_PATCH_INT8, is_fed ? 2 : OVERLAP_ROWS,
                                             OVERLAP_COLS, OVERLAP_CHANNELS, 0, 0);
  const uint32_t out = builder_tensor_map(b, TFLM_PATCH_INT8, 1, 1, OVERLAP_CHANNELS, 0, 1);
  const uint32_t ring =
      builder_workspace_map(b, TFLM_PATCH_INT8, OVERLAP_ROWS, 2, OVERLAP_COLS, OVERLAP_CHANNELS, 0);
  const uint32_t mapped =
      builder_workspace_map(b, TFLM_PATCH_INT8, OVERLAP_ROWS, 0, OVERLAP_COLS, OVERLAP_CHANNELS, 0);
  const uint32_t copy =
      builder_tensor_map(b, TFLM_PATCH_INT8, OVERLAP_ROWS, OVERLAP_COLS, OVERLAP_CHANNELS, 0, 1);
  if (is_fed) {
    builder_op(b, TFLM_PATCH_FEED, &source, 1, ring, OVERLAP_ROWS, NULL, 0, 0);
  } else {
    builder_op(b, TFLM_PATCH_LOOKUP, &source, 1, ring, OVERLAP_ROWS, &lookup, sizeof(lookup), 0);
  }
  overlap_mean(b, ring, out);
  builder_op(b, TFLM_PATCH_LOOKUP, &ring, 1, mapped, OVERLAP_ROWS, &lookup, sizeof(lookup), 0);
  builder_op(b, TFLM_PATCH_LOOKUP, &mapped, 1, copy, OVERLAP_ROWS, &lookup, sizeof(lookup), 0);
  b->header.workspace_bytes += OVERLAP_ROWS * OVERLAP_ROW; /* to move into */
  for (uint32_t row = 0; row < OVERLAP_ROWS; ++row) {
    if (is_fed && row != 0 && row % 2 == 0) {
      builder_step(b, TFLM_PATCH_PAUSE, 0, 0);
    }
    for (uint32_t op = 0; op < 4; ++op) {
      builder_step(b, op, row, 1);
    }
  }
}

/* Lays the frame of the first program over its band, a little further on. */
static inline void overlap_lay_frame_over_band(builder* b) {
  b->maps[OVERLAP_RING].region = TFLM_PATCH_REGION_TENSOR;
  b->maps[OVERLAP_RING].split_region = TFLM_PATCH_REGION_TENSOR;
  b->maps[OVERLAP_RING].ring_rows = 1;
  b->maps[OVERLAP_RING].offset = OVERLAP_CHANNELS;
}

/* Lays a map of the second program over what MEAN holds. */
static inline void overlap_lay_map_over_sums(builder* b) {
  b->maps[OVERLAP_MAPPED].offset = b->ops[1].scratch;
}

#endif /* TFLM_PATCH_TESTS_OVERLAP_PROGRAM_H_ */
