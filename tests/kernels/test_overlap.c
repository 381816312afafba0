/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Memory that one step writes while another relies on it: sums that an operator
 * holds in its scratch, its own rows, the band that FEED copies from.
 */
#include <stdlib.h>

#include "kernel.h"
#include "overlap_program.h"
#include "test.h"

static builder b;

static void expect(const char* name, tflm_patch_status status) {
  encoded e = builder_encode(&b);
  test_case = name;
  CHECK_EQUAL(encoded_validate(&e), status);
  encoded_free(&e);
}

static void test_feed(void) {
  overlap_build(&b, 1);
  expect("a frame elsewhere", TFLM_PATCH_OK);
  overlap_lay_frame_over_band(&b);
  expect("a frame over the band, a cell further on", TFLM_PATCH_BAD_OP);
  b.maps[OVERLAP_RING].offset = 0;
  expect("a frame over the band", TFLM_PATCH_BAD_OP);
}

/* A ring whose second row alone lies in the band. */
static void test_feed_in_pieces(void) {
  overlap_build(&b, 1);
  b.maps[OVERLAP_RING].split = 1;
  b.maps[OVERLAP_RING].split_offset = b.maps[OVERLAP_RING].offset + OVERLAP_ROW;
  expect("pieces elsewhere", TFLM_PATCH_OK);
  b.maps[OVERLAP_RING].split_region = TFLM_PATCH_REGION_TENSOR;
  b.maps[OVERLAP_RING].split_offset = 0;
  expect("a piece over the band", TFLM_PATCH_BAD_OP);
}

static void test_sums(void) {
  overlap_build(&b, 0);
  const uint32_t sums = b.ops[1].scratch;
  expect("apart", TFLM_PATCH_OK);
  overlap_lay_map_over_sums(&b);
  expect("a map of another operator over the sums", TFLM_PATCH_BAD_STEP);
  /* Rows that go down in memory: the last one is made when the sums are not needed
   * any more, the one before it is not. */
  b.maps[OVERLAP_MAPPED].row_bytes = -OVERLAP_ROW;
  b.maps[OVERLAP_MAPPED].offset = sums + (OVERLAP_ROWS - 1) * OVERLAP_ROW;
  expect("the last row over the sums", TFLM_PATCH_OK);
  b.maps[OVERLAP_MAPPED].offset -= OVERLAP_ROW;
  expect("the last but one over the sums", TFLM_PATCH_BAD_STEP);
  overlap_build(&b, 0);
  b.maps[OVERLAP_RING].offset = sums;
  expect("what is summed over the sums", TFLM_PATCH_BAD_STEP);
  overlap_build(&b, 0);
  b.ops[3].scratch = sums;
  b.ops[3].scratch_bytes = 16;
  expect("another's scratch over the sums", TFLM_PATCH_BAD_STEP);
  overlap_build(&b, 0);
  b.ops[1].scratch_region = TFLM_PATCH_REGION_TENSOR + 2; /* the copy */
  b.ops[1].scratch = 0;
  expect("sums where an output's rows are made", TFLM_PATCH_BAD_STEP);
}

/* When the sums are done with, their memory is free: the whole map is made first,
 * then its copy, and MEAN is last, or first. */
static void test_sums_in_turn(void) {
  for (int is_first = 0; is_first < 2; ++is_first) {
    overlap_build(&b, 0);
    b.maps[OVERLAP_RING].ring_rows = OVERLAP_ROWS;
    b.maps[OVERLAP_RING].offset = b.header.workspace_bytes;
    b.header.workspace_bytes += OVERLAP_ROWS * OVERLAP_ROW;
    overlap_lay_map_over_sums(&b);
    b.header.n_steps = 0;
    b.segments[0].n_steps = 0;
    static const uint32_t kOrders[2][4] = {{0, 2, 3, 1}, {0, 1, 2, 3}};
    for (uint32_t i = 0; i < 4; ++i) {
      builder_step(&b, kOrders[is_first][i], 0, OVERLAP_ROWS);
    }
    expect("sums after or before a map", TFLM_PATCH_OK);
  }
}

/* The row that is made of the sums, over them. */
static void test_own_row(void) {
  overlap_build(&b, 0);
  b.ops[1].scratch_region = TFLM_PATCH_REGION_TENSOR + 1;
  b.ops[1].scratch = 0;
  b.ops[1].scratch_bytes = OVERLAP_CHANNELS;
  expect("too little for the sums", TFLM_PATCH_BAD_SIZE);
  overlap_build(&b, 0);
  const uint32_t means = builder_workspace_map(&b, TFLM_PATCH_INT8, 1, 0, 1, OVERLAP_CHANNELS, 0);
  b.edges[b.ops[1].first_edge + 1] = (uint16_t)means;
  b.maps[means].producer = 1;
  b.maps[OVERLAP_OUT].producer = 4;
  const tflm_patch_lookup_params lookup = {overlap_lookup(&b)};
  builder_op(&b, TFLM_PATCH_LOOKUP, &means, 1, OVERLAP_OUT, 1, &lookup, sizeof(lookup), 0);
  builder_step(&b, 4, 0, 1);
  expect("means apart from the sums", TFLM_PATCH_OK);
  b.maps[means].offset = b.ops[1].scratch + 3 * OVERLAP_CHANNELS;
  expect("means over the sums", TFLM_PATCH_BAD_STEP);
}

/* A map in two pieces, the second of which lies over the sums. */
static void test_pieces(void) {
  overlap_build(&b, 0);
  b.maps[OVERLAP_MAPPED].split = 3;
  b.maps[OVERLAP_MAPPED].split_region = TFLM_PATCH_REGION_WORKSPACE;
  b.maps[OVERLAP_MAPPED].split_offset = b.maps[OVERLAP_MAPPED].offset + 3 * OVERLAP_ROW;
  expect("pieces apart from the sums", TFLM_PATCH_OK);
  b.maps[OVERLAP_MAPPED].split_offset = b.ops[1].scratch;
  expect("a piece over the sums", TFLM_PATCH_BAD_STEP);
}

/* What the application may have written over sums that are held from band to band;
 * nothing overflows. */
static void test_any_sums(void) {
  static const int32_t kSums[] = {INT32_MAX, INT32_MIN, INT32_MIN + 1, -1};
  static const int8_t kMeans[] = {127, -128, -128, 0};
  const tflm_patch_mean_params mean = sample_mean(24);
  tflm_patch_pool_params pool = sample_pool(3, 1, 0);
  int8_t cells[4] = {127, -128, 127, -128};
  int8_t output[4];
  int32_t sums[4];
  test_case = "any sums";
  tflm_patch_average_pool_finish(&pool, kSums, 3, 3, 4, output, 1, 1);
  CHECK_BYTES(output, kMeans, sizeof(output));
  memcpy(sums, kSums, sizeof(sums));
  tflm_patch_average_pool_accumulate(&pool, cells, 1, 4, sums, 1, 1);
  CHECK_EQUAL(sums[0], INT32_MIN + 126);
  CHECK_EQUAL(sums[1], INT32_MAX - 127);
  memcpy(sums, kSums, sizeof(sums));
  tflm_patch_mean_accumulate_s8(&mean, cells, 1, 4, sums);
  CHECK_EQUAL(sums[0], INT32_MIN + 126);
  tflm_patch_mean_finish_s8(&mean, -128, kSums, 24, output, 4);
}

int main(void) {
  test_any_sums();
  test_feed();
  test_feed_in_pieces();
  test_sums();
  test_sums_in_turn();
  test_own_row();
  test_pieces();
  return TEST_RESULT();
}
