/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Programs of two memories: the same bytes wherever maps and sums lie, and no step without
 * the fast memory.
 */
#include "reject.h"
#include "sample_program.h"

enum { IN_BYTES = SAMPLE_ROWS * SAMPLE_COLS * SAMPLE_CHANNELS, OUT_BYTES = SAMPLE_CHANNELS };

static void run_sample(const builder* b, const int8_t* input, int8_t* output) {
  encoded e = builder_encode(b);
  const void* inputs[] = {input};
  void* outputs[] = {output};
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
  CHECK_EQUAL(encoded_run(&e, inputs, outputs, 0x5A), TFLM_PATCH_OK);
  encoded_free(&e);
}

/* Everything, the ring alone, or the sums alone in fast memory. */
static void test_same_bytes(void) {
  static builder b;
  uint32_t seed = 5;
  int8_t input[IN_BYTES];
  int8_t expected[OUT_BYTES];
  int8_t output[OUT_BYTES];
  test_case = "same bytes";
  test_fill(&seed, input, sizeof(input));
  sample_build(&b);
  run_sample(&b, input, expected);
  builder_use_fast_memory(&b);
  CHECK_EQUAL(b.header.workspace_bytes, 0);
  run_sample(&b, input, output);
  CHECK_BYTES(output, expected, OUT_BYTES);

  sample_build(&b);
  b.header.fast_bytes = b.header.workspace_bytes;
  b.maps[SAMPLE_POOLED_RING].region = TFLM_PATCH_REGION_FAST;
  run_sample(&b, input, output);
  CHECK_BYTES(output, expected, OUT_BYTES);
  b.maps[SAMPLE_POOLED_RING].region = TFLM_PATCH_REGION_WORKSPACE;
  b.ops[SAMPLE_MEAN].scratch_region = TFLM_PATCH_REGION_FAST;
  run_sample(&b, input, output);
  CHECK_BYTES(output, expected, OUT_BYTES);
}

/* A map that begins in the workspace and ends in fast memory. */
static void test_split(void) {
  static builder b;
  uint32_t seed = 6;
  int8_t input[IN_BYTES];
  int8_t expected[OUT_BYTES];
  int8_t output[OUT_BYTES];
  test_case = "split";
  test_fill(&seed, input, sizeof(input));
  sample_build(&b);
  run_sample(&b, input, expected);
  b.header.fast_bytes = 16; /* less than the second piece */
  b.maps[SAMPLE_WHOLE].split = 1;
  b.maps[SAMPLE_WHOLE].split_region = TFLM_PATCH_REGION_FAST;
  b.maps[SAMPLE_WHOLE].split_offset = 0;
  encoded small = builder_encode(&b);
  CHECK_EQUAL(encoded_validate(&small), TFLM_PATCH_BAD_SIZE);
  encoded_free(&small);
  b.header.fast_bytes = 256;
  run_sample(&b, input, output);
  CHECK_BYTES(output, expected, OUT_BYTES);
}

static void test_rejected(void) {
  static builder b;
  test_case = "rejected";
  sample_build(&b);
  builder_use_fast_memory(&b);
  encoded good = builder_encode(&b);
#define REJECT(change, status) CHECK_REJECTED(&good, uint8_t, change, TFLM_PATCH_##status)
  REJECT(encoded_header(&bad)->fast_bytes -= 4, BAD_ALIGNMENT);
  REJECT(encoded_header(&bad)->fast_bytes = 0, BAD_SIZE);
  REJECT(encoded_map(&bad, SAMPLE_SUM_RING)->offset = encoded_header(&bad)->fast_bytes, BAD_SIZE);
  REJECT(encoded_op(&bad, SAMPLE_MEAN)->scratch = encoded_header(&bad)->fast_bytes, BAD_SIZE);
  REJECT(encoded_map(&bad, SAMPLE_CONSTANT)->region = TFLM_PATCH_REGION_FAST, BAD_MAP);
  REJECT(encoded_map(&bad, SAMPLE_INPUT)->region = TFLM_PATCH_REGION_FAST, BAD_MAP);
#undef REJECT
  encoded_free(&good);
}

static void test_missing(void) {
  static builder b;
  _Alignas(16) int8_t input[IN_BYTES] = {0};
  _Alignas(16) int8_t output[OUT_BYTES];
  _Alignas(16) static uint8_t memory[1024];
  void* tensors[] = {input, output};
  test_case = "missing";
  sample_build(&b);
  builder_use_fast_memory(&b);
  encoded e = builder_encode(&b);
  CHECK_EQUAL(tflm_patch_workspace_size(e.program), 0);
  CHECK_EQUAL(tflm_patch_fast_size(e.program), b.header.fast_bytes);
  CHECK_EQUAL(tflm_patch_run(e.program, e.constants, tensors, NULL), TFLM_PATCH_BAD_FAST_MEMORY);
  tflm_patch_position position = {0, 0, NULL, memory + 8, 0};
  CHECK_EQUAL(tflm_patch_resume(e.program, e.constants, tensors, NULL, &position),
              TFLM_PATCH_BAD_FAST_MEMORY);
  position.fast = memory;
  CHECK_EQUAL(tflm_patch_resume(e.program, e.constants, tensors, NULL, &position), TFLM_PATCH_OK);
  encoded_free(&e);
}

int main(void) {
  test_same_bytes();
  test_split();
  test_rejected();
  test_missing();
  return TEST_RESULT();
}
