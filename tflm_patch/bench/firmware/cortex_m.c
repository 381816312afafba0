/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Start-up, clock and host calls on a Cortex-M.
 *
 * The clock is SysTick with an interrupt at every wrap of its 24 bits. Under
 * QEMU's -icount it is driven by the count of executed instructions.
 */
#include "board.h"

#define REGISTER(address) (*(volatile uint32_t*)(uintptr_t)(address))
#define SYST_CSR REGISTER(0xE000E010u)
#define SYST_RVR REGISTER(0xE000E014u)
#define SYST_CVR REGISTER(0xE000E018u)
#define CCR REGISTER(0xE000ED14u)
#define CPACR REGISTER(0xE000ED88u)

enum {
  kSysTickEnable = 1u << 0,
  kSysTickInterrupt = 1u << 1,
  kSysTickProcessorClock = 1u << 2,
  kSysTickBits = 24,
  kSysTickMask = (1 << kSysTickBits) - 1,
  kFullAccessToFpu = 15 << 20, /* coprocessors 10 and 11 */
  kLoopBuffer = 1 << 19        /* CCR.LOB: low overhead branches, where there are some */
};

extern uint32_t board_data_load[];
extern uint32_t board_data_begin[];
extern uint32_t board_data_end[];
extern uint32_t board_bss_begin[];
extern uint32_t board_bss_end[];
extern uint8_t board_stack_top[];

int main(void);

/* ---- host calls ---- */

enum { kSysWrite0 = 0x04, kSysExitExtended = 0x20, kApplicationExit = 0x20026 };

static uint32_t call_host(uint32_t number, const void* argument) {
  register uint32_t r0 __asm__("r0") = number;
  register const void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void board_print(const char* text) { call_host(kSysWrite0, text); }

void board_exit(uint32_t code) {
  const uint32_t arguments[] = {kApplicationExit, code};
  for (;;) {
    call_host(kSysExitExtended, arguments);
  }
}

/* ---- clock ---- */

static volatile uint32_t g_wraps;

static void count_wrap(void) { ++g_wraps; }

void board_clock_start(void) {
  g_wraps = 0;
  SYST_RVR = kSysTickMask;
  SYST_CVR = 0;
  SYST_CSR = kSysTickEnable | kSysTickInterrupt | kSysTickProcessorClock;
}

void board_clock_stop(void) { SYST_CSR = 0; }

uint64_t board_ticks(void) {
  uint32_t wraps;
  uint32_t left;
  do {
    wraps = g_wraps;
    left = SYST_CVR;
  } while (wraps != g_wraps);
  /* The wrap is counted when the value becomes 0. */
  return ((uint64_t)wraps << kSysTickBits) | ((0u - left) & kSysTickMask);
}

/* "subs, bne" for every round. */
__attribute__((noinline)) void board_loop(uint32_t rounds) {
  __asm__ volatile(
      "1: subs %0, #1\n"
      "   bne 1b\n"
      : "+l"(rounds)
      :
      : "cc");
}

uint8_t* board_stack_pointer(void) {
  uint8_t* sp;
  __asm__ volatile("mov %0, sp" : "=r"(sp));
  return sp;
}

/* ---- start-up ---- */

static __attribute__((noreturn)) void reset(void) {
#ifdef __ARM_FP
  CPACR |= kFullAccessToFpu;
  __asm__ volatile("dsb\n isb" ::: "memory");
#endif
#if defined(__ARM_ARCH_8_1M_MAIN__)
  CCR |= kLoopBuffer;
  __asm__ volatile("dsb\n isb" ::: "memory");
#endif
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

static __attribute__((noreturn)) void fault(void) {
  board_print("fault\n");
  board_exit(3);
}

typedef void (*handler)(void);

/* The initial stack pointer, then the 15 exceptions of the architecture. */
__attribute__((section(".vectors"), used)) static const struct {
  uint8_t* stack;
  handler handlers[15];
} kVectors = {
    board_stack_top,
    {
        reset,
        fault,
        fault,
        fault,
        fault,
        fault,
        fault, /* Secure Fault */
        fault,
        fault,
        fault,
        fault,
        fault,
        fault,
        fault,
        count_wrap,
    },
};
