/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Runs the step list of a validated program.
 */
#include "tflm_patch/executor.h"

#include <string.h>

#include "kernel.h"

size_t tflm_patch_workspace_size(const void* program) {
  return ((const tflm_patch_header*)program)->workspace_bytes;
}

size_t tflm_patch_state_size(const void* program) {
  return ((const tflm_patch_header*)program)->state_bytes;
}

size_t tflm_patch_fast_size(const void* program) {
  return ((const tflm_patch_header*)program)->fast_bytes;
}

void tflm_patch_reset_state(const void* program, void* state) {
  tflm_patch_stage stage;
  tflm_patch_open_stage(&stage, program, NULL);
  stage.state = (uint8_t*)state;
  if (stage.header->state_bytes != 0) {
    memset(state, 0, stage.header->state_bytes);
  }
  for (uint32_t i = 0; i < stage.header->n_maps; ++i) {
    const tflm_patch_map* map = &stage.maps[i];
    /* Wider types have zero point 0. */
    for (uint32_t row = 0; map->kept && map->zero_point != 0 && row < map->rows; ++row) {
      memset(tflm_patch_map_row(&stage, map, row), map->zero_point, tflm_patch_row_values(map));
    }
  }
}

int tflm_patch_is_fed_by_bands(const void* program) {
  const tflm_patch_header* header = (const tflm_patch_header*)program;
  const tflm_patch_op* ops =
      (const tflm_patch_op*)(const void*)((const uint8_t*)program + header->ops);
  for (uint32_t i = 0; i < header->n_ops; ++i) {
    if (ops[i].kind == TFLM_PATCH_FEED) {
      return 1;
    }
  }
  return 0;
}

/* Counts an invocation; whether the window that the program looks at is full. */
static int is_full(const tflm_patch_stage* stage, tflm_patch_position* position) {
  for (uint32_t i = 0; i < stage->header->n_ops; ++i) {
    const tflm_patch_op* op = &stage->ops[i];
    if (op->kind == TFLM_PATCH_HOP) {
      const uint32_t needed =
          ((const tflm_patch_hop_params*)(const void*)(stage->program + op->params))->invocations;
      position->filled += position->filled < needed;
      return position->filled == needed;
    }
  }
  return 1;
}

/* Whether a region of so many bytes is missing or misaligned. */
static int is_absent(uint32_t bytes, const void* memory) {
  return bytes != 0 && (memory == NULL || (uintptr_t)memory % TFLM_PATCH_ALIGNMENT != 0);
}

static void run_step(const tflm_patch_stage* stage, const tflm_patch_op* op,
                     const tflm_patch_step* step) {
  const tflm_patch_kernel* kernel = tflm_patch_find_kernel(op->kind);
  const uint32_t n = kernel->rules & TFLM_PATCH_IN_SERIES ? step->count : 1;
  const uint32_t end = (uint32_t)step->row + step->count;
  tflm_patch_task task;
  tflm_patch_open_task(&task, stage, op);
  for (uint32_t row = step->row; row < end; row += n) {
    kernel->run(&task, row, n);
  }
}

tflm_patch_status tflm_patch_run(const void* program, const void* constants, void* const* tensors,
                                 void* workspace) {
  tflm_patch_position start = {0, 0, NULL, NULL, 0};
  return tflm_patch_resume(program, constants, tensors, workspace, &start);
}

tflm_patch_status tflm_patch_resume(const void* program, const void* constants,
                                    void* const* tensors, void* workspace,
                                    tflm_patch_position* position) {
  const tflm_patch_header* header = (const tflm_patch_header*)program;
  tflm_patch_stage stage;
  if (is_absent(header->workspace_bytes, workspace) ||
      is_absent(header->state_bytes, position->state)) {
    return TFLM_PATCH_BAD_WORKSPACE;
  }
  if (is_absent(header->fast_bytes, position->fast)) {
    return TFLM_PATCH_BAD_FAST_MEMORY;
  }
  for (uint32_t i = 0; i < (uint32_t)header->n_inputs + header->n_outputs; ++i) {
    if (tensors[i] == NULL || (uintptr_t)tensors[i] % TFLM_PATCH_TENSOR_ALIGNMENT != 0) {
      return TFLM_PATCH_BAD_TENSOR;
    }
  }
  tflm_patch_open_stage(&stage, program, constants);
  stage.workspace = (uint8_t*)workspace;
  stage.state = (uint8_t*)position->state;
  stage.fast = (uint8_t*)position->fast;
  stage.tensors = tensors;

  uint32_t done = position->step; /* steps of the segment */
  for (uint32_t s = position->segment; s < header->n_segments; ++s) {
    const tflm_patch_segment* segment = &stage.segments[s];
    const tflm_patch_op* ops = stage.ops + segment->first_op;
    const tflm_patch_step* step = stage.steps + segment->first_step + done;
    const tflm_patch_step* end = stage.steps + segment->first_step + segment->n_steps;
    for (; step != end; ++step) {
      if (step->op == TFLM_PATCH_PAUSE) {
        position->segment = s;
        position->step = (uint32_t)(step + 1 - (stage.steps + segment->first_step));
        return TFLM_PATCH_ABORT;
      }
      run_step(&stage, &ops[step->op], step);
    }
    done = 0;
  }
  position->segment = 0;
  position->step = 0;
  return is_full(&stage, position) ? TFLM_PATCH_OK : TFLM_PATCH_ABORT;
}
