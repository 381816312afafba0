/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The least that a Cortex-M4 needs to reach main in QEMU's mps2-an386.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern uint32_t stack_top;
extern uint8_t bss_start;
extern uint8_t bss_end;

int main(void);
void reset(void);
void initialise_monitor_handles(void);

static void fault(void) { abort(); }

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[16] = {
    (uintptr_t)&stack_top, (uintptr_t)reset, (uintptr_t)fault, (uintptr_t)fault,
    (uintptr_t)fault,      (uintptr_t)fault, (uintptr_t)fault,
};

void reset(void) {
  memset(&bss_start, 0, (size_t)(&bss_end - &bss_start));
  initialise_monitor_handles();
  exit(main());
}
