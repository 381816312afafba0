/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Runs the stage that lies at board_job: validates it, runs it three times
 * (with the bare clock, with a clock around every kernel, and without a clock
 * for the stack), and compares every output byte with the golden ones, the
 * painted bytes around everything that a stage may write with the paint. Prints
 * a line of a name and hexadecimal numbers for every fact; the last line is
 * "end".
 */
#include <string.h>

#include "board.h"
#include "job.h"
#include "marks.h"
#include "tflm_patch/executor.h"
#include "timed_executor.h"

enum {
  kCalibrationRounds = 1000000,
  kStackSlack = 64, /* bytes below the caller that are not painted */
  kExitOk = 0,
  kExitBadJob = 2
};

static const job* const kJob = (const job*)(const void*)board_job;

static uint8_t* place(uint32_t offset) { return board_job + offset; }

static const job_tensor* tensor(uint32_t i) {
  return (const job_tensor*)(const void*)place(kJob->tensors) + i;
}

/* ---- output ---- */

static void print_number(uint64_t value) {
  char text[18];
  uint32_t at = sizeof(text) - 1;
  text[at] = '\0';
  do {
    text[--at] = "0123456789abcdef"[value & 15u];
    value >>= 4;
  } while (value != 0);
  text[--at] = ' ';
  board_print(text + at);
}

static void print_fact(const char* name, const uint64_t* numbers, uint32_t n) {
  board_print(name);
  for (uint32_t i = 0; i < n; ++i) {
    print_number(numbers[i]);
  }
  board_print("\n");
}

#define PRINT(name, ...)                                           \
  do {                                                             \
    const uint64_t numbers[] = {__VA_ARGS__};                      \
    print_fact(name, numbers, sizeof(numbers) / sizeof(*numbers)); \
  } while (0)

/* ---- one inference ---- */

typedef enum { kPlain, kTimed } run_mode;

static void* g_tensors[TFLM_PATCH_MAX_TENSORS];

static void fill_memory(void) {
  memset(place(kJob->memory), JOB_PAINT, kJob->memory_end - kJob->memory);
}

/* The inputs of an invocation. */
static void copy_inputs(uint32_t band) {
  for (uint32_t i = 0; i < kJob->n_inputs; ++i) {
    const job_tensor* input = tensor(i);
    memcpy(place(input->memory), place(input->data) + band * input->bytes, input->bytes);
  }
}

static uint64_t g_longest_band; /* ticks, of the inference that ran last */

/* As after a reset. */
static tflm_patch_position start(void) {
  const tflm_patch_position position = {0, 0, place(kJob->state), place(kJob->fast), 0};
  tflm_patch_reset_state(place(kJob->program), place(kJob->state));
  return position;
}

static tflm_patch_status resume(tflm_patch_position* position) {
  return tflm_patch_resume(place(kJob->program), place(kJob->constants), g_tensors,
                           place(kJob->workspace), position);
}

/* Fills the window of a stage that needs it. */
static void warm_up(tflm_patch_position* position) {
  board_mark(kMarkOutside);
  for (uint32_t i = 0; i < kJob->warm_up; ++i) {
    copy_inputs(i);
    resume(position);
  }
}

/* All bands; sets *ticks to what the stage alone took. */
static tflm_patch_status run_inference(run_mode mode, uint64_t* ticks) {
  tflm_patch_position position = start();
  tflm_patch_status status = TFLM_PATCH_OK;
  *ticks = 0;
  g_longest_band = 0;
  warm_up(&position);
  for (uint32_t band = 0; band < kJob->bands; ++band) {
    copy_inputs(kJob->warm_up + band);
    board_mark(mode == kPlain ? kMarkFirstBand + band : kMarkOutside);
    const uint64_t begin = board_ticks();
    if (mode == kTimed) {
      status = timed_resume(place(kJob->program), place(kJob->constants), g_tensors,
                            place(kJob->workspace), &position,
                            (uint64_t*)(void*)place(kJob->op_ticks), kMarkFirstBand + kJob->bands);
    } else {
      status = resume(&position);
    }
    const uint64_t band_ticks = board_ticks() - begin;
    board_mark(kMarkOutside);
    *ticks += band_ticks;
    g_longest_band = band_ticks > g_longest_band ? band_ticks : g_longest_band;
    const tflm_patch_status wanted = band + 1 < kJob->bands ? TFLM_PATCH_ABORT : TFLM_PATCH_OK;
    if (status != wanted) {
      return status == TFLM_PATCH_OK ? TFLM_PATCH_ABORT : status;
    }
  }
  return status;
}

/* ---- checks ---- */

static uint32_t damaged_paint(uint32_t offset, uint32_t bytes) {
  uint32_t damaged = 0;
  for (uint32_t i = 0; i < bytes; ++i) {
    damaged += place(offset)[i] != JOB_PAINT;
  }
  return damaged;
}

static uint32_t damaged_guards(uint32_t offset, uint32_t bytes) {
  return damaged_paint(offset - JOB_GUARD, JOB_GUARD) + damaged_paint(offset + bytes, JOB_GUARD);
}

static void print_checks(void) {
  uint32_t damaged = damaged_guards(kJob->workspace, kJob->workspace_bytes);
  damaged += damaged_guards(kJob->state, kJob->state_bytes);
  damaged += damaged_guards(kJob->fast, kJob->fast_bytes);
  for (uint32_t i = 0; i < kJob->n_inputs + kJob->n_outputs; ++i) {
    damaged += damaged_guards(tensor(i)->memory, tensor(i)->bytes);
  }
  PRINT("guards", damaged);
  for (uint32_t i = 0; i < kJob->n_outputs; ++i) {
    const job_tensor* output = tensor(kJob->n_inputs + i);
    const uint8_t* made = place(output->memory);
    const uint8_t* wanted = place(output->data);
    uint32_t different = 0;
    uint32_t first = output->bytes;
    for (uint32_t at = output->bytes; at-- > 0;) {
      if (made[at] != wanted[at]) {
        ++different;
        first = at;
      }
    }
    PRINT("output", i, output->bytes, different, first);
  }
}

/* ---- stack ---- */

typedef tflm_patch_status (*stack_user)(void);

/* Bytes of stack that a function uses, with all that it calls. */
static __attribute__((noinline)) uint32_t stack_of(stack_user function, tflm_patch_status* status) {
  uint8_t* const top = board_stack_pointer();
  for (volatile uint8_t* at = board_stack_limit; at < top - kStackSlack; ++at) {
    *at = JOB_PAINT;
  }
  *status = function();
  const volatile uint8_t* lowest = board_stack_limit;
  while (lowest < top && *lowest == JOB_PAINT) {
    ++lowest;
  }
  return (uint32_t)(top - lowest);
}

static tflm_patch_tensor_info g_infos[TFLM_PATCH_MAX_TENSORS];

static tflm_patch_status validate(void) {
  return tflm_patch_validate(place(kJob->program), kJob->program_bytes, place(kJob->constants),
                             kJob->constants_bytes, g_infos, kJob->n_inputs + kJob->n_outputs);
}

static tflm_patch_position g_position;

static tflm_patch_status resume_global(void) { return resume(&g_position); }

static uint32_t stack_of_bands(tflm_patch_status* status) {
  uint32_t most = 0;
  g_position = start();
  warm_up(&g_position);
  for (uint32_t band = 0; band < kJob->bands; ++band) {
    copy_inputs(kJob->warm_up + band);
    const uint32_t bytes = stack_of(resume_global, status);
    most = bytes > most ? bytes : most;
  }
  return most;
}

/* ---- the harness ---- */

static void calibrate(void) {
  uint64_t start = board_ticks();
  board_loop(1);
  const uint64_t idle = board_ticks() - start;
  start = board_ticks();
  board_loop(kCalibrationRounds);
  PRINT("calibration", 2 * (kCalibrationRounds - 1), board_ticks() - start - idle);
  PRINT("overhead", TIMED_OVERHEAD_STEPS, timed_overhead());
}

static void take_totals(void) {
  uint64_t ticks = 0;
  fill_memory();
  tflm_patch_status status = run_inference(kPlain, &ticks);
  PRINT("run", status, ticks);
  PRINT("longest_band", g_longest_band);
  print_checks();

  fill_memory();
  status = run_inference(kTimed, &ticks);
  PRINT("timed", status, ticks);
  print_checks();

  const tflm_patch_header* header = (const tflm_patch_header*)(const void*)place(kJob->program);
  const uint64_t* op_ticks = (const uint64_t*)(const void*)place(kJob->op_ticks);
  for (uint32_t i = 0; i < header->n_ops; ++i) {
    PRINT("op", i, op_ticks[i]);
  }
}

static void take_stack(void) {
  tflm_patch_status status = TFLM_PATCH_OK;
  fill_memory();
  const uint32_t to_run = stack_of_bands(&status);
  PRINT("stack_run", status, to_run);
  print_checks();
  const uint32_t to_validate = stack_of(validate, &status);
  PRINT("stack_validate", status, to_validate);
}

int main(void) {
  if (kJob->magic != JOB_MAGIC || kJob->version != JOB_VERSION ||
      kJob->bytes > (uintptr_t)(board_job_end - board_job) ||
      kJob->n_inputs + kJob->n_outputs > TFLM_PATCH_MAX_TENSORS) {
    board_print("bad job\n");
    board_exit(kExitBadJob);
  }
  for (uint32_t i = 0; i < kJob->n_inputs + kJob->n_outputs; ++i) {
    g_tensors[i] = place(tensor(i)->memory);
    g_infos[i].bytes = tensor(i)->bytes;
    g_infos[i].type = (uint8_t)tensor(i)->type;
  }
  board_clock_start();
  calibrate();
  board_mark(kMarkValidate);
  const uint64_t start = board_ticks();
  const tflm_patch_status status = validate();
  const uint64_t validate_ticks = board_ticks() - start;
  board_mark(kMarkOutside);
  PRINT("validate", status, validate_ticks);
  if (status == TFLM_PATCH_OK) {
    take_totals();
  }
  board_clock_stop();
  if (status == TFLM_PATCH_OK) {
    take_stack();
  }
  board_print("end\n");
  board_exit(kExitOk);
}
