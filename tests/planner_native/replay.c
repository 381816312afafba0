/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Replays calls of the planner's library that a file holds, with every array in
 * memory of exactly its size, so that sanitizers see what is read beyond it, and
 * compares what they find.
 *
 * The file: for each call its kind, 'L' or 'S', then its arrays, each as a number of
 * bytes (int64) and the bytes; see test_native_sanitized.py for their order.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffers.h"
#include "layout.h"
#include "orders.h"
#include "segments.h"
#include "twister.h"

static void fail(const char* what) {
  fprintf(stderr, "replay: %s\n", what);
  exit(1);
}

/* The next array; its memory is left to the end of the program. */
static void* read_array(FILE* file, size_t* bytes) {
  int64_t size = 0;
  if (fread(&size, sizeof(size), 1, file) != 1 || size < 0) {
    fail("an array is missing");
  }
  void* array = malloc((size_t)size);
  if (size > 0 && (array == NULL || fread(array, (size_t)size, 1, file) != 1)) {
    fail("an array is cut off");
  }
  if (bytes != NULL) {
    *bytes = (size_t)size;
  }
  return array;
}

static void expect(FILE* file, const void* found, size_t bytes, const char* what) {
  size_t expected_bytes;
  void* expected = read_array(file, &expected_bytes);
  if (expected_bytes != bytes || (bytes > 0 && memcmp(expected, found, bytes) != 0)) {
    fail(what);
  }
  free(expected);
}

/* The bound and the first orders are those of the call. */
static void check_start(const tflm_patch_layout_problem* problem,
                        const tflm_patch_layout_search* search, int32_t length) {
  void* memory = malloc(tflm_patch_orders_memory(problem, length));
  const size_t bytes = (size_t)TFLM_PATCH_FIRST_ORDERS * (size_t)problem->items * sizeof(int32_t);
  int32_t* orders = malloc(bytes);
  if (tflm_patch_lower_bound(problem, length, memory) != search->bound) {
    fail("another bound");
  }
  tflm_patch_first_orders(problem, length, memory, orders);
  if (search->order_count != TFLM_PATCH_FIRST_ORDERS || memcmp(orders, search->order, bytes) != 0) {
    fail("other orders");
  }
  free(orders);
  free(memory);
}

static void replay_layout(FILE* file) {
  const int64_t* numbers = read_array(file, NULL);
  tflm_patch_layout_problem problem;
  problem.items = (int32_t)numbers[0];
  problem.regions = (int32_t)numbers[1];
  tflm_patch_layout_search search;
  search.bound = numbers[2];
  search.high = numbers[3];
  search.attempts = (int32_t)numbers[4];
  search.unlimited = (int32_t)numbers[5];
  search.order_count = (int32_t)numbers[6];
  problem.slot_bytes = read_array(file, NULL);
  problem.alignment = read_array(file, NULL);
  problem.one_piece = read_array(file, NULL);
  problem.first_shape = read_array(file, NULL);
  problem.first_slot = read_array(file, NULL);
  problem.made = read_array(file, NULL);
  problem.last = read_array(file, NULL);
  problem.region_bytes = read_array(file, NULL);
  search.order = read_array(file, NULL);
  uint32_t* random = read_array(file, NULL);
  check_start(&problem, &search, (int32_t)numbers[7]);
  const size_t size = tflm_patch_layout_memory(&problem, search.order_count);
  uint8_t* memory = malloc(size);
  tflm_patch_place* places = calloc((size_t)problem.items, sizeof(*places));
  int64_t bytes = 0;
  if (tflm_patch_find_layout(&problem, &search, memory, size - 1, random, places, &bytes) !=
      TFLM_PATCH_LAYOUT_TOO_LARGE) {
    fail("too little memory is taken");
  }
  const int64_t outcome =
      tflm_patch_find_layout(&problem, &search, memory, size, random, places, &bytes);
  const int64_t result[2] = {outcome, bytes};
  expect(file, result, sizeof(result), "another size");
  expect(file, places, (size_t)problem.items * sizeof(*places), "other places");
  free(memory);
}

static void read_stage(FILE* file, tflm_patch_stage_tables* tables) {
  const int64_t* numbers = read_array(file, NULL);
  tables->ops = (int32_t)numbers[0];
  tables->maps = (int32_t)numbers[1];
  tables->max_ops = (int32_t)numbers[2];
  tables->max_step_rows = (int32_t)numbers[3];
  tables->steps = read_array(file, NULL);
  tables->accumulates = read_array(file, NULL);
  tables->calls = read_array(file, NULL);
  tables->kind = read_array(file, NULL);
  tables->scratch_bytes = read_array(file, NULL);
  tables->first_input = read_array(file, NULL);
  tables->input = read_array(file, NULL);
  tables->reads_first = read_array(file, NULL);
  tables->reads_last = read_array(file, NULL);
  tables->first_output = read_array(file, NULL);
  tables->output = read_array(file, NULL);
  tables->first_in_place = read_array(file, NULL);
  tables->in_place = read_array(file, NULL);
  tables->rows = read_array(file, NULL);
  tables->row_bytes = read_array(file, NULL);
  tables->dtype = read_array(file, NULL);
  tables->role = read_array(file, NULL);
  tables->view_base = read_array(file, NULL);
  tables->view_top = read_array(file, NULL);
}

/* Room for buffers as buffers.h demands it. */
static tflm_patch_buffers make_buffers(const tflm_patch_stage_tables* tables) {
  const size_t maps = (size_t)tables->maps;
  const size_t items = maps + (size_t)tables->ops;
  size_t slots = (size_t)tables->ops;
  size_t steps = 0;
  for (size_t m = 0; m < maps; ++m) {
    slots += 2 * (size_t)tables->rows[m];
  }
  for (int32_t i = 0; i < tables->ops; ++i) {
    steps += (size_t)tables->steps[i];
  }
  tflm_patch_buffers buffers;
  buffers.owner = malloc(items * sizeof(*buffers.owner));
  buffers.slot_bytes = malloc(items * sizeof(*buffers.slot_bytes));
  buffers.one_piece = malloc(items * sizeof(*buffers.one_piece));
  buffers.first_shape = malloc((items + 1) * sizeof(*buffers.first_shape));
  buffers.first_slot = malloc((items + maps + 1) * sizeof(*buffers.first_slot));
  buffers.made = malloc(slots * sizeof(*buffers.made));
  buffers.last = malloc(slots * sizeof(*buffers.last));
  buffers.guest = malloc(maps * sizeof(*buffers.guest));
  buffers.order = malloc(steps * sizeof(*buffers.order));
  return buffers;
}

static void free_buffers(tflm_patch_buffers* buffers) {
  free(buffers->owner);
  free(buffers->slot_bytes);
  free(buffers->one_piece);
  free(buffers->first_shape);
  free(buffers->first_slot);
  free(buffers->made);
  free(buffers->last);
  free(buffers->guest);
  free(buffers->order);
}

static void replay_segments(FILE* file) {
  tflm_patch_stage_tables tables;
  read_stage(file, &tables);
  const size_t size = tflm_patch_segments_memory(&tables);
  void* memory = malloc(size);
  if (tflm_patch_segments_begin(&tables, memory, size - 1) != TFLM_PATCH_IN_PYTHON) {
    fail("too little memory is taken");
  }
  if (tflm_patch_segments_begin(&tables, memory, size) != 1) {
    fail("a stage is not taken");
  }
  const int64_t* floor_bytes = read_array(file, NULL);
  const int64_t least = tflm_patch_least_peak(memory, *floor_bytes, INT64_MAX);
  expect(file, &least, sizeof(least), "another peak");
  for (int k = 1; k <= 2; ++k) { /* at the least peak, and at twice that */
    tflm_patch_cut* cuts = malloc((size_t)tables.ops * sizeof(*cuts));
    const int32_t count = tflm_patch_fewest_dispatches(memory, k * least, NULL, 0, cuts);
    expect(file, cuts, (size_t)count * sizeof(*cuts), "other cuts");
    for (int32_t uses_outputs = 0; uses_outputs <= 1; ++uses_outputs) {
      tflm_patch_buffers buffers = make_buffers(&tables);
      if (tflm_patch_buffers_of(memory, cuts, count, uses_outputs, &buffers) != 1) {
        fail("no buffers");
      }
      if (uses_outputs) { /* the order is the same */
        const size_t bytes = (size_t)buffers.length * sizeof(*buffers.order);
        expect(file, buffers.order, bytes, "another order");
      }
      free_buffers(&buffers);
    }
    free(cuts);
  }
  free(memory);
}

int main(int argc, char** argv) {
  FILE* file = argc == 2 ? fopen(argv[1], "rb") : NULL;
  if (file == NULL) {
    fail("usage: replay FILE");
  }
  int calls = 0;
  for (int kind = fgetc(file); kind != EOF; kind = fgetc(file)) {
    if (kind == 'L') {
      replay_layout(file);
    } else if (kind == 'S') {
      replay_segments(file);
    } else {
      fail("an unknown call");
    }
    ++calls;
  }
  fclose(file);
  printf("%d calls\n", calls);
  return 0;
}
