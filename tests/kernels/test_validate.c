/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The validator's rejections, one by one: each changes one thing in a good
 * program.
 */
#include <stdlib.h>

#include "reject.h"
#include "sample_program.h"

static builder sample;

#define MAP(i) encoded_map(&bad, SAMPLE_##i)
#define OP(i) encoded_op(&bad, SAMPLE_##i)
#define HEADER encoded_header(&bad)
#define REJECT(change, status) CHECK_REJECTED(&good, uint8_t, change, TFLM_PATCH_##status)

static uint16_t* edge(const encoded* e, uint32_t i) {
  return (uint16_t*)(void*)(e->program + encoded_header(e)->edges) + i;
}

static tflm_patch_segment* segment(const encoded* e, uint32_t i) {
  return (tflm_patch_segment*)(void*)(e->program + encoded_header(e)->segments) + i;
}

static void test_good(encoded good) {
  test_case = "good";
  CHECK_EQUAL(encoded_validate(&good), TFLM_PATCH_OK);
  CHECK_EQUAL(tflm_patch_workspace_size(good.program), sample.header.workspace_bytes);
  /* Larger containers than needed are fine; tensors are padded in models. */
  CHECK_EQUAL(tflm_patch_validate(good.program, good.program_bytes, good.constants,
                                  good.constants_bytes + 100, good.tensors, good.n_tensors),
              TFLM_PATCH_OK);
}

static void test_header(encoded good) {
  REJECT(HEADER->magic ^= 1, BAD_MAGIC);
  REJECT(HEADER->version = TFLM_PATCH_VERSION + 1, BAD_VERSION);
  REJECT(HEADER->version = 0, BAD_VERSION);
  REJECT(HEADER->family = 1, BAD_FAMILY);
  REJECT(HEADER->program_bytes += 4, BAD_SIZE);
  REJECT(HEADER->program_bytes -= 2, BAD_ALIGNMENT);
  REJECT(HEADER->program_bytes = sizeof(tflm_patch_header) - 4, BAD_SIZE);
  REJECT(HEADER->program_bytes = 0, BAD_SIZE);
  REJECT(HEADER->program_bytes = sizeof(tflm_patch_header), BAD_SIZE);
  REJECT(HEADER->constants_bytes += 1, BAD_SIZE);
  REJECT(HEADER->workspace_bytes += 8, BAD_ALIGNMENT);
}

static void test_truncated(encoded good) {
  test_case = "truncated";
  for (size_t n = 0; n < good.program_bytes; ++n) {
    uint8_t* bytes = (uint8_t*)malloc(n + 1);
    CHECK(bytes != NULL);
    memcpy(bytes, good.program, n);
    CHECK_EQUAL(tflm_patch_validate(bytes, n, good.constants, good.constants_bytes, good.tensors,
                                    good.n_tensors),
                TFLM_PATCH_BAD_SIZE);
    free(bytes);
  }
}

static void test_checksum(encoded good) {
  test_case = "changed byte";
  for (size_t i = TFLM_PATCH_CHECKSUM_FROM; i < good.program_bytes; ++i) {
    good.program[i] ^= 0x10;
    CHECK_EQUAL(encoded_validate(&good), TFLM_PATCH_BAD_CHECKSUM);
    good.program[i] ^= 0x10;
  }
}

static void test_pointers(encoded good) {
  uint8_t* bytes = (uint8_t*)malloc(good.program_bytes + 4);
  test_case = "pointers";
  CHECK(bytes != NULL);
  memcpy(bytes + 4, good.program, good.program_bytes);
  CHECK_EQUAL(tflm_patch_validate(NULL, good.program_bytes, good.constants, good.constants_bytes,
                                  good.tensors, good.n_tensors),
              TFLM_PATCH_BAD_SIZE);
  CHECK_EQUAL(tflm_patch_validate(bytes + 4, good.program_bytes, good.constants,
                                  good.constants_bytes, good.tensors, good.n_tensors),
              TFLM_PATCH_BAD_ALIGNMENT);
  CHECK_EQUAL(tflm_patch_validate(good.program, good.program_bytes, bytes + 4, good.constants_bytes,
                                  good.tensors, good.n_tensors),
              TFLM_PATCH_BAD_ALIGNMENT);
  CHECK_EQUAL(tflm_patch_validate(good.program, good.program_bytes, NULL, good.constants_bytes,
                                  good.tensors, good.n_tensors),
              TFLM_PATCH_BAD_SIZE);
  CHECK_EQUAL(tflm_patch_validate(good.program, good.program_bytes, good.constants,
                                  good.constants_bytes, NULL, good.n_tensors),
              TFLM_PATCH_BAD_TENSOR);
  free(bytes);
}

/* Offsets and counts of the five tables. */
static void test_tables(encoded good) {
  REJECT(HEADER->maps += 2, BAD_ALIGNMENT);
  REJECT(HEADER->ops += 1, BAD_ALIGNMENT);
  REJECT(HEADER->edges += 2, BAD_ALIGNMENT);
  REJECT(HEADER->segments += 2, BAD_ALIGNMENT);
  REJECT(HEADER->steps += 3, BAD_ALIGNMENT);
  REJECT(HEADER->maps = 0, BAD_SIZE);
  REJECT(HEADER->maps = HEADER->program_bytes, BAD_SIZE);
  REJECT(HEADER->ops = 0xFFFFFFFCu, BAD_SIZE);
  REJECT(HEADER->edges = HEADER->program_bytes - 4, BAD_SIZE);
  REJECT(HEADER->segments = HEADER->program_bytes - 12, BAD_SIZE);
  REJECT(HEADER->steps = 0xFFFFFFF0u, BAD_SIZE);
  REJECT(HEADER->n_maps = 0, BAD_SIZE);
  REJECT(HEADER->n_maps = 0xFFFF, BAD_SIZE);
  REJECT(HEADER->n_ops = 0, BAD_SIZE);
  REJECT(HEADER->n_ops = 0xFFFF, BAD_SIZE);
  REJECT(HEADER->n_edges = 0, BAD_SIZE);
  REJECT(HEADER->n_edges = 0xFFFF, BAD_SIZE);
  REJECT(HEADER->n_segments = 0, BAD_SIZE);
  REJECT(HEADER->n_segments = 0xFFFF, BAD_SIZE);
  REJECT(HEADER->n_steps = 0, BAD_SIZE);
  REJECT(HEADER->n_steps = 0x40000000u, BAD_SIZE); /* 4 * n wraps to 0 */
}

static void test_tensors(encoded good) {
  REJECT(HEADER->n_inputs += 1, BAD_TENSOR);
  REJECT(HEADER->n_outputs = 0, BAD_TENSOR);
  REJECT(bad.n_tensors -= 1, BAD_TENSOR);
  REJECT((HEADER->n_inputs = 0, HEADER->n_outputs = 2), BAD_MAP);
  REJECT((HEADER->n_inputs = 2, HEADER->n_outputs = 0), BAD_TENSOR);
  REJECT((HEADER->n_inputs = 16, HEADER->n_outputs = 1, bad.n_tensors = 17), BAD_TENSOR);
  REJECT(bad.tensors[0].bytes -= 1, BAD_SIZE);
  REJECT(bad.tensors[0].bytes += 1, BAD_TENSOR);
  REJECT(bad.tensors[0].type = TFLM_PATCH_UINT8, BAD_TENSOR);
  REJECT(bad.tensors[1].bytes += 1, BAD_TENSOR);
  REJECT(bad.tensors[1].type = TFLM_PATCH_FLOAT32, BAD_TENSOR);
  /* The output's own map has to be whole and at its start. */
  REJECT((bad.tensors[1].bytes += 1, MAP(OUTPUT)->offset = 1), BAD_TENSOR);
  /* A tensor without a map. */
  REJECT((HEADER->n_outputs = 2, bad.tensors[2].bytes = 3, bad.n_tensors = 3), BAD_TENSOR);
}

static void test_maps(encoded good) {
  REJECT(MAP(WHOLE)->rows = 0, BAD_MAP);
  REJECT(MAP(WHOLE)->cols = 0, BAD_MAP);
  REJECT(MAP(WHOLE)->channels = 0, BAD_MAP);
  REJECT(MAP(WHOLE)->ring_rows = 0, BAD_MAP);
  REJECT(MAP(WHOLE)->ring_rows = SAMPLE_ROWS + 1, BAD_MAP);
  REJECT(MAP(WHOLE)->split = 0, BAD_MAP);
  REJECT(MAP(WHOLE)->split = SAMPLE_ROWS + 1, BAD_MAP);
  REJECT((MAP(WHOLE)->split = 1, MAP(WHOLE)->split_offset = HEADER->workspace_bytes), BAD_SIZE);
  REJECT((MAP(WHOLE)->split = 1, MAP(WHOLE)->split_offset = 0xFFFFFFFFu), BAD_SIZE);
  REJECT((MAP(WHOLE)->split = 1, MAP(WHOLE)->split_region = TFLM_PATCH_REGION_TENSOR + 2),
         BAD_INDEX);
  REJECT(MAP(INPUT)->split = 1, BAD_MAP);
  REJECT(MAP(WHOLE)->type = 5, BAD_MAP);
  REJECT(MAP(WHOLE)->row_bytes -= 1, BAD_MAP);
  REJECT(MAP(WHOLE)->zero_point = 128, BAD_MAP);
  REJECT(MAP(WHOLE)->zero_point = -129, BAD_MAP);
  REJECT((MAP(WHOLE)->type = TFLM_PATCH_UINT8, MAP(WHOLE)->zero_point = -1), BAD_MAP);
  REJECT((MAP(WHOLE)->type = TFLM_PATCH_UINT8, MAP(WHOLE)->zero_point = 256), BAD_MAP);
  REJECT((MAP(WHOLE)->cols = 0xFFFF, MAP(WHOLE)->channels = 0xFFFF), BAD_MAP);
  REJECT(MAP(WHOLE)->region = TFLM_PATCH_REGION_TENSOR + 2, BAD_INDEX);
  REJECT(MAP(WHOLE)->region = 255, BAD_INDEX);
  REJECT(MAP(WHOLE)->offset = HEADER->workspace_bytes, BAD_SIZE);
  REJECT(MAP(WHOLE)->offset = 0xFFFFFFFFu, BAD_SIZE);
  REJECT(MAP(WHOLE)->offset += HEADER->workspace_bytes - 96 + 1, BAD_SIZE);
  REJECT(MAP(WHOLE)->row_bytes = 0xFFFFFFF0u, BAD_SIZE);
  REJECT(MAP(WHOLE)->row_bytes = 0x33333334u, BAD_SIZE); /* 5 * it wraps */
  REJECT(MAP(CONSTANT)->offset += 1, BAD_SIZE);
  REJECT(MAP(INPUT)->row_bytes += 1, BAD_SIZE);
  REJECT(MAP(OUTPUT)->region = TFLM_PATCH_REGION_WORKSPACE, BAD_TENSOR);
  /* float32 needs multiples of 4. */
  REJECT((MAP(SUM_RING)->type = TFLM_PATCH_FLOAT32, MAP(SUM_RING)->cols = 1,
          MAP(SUM_RING)->row_bytes = 12, MAP(SUM_RING)->offset += 2),
         BAD_ALIGNMENT);
  REJECT((MAP(SUM_RING)->type = TFLM_PATCH_FLOAT32, MAP(SUM_RING)->cols = 1,
          MAP(SUM_RING)->row_bytes = 14),
         BAD_ALIGNMENT);
}

/* Tensors whose bytes hold maps, but not their own. */
static void test_tensors_without_map(void) {
  static builder b;
  const tflm_patch_pool_params params = sample_pool(1, 1, 0);
  for (int n_maps = 1; n_maps <= 2; ++n_maps) {
    builder_init(&b);
    const uint32_t tensor = builder_tensor(&b, TFLM_PATCH_INT8, 4, 0);
    const uint32_t output = builder_tensor_map(&b, TFLM_PATCH_INT8, 4, 1, 1, 0, 1);
    const int8_t values[4] = {1, 2, 3, 4};
    const uint32_t constant =
        builder_map(&b, TFLM_PATCH_REGION_CONSTANTS, builder_constant(&b, values, 4),
                    TFLM_PATCH_INT8, 4, 1, 1, 0);
    const uint32_t made = builder_map(&b, (uint8_t)(TFLM_PATCH_REGION_TENSOR + tensor), 0,
                                      TFLM_PATCH_INT8, 4, 1, 1, 0);
    if (n_maps == 2) {
      builder_map(&b, (uint8_t)(TFLM_PATCH_REGION_TENSOR + tensor), 0, TFLM_PATCH_INT8, 4, 1, 1, 0);
    }
    builder_op(&b, TFLM_PATCH_MAX_POOL_2D, &constant, 1, made, 4, &params, sizeof(params), 0);
    builder_op(&b, TFLM_PATCH_MAX_POOL_2D, &made, 1, output, 4, &params, sizeof(params), 0);
    builder_stream(&b);
    encoded e = builder_encode(&b);
    test_case = "an input whose memory is used";
    CHECK_EQUAL(encoded_validate(&e), n_maps == 2 ? TFLM_PATCH_OK : TFLM_PATCH_BAD_TENSOR);
    encoded_free(&e);
  }

  builder_init(&b);
  const uint32_t input = builder_tensor_map(&b, TFLM_PATCH_INT8, 4, 1, 1, 0, 0);
  const uint32_t made = builder_workspace_map(&b, TFLM_PATCH_INT8, 4, 1, 1, 1, 0);
  builder_op(&b, TFLM_PATCH_MAX_POOL_2D, &input, 1, made, 4, &params, sizeof(params), 0);
  builder_stream(&b);
  encoded e = builder_encode(&b);
  test_case = "no output";
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_BAD_TENSOR);
  encoded_free(&e);

  builder_init(&b);
  const uint32_t from = builder_tensor_map(&b, TFLM_PATCH_INT8, 4, 1, 1, 0, 0);
  const uint32_t to = builder_tensor_map(&b, TFLM_PATCH_INT8, 4, 1, 1, 0, 1);
  b.maps[to].ring_rows = 3;
  builder_op(&b, TFLM_PATCH_MAX_POOL_2D, &from, 1, to, 4, &params, sizeof(params), 0);
  builder_stream(&b);
  e = builder_encode(&b);
  test_case = "an output that is a ring";
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_BAD_TENSOR);
  encoded_free(&e);
}

/* No piece of a map that is made lies in the constants. */
static void test_constants_are_not_written(void) {
  static const uint8_t kRoom[96];
  static builder b;
  sample_build(&b);
  b.maps[SAMPLE_WHOLE].split = 1;
  b.maps[SAMPLE_WHOLE].split_region = TFLM_PATCH_REGION_CONSTANTS;
  b.maps[SAMPLE_WHOLE].split_offset = builder_constant(&b, kRoom, 96);
  encoded e = builder_encode(&b);
  test_case = "a split into the constants";
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_BAD_MAP);
  encoded_free(&e);
}

/* Who makes a map. */
static void test_producers(encoded good) {
  REJECT(MAP(WHOLE)->producer = SAMPLE_AVERAGE, BAD_MAP);
  REJECT(MAP(WHOLE)->producer = TFLM_PATCH_NONE, BAD_MAP);
  REJECT(MAP(WHOLE)->producer = 100, BAD_MAP);
  /* A map that no operator makes says that one does. */
  REJECT(MAP(CONSTANT)->producer = SAMPLE_ADD, BAD_MAP);
  REJECT(MAP(CONSTANT)->producer = 100, BAD_INDEX);
  REJECT(MAP(INPUT)->producer = SAMPLE_AVERAGE, BAD_MAP);
  /* Nobody makes what lies in the workspace, or in an output. */
  REJECT((MAP(CONSTANT)->region = TFLM_PATCH_REGION_WORKSPACE), BAD_MAP);
  REJECT((MAP(CONSTANT)->region = TFLM_PATCH_REGION_TENSOR + 1), BAD_MAP);
  /* A ring of constants. */
  REJECT((MAP(CONSTANT)->rows = 2, *edge(&bad, 5) = SAMPLE_WHOLE), BAD_MAP);
  /* Constants are never written. */
  REJECT((MAP(OUTPUT)->region = TFLM_PATCH_REGION_CONSTANTS), BAD_MAP);
  /* Two operators make one map: ADD's output becomes MAX_POOL_2D's. */
  REJECT(*edge(&bad, 6) = SAMPLE_WHOLE, BAD_MAP);
}

static void test_operators(encoded good) {
  REJECT(OP(MAX)->kind = 0, BAD_OP);
  REJECT(OP(MAX)->kind = TFLM_PATCH_KIND_COUNT, BAD_OP);
  REJECT(OP(MAX)->kind = 255, BAD_OP);
  REJECT(OP(MAX)->n_inputs = 0, BAD_OP);
  REJECT(OP(MAX)->n_outputs = 0, BAD_OP);
  REJECT(OP(MAX)->n_inputs = 2, BAD_OP);
  REJECT(OP(MAX)->n_outputs = 2, BAD_OP);
  REJECT(OP(MEAN)->n_inputs = 255, BAD_INDEX);
  REJECT(OP(MEAN)->first_edge = 0xFFFF, BAD_INDEX);
  REJECT(OP(MEAN)->first_edge += 1, BAD_INDEX);
  REJECT(*edge(&bad, 0) = 6, BAD_INDEX);
  REJECT(*edge(&bad, 8) = 0xFFFF, BAD_INDEX);
  REJECT(OP(MAX)->steps = 0, BAD_OP);
  REJECT(OP(MAX)->steps += 1, BAD_OP);
  REJECT(OP(MAX)->steps -= 1, BAD_OP);
  REJECT(OP(MEAN)->steps = 1, BAD_OP);
  REJECT(OP(MAX)->params += 2, BAD_ALIGNMENT);
  REJECT(OP(MAX)->params = HEADER->program_bytes - 16, BAD_SIZE);
  REJECT(OP(MAX)->params = 0xFFFFFFFCu, BAD_SIZE);
  REJECT(OP(MAX)->scratch_bytes = 4, BAD_SIZE);
  REJECT(OP(MEAN)->scratch = TFLM_PATCH_NONE, BAD_SIZE);
  REJECT((OP(MEAN)->scratch = TFLM_PATCH_NONE, OP(MEAN)->scratch_bytes = 0), BAD_SIZE);
  REJECT(OP(MEAN)->scratch += 8, BAD_ALIGNMENT);
  REJECT(OP(MEAN)->scratch = 0xFFFFFFF0u, BAD_SIZE);
  REJECT(OP(MEAN)->scratch_bytes = 4 * SAMPLE_CHANNELS - 1, BAD_SIZE);
  REJECT(OP(MEAN)->scratch_bytes = 17, BAD_SIZE);
  REJECT(OP(MEAN)->scratch_bytes = 0xFFFFFFFFu, BAD_SIZE);
}

static void test_segments(encoded good) {
  REJECT(segment(&bad, 0)->first_op = 1, BAD_INDEX);
  REJECT(segment(&bad, 0)->first_step = 1, BAD_INDEX);
  REJECT(segment(&bad, 0)->n_ops = 0, BAD_INDEX);
  REJECT(segment(&bad, 0)->n_ops = 5, BAD_INDEX);
  REJECT(segment(&bad, 0)->n_ops = 256, BAD_INDEX);
  REJECT(segment(&bad, 0)->n_steps = 0xFFFFFFFFu, BAD_INDEX);
  REJECT(segment(&bad, 0)->n_steps = 0, BAD_STEP);
  REJECT(segment(&bad, 0)->n_steps -= 1, BAD_STEP);
  REJECT(segment(&bad, 1)->first_op = 1, BAD_INDEX);
  REJECT(segment(&bad, 1)->first_step -= 1, BAD_INDEX);
  REJECT(segment(&bad, 1)->n_ops = 1, BAD_INDEX);
  REJECT(segment(&bad, 1)->n_steps += 1, BAD_INDEX);
  REJECT(HEADER->n_segments = 1, BAD_INDEX);
  /* A step that belongs to no segment. */
  REJECT(HEADER->n_steps += 1, BAD_INDEX);
}

int main(void) {
  sample_build(&sample);
  encoded good = builder_encode(&sample);
  test_good(good);
  test_header(good);
  test_truncated(good);
  test_checksum(good);
  test_pointers(good);
  test_tables(good);
  test_tensors(good);
  test_maps(good);
  test_tensors_without_map();
  test_constants_are_not_written();
  test_producers(good);
  test_operators(good);
  test_segments(good);
  encoded_free(&good);
  return TEST_RESULT();
}
