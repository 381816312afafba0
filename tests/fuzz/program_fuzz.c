/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Mutates valid stage programs and runs what the validator lets through.
 *
 *   program_fuzz ITERATIONS SEED CASE...
 *
 * A case file holds, as uint32: the number of tensors, bytes and type of each,
 * the bytes of the program and of the constants; then program and constants.
 * Every allocation has exactly the declared size: AddressSanitizer sees any
 * access beyond it. The same seed gives the same mutants.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program_builder.h"

enum { MAX_CASES = 64, MAX_CHANGES = 4 };

/* xorshift32: repeatable. */
static uint32_t next_random(uint32_t* state) {
  uint32_t x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  *state = x;
  return x;
}

static uint32_t read_u32(FILE* file) {
  uint32_t value = 0;
  if (fread(&value, sizeof value, 1, file) != 1) {
    fprintf(stderr, "program_fuzz: a case file is too short\n");
    exit(2);
  }
  return value;
}

static uint8_t* read_bytes(FILE* file, size_t n) {
  /* Sixteen-byte aligned like the tensors of a flatbuffer. */
  uint8_t* bytes = (uint8_t*)aligned_alloc(16, (n + 15) / 16 * 16);
  if (bytes == NULL || fread(bytes, 1, n, file) != n) {
    fprintf(stderr, "program_fuzz: a case file is too short\n");
    exit(2);
  }
  return bytes;
}

static encoded load(const char* path) {
  encoded e;
  memset(&e, 0, sizeof e);
  FILE* file = fopen(path, "rb");
  if (file == NULL) {
    fprintf(stderr, "program_fuzz: %s cannot be read\n", path);
    exit(2);
  }
  e.n_tensors = read_u32(file);
  if (e.n_tensors > TFLM_PATCH_MAX_TENSORS) {
    fprintf(stderr, "program_fuzz: %s has too many tensors\n", path);
    exit(2);
  }
  for (size_t i = 0; i < e.n_tensors; ++i) {
    e.tensors[i].bytes = read_u32(file);
    e.tensors[i].type = (uint8_t)read_u32(file);
  }
  e.program_bytes = read_u32(file);
  e.constants_bytes = read_u32(file);
  e.program = read_bytes(file, e.program_bytes);
  e.constants = read_bytes(file, e.constants_bytes);
  fclose(file);
  return e;
}

/* Changes bytes, halfwords or words, to random or to interesting values. */
static void mutate(encoded* e, uint32_t* random) {
  static const uint32_t interesting[] = {
      0u,      1u,      2u,          3u,          16u,         127u,       128u,
      255u,    256u,    0x7FFFu,     0x8000u,     0xFFFFu,     0x10000u,   0x7FFFFFFFu,
      0x80000000u, 0xFFFFFFF0u, 0xFFFFFFFFu};
  const uint32_t n = (uint32_t)e->program_bytes;
  const uint32_t changes = 1 + next_random(random) % MAX_CHANGES;
  for (uint32_t i = 0; i < changes; ++i) {
    const uint32_t width = 1u << (next_random(random) % 3);
    const uint32_t at = next_random(random) % (n / width) * width;
    uint32_t value = next_random(random);
    uint32_t old = 0;
    memcpy(&old, e->program + at, width);
    switch (next_random(random) % 4) {
      case 0:
        break;
      case 1:
        value = interesting[value % (sizeof interesting / sizeof interesting[0])];
        break;
      case 2:
        value = old + (value % 9) - 4;
        break;
      default:
        value = old ^ (1u << (value % (8 * width)));
        break;
    }
    memcpy(e->program + at, &value, width);
  }
}

static void run(const encoded* e) {
  void* buffers[TFLM_PATCH_MAX_TENSORS] = {NULL};
  const tflm_patch_header* header = (const tflm_patch_header*)(const void*)e->program;
  for (size_t i = 0; i < e->n_tensors; ++i) {
    buffers[i] = calloc(e->tensors[i].bytes, 1);
  }
  encoded_run(e, (const void* const*)buffers, buffers + header->n_inputs, 0x5A);
  for (size_t i = 0; i < e->n_tensors; ++i) {
    free(buffers[i]);
  }
}

int main(int argc, char** argv) {
  if (argc < 4 || argc - 3 > MAX_CASES) {
    fprintf(stderr, "usage: program_fuzz ITERATIONS SEED CASE...\n");
    return 2;
  }
  encoded cases[MAX_CASES];
  const int n_cases = argc - 3;
  for (int i = 0; i < n_cases; ++i) {
    cases[i] = load(argv[3 + i]);
    const tflm_patch_status status = encoded_validate(&cases[i]);
    if (status != TFLM_PATCH_OK) {
      fprintf(stderr, "program_fuzz: %s: %s\n", argv[3 + i], tflm_patch_status_text(status));
      return 1;
    }
    run(&cases[i]);
  }
  uint32_t random = (uint32_t)strtoul(argv[2], NULL, 10) * 2654435761u + 1u;
  const long iterations = strtol(argv[1], NULL, 10);
  long accepted = 0;
  for (long i = 0; i < iterations; ++i) {
    encoded mutant = encoded_copy(&cases[next_random(&random) % (uint32_t)n_cases]);
    mutate(&mutant, &random);
    encoded_repair(&mutant);
    if (encoded_validate(&mutant) == TFLM_PATCH_OK) {
      ++accepted;
      run(&mutant);
    }
    encoded_free(&mutant);
  }
  for (int i = 0; i < n_cases; ++i) {
    encoded_free(&cases[i]);
  }
  printf("%ld mutants, %ld accepted and run\n", iterations, accepted);
  return 0;
}
