/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Start-up, clock and host calls on a RISC-V machine in machine mode.
 *
 * The clock is the counter of retired instructions.
 */
#include "board.h"

extern uint32_t board_data_load[];
extern uint32_t board_data_begin[];
extern uint32_t board_data_end[];
extern uint32_t board_bss_begin[];
extern uint32_t board_bss_end[];

/* Compilers of different ages count these instructions to rv32i or not. */
#define WITH_CSR(code) \
  ".option push\n"     \
  ".option arch, +zicsr\n" code ".option pop\n"

int main(void);
void board_start(void);

/* ---- host calls ---- */

enum { kSysWrite0 = 0x04, kSysExitExtended = 0x20, kApplicationExit = 0x20026 };

static __attribute__((noinline)) uint32_t call_host(uint32_t number, const void* argument) {
  register uint32_t a0 __asm__("a0") = number;
  register const void* a1 __asm__("a1") = argument;
  /* The three instructions are not compressed and lie in one page. */
  __asm__ volatile(
      ".option push\n"
      ".option norvc\n"
      ".balign 16\n"
      "slli x0, x0, 0x1f\n"
      "ebreak\n"
      "srai x0, x0, 7\n"
      ".option pop\n"
      : "+r"(a0)
      : "r"(a1)
      : "memory");
  return a0;
}

void board_print(const char* text) { call_host(kSysWrite0, text); }

void board_exit(uint32_t code) {
  const uint32_t arguments[] = {kApplicationExit, code};
  for (;;) {
    call_host(kSysExitExtended, arguments);
  }
}

/* ---- clock ---- */

void board_clock_start(void) {}

void board_clock_stop(void) {}

uint64_t board_ticks(void) {
  uint32_t high;
  uint32_t low;
  uint32_t again;
  do {
    __asm__ volatile(WITH_CSR("csrr %0, minstreth\n") : "=r"(high));
    __asm__ volatile(WITH_CSR("csrr %0, minstret\n") : "=r"(low));
    __asm__ volatile(WITH_CSR("csrr %0, minstreth\n") : "=r"(again));
  } while (high != again);
  return ((uint64_t)high << 32) | low;
}

/* "addi, bnez" for every round. */
__attribute__((noinline)) void board_loop(uint32_t rounds) {
  __asm__ volatile(
      "1: addi %0, %0, -1\n"
      "   bnez %0, 1b\n"
      : "+r"(rounds));
}

uint8_t* board_stack_pointer(void) {
  uint8_t* sp;
  __asm__ volatile("mv %0, sp" : "=r"(sp));
  return sp;
}

/* ---- start-up ---- */

static __attribute__((used, noreturn)) void start(void) {
  const uint32_t* from = board_data_load;
  for (uint32_t* to = board_data_begin; to != board_data_end;) {
    *to++ = *from++;
  }
  for (uint32_t* to = board_bss_begin; to != board_bss_end;) {
    *to++ = 0;
  }
  main();
  board_exit(1);
}

static __attribute__((used, noreturn, aligned(4))) void fault(void) {
  board_print("fault\n");
  board_exit(3);
}

__attribute__((section(".vectors"), naked, used)) void board_start(void) {
  __asm__ volatile(
      "la sp, board_stack_top\n"
      "la t0, fault\n" WITH_CSR("csrw mtvec, t0\n") "j start\n");
}
