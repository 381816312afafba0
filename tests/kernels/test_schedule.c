/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The validator's simulation of the step list.
 */
#include "sample_program.h"
#include "test.h"

enum { ROWS = 8 };

static builder b;

static uint32_t pool_op(uint32_t input, uint32_t output, uint32_t kernel, uint32_t stride,
                        int pad) {
  const tflm_patch_pool_params params = sample_pool(kernel, stride, pad);
  return builder_op(&b, TFLM_PATCH_MAX_POOL_2D, &input, 1, output, b.maps[output].rows, &params,
                    sizeof(params), 0);
}

static uint32_t add_op(uint32_t first, uint32_t second, uint32_t output) {
  const tflm_patch_add_params params = sample_add();
  const uint32_t inputs[] = {first, second};
  return builder_op(&b, TFLM_PATCH_ADD, inputs, 2, output, b.maps[output].rows, &params,
                    sizeof(params), 0);
}

static uint32_t tensor_map(uint32_t rows, int output) {
  return builder_tensor_map(&b, TFLM_PATCH_INT8, rows, 1, 1, 0, output);
}

static uint32_t ring(uint32_t rows, uint32_t ring_rows) {
  return builder_workspace_map(&b, TFLM_PATCH_INT8, rows, ring_rows, 1, 1, 0);
}

static void expect(const char* name, tflm_patch_status status) {
  encoded e = builder_encode(&b);
  test_case = name;
  CHECK_EQUAL(encoded_validate(&e), status);
  encoded_free(&e);
}

/* input -> 1x1 pool -> ring -> 3x3 pool -> output, steps still missing. */
static void begin_pair(uint32_t ring_rows) {
  builder_init(&b);
  const uint32_t input = tensor_map(ROWS, 0);
  const uint32_t output = tensor_map(ROWS, 1);
  const uint32_t middle = ring(ROWS, ring_rows);
  pool_op(input, middle, 1, 1, 0);
  pool_op(middle, output, 3, 1, 1);
}

static void test_ring_height(void) {
  for (uint32_t rows = 1; rows <= ROWS; ++rows) {
    begin_pair(rows);
    builder_stream(&b);
    expect("ring height", rows < 3 ? TFLM_PATCH_BAD_STEP : TFLM_PATCH_OK);
  }
}

static void test_order(void) {
  begin_pair(3);
  builder_step(&b, 0, 0, 1);
  builder_step(&b, 1, 0, 1);
  expect("row 1 is missing", TFLM_PATCH_BAD_STEP);

  begin_pair(3);
  builder_step(&b, 1, 0, 1);
  expect("nothing is made yet", TFLM_PATCH_BAD_STEP);

  begin_pair(ROWS);
  builder_step(&b, 0, 1, ROWS - 1);
  builder_step(&b, 1, 0, ROWS);
  expect("row 0 is left out", TFLM_PATCH_BAD_STEP);

  begin_pair(ROWS);
  builder_step(&b, 0, 0, 1);
  builder_step(&b, 0, 0, ROWS);
  builder_step(&b, 1, 0, ROWS);
  expect("row 0 is made twice", TFLM_PATCH_BAD_STEP);

  begin_pair(ROWS);
  builder_step(&b, 0, 0, ROWS);
  builder_step(&b, 1, 0, ROWS);
  builder_step(&b, 1, 0, 1);
  expect("row 0 is made again", TFLM_PATCH_BAD_STEP);

  begin_pair(ROWS);
  builder_step(&b, 0, 0, 0);
  builder_step(&b, 0, 0, ROWS);
  builder_step(&b, 1, 0, ROWS);
  expect("a step of no rows", TFLM_PATCH_BAD_STEP);

  begin_pair(ROWS);
  builder_step(&b, 0, 0, ROWS);
  builder_step(&b, 1, 0, ROWS - 1);
  expect("a row too few", TFLM_PATCH_BAD_STEP);

  begin_pair(ROWS);
  builder_step(&b, 0, 0, ROWS + 1);
  builder_step(&b, 1, 0, ROWS);
  expect("a row too many", TFLM_PATCH_BAD_STEP);

  begin_pair(ROWS);
  builder_step(&b, 2, 0, 1);
  expect("no such operator", TFLM_PATCH_BAD_INDEX);

  begin_pair(ROWS);
  builder_step(&b, 0, 0, ROWS);
  builder_step(&b, 1, 0, ROWS);
  expect("layer by layer", TFLM_PATCH_OK);
}

/* Steps of several rows need all their input at once. */
static void test_batches(void) {
  for (uint32_t rows = 3; rows <= 5; ++rows) {
    begin_pair(rows);
    builder_step(&b, 0, 0, 3);
    builder_step(&b, 1, 0, 2); /* rows 0..2 */
    builder_step(&b, 0, 3, 2);
    builder_step(&b, 1, 2, 2); /* rows 1..4 */
    builder_step(&b, 0, 5, 2);
    builder_step(&b, 1, 4, 2); /* rows 3..6 */
    builder_step(&b, 0, 7, 1);
    builder_step(&b, 1, 6, 2); /* rows 5..7 */
    expect("two rows a step", rows < 4 ? TFLM_PATCH_BAD_STEP : TFLM_PATCH_OK);
  }
  begin_pair(ROWS);
  builder_step(&b, 0, 0, 3);
  builder_step(&b, 1, 0, 3); /* row 3 is missing */
  builder_step(&b, 0, 3, ROWS - 3);
  builder_step(&b, 1, 3, ROWS - 3);
  expect("a batch ahead of its input", TFLM_PATCH_BAD_STEP);
}

static void test_overwritten(void) {
  begin_pair(3);
  builder_step(&b, 0, 0, 4); /* row 0 is gone */
  builder_step(&b, 1, 0, 3);
  for (uint32_t row = 4; row < ROWS; ++row) {
    builder_step(&b, 0, row, 1);
    builder_step(&b, 1, row - 1, 1);
  }
  builder_step(&b, 1, ROWS - 1, 1);
  expect("overwritten", TFLM_PATCH_BAD_STEP);
}

/* A shortcut around a 5-row receptive field. */
static void test_shortcut(void) {
  for (uint32_t rows = 1; rows <= ROWS; ++rows) {
    builder_init(&b);
    const uint32_t input = tensor_map(ROWS, 0);
    const uint32_t output = tensor_map(ROWS, 1);
    const uint32_t trunk = ring(ROWS, rows);
    const uint32_t first = ring(ROWS, 3);
    const uint32_t second = ring(ROWS, 1);
    pool_op(input, trunk, 1, 1, 0);
    pool_op(trunk, first, 3, 1, 1);
    pool_op(first, second, 3, 1, 1);
    add_op(trunk, second, output);
    builder_stream(&b);
    /* When row 0 of the sum is made, row 2 of the trunk has been. */
    expect("shortcut", rows < 3 ? TFLM_PATCH_BAD_STEP : TFLM_PATCH_OK);
  }
}

static void test_strides(void) {
  builder_init(&b);
  const uint32_t input = tensor_map(ROWS, 0);
  const uint32_t output = tensor_map(2, 1);
  const uint32_t middle = ring(ROWS, 2);
  pool_op(input, middle, 1, 1, 0);
  pool_op(middle, output, 2, 4, 0); /* rows 0..1 and 4..5 of 0..7 */
  builder_stream(&b);
  expect("rows between windows, and behind them", TFLM_PATCH_OK);
}

/* A window that lies in the padding altogether reads nothing. */
static void test_windows_outside(void) {
  builder_init(&b);
  const uint32_t input = tensor_map(3, 0);
  const uint32_t output = tensor_map(9, 1);
  const uint32_t middle = ring(3, 2);
  pool_op(input, middle, 1, 1, 0);
  pool_op(middle, output, 2, 1, 4);
  builder_step(&b, 1, 0, 3); /* windows of rows -4..-1 */
  builder_step(&b, 0, 0, 1);
  builder_step(&b, 1, 3, 1);
  builder_step(&b, 0, 1, 1);
  builder_step(&b, 1, 4, 1);
  builder_step(&b, 0, 2, 1);
  builder_step(&b, 1, 5, 4); /* rows 1..2, 2..3, 3..4, 4..5 */
  expect("windows in the padding", TFLM_PATCH_OK);
}

/* A map of the first segment, read in the second. */
static void test_segments(void) {
  for (uint32_t rows = ROWS - 1; rows <= ROWS; ++rows) {
    begin_pair(rows);
    builder_stream(&b);
    builder_segment(&b);
    const uint32_t sum = tensor_map(ROWS, 1);
    add_op(2, 1, sum);
    builder_stream(&b);
    expect("a ring leaves its segment", rows < ROWS ? TFLM_PATCH_BAD_STEP : TFLM_PATCH_OK);
  }
  builder_init(&b);
  const uint32_t input = tensor_map(ROWS, 0);
  const uint32_t output = tensor_map(ROWS, 1);
  const uint32_t later = ring(ROWS, 0);
  add_op(input, later, output);
  builder_step(&b, 0, 0, ROWS);
  builder_segment(&b);
  pool_op(input, later, 1, 1, 0);
  builder_step(&b, 0, 0, ROWS);
  expect("a map of a later segment", TFLM_PATCH_BAD_STEP);
}

/* Segments without operators, operators without a segment. */
static void test_partition(void) {
  begin_pair(ROWS);
  b.segments[0].n_ops = 0;
  b.header.n_segments = 2;
  b.segments[1].n_ops = 2;
  builder_step(&b, 0, 0, ROWS);
  builder_step(&b, 1, 0, ROWS);
  expect("an empty segment", TFLM_PATCH_BAD_INDEX);

  begin_pair(ROWS);
  b.segments[0].n_ops = 1;
  builder_step(&b, 0, 0, ROWS);
  expect("an operator in no segment", TFLM_PATCH_BAD_INDEX);
}

/* No step asks for rows behind the table of RESIZE_NEAREST, which ends the
 * constants. */
static void test_rows_behind_the_end(void) {
  static const uint16_t kIndex[] = {0, 0, 1};
  builder_init(&b);
  const uint32_t input = tensor_map(2, 0);
  const uint32_t output = tensor_map(3, 1);
  const uint32_t middle = ring(2, 2);
  /* The only column's index is row 0's. */
  const uint32_t index_at = builder_constant(&b, kIndex, sizeof(kIndex));
  const tflm_patch_resize_params params = {index_at, index_at};
  pool_op(input, middle, 1, 1, 0);
  builder_op(&b, TFLM_PATCH_RESIZE_NEAREST, &middle, 1, output, 3, &params, sizeof(params), 0);
  builder_step(&b, 0, 0, 2);
  builder_step(&b, 1, 0, 255);
  expect("rows behind the end", TFLM_PATCH_BAD_STEP);
}

static void test_own_output(void) {
  builder_init(&b);
  const uint32_t input = tensor_map(ROWS, 0);
  const uint32_t output = tensor_map(ROWS, 1);
  add_op(input, output, output);
  builder_step(&b, 0, 0, ROWS);
  expect("an operator reads what it makes", TFLM_PATCH_BAD_STEP);
}

/* What an accumulating operator makes is there after its last step. */
static void test_accumulator(void) {
  for (uint32_t steps = ROWS - 1; steps <= ROWS; ++steps) {
    const tflm_patch_mean_params params = sample_mean(ROWS);
    builder_init(&b);
    const uint32_t input = tensor_map(ROWS, 0);
    const uint32_t output = tensor_map(1, 1);
    const uint32_t mean = ring(1, 1);
    builder_op(&b, TFLM_PATCH_MEAN, &input, 1, mean, ROWS, &params, sizeof(params), 4);
    pool_op(mean, output, 1, 1, 0);
    builder_step(&b, 0, 0, steps);
    builder_step(&b, 1, 0, 1);
    if (steps < ROWS) {
      builder_step(&b, 0, steps, ROWS - steps);
    }
    expect("accumulator", steps < ROWS ? TFLM_PATCH_BAD_STEP : TFLM_PATCH_OK);
  }
}

/* An average that accumulates takes its rows one by one: a ring of one will do.
 */
static void test_accumulating_pool(void) {
  for (uint8_t accumulate = 0; accumulate <= 1; ++accumulate) {
    tflm_patch_pool_params params = sample_pool(ROWS + 1, 1, 1);
    builder_init(&b);
    params.accumulate = accumulate;
    params.window.kernel_w = 2;
    const uint32_t input = tensor_map(ROWS, 0);
    const uint32_t output = tensor_map(1, 1);
    const uint32_t middle = ring(ROWS, accumulate ? 1 : ROWS);
    pool_op(input, middle, 1, 1, 0);
    builder_op(&b, TFLM_PATCH_AVERAGE_POOL_2D, &middle, 1, output, accumulate ? ROWS : 1, &params,
               sizeof(params), 4);
    builder_stream(&b);
    expect("accumulating pool", TFLM_PATCH_OK);
    b.maps[middle].ring_rows = ROWS - 1;
    expect("a ring before a pool", accumulate ? TFLM_PATCH_OK : TFLM_PATCH_BAD_STEP);
  }
}

/* As many operators as a segment may have, and one more. */
static void test_many_operators(void) {
  for (uint32_t ops = TFLM_PATCH_MAX_OPS; ops <= TFLM_PATCH_MAX_OPS + 1; ++ops) {
    static uint8_t bytes[64 + 300 * (32 + 28 + 4 + 4) + 64] __attribute__((aligned(16)));
    tflm_patch_header* header = (tflm_patch_header*)(void*)bytes;
    memset(bytes, 0, sizeof(bytes));
    header->magic = TFLM_PATCH_MAGIC;
    header->version = TFLM_PATCH_VERSION;
    header->program_bytes = sizeof(bytes);
    header->workspace_bytes = 16;
    header->n_inputs = 1;
    header->n_outputs = 1;
    header->n_maps = (uint16_t)(ops + 1);
    header->n_ops = (uint16_t)ops;
    header->n_edges = (uint16_t)(2 * ops);
    header->n_segments = 1;
    header->n_steps = ops;
    header->maps = sizeof(*header);
    header->ops = header->maps + (ops + 1) * (uint32_t)sizeof(tflm_patch_map);
    header->edges = header->ops + ops * 28;
    header->segments = header->edges + ops * 4;
    header->steps = header->segments + 12;
    tflm_patch_map* maps = (tflm_patch_map*)(void*)(bytes + header->maps);
    tflm_patch_op* table = (tflm_patch_op*)(void*)(bytes + header->ops);
    uint16_t* edges = (uint16_t*)(void*)(bytes + header->edges);
    tflm_patch_segment* segment = (tflm_patch_segment*)(void*)(bytes + header->segments);
    tflm_patch_step* steps = (tflm_patch_step*)(void*)(bytes + header->steps);
    const uint32_t params_at = header->steps + ops * 4;
    const tflm_patch_pool_params params = sample_pool(1, 1, 0);
    memcpy(bytes + params_at, &params, sizeof(params));
    for (uint32_t i = 0; i <= ops; ++i) {
      maps[i].row_bytes = 1;
      maps[i].rows = maps[i].ring_rows = maps[i].cols = maps[i].channels = 1;
      maps[i].split = 1;
      maps[i].producer = i - 1; /* map 0: NONE */
    }
    maps[0].region = TFLM_PATCH_REGION_TENSOR;
    maps[ops].region = TFLM_PATCH_REGION_TENSOR + 1;
    for (uint32_t i = 0; i < ops; ++i) {
      table[i].kind = TFLM_PATCH_MAX_POOL_2D;
      table[i].n_inputs = table[i].n_outputs = 1;
      table[i].first_edge = (uint16_t)(2 * i);
      table[i].steps = 1;
      table[i].params = params_at;
      table[i].scratch = TFLM_PATCH_NONE;
      edges[2 * i] = (uint16_t)i;
      edges[2 * i + 1] = (uint16_t)(i + 1);
      steps[i].op = (uint8_t)i;
      steps[i].count = 1;
    }
    segment->n_ops = (uint16_t)ops;
    segment->n_steps = ops;
    header->checksum = tflm_patch_checksum(bytes + TFLM_PATCH_CHECKSUM_FROM,
                                           sizeof(bytes) - TFLM_PATCH_CHECKSUM_FROM);
    const tflm_patch_tensor_info tensors[] = {{1, TFLM_PATCH_INT8}, {1, TFLM_PATCH_INT8}};
    test_case = "many operators";
    CHECK_EQUAL(tflm_patch_validate(bytes, sizeof(bytes), NULL, 0, tensors, 2),
                ops > TFLM_PATCH_MAX_OPS ? TFLM_PATCH_BAD_INDEX : TFLM_PATCH_OK);
  }
}

int main(void) {
  test_ring_height();
  test_order();
  test_batches();
  test_overwritten();
  test_shortcut();
  test_strides();
  test_windows_outside();
  test_segments();
  test_partition();
  test_rows_behind_the_end();
  test_own_output();
  test_accumulator();
  test_accumulating_pool();
  test_many_operators();
  return TEST_RESULT();
}
