/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The stage executor with a clock around every call of a kernel.
 */
#ifndef TFLM_PATCH_BENCH_FIRMWARE_TIMED_EXECUTOR_H_
#define TFLM_PATCH_BENCH_FIRMWARE_TIMED_EXECUTOR_H_

#include "tflm_patch/executor.h"

/* tflm_patch_resume. Adds the ticks of every step to op_ticks[operator], and enters section
   first_mark + operator while its kernel runs. */
tflm_patch_status timed_resume(const void* program, const void* constants, void* const* tensors,
                               void* workspace, tflm_patch_position* position, uint64_t* op_ticks,
                               uint32_t first_mark);

/* Ticks that the clock itself adds to TIMED_OVERHEAD_STEPS steps. */
#define TIMED_OVERHEAD_STEPS 1024u
uint64_t timed_overhead(void);

#endif /* TFLM_PATCH_BENCH_FIRMWARE_TIMED_EXECUTOR_H_ */
