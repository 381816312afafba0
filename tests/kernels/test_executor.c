/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Running programs: the same operators give the same bytes under every
 * schedule, from every initial content of the memory.
 */
#include <stdlib.h>

#include "reject.h"
#include "sample_program.h"

enum { IN_BYTES = SAMPLE_ROWS * SAMPLE_COLS * SAMPLE_CHANNELS, OUT_BYTES = SAMPLE_CHANNELS };

static void run_sample(const builder* b, const int8_t* input, uint8_t fill, int8_t* output) {
  encoded e = builder_encode(b);
  const void* inputs[] = {input};
  void* outputs[] = {output};
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
  CHECK_EQUAL(encoded_run(&e, inputs, outputs, fill), TFLM_PATCH_OK);
  encoded_free(&e);
}

/* The sample with whole maps and another step list. */
static void build_layers(builder* b, uint32_t batch) {
  sample_build(b);
  for (uint32_t i = 0; i < b->header.n_maps; ++i) {
    tflm_patch_map* map = &b->maps[i];
    if (map->region == TFLM_PATCH_REGION_WORKSPACE) {
      map->ring_rows = map->rows;
      map->offset = b->header.workspace_bytes;
      b->header.workspace_bytes += (map->rows * map->row_bytes + 15u) & ~15u;
    }
  }
  b->header.n_segments = 0;
  b->header.n_steps = 0;
  memset(b->segments, 0, sizeof(b->segments));
  for (uint32_t i = 0; i < b->header.n_ops; ++i) {
    builder_segment(b);
    b->segments[i].first_op = (uint16_t)i;
    b->segments[i].n_ops = 1;
    for (uint32_t row = 0; row < b->ops[i].steps; row += batch) {
      const uint32_t left = b->ops[i].steps - row;
      builder_step(b, 0, row, left < batch ? left : batch);
    }
  }
}

static void test_schedules_agree(void) {
  static builder streamed;
  static builder layers;
  uint32_t seed = 3;
  test_case = "schedules";
  sample_build(&streamed);
  for (uint32_t batch = 1; batch <= 6; ++batch) {
    int8_t input[IN_BYTES];
    int8_t expected[OUT_BYTES];
    int8_t output[OUT_BYTES];
    test_fill(&seed, input, sizeof(input));
    build_layers(&layers, batch);
    run_sample(&layers, input, 0, expected);
    run_sample(&streamed, input, 0x00, output);
    CHECK_BYTES(output, expected, OUT_BYTES);
    run_sample(&streamed, input, 0xFF, output);
    CHECK_BYTES(output, expected, OUT_BYTES);
    run_sample(&layers, input, 0x5A, output);
    CHECK_BYTES(output, expected, OUT_BYTES);
  }
}

/* A map of the stage may lie in the bytes of its input. */
static void test_input_reuse(void) {
  static builder b;
  uint32_t seed = 11;
  int8_t input[IN_BYTES];
  int8_t expected[OUT_BYTES];
  int8_t output[OUT_BYTES];
  test_case = "input reuse";
  test_fill(&seed, input, sizeof(input));
  build_layers(&b, 1);
  run_sample(&b, input, 0, expected);
  /* The input is read for the last time before MAX_POOL_2D runs. */
  b.maps[SAMPLE_WHOLE].region = TFLM_PATCH_REGION_TENSOR;
  b.maps[SAMPLE_WHOLE].offset = 0;
  run_sample(&b, input, 0, output);
  CHECK_BYTES(output, expected, OUT_BYTES);
}

/* Sums may lie in the input's bytes. */
static void test_scratch_in_tensor(void) {
  static builder b;
  uint32_t seed = 14;
  int8_t input[IN_BYTES];
  int8_t expected[OUT_BYTES];
  int8_t output[OUT_BYTES];
  test_case = "scratch in a tensor";
  test_fill(&seed, input, sizeof(input));
  sample_build(&b);
  run_sample(&b, input, 0, expected);
  b.ops[SAMPLE_MEAN].scratch_region = TFLM_PATCH_REGION_TENSOR;
  b.ops[SAMPLE_MEAN].scratch = 16;
  run_sample(&b, input, 0, output);
  CHECK_BYTES(output, expected, OUT_BYTES);
  b.ops[SAMPLE_MEAN].scratch_region = TFLM_PATCH_REGION_CONSTANTS;
  encoded e = builder_encode(&b);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_BAD_SIZE);
  encoded_free(&e);
  b.ops[SAMPLE_MEAN].scratch_region = TFLM_PATCH_REGION_TENSOR + 2;
  e = builder_encode(&b);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_BAD_SIZE);
  encoded_free(&e);
}

/* Maps in two pieces: the whole one behind itself, partly in the input; a ring
 * with its pieces in the wrong order. */
static void test_split(void) {
  static builder b;
  uint32_t seed = 13;
  int8_t input[IN_BYTES];
  int8_t expected[OUT_BYTES];
  int8_t output[OUT_BYTES];
  test_case = "split";
  test_fill(&seed, input, sizeof(input));
  build_layers(&b, 1);
  run_sample(&b, input, 0, expected);
  tflm_patch_map* whole = &b.maps[SAMPLE_WHOLE];
  for (uint16_t split = 1; split < whole->rows; ++split) {
    build_layers(&b, 2);
    whole->split = split;
    whole->split_region = TFLM_PATCH_REGION_TENSOR;
    whole->split_offset = 1;
    run_sample(&b, input, 0, output);
    CHECK_BYTES(output, expected, OUT_BYTES);
  }
  sample_build(&b);
  tflm_patch_map* ring = &b.maps[SAMPLE_POOLED_RING];
  for (uint16_t split = 1; split < ring->ring_rows; ++split) {
    sample_build(&b);
    ring->split = split;
    ring->split_offset = ring->offset;
    ring->offset += (uint32_t)(ring->ring_rows - split) * ring->row_bytes;
    run_sample(&b, input, 0, output);
    CHECK_BYTES(output, expected, OUT_BYTES);
  }
}

/* Rings with gaps between their rows, which stay as they were. */
static void test_row_stride(void) {
  static builder b;
  static builder packed;
  uint32_t seed = 12;
  int8_t input[IN_BYTES];
  int8_t expected[OUT_BYTES];
  int8_t output[OUT_BYTES];
  test_case = "row stride";
  test_fill(&seed, input, sizeof(input));
  sample_build(&packed);
  run_sample(&packed, input, 0, expected);
  sample_build(&b);
  b.maps[SAMPLE_POOLED_RING].row_bytes += 5;
  b.maps[SAMPLE_POOLED_RING].offset = b.header.workspace_bytes;
  /* The last row needs no gap behind it: this ends with the workspace. */
  b.header.workspace_bytes += 64;
  b.maps[SAMPLE_POOLED_RING].offset += 64 - (2 * 20 + 15);
  run_sample(&b, input, 0, output);
  CHECK_BYTES(output, expected, OUT_BYTES);
}

/* Two outputs, one of which is read inside the stage, too. */
static void test_two_outputs(void) {
  static builder b;
  const tflm_patch_pool_params params = sample_pool(1, 1, 0);
  const tflm_patch_mean_params mean = sample_mean(4);
  const int8_t input[] = {4, -8, 15, 16};
  int8_t copy[4];
  int8_t average[1];
  const void* inputs[] = {input};
  void* outputs[] = {copy, average};
  test_case = "two outputs";
  builder_init(&b);
  const uint32_t in = builder_tensor_map(&b, TFLM_PATCH_INT8, 4, 1, 1, 0, 0);
  const uint32_t first = builder_tensor_map(&b, TFLM_PATCH_INT8, 4, 1, 1, 0, 1);
  const uint32_t second = builder_tensor_map(&b, TFLM_PATCH_INT8, 1, 1, 1, 0, 1);
  builder_op(&b, TFLM_PATCH_MAX_POOL_2D, &in, 1, first, 4, &params, sizeof(params), 0);
  builder_op(&b, TFLM_PATCH_MEAN, &first, 1, second, 4, &mean, sizeof(mean), 4);
  builder_stream(&b);
  encoded e = builder_encode(&b);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
  CHECK_EQUAL(encoded_run(&e, inputs, outputs, 0), TFLM_PATCH_OK);
  CHECK_BYTES(copy, input, 4);
  CHECK_EQUAL(average[0], 7); /* 27 / 4 */
  encoded_free(&e);
}

static void test_memory(void) {
  static builder b;
  _Alignas(4) int8_t input[IN_BYTES] = {0};
  _Alignas(4) int8_t output[OUT_BYTES];
  test_case = "memory";
  sample_build(&b);
  encoded e = builder_encode(&b);
  const size_t bytes = tflm_patch_workspace_size(e.program);
  uint8_t* memory = (uint8_t*)malloc(bytes + 8);
  void* tensors[] = {input, output};
  void* no_input[] = {NULL, output};
  void* no_output[] = {input, NULL};
  CHECK_EQUAL(tflm_patch_run(e.program, e.constants, tensors, memory), TFLM_PATCH_OK);
  CHECK_EQUAL(tflm_patch_run(e.program, e.constants, tensors, NULL), TFLM_PATCH_BAD_WORKSPACE);
  CHECK_EQUAL(tflm_patch_run(e.program, e.constants, tensors, memory + 8),
              TFLM_PATCH_BAD_WORKSPACE);
  CHECK_EQUAL(tflm_patch_run(e.program, e.constants, no_input, memory), TFLM_PATCH_BAD_TENSOR);
  CHECK_EQUAL(tflm_patch_run(e.program, e.constants, no_output, memory), TFLM_PATCH_BAD_TENSOR);
  free(memory);
  encoded_free(&e);
}

/* A stage without workspace takes no workspace. */
static void test_no_workspace(void) {
  static builder b;
  const tflm_patch_pool_params params = sample_pool(2, 2, 0);
  const int8_t input[] = {1, 5, 3, -9};
  int8_t output[1];
  const void* inputs[] = {input};
  void* outputs[] = {output};
  test_case = "no workspace";
  builder_init(&b);
  const uint32_t in = builder_tensor_map(&b, TFLM_PATCH_INT8, 2, 2, 1, 0, 0);
  const uint32_t out = builder_tensor_map(&b, TFLM_PATCH_INT8, 1, 1, 1, 0, 1);
  builder_op(&b, TFLM_PATCH_MAX_POOL_2D, &in, 1, out, 1, &params, sizeof(params), 0);
  builder_step(&b, 0, 0, 1);
  encoded e = builder_encode(&b);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
  CHECK_EQUAL(tflm_patch_workspace_size(e.program), 0);
  CHECK_EQUAL(encoded_run(&e, inputs, outputs, 0), TFLM_PATCH_OK);
  CHECK_EQUAL(output[0], 5);
  encoded_free(&e);
}

int main(void) {
  test_schedules_agree();
  test_input_reuse();
  test_row_stride();
  test_split();
  test_scratch_in_tensor();
  test_two_outputs();
  test_memory();
  test_no_workspace();
  return TEST_RESULT();
}
