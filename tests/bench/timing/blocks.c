/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Hand-written blocks, each in a section of its own: r1 and r2 point to words, r3 is 1.
 * `-DBLOCKS=` names a file of BLOCK(number, instructions) lines.
 */
#include <stdint.h>

#include "board.h"
#include "marks.h"

int main(void);

#define BLOCK(number, code)                                                                  \
  static __attribute__((naked, noinline, aligned(16))) void block_##number(void* a, void* b, \
                                                                           uint32_t c) {     \
    __asm__ volatile(".syntax unified\n" code "\n");                                         \
  }
#include BLOCKS
#undef BLOCK

static uint32_t g_words[32];

int main(void) {
#define BLOCK(number, code)                 \
  board_mark(number);                       \
  block_##number(g_words, g_words + 16, 1); \
  board_mark(kMarkOutside);
#include BLOCKS
  board_exit(0);
}
