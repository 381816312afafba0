/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the harness needs of a board; cortex_m.c and riscv.c provide it.
 */
#ifndef TFLM_PATCH_BENCH_FIRMWARE_BOARD_H_
#define TFLM_PATCH_BENCH_FIRMWARE_BOARD_H_

#include <stdint.h>

/* Where the linker script puts jobs, and the lowest address of the stack. */
extern uint8_t board_job[];
extern uint8_t board_job_end[];
extern uint8_t board_stack_limit[];

/* Starts and stops the clock. While it runs, an interrupt may use the stack. */
void board_clock_start(void);
void board_clock_stop(void);

/* Ticks since the clock was started; wraps after centuries. */
uint64_t board_ticks(void);

/* Runs exactly 2 * rounds instructions between its first and its last one. */
void board_loop(uint32_t rounds);

uint8_t* board_stack_pointer(void);

/* Writes text to the host, and ends the program with an exit code. */
void board_print(const char* text);
_Noreturn void board_exit(uint32_t code);

#endif /* TFLM_PATCH_BENCH_FIRMWARE_BOARD_H_ */
