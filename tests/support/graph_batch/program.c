/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Runs the stages of a batch, which the emulator has loaded into the memory of jobs, and compares
 * their outputs with those that came along; see __init__.py. Behind every buffer lie bytes that
 * must stay. The last line is "end" and how many graphs were run.
 */
#include <stdint.h>
#include <string.h>

#include "board.h"
#include "marks.h"
#include "tflm_patch/executor.h"

enum { kAlignment = 16, kGuard = 64, kGuardByte = 0xA5, kMaxTensors = 64 };

typedef struct {
  uint32_t tensors;
  uint32_t inputs;
  uint32_t samples;
  uint32_t program_bytes;
  uint32_t constants_bytes;
} graph_header;

int main(void);

/* Text, with a number behind it. */
static void print(const char* text, uint32_t number) {
  char digits[11];
  uint32_t at = sizeof(digits) - 1;
  digits[at] = '\0';
  do {
    digits[--at] = (char)('0' + number % 10u);
    number /= 10u;
  } while (number != 0);
  board_print(text);
  board_print(digits + at);
}

static size_t aligned(size_t n) { return (n + kAlignment - 1) / kAlignment * kAlignment; }

static const uint8_t* take(const uint8_t** at, size_t bytes) {
  const uint8_t* found = *at;
  *at += aligned(bytes);
  return found;
}

/* A buffer behind the ones before it, with a guard after it. */
static uint8_t* reserve(uint8_t** end, size_t bytes) {
  uint8_t* found = *end;
  memset(found + bytes, kGuardByte, kGuard);
  *end += aligned(bytes + kGuard);
  return found;
}

static int is_guarded(const uint8_t* buffer, size_t bytes) {
  for (int i = 0; i < kGuard; ++i) {
    if (buffer[bytes + (size_t)i] != kGuardByte) {
      return 0;
    }
  }
  return 1;
}

/* Runs one graph; prints what is not well. */
static void run_graph(uint32_t number, const uint8_t** at, uint8_t* memory) {
  graph_header head;
  memcpy(&head, take(at, sizeof(head)), sizeof(head));
  tflm_patch_tensor_info infos[kMaxTensors];
  for (uint32_t i = 0; i < head.tensors; ++i) {
    uint32_t words[2];
    memcpy(words, take(at, sizeof(words)), sizeof(words));
    infos[i] = (tflm_patch_tensor_info){words[0], (uint8_t)words[1]};
  }
  const uint8_t* program = take(at, head.program_bytes);
  const uint8_t* constants = take(at, head.constants_bytes);
  const tflm_patch_status valid = tflm_patch_validate(program, head.program_bytes, constants,
                                                      head.constants_bytes, infos, head.tensors);
  int failed = valid != TFLM_PATCH_OK;
  if (failed) {
    print("graph ", number);
    print(": status ", (uint32_t)valid);
    board_print("\n");
  }
  const size_t workspace_bytes = failed ? 0 : tflm_patch_workspace_size(program);
  const size_t state_bytes = failed ? 0 : tflm_patch_state_size(program);
  uint8_t* state = reserve(&memory, state_bytes); /* one sample after the other changes it */
  if (!failed) {
    tflm_patch_reset_state(program, state);
  }
  for (uint32_t sample = 0; sample < head.samples; ++sample) {
    uint8_t* end = memory;
    void* tensors[kMaxTensors];
    const uint8_t* wanted[kMaxTensors];
    for (uint32_t i = 0; i < head.tensors; ++i) {
      wanted[i] = take(at, infos[i].bytes);
      tensors[i] = reserve(&end, infos[i].bytes);
      if (i < head.inputs) {
        memcpy(tensors[i], wanted[i], infos[i].bytes);
      } else {
        memset(tensors[i], kGuardByte, infos[i].bytes);
      }
    }
    uint8_t* workspace = reserve(&end, workspace_bytes);
    if (failed) {
      continue;
    }
    tflm_patch_position position = {0, 0, state, NULL, 0};
    const tflm_patch_status status =
        tflm_patch_resume(program, constants, tensors, workspace, &position);
    failed = status != TFLM_PATCH_OK || !is_guarded(workspace, workspace_bytes) ||
             !is_guarded(state, state_bytes);
    for (uint32_t i = 0; i < head.tensors; ++i) {
      failed = failed || !is_guarded(tensors[i], infos[i].bytes) ||
               (i >= head.inputs && memcmp(tensors[i], wanted[i], infos[i].bytes) != 0);
    }
    if (failed) {
      print("graph ", number);
      print(": other bytes, sample ", sample);
      board_print("\n");
    }
  }
}

int main(void) {
  board_mark(0); /* every image has it */
  const uint8_t* at = board_job;
  uint32_t head[2]; /* graphs, and all bytes */
  memcpy(head, take(&at, sizeof(head)), sizeof(head));
  for (uint32_t i = 0; i < head[0]; ++i) {
    run_graph(i, &at, board_job + aligned(head[1]));
  }
  print("end ", head[0]);
  board_print("\n");
  board_exit(0); /* what failed is printed */
}
