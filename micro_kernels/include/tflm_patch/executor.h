/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The stage executor: validates a program once, then runs it. No allocation,
 * no global state; all memory belongs to the caller.
 */
#ifndef TFLM_PATCH_EXECUTOR_H_
#define TFLM_PATCH_EXECUTOR_H_

#include <stddef.h>
#include <stdint.h>

#include "tflm_patch/program.h"
#include "tflm_patch/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the caller knows of a tensor of the stage when it is validated. */
typedef struct {
  uint32_t bytes;
  uint8_t type; /* TFLM_PATCH_INT8, ... */
} tflm_patch_tensor_info;

/* Checks everything that tflm_patch_run relies on: every offset, size, index,
 * alignment and version, every parameter, that the steps read only rows that
 * are there, and that the tensors (inputs, then outputs) match. Uses under
 * 1 KB of stack. program_bytes and constants_bytes are the sizes of the two
 * constant tensors; both must be 16-byte aligned. */
tflm_patch_status tflm_patch_validate(const void* program, size_t program_bytes,
                                      const void* constants, size_t constants_bytes,
                                      const tflm_patch_tensor_info* tensors, size_t n_tensors);

/* Bytes of workspace of a validated program. */
size_t tflm_patch_workspace_size(const void* program);

/* Bytes of state of a validated program: memory that outlives an inference. */
size_t tflm_patch_state_size(const void* program);

/* Bytes that a validated program of two memories wants of the fast one; 0 for one of
 * a single memory. What lies there is used from the first call of an inference to the
 * last. */
size_t tflm_patch_fast_size(const void* program);

/* Gives the state its first values, the zero points of its maps: once before the
 * first inference, and whenever a new sequence begins. */
void tflm_patch_reset_state(const void* program, void* state);

/* Runs a validated program without state and fast memory. tensors: data of the inputs, then of the
 * outputs, of the sizes that were validated, aligned to TFLM_PATCH_TENSOR_ALIGNMENT, as scratch may
 * lie in them. workspace: tflm_patch_workspace_size bytes, 16-byte aligned; may be NULL when that
 * is 0. Returns BAD_TENSOR or BAD_WORKSPACE when one is missing, before anything is written. */
tflm_patch_status tflm_patch_run(const void* program, const void* constants, void* const* tensors,
                                 void* workspace);

/* What outlives a call: where a program that is fed by bands goes on, zeros for a
 * new frame; the state; how far the first window of a program with HOP is filled. */
typedef struct {
  uint32_t segment;
  uint32_t step;   /* of the segment */
  void* state;     /* tflm_patch_state_size bytes, 16-byte aligned; may be NULL when
                      that is 0 */
  void* fast;      /* tflm_patch_fast_size bytes, likewise */
  uint32_t filled; /* calls since the state was reset, up to those that fill the window */
} tflm_patch_position;

/* Whether the program takes its input in bands (FEED): then an inference is as
 * many calls of tflm_patch_resume as there are bands, and the workspace keeps
 * its bytes between them. */
int tflm_patch_is_fed_by_bands(const void* program);

/* tflm_patch_run from a position on, with state and fast memory. Returns BAD_WORKSPACE when
 * the state is missing, too, BAD_FAST_MEMORY when that is, and TFLM_PATCH_ABORT when it needs the
 * next band; the last one returns OK and sets the position to a new frame. A program with HOP
 * needs more rows until its window is full. */
tflm_patch_status tflm_patch_resume(const void* program, const void* constants,
                                    void* const* tensors, void* workspace,
                                    tflm_patch_position* position);

#ifdef __cplusplus
}
#endif

#endif /* TFLM_PATCH_EXECUTOR_H_ */
