/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A job: one stage with its tensors, as the debugger or emulator puts it into
 * the board's memory. All words are little-endian; every offset is in bytes
 * from the start of the job. tflm_patch/bench/job.py mirrors this file.
 */
#ifndef TFLM_PATCH_BENCH_FIRMWARE_JOB_H_
#define TFLM_PATCH_BENCH_FIRMWARE_JOB_H_

#include <stdint.h>

#define JOB_MAGIC 0x424A5054u /* "TPJB" */
#define JOB_VERSION 3u
#define JOB_PAINT 0xA5u /* fills the memory that a stage may write */
#define JOB_GUARD 64u   /* painted bytes around every such piece */

typedef struct {
  uint32_t memory; /* where the tensor lies; JOB_GUARD bytes before and behind */
  uint32_t bytes;
  uint32_t type; /* TFLM_PATCH_INT8, ... */
  uint32_t data; /* an input's values, of all invocations; an output's golden ones */
} job_tensor;

typedef struct {
  uint32_t magic;
  uint32_t version;
  uint32_t bytes; /* of the job with all memory that it names */
  uint32_t program;
  uint32_t program_bytes;
  uint32_t constants;
  uint32_t constants_bytes;
  uint32_t n_inputs;
  uint32_t n_outputs;
  uint32_t bands; /* invocations that make up an inference */
  uint32_t workspace;
  uint32_t workspace_bytes;
  uint32_t memory; /* all that a stage may write, guards included */
  uint32_t memory_end;
  uint32_t op_ticks; /* uint64_t[operators], written by the image */
  uint32_t tensors;  /* job_tensor[n_inputs + n_outputs] */
  uint32_t state;
  uint32_t state_bytes;
  uint32_t warm_up; /* invocations before those, which fill a window; not counted */
  uint32_t fast;
  uint32_t fast_bytes;
} job;

#endif /* TFLM_PATCH_BENCH_FIRMWARE_JOB_H_ */
