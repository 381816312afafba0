/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Runs a unit test, whose main() the compiler calls test_main(), on the
 * benchmarks' boards: prints through the host, takes the heap from the memory of
 * the jobs, and ends with the test's result.
 */
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

#include "board.h"
#include "tflm_patch/program.h"

enum { kText = 128 };

extern uint8_t board_job[];
extern uint8_t board_job_end[];

int test_main(void);
void _exit(int code);
int _write(int file, const char* text, int n);
void* _sbrk(ptrdiff_t n);
void* __wrap_malloc(size_t n);

void _exit(int code) { board_exit((uint32_t)code); }

int _write(int file, const char* text, int n) {
  char part[kText];
  int used = 0;
  (void)file;
  for (int i = 0; i < n; ++i) {
    part[used++] = text[i];
    if (used == kText - 1 || i == n - 1) {
      part[used] = '\0';
      board_print(part);
      used = 0;
    }
  }
  return n;
}

void* _sbrk(ptrdiff_t n) {
  static uint8_t* end = board_job;
  if (n > board_job_end - end) {
    return (void*)-1;
  }
  uint8_t* const begin = end;
  end += n;
  return begin;
}

/* In the place of malloc(), which aligns to 8 bytes: tests want what the stage's
 * memory has. */
void* __wrap_malloc(size_t n) { return memalign(TFLM_PATCH_ALIGNMENT, n); }

int main(void) { exit(test_main()); }
