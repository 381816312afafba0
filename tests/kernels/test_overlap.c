/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Memory that one step writes while another relies on it: sums that an operator
 * holds in its scratch, its own rows, the band that FEED copies from.
 */
#include <stdlib.h>

#include "overlap.h"
#include "overlap_program.h"
#include "test.h"

static builder b;

static void expect(const char* name, tflm_patch_status status) {
  encoded e = builder_encode(&b);
  test_case = name;
  CHECK_EQUAL(encoded_validate(&e), status);
  encoded_free(&e);
}

/* ---- rows of maps against single bytes, one by one ---- */

static int lies_at(const tflm_patch_map* map, uint32_t row, uint32_t region,
                   uint32_t at) {
  const uint32_t slot = row % map->ring_rows;
  const int second = slot >= map->split;
  const int32_t first =
      (int32_t)(second ? map->split_offset : map->offset) +
      ((int32_t)slot - (second ? map->split : 0)) * map->row_bytes;
  return region == (second ? map->split_region : map->region) &&
         (int32_t)at >= first &&
         (int32_t)at < first + (int32_t)tflm_patch_row_values(map);
}

static void test_rows(void) {
  enum { REGION = 400, MAX = 6 };
  uint32_t seed = 5;
  test_case = "rows";
  for (int i = 0; i < 3000; ++i) {
    const uint32_t ring = 1 + test_random(&seed) % MAX;
    tflm_patch_map map = {
        .rows = (uint16_t)(ring + test_random(&seed) % 3 * ring),
        .ring_rows = (uint16_t)ring,
        .cols = (uint16_t)(1 + test_random(&seed) % 5),
        .channels = (uint16_t)(1 + test_random(&seed) % 5),
        .region = (uint8_t)(test_random(&seed) % 2),
        .split_region = (uint8_t)(test_random(&seed) % 2),
        .split = (uint16_t)(1 + test_random(&seed) % ring),
        .offset = 170 + test_random(&seed) % 20,
        .split_offset = 170 + test_random(&seed) % 20,
    };
    map.row_bytes = (int32_t)tflm_patch_row_values(&map); /* without gaps */
    if (test_random(&seed) % 2) {
      map.row_bytes = -map.row_bytes;
    }
    const uint32_t first = test_random(&seed) % map.rows;
    const uint32_t end = first + test_random(&seed) % (map.rows - first + 1u);
    for (uint32_t region = 0; region < 2; ++region) {
      for (uint32_t at = 0; at < REGION; ++at) {
        const tflm_patch_bytes byte = {region, at, 1};
        int expected = 0;
        for (uint32_t row = first; row < end; ++row) {
          expected |= lies_at(&map, row, region, at);
        }
        if (tflm_patch_rows_overlap(&map, first, end, &byte) != expected) {
          CHECK(!"a byte of a row");
          return;
        }
      }
    }
  }
  const tflm_patch_map map = {.rows = 2, .ring_rows = 2, .split = 2, .cols = 3,
                              .channels = 1, .row_bytes = 3, .offset = 10};
  const tflm_patch_bytes none = {0, 12, 0};
  const tflm_patch_bytes touching = {0, 16, 4};
  const tflm_patch_bytes last = {0, 15, 4};
  CHECK(!tflm_patch_rows_overlap(&map, 0, 2, &none));
  CHECK(!tflm_patch_rows_overlap(&map, 0, 2, &touching));
  CHECK(tflm_patch_rows_overlap(&map, 0, 2, &last));
  CHECK(!tflm_patch_rows_overlap(&map, 0, 1, &last));
}

/* ---- programs ---- */

static void test_feed(void) {
  overlap_build(&b, 1);
  expect("a frame elsewhere", TFLM_PATCH_OK);
  overlap_lay_frame_over_band(&b);
  expect("a frame over the band, a cell further on", TFLM_PATCH_BAD_STEP);
  b.maps[OVERLAP_RING].offset = 0;
  expect("a frame over the band", TFLM_PATCH_BAD_STEP);
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

/* Between two bands the application writes the input. */
static void test_sums_in_band(void) {
  overlap_build(&b, 1);
  b.ops[1].scratch_region = TFLM_PATCH_REGION_TENSOR;
  b.ops[1].scratch = 0;
  /* FEED reads the band, MEAN does not: nothing else is wrong. */
  expect("sums in the band", TFLM_PATCH_BAD_STEP);
}

/* Scratch of an operator that does not hold sums in it, over its own rows. */
static void test_own_rows(void) {
  sample_build(&b);
  tflm_patch_op* op = &b.ops[SAMPLE_AVERAGE];
  const tflm_patch_map* made = &b.maps[SAMPLE_POOLED_RING];
  expect("sample", TFLM_PATCH_OK);
  op->scratch = b.header.workspace_bytes;
  op->scratch_bytes = 64;
  b.header.workspace_bytes += 64;
  expect("spare scratch", TFLM_PATCH_OK);
  op->scratch_region = made->region;
  op->scratch = made->offset / 16 * 16;
  op->scratch_bytes = 16;
  expect("scratch over the output", TFLM_PATCH_BAD_STEP);
  op->scratch_region = TFLM_PATCH_REGION_TENSOR;
  op->scratch = 0;
  expect("scratch over the input", TFLM_PATCH_BAD_STEP);
}

int main(void) {
  test_rows();
  test_feed();
  test_sums();
  test_sums_in_turn();
  test_sums_in_band();
  test_own_rows();
  return TEST_RESULT();
}
