/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tells whoever watches the emulator which section of the job runs: a store to
 * byte n of an array begins section n. tflm_patch/bench/sections.py mirrors this.
 */
#ifndef TFLM_PATCH_BENCH_FIRMWARE_MARKS_H_
#define TFLM_PATCH_BENCH_FIRMWARE_MARKS_H_

#include <stdint.h>

enum {
  kMarkOutside = 0, /* nothing that is to be counted */
  kMarkValidate = 1,
  kMarkFirstBand = 2, /* one for every band; behind them one for every operator */
  kMarks = 8192
};

void board_mark(uint32_t section);

#endif /* TFLM_PATCH_BENCH_FIRMWARE_MARKS_H_ */
