/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "marks.h"

extern volatile uint8_t board_marks[kMarks];
volatile uint8_t board_marks[kMarks];

__attribute__((noinline)) void board_mark(uint32_t section) {
  board_marks[section < kMarks ? section : kMarkOutside] = 0;
}
