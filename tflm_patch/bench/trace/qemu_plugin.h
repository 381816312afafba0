/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What block_trace.c uses of QEMU's plugin interface, as QEMU documents it
 * (docs/devel/tcg-plugins); distributions do not package the header.
 */
#ifndef TFLM_PATCH_BENCH_TRACE_QEMU_PLUGIN_H_
#define TFLM_PATCH_BENCH_TRACE_QEMU_PLUGIN_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QEMU_EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
typedef uint32_t plugin_memory; /* describes an access */
typedef struct qemu_plugin_tb plugin_block;
typedef struct qemu_plugin_insn plugin_instruction;

enum { kNoRegisters = 0 };               /* enum qemu_plugin_cb_flags */
enum { kReads = 1, kWrites, kAccesses }; /* enum qemu_plugin_mem_rw */

typedef void (*plugin_on_block)(plugin_id id, plugin_block* block);
typedef void (*plugin_on_run)(unsigned cpu, void* user);
typedef void (*plugin_on_access)(unsigned cpu, plugin_memory access, uint64_t address, void* user);
typedef void (*plugin_on_exit)(plugin_id id, void* user);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, plugin_on_block function);
void qemu_plugin_register_vcpu_tb_exec_cb(plugin_block* block, plugin_on_run function, int flags,
                                          void* user);
void qemu_plugin_register_vcpu_mem_cb(plugin_instruction* instruction, plugin_on_access function,
                                      int flags, int accesses, void* user);
void qemu_plugin_register_atexit_cb(plugin_id id, plugin_on_exit function, void* user);
size_t qemu_plugin_tb_n_insns(const plugin_block* block);
plugin_instruction* qemu_plugin_tb_get_insn(const plugin_block* block, size_t index);
uint64_t qemu_plugin_insn_vaddr(const plugin_instruction* instruction);
const void* qemu_plugin_insn_data(const plugin_instruction* instruction);
unsigned int qemu_plugin_mem_size_shift(plugin_memory access);
bool qemu_plugin_mem_is_store(plugin_memory access);

#endif /* TFLM_PATCH_BENCH_TRACE_QEMU_PLUGIN_H_ */
