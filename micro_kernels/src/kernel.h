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
  uint8_t* workspace;   /* NULL while validating */
  uint8_t* state;       /* NULL while validating */
  uint8_t* fast;        /* NULL while validating */
  void* const* tensors; /* NULL while validating */
} tflm_patch_stage;

/* Resolves the tables of a program whose header is valid; workspace, state,
 * fast and tensors become NULL (src/stage.c). */
void tflm_patch_open_stage(tflm_patch_stage* stage, const void* program, const void* constants);

/* An operator with what its kernel needs at hand. */
typedef struct {
  const tflm_patch_stage* stage;
  const tflm_patch_op* op;
  const void* params;           /* its record */
  const tflm_patch_map* input;  /* the first one */
  const tflm_patch_map* output; /* the first one */
} tflm_patch_task;

/* For an operator that has inputs and outputs (src/stage.c). */
void tflm_patch_open_task(tflm_patch_task* task, const tflm_patch_stage* stage,
                          const tflm_patch_op* op);

/* Rows [first, last] of a map, none when first > last. */
typedef struct {
  int32_t first;
  int32_t last;
} tflm_patch_span;

/* What the validator asks of an operator before its kernel's check(): the type of
 * all its maps, one of these or a tflm_patch_type, and more. */
enum {
  TFLM_PATCH_TYPE_RULE = 0x0F,
  TFLM_PATCH_SAME_TYPES = 0x0E,
  TFLM_PATCH_ANY_TYPES = 0x0F,
  /* The (first) output has the (first) input's rows, columns and channels. */
  TFLM_PATCH_SAME_SHAPE = 0x10,
  /* check() sees to the number of the output's rows; without it, it is that of
   * the steps. */
  TFLM_PATCH_MAY_ACCUMULATE = 0x20,
  /* Not asked, but offered: run() takes several steps at once. */
  TFLM_PATCH_IN_SERIES = 0x40
};

/* One kind of operator. */
typedef struct {
  /* Checks what the rules leave open: shapes, parameter ranges and constant
   * offsets. After it, run touches only the operator's maps, scratch and
   * constants. */
  tflm_patch_status (*check)(const tflm_patch_task* task);
  /* Input rows that a step reads, clamped to the map; task->input is the input
   * in question. Neither end decreases from one step to the next (check() sees
   * to it): a run of steps reads the rows from the first of its first step to
   * the last of its last. */
  void (*reads)(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows);
  /* Runs steps [step, step + count); count is 1 without TFLM_PATCH_IN_SERIES. */
  void (*run)(const tflm_patch_task* task, uint32_t step, uint32_t count);
  uint8_t params_bytes; /* size of the parameter record */
  uint8_t inputs;       /* 0 for one or more */
  uint8_t outputs;      /* likewise */
  uint8_t rules;
} tflm_patch_kernel;

/* The kernel of a kind, NULL for an unknown one (src/kernel_table.c). */
const tflm_patch_kernel* tflm_patch_find_kernel(uint32_t kind);

/* An operator's maps, inputs first, then outputs. */
static inline const tflm_patch_map* tflm_patch_op_map(const tflm_patch_stage* stage,
                                                      const tflm_patch_op* op, uint32_t i) {
  return &stage->maps[stage->edges[op->first_edge + i]];
}

static inline const tflm_patch_map* tflm_patch_input_map(const tflm_patch_stage* stage,
                                                         const tflm_patch_op* op, uint32_t i) {
  return tflm_patch_op_map(stage, op, i);
}

static inline const tflm_patch_map* tflm_patch_output_map(const tflm_patch_stage* stage,
                                                          const tflm_patch_op* op, uint32_t i) {
  return tflm_patch_op_map(stage, op, op->n_inputs + i);
}

/* ---- memory (src/stage.c) ---- */

/* The bytes of row `row` of a map, of any type: rows are aligned to it. */
void* tflm_patch_map_row(const tflm_patch_stage* stage, const tflm_patch_map* map, uint32_t row);

/* The same of a task's maps. */
void* tflm_patch_input_row(const tflm_patch_task* task, uint32_t row);
void* tflm_patch_output_row(const tflm_patch_task* task, uint32_t row);

/* A map as the row kernels read it. */
void tflm_patch_view_rows(const tflm_patch_stage* stage, const tflm_patch_map* map,
                          tflm_patch_rows* view);

/* Row `row` of a map that a row kernel reads. */
const int8_t* tflm_patch_view_row(const tflm_patch_rows* view, uint32_t row);

/* An operator's private memory, NULL when it has none. */
void* tflm_patch_scratch(const tflm_patch_task* task);

static inline const void* tflm_patch_constant(const tflm_patch_stage* stage, uint32_t at) {
  return stage->constants + at;
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
  return type == TFLM_PATCH_INT16 ? low <= high : tflm_patch_is_int8_range(low, high);
}

static inline int tflm_patch_is_shift(int32_t shift) { return -31 <= shift && shift <= 30; }

/* Values of a row. */
static inline uint32_t tflm_patch_row_values(const tflm_patch_map* map) {
  return (uint32_t)map->cols * map->channels;
}

/* ---- checks that several kinds share (src/check.c) ---- */

/* What an operator's kernel declares. */
tflm_patch_status tflm_patch_check_rules(const tflm_patch_kernel* kernel,
                                         const tflm_patch_task* task);

/* The window of an output map over an input map. */
tflm_patch_status tflm_patch_check_window(const tflm_patch_window* window,
                                          const tflm_patch_map* input,
                                          const tflm_patch_map* output);

/* An array of n values of 1, 2, 4 or 8 bytes at `at` in the constants, aligned to
 * their size or to 4. */
tflm_patch_status tflm_patch_check_constant(const tflm_patch_stage* stage, uint32_t at, uint32_t n,
                                            uint32_t value_bytes);

/* An array in the constants: n values at an offset. */
typedef struct {
  uint32_t at;
  uint32_t n;
  uint32_t value_bytes;
} tflm_patch_constant_array;

/* The same of several arrays: what the first says that is not in order. */
tflm_patch_status tflm_patch_check_constants(const tflm_patch_stage* stage,
                                             const tflm_patch_constant_array* arrays, uint32_t n);

tflm_patch_status tflm_patch_check_requant(const tflm_patch_stage* stage, uint8_t type,
                                           const tflm_patch_requant* requant, uint32_t channels);

/* The operator has a scratch of at least n values of value_bytes (the validator
 * has checked that the scratch lies in the workspace, aligned). */
tflm_patch_status tflm_patch_check_scratch(const tflm_patch_op* op, uint32_t n,
                                           uint32_t value_bytes);

/* ---- rows that several kinds read (src/check.c) ---- */

/* The row of the step's number. */
void tflm_patch_rowwise_reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows);

/* All rows of the map. */
void tflm_patch_whole_reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows);

/* Those of a window, clamped. */
void tflm_patch_window_reads(const tflm_patch_window* window, uint32_t rows, uint32_t step,
                             tflm_patch_span* span);

/* Those of the window that the record begins with. */
void tflm_patch_windowed_reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows);

#endif /* TFLM_PATCH_SRC_KERNEL_H_ */
