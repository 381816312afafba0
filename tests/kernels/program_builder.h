/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Builds and runs stage programs for tests. Everything that the code under test
 * may touch lies in allocations of exactly the declared size, so that
 * AddressSanitizer sees every byte too far. Where there is none, BUILDER_GUARDS
 * puts bytes around each that must not change.
 */
#ifndef TFLM_PATCH_TESTS_PROGRAM_BUILDER_H_
#define TFLM_PATCH_TESTS_PROGRAM_BUILDER_H_

#include <stddef.h>
#include <stdint.h>

#include "tflm_patch/executor.h"
#include "tflm_patch/program.h"

enum {
  BUILDER_MAPS = 24,
  BUILDER_OPS = 16,
  BUILDER_EDGES = 64,
  BUILDER_SEGMENTS = 8,
  BUILDER_STEPS = 1024,
  BUILDER_PARAMS = 2048,
  BUILDER_CONSTANTS = 32768
};

typedef struct {
  tflm_patch_header header;
  tflm_patch_map maps[BUILDER_MAPS];
  tflm_patch_op ops[BUILDER_OPS];
  uint16_t edges[BUILDER_EDGES];
  tflm_patch_segment segments[BUILDER_SEGMENTS];
  tflm_patch_step steps[BUILDER_STEPS];
  uint8_t params[BUILDER_PARAMS]; /* op.params is relative until encoded */
  uint32_t params_bytes;
  uint8_t constants[BUILDER_CONSTANTS];
  tflm_patch_tensor_info tensors[TFLM_PATCH_MAX_TENSORS];
} builder;

/* A program in memory with what it needs to run. */
typedef struct {
  uint8_t* program;
  size_t program_bytes;
  uint8_t* constants;
  size_t constants_bytes;
  tflm_patch_tensor_info tensors[TFLM_PATCH_MAX_TENSORS];
  size_t n_tensors;
} encoded;

/* Memory of n bytes, 16-byte aligned, and its end, where the guards are looked at;
 * both end the process when something is wrong. */
uint8_t* builder_allocate(size_t n);
void builder_release(uint8_t* bytes);

void builder_init(builder* b);

/* All functions end the process when a table is full. */
uint32_t builder_tensor(builder* b, uint8_t type, uint32_t bytes, int output);

/* A dense map; `region` as in program.h. It is encoded in one piece unless its
 * split is set. Returns its index. */
uint32_t builder_map(builder* b, uint8_t region, uint32_t offset, uint8_t type, uint32_t rows,
                     uint32_t cols, uint32_t channels, int zero_point);

/* The map of a new input or output tensor. Inputs come before outputs. */
uint32_t builder_tensor_map(builder* b, uint8_t type, uint32_t rows, uint32_t cols,
                            uint32_t channels, int zero_point, int output);

/* A copy of a map in a ring of up to so many rows, which CONCATENATION fills. */
uint32_t builder_ring(builder* b, uint32_t source, uint32_t ring_rows);

/* A map in the workspace, which grows by it; ring_rows 0 for the whole map. */
uint32_t builder_workspace_map(builder* b, uint8_t type, uint32_t rows, uint32_t ring_rows,
                               uint32_t cols, uint32_t channels, int zero_point);

/* Moves everything from the workspace to fast memory. */
void builder_use_fast_memory(builder* b);

/* Copies bytes into the constants; returns their offset, 4-byte aligned. */
uint32_t builder_constant(builder* b, const void* bytes, uint32_t n);

/* An operator of up to 4 inputs and 1 output; the output's map gets its
 * producer. scratch_bytes 0 for none. Opens segment 0 when there is none. */
uint32_t builder_op(builder* b, uint8_t kind, const uint32_t* inputs, uint32_t n_inputs,
                    uint32_t output, uint32_t steps, const void* params, uint32_t params_bytes,
                    uint32_t scratch_bytes);

/* The same with several outputs. */
uint32_t builder_op_outputs(builder* b, uint8_t kind, const uint32_t* inputs, uint32_t n_inputs,
                            const uint32_t* outputs, uint32_t n_outputs, uint32_t steps,
                            const void* params, uint32_t params_bytes, uint32_t scratch_bytes);

void builder_segment(builder* b);

/* `op` counts within the current segment. */
void builder_step(builder* b, uint32_t op, uint32_t row, uint32_t count);

/* Appends steps in demand-driven order: each row of the segment's last operator
 * is made as soon as possible, pulling the operators before it. */
void builder_stream(builder* b);

/* Encodes; free with encoded_free. */
encoded builder_encode(const builder* b);
encoded encoded_copy(const encoded* e);
void encoded_free(encoded* e);

/* Sets the checksum after a change. */
void encoded_repair(encoded* e);

/* Parts of an encoded program, to change. */
static inline tflm_patch_header* encoded_header(const encoded* e) {
  return (tflm_patch_header*)(void*)e->program;
}

static inline tflm_patch_op* encoded_op(const encoded* e, uint32_t i) {
  return (tflm_patch_op*)(void*)(e->program + encoded_header(e)->ops) + i;
}

static inline tflm_patch_map* encoded_map(const encoded* e, uint32_t i) {
  return (tflm_patch_map*)(void*)(e->program + encoded_header(e)->maps) + i;
}

static inline void* encoded_params(const encoded* e, uint32_t op) {
  return e->program + encoded_op(e, op)->params;
}

tflm_patch_status encoded_validate(const encoded* e);

/* Runs a valid program: inputs are copied in, outputs out. The workspace and
 * the outputs hold `fill` before. */
tflm_patch_status encoded_run(const encoded* e, const void* const* inputs, void* const* outputs,
                              uint8_t fill);

#endif /* TFLM_PATCH_TESTS_PROGRAM_BUILDER_H_ */
