/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Random changes to good stage programs, always the same for the same seed:
 *
 *   program_fuzz [ITERATIONS [SEED [CASE...]]]
 *
 * The programs are those of corpus.c, or of the case files that are given.
 * Each damaged program is refused with a status, or runs in exactly the memory
 * that it declares: built with AddressSanitizer and
 * UndefinedBehaviorSanitizer, nothing is ever reported; on cores without them, the
 * bytes around every buffer stay (BUILDER_GUARDS). Programs, constants and
 * tensor descriptions are all changed; checksums are repaired, so that the
 * checks behind them are reached.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "corpus.h"
#include "test_random.h"

enum {
  MAX_TENSOR_BYTES = 1 << 16, /* larger declarations are validated, not run */
  MAX_WORKSPACE_BYTES = 1 << 20,
  STATUS_COUNT = TFLM_PATCH_BAD_FAST_MEMORY + 1
};

static uint32_t seed;
static uint8_t* noise; /* MAX_TENSOR_BYTES */
static uint8_t* sink;  /* the same, of all outputs: nobody looks at them */

static uint32_t below(uint32_t n) { return (test_random(&seed) >> 3) % n; }

/* A value at the edge of something. */
static uint32_t edge_value(const encoded* e) {
  static const uint32_t kValues[] = {
      0,      1,      2,          3,           4,           16,          0x7F,
      0x80,   0xFF,   0x100,      0x7FFF,      0x8000,      0xFFFF,      0x10000,
      0xFF80, 0xFFF0, 0x7FFFFFFF, 0x80000000u, 0xFFFFFFF0u, 0xFFFFFFFFu,
  };
  const tflm_patch_header* header = encoded_header(e);
  switch (below(4)) {
    case 0:
      return header->program_bytes + below(9) - 4;
    case 1:
      return header->workspace_bytes + below(33) - 16;
    case 2:
      return header->constants_bytes + below(9) - 4;
    default:
      return kValues[below(sizeof(kValues) / sizeof(kValues[0]))];
  }
}

/* Writes the low `size` bytes of a value. */
static void put(uint8_t* at, uint32_t value, uint32_t size) { memcpy(at, &value, size); }

/* Changes one field of `size` bytes, aligned as a field is. */
static void change_field(const encoded* e, uint8_t* bytes, size_t n) {
  const uint32_t size = 1u << below(3);
  if (n < size) {
    return;
  }
  uint8_t* at = bytes + below((uint32_t)(n / size)) * size;
  uint32_t value = 0;
  memcpy(&value, at, size);
  switch (below(5)) {
    case 0:
      value ^= 1u << below(8 * size);
      break;
    case 1:
      value += below(9) - 4;
      break;
    case 2:
      value = edge_value(e);
      break;
    case 3:
      value = below(24);
      break;
    default: /* a field from elsewhere */
      memcpy(&value, bytes + below((uint32_t)(n / size)) * size, size);
      break;
  }
  put(at, value, size);
}

/* Bytes of a record of the program, in a table chosen first: there are many
 * more steps than segments. */
static uint8_t* pick_record(const encoded* e, size_t* n) {
  const tflm_patch_header* header = encoded_header(e);
  const struct {
    uint32_t at;
    uint32_t count;
    uint32_t size;
  } tables[] = {
      {0, 1, sizeof(*header)},
      {header->maps, header->n_maps, sizeof(tflm_patch_map)},
      {header->ops, header->n_ops, sizeof(tflm_patch_op)},
      {header->edges, header->n_edges, 2},
      {header->segments, header->n_segments, sizeof(tflm_patch_segment)},
      {header->steps, header->n_steps, sizeof(tflm_patch_step)},
      {header->steps + 4 * header->n_steps, 1, 64}, /* parameter records */
      {0, 1, (uint32_t)e->program_bytes},
  };
  const uint32_t i = below(sizeof(tables) / sizeof(tables[0]));
  uint64_t at = tables[i].at;
  at += (uint64_t)below(tables[i].count + (tables[i].count == 0)) * tables[i].size;
  if (at >= e->program_bytes) { /* an earlier change moved the table */
    at = 0;
  }
  *n = e->program_bytes - (size_t)at;
  *n = *n < tables[i].size ? *n : tables[i].size;
  return e->program + at;
}

/* Shortens an allocation to n bytes, exactly. */
static void shorten(uint8_t** bytes, size_t* size, size_t n) {
  uint8_t* copy = builder_allocate(n);
  memcpy(copy, *bytes, n);
  builder_release(*bytes);
  *bytes = copy;
  *size = n;
}

/* Copies a run of bytes of another program over this one. */
static void splice(encoded* e, const encoded* other) {
  const uint32_t from = below((uint32_t)other->program_bytes / 4) * 4;
  const uint32_t to = below((uint32_t)e->program_bytes / 4) * 4;
  uint32_t n = 4 * (1 + below(8));
  while (from + n > other->program_bytes || to + n > e->program_bytes) {
    n -= 4;
  }
  memcpy(e->program + to, other->program + from, n);
}

static void change(encoded* e, const corpus* c) {
  size_t n;
  uint8_t* record;
  switch (below(16)) {
    case 0:
      if (e->constants_bytes != 0) {
        change_field(e, e->constants, e->constants_bytes);
      }
      break;
    case 1: {
      tflm_patch_tensor_info* tensor = &e->tensors[below((uint32_t)e->n_tensors)];
      if (below(2)) {
        tensor->type = (uint8_t)below(7);
      } else {
        tensor->bytes += below(9) - 4;
      }
      break;
    }
    case 2:
      splice(e, &c->programs[below(c->n)]);
      break;
    case 3:
      if (below(8) == 0) {
        shorten(&e->program, &e->program_bytes, below((uint32_t)e->program_bytes));
        break;
      }
      if (below(4) == 0 && e->constants_bytes != 0) {
        shorten(&e->constants, &e->constants_bytes, below((uint32_t)e->constants_bytes));
      }
      break;
    default:
      if (e->program_bytes >= sizeof(tflm_patch_header)) {
        record = pick_record(e, &n);
        change_field(e, record, n);
      }
      break;
  }
}

/* Whether the memory that a valid program declares is small enough to have. */
static int is_small(const encoded* e) {
  if (encoded_header(e)->workspace_bytes > MAX_WORKSPACE_BYTES ||
      encoded_header(e)->state_bytes > MAX_WORKSPACE_BYTES ||
      encoded_header(e)->fast_bytes > MAX_WORKSPACE_BYTES) {
    return 0;
  }
  for (size_t i = 0; i < e->n_tensors; ++i) {
    if (e->tensors[i].bytes > MAX_TENSOR_BYTES) {
      return 0;
    }
  }
  return 1;
}

/* Runs a valid program on noise. */
static void run(const encoded* e) {
  const void* inputs[TFLM_PATCH_MAX_TENSORS];
  void* outputs[TFLM_PATCH_MAX_TENSORS];
  for (size_t i = 0; i < TFLM_PATCH_MAX_TENSORS; ++i) {
    inputs[i] = noise;
    outputs[i] = sink;
  }
  const uint32_t before = tflm_patch_checksum(e->program, (uint32_t)e->program_bytes) ^
                          tflm_patch_checksum(e->constants, (uint32_t)e->constants_bytes);
  const tflm_patch_status status = encoded_run(e, inputs, outputs, 0xC3);
  const uint32_t after = tflm_patch_checksum(e->program, (uint32_t)e->program_bytes) ^
                         tflm_patch_checksum(e->constants, (uint32_t)e->constants_bytes);
  if (status != TFLM_PATCH_OK || before != after) {
    fprintf(stderr, "a valid program ended with status %d%s\n", status,
            before != after ? " and changed its constants" : "");
    abort();
  }
}

typedef struct {
  uint32_t statuses[STATUS_COUNT];
  uint32_t runs;
} tally;

/* One damaged program; the same for the same seed and number. */
static void try_one(const corpus* good, uint32_t first_seed, uint32_t number, tally* t) {
  seed = (first_seed * 0x9E3779B9u) ^ (number * 0x85EBCA6Bu);
  seed += seed == 0;
  encoded e = encoded_copy(&good->programs[below(good->n)]);
  for (uint32_t changes = 1 + below(4); changes > 0; --changes) {
    if (e.program_bytes >= sizeof(tflm_patch_header)) {
      change(&e, good);
    }
  }
  if (e.program_bytes >= sizeof(tflm_patch_header) && below(64) != 0) {
    encoded_repair(&e);
  }
  const tflm_patch_status status = encoded_validate(&e);
  ++t->statuses[status];
  if (status == TFLM_PATCH_OK && is_small(&e)) {
    run(&e);
    ++t->runs;
  }
  encoded_free(&e);
}

/* Whether every check of the validator was seen, and enough valid programs: a
 * fuzzer that reaches nothing would be worthless. */
static int is_thorough(const tally* t, uint32_t iterations) {
  for (int i = TFLM_PATCH_BAD_MAGIC; i <= TFLM_PATCH_BAD_TENSOR; ++i) {
    if (t->statuses[i] == 0) {
      fprintf(stderr, "never seen: %s\n", tflm_patch_status_text((tflm_patch_status)i));
      return 0;
    }
  }
  return t->runs >= iterations / 50;
}

/* Without case files the programs are those of corpus.c. */
static int fuzz(uint32_t iterations, uint32_t first_seed, int n_cases, char** cases) {
  static corpus good;
  tally t = {{0}, 0};
  for (int i = 0; i < n_cases; ++i) {
    corpus_load(&good, cases[i]);
  }
  if (n_cases == 0) {
    corpus_init(&good);
  }
  seed = 0x9E3779B9u;
  noise = builder_allocate(MAX_TENSOR_BYTES);
  sink = builder_allocate(MAX_TENSOR_BYTES);
  test_fill(&seed, noise, MAX_TENSOR_BYTES);
  for (uint32_t i = 0; i < good.n; ++i) {
    if (encoded_validate(&good.programs[i]) == TFLM_PATCH_OK && is_small(&good.programs[i])) {
      run(&good.programs[i]);
    }
  }
  const clock_t start = clock();
  for (uint32_t i = 0; i < iterations; ++i) {
    try_one(&good, first_seed, i, &t);
  }
  const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
  corpus_free(&good);
  builder_release(noise);
  builder_release(sink);
  printf("%u mutants, %u accepted and run, %.0f per second\n", (unsigned)iterations,
         (unsigned)t.runs, iterations / (seconds > 0 ? seconds : 1));
  for (int i = 0; i < STATUS_COUNT; ++i) {
    printf("%8u  %s\n", (unsigned)t.statuses[i], tflm_patch_status_text((tflm_patch_status)i));
  }
  return n_cases == 0 && iterations >= 10000 && !is_thorough(&t, iterations);
}

#ifdef FUZZ_ITERATIONS /* where there are no arguments */
int main(void) { return fuzz(FUZZ_ITERATIONS, 1, 0, NULL); }
#else
int main(int argc, char** argv) {
  return fuzz(argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 200000,
              argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1, argc > 3 ? argc - 3 : 0,
              argv + 3);
}
#endif
