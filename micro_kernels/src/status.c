/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tflm_patch/status.h"

#include <stdint.h>

/* In the order of their numbers; a table of pointers would be larger. */
static const char kTexts[] =
    "ok\0"
    "more input rows are wanted\0"
    "not a stage program\0"
    "made by another version of the converter: convert again\0"
    "packed for another kernel family\0"
    "wrong checksum\0"
    "a part leaves the program, constants or workspace\0"
    "an index points nowhere\0"
    "misaligned offset or pointer\0"
    "inconsistent feature map\0"
    "invalid operator\0"
    "the schedule uses rows that are not there\0"
    "a tensor differs from the program's\0"
    "missing or misaligned workspace or state\0"
    "missing or misaligned fast memory\0"
    "unknown status";

const char* tflm_patch_status_text(tflm_patch_status status) {
  const uint32_t unknown = TFLM_PATCH_BAD_FAST_MEMORY + 1;
  const char* text = kTexts;
  uint32_t before = (uint32_t)status < unknown ? (uint32_t)status : unknown;
  while (before > 0) {
    before -= *text++ == '\0';
  }
  return text;
}
