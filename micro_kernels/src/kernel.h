/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the executor and the operator kernels share. Internal.
 */
#ifndef TFLM_PATCH_SRC_KERNEL_H_
#define TFLM_PATCH_SRC_KERNEL_H_

#include <stddef.h>
#include <stdint.h>

#include "tflm_patch/kernels.h"
#include "tflm_patch/program.h"
#include "tflm_patch/status.h"

/* A program's tables, resolved to pointers. */
typedef struct {
  const uint8_t* program;
  const tflm_patch_header* header;
  const tflm_patch_map* maps;
  const tflm_patch_op* ops;
  const uint16_t* edges;
  const tflm_patch_segment* segments;
  const tflm_patch_step* steps;
  const uint8_t* constants;
  uint32_t constants_bytes;
  uint8_t* workspace;      /* NULL while validating */
  void* const* tensors;    /* NULL while validating */
} tflm_patch_stage;

/* Resolves the tables of a program whose header is valid; workspace and tensors
 * become NULL (src/executor.c). */
void tflm_patch_open_stage(tflm_patch_stage* stage, const void* program,
                           const void* constants);

/* One kind of operator. */
typedef struct {
  /* Checks arity, types, shapes, parameter ranges and constant offsets: after
   * it, run touches only the operator's maps, scratch and constants. */
  tflm_patch_status (*check)(const tflm_patch_stage* stage,
                             const tflm_patch_op* op);
  /* Input rows [*first, *last] of the input-th input that a step reads,
   * clamped to the map; *first > *last when it reads none. Neither decreases
   * from one step to the next (check() sees to it): a run of steps reads the
   * rows from the first of its first step to the last of its last. */
  void (*reads)(const tflm_patch_stage* stage, const tflm_patch_op* op,
                uint32_t input, uint32_t step, int32_t* first, int32_t* last);
  /* Runs steps [step, step + count). */
  void (*run)(const tflm_patch_stage* stage, const tflm_patch_op* op,
              uint32_t step, uint32_t count);
  uint8_t accumulates; /* 0: never, 1: always, 2: as the parameters say */
  /* For accumulates == 2. NULL otherwise. */
  int (*is_accumulating)(const tflm_patch_stage* stage,
                         const tflm_patch_op* op);
} tflm_patch_kernel;

/* The kernel of a kind, NULL for an unknown one (src/kernel_table.c). */
const tflm_patch_kernel* tflm_patch_find_kernel(uint32_t kind);

/* Size of the parameter record of a known kind. */
uint32_t tflm_patch_params_bytes(uint32_t kind);

static inline const tflm_patch_map* tflm_patch_input_map(
    const tflm_patch_stage* stage, const tflm_patch_op* op, uint32_t i) {
  return &stage->maps[stage->edges[op->first_edge + i]];
}

static inline const tflm_patch_map* tflm_patch_output_map(
    const tflm_patch_stage* stage, const tflm_patch_op* op, uint32_t i) {
  return &stage->maps[stage->edges[op->first_edge + op->n_inputs + i]];
}

static inline const void* tflm_patch_params(const tflm_patch_stage* stage,
                                            const tflm_patch_op* op) {
  return stage->program + op->params;
}

static inline uint8_t* tflm_patch_place(const tflm_patch_stage* stage,
                                        uint32_t region, uint32_t offset) {
  switch (region) {
    case TFLM_PATCH_REGION_WORKSPACE:
      return stage->workspace + offset;
    case TFLM_PATCH_REGION_CONSTANTS:
      /* Constant maps are inputs only; nothing writes through this pointer. */
      return (uint8_t*)(uintptr_t)(stage->constants + offset);
    default:
      return (uint8_t*)stage->tensors[region - TFLM_PATCH_REGION_TENSOR] +
             offset;
  }
}

/* An operator's private memory; it has some. */
static inline void* tflm_patch_scratch(const tflm_patch_stage* stage,
                                       const tflm_patch_op* op) {
  return tflm_patch_place(stage, op->scratch_region, op->scratch);
}

/* The same of one that works without, too: NULL when it has none. */
static inline void* tflm_patch_spare_scratch(const tflm_patch_stage* stage,
                                             const tflm_patch_op* op) {
  return op->scratch_bytes == 0 ? NULL : tflm_patch_scratch(stage, op);
}

/* The bytes of row `row` of a map. */
static inline uint8_t* tflm_patch_map_row(const tflm_patch_stage* stage,
                                          const tflm_patch_map* map,
                                          uint32_t row) {
  if (map->ring_rows != map->rows) {
    row %= map->ring_rows;
  }
  if (row < map->split) {
    return tflm_patch_place(stage, map->region, map->offset) +
           (int32_t)row * map->row_bytes;
  }
  return tflm_patch_place(stage, map->split_region, map->split_offset) +
         (int32_t)(row - map->split) * map->row_bytes;
}

/* An int8 map as the row kernels read it. */
static inline tflm_patch_rows tflm_patch_view_rows(
    const tflm_patch_stage* stage, const tflm_patch_map* map) {
  const tflm_patch_rows view = {
      .base = (const int8_t*)tflm_patch_place(stage, map->region, map->offset),
      .row_bytes = map->row_bytes,
      .ring_rows = map->ring_rows,
      .rows = map->rows,
      .cols = map->cols,
      .channels = map->channels,
      .split_base = (const int8_t*)tflm_patch_place(stage, map->split_region,
                                                    map->split_offset),
      .split = map->split,
  };
  return view;
}

static inline const void* tflm_patch_constant(const tflm_patch_stage* stage,
                                              uint32_t at) {
  return stage->constants + at;
}

/* Whether an array of n bytes at `at` lies in the constants, aligned. */
static inline int tflm_patch_constant_fits(const tflm_patch_stage* stage,
                                           uint32_t at, uint64_t n,
                                           uint32_t alignment) {
  return at % alignment == 0 && at <= stage->constants_bytes &&
         n <= stage->constants_bytes - at;
}

/* Size of an element in bytes, 0 for an unknown type (src/check.c). */
uint32_t tflm_patch_type_bytes(uint8_t type);

static inline int tflm_patch_is_int8(int32_t value) {
  return INT8_MIN <= value && value <= INT8_MAX;
}

/* Whether [low, high] is a clamp of int8 values. */
static inline int tflm_patch_is_int8_range(int32_t low, int32_t high) {
  return INT8_MIN <= low && low <= high && high <= INT8_MAX;
}

/* The same for int8 or int16 values. */
static inline int tflm_patch_is_clamp(uint8_t type, int16_t low, int16_t high) {
  return type == TFLM_PATCH_INT16 ? low <= high
                                  : tflm_patch_is_int8_range(low, high);
}

static inline int tflm_patch_is_shift(int32_t shift) {
  return -31 <= shift && shift <= 30;
}

/* Checks of parameter parts that several kinds share (src/check.c). */
tflm_patch_status tflm_patch_check_arity(const tflm_patch_op* op,
                                         uint32_t inputs, uint32_t outputs);
tflm_patch_status tflm_patch_check_window(const tflm_patch_window* window,
                                          const tflm_patch_map* input,
                                          const tflm_patch_map* output);
tflm_patch_status tflm_patch_check_requant(const tflm_patch_stage* stage,
                                           uint8_t type,
                                           const tflm_patch_requant* requant,
                                           uint32_t channels);
/* The operator has a scratch of at least `bytes` (the validator has checked that
 * the scratch lies in the workspace, aligned). */
tflm_patch_status tflm_patch_check_scratch(const tflm_patch_op* op,
                                           uint64_t bytes);

/* Rows that a window reads, clamped (src/check.c). */
void tflm_patch_window_reads(const tflm_patch_window* window, uint32_t rows,
                             uint32_t step, int32_t* first, int32_t* last);

#endif /* TFLM_PATCH_SRC_KERNEL_H_ */
