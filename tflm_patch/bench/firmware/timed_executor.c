/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The executor's source is compiled once more, under other names, and given a
 * kernel that reads the clock before and after the one asked for. The library's
 * own executor has no hook and is what the totals are measured with.
 */
#define tflm_patch_workspace_size timed_workspace_size
#define tflm_patch_state_size timed_state_size
#define tflm_patch_fast_size timed_fast_size
#define tflm_patch_reset_state timed_reset_state
#define tflm_patch_is_fed_by_bands timed_is_fed_by_bands
#define tflm_patch_run timed_run_program
#define tflm_patch_resume timed_resume_program
#define tflm_patch_find_kernel timed_find_kernel

#include "executor.c" /* first, for the declarations under their new names */

#undef tflm_patch_find_kernel

#include "board.h"
#include "marks.h"
#include "timed_executor.h"

const tflm_patch_kernel* tflm_patch_find_kernel(uint32_t kind);

static uint64_t* g_op_ticks;
static uint32_t g_first_mark;

/* As the executor calls kernels. */
static void call_timed(const tflm_patch_kernel* kernel, const tflm_patch_task* task, uint32_t step,
                       uint32_t count) {
  const uint32_t op = (uint32_t)(task->op - task->stage->ops);
  board_mark(g_first_mark + op);
  const uint64_t start = board_ticks();
  const uint32_t n = kernel->rules & TFLM_PATCH_IN_SERIES ? count : 1;
  for (uint32_t i = 0; i < count; i += n) {
    kernel->run(task, step + i, n);
  }
  g_op_ticks[op] += board_ticks() - start;
  board_mark(kMarkOutside);
}

static void run_timed(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  call_timed(tflm_patch_find_kernel(task->op->kind), task, step, count);
}

const tflm_patch_kernel* timed_find_kernel(uint32_t kind) {
  static const tflm_patch_kernel kTimed = {
      .run = run_timed,
      .rules = TFLM_PATCH_IN_SERIES,
  };
  (void)kind;
  return &kTimed;
}

tflm_patch_status timed_resume(const void* program, const void* constants, void* const* tensors,
                               void* workspace, tflm_patch_position* position, uint64_t* op_ticks,
                               uint32_t first_mark) {
  g_op_ticks = op_ticks;
  g_first_mark = first_mark;
  return timed_resume_program(program, constants, tensors, workspace, position);
}

static void run_nothing(const tflm_patch_task* task, uint32_t step, uint32_t count) {
  (void)task;
  (void)step;
  (void)count;
}

uint64_t timed_overhead(void) {
  static const tflm_patch_kernel kNothing = {
      .run = run_nothing,
      .rules = TFLM_PATCH_IN_SERIES,
  };
  static const tflm_patch_op kOp = {0};
  const tflm_patch_stage stage = {.ops = &kOp};
  const tflm_patch_task task = {.stage = &stage, .op = &kOp};
  /* Called, not inlined. */
  const tflm_patch_kernel* const volatile nothing = &kNothing;
  static uint64_t ticks;
  ticks = 0;
  g_op_ticks = &ticks;
  for (uint32_t i = 0; i < TIMED_OVERHEAD_STEPS; ++i) {
    call_timed(nothing, &task, i, 1);
  }
  return ticks;
}
