/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The registry of operator kernels. A build that runs known models only needs
 * their kinds: it names a header with their entries, see src/family.h; then the
 * linker leaves the other kernels out. A program that needs one of those is
 * rejected like one of an unknown kind.
 */
#include "family.h"
#include "kernels.h"

#ifndef TFLM_PATCH_KERNEL_ENTRIES
#define TFLM_PATCH_KERNEL_ENTRIES TFLM_PATCH_ALL_KERNEL_ENTRIES
#endif

/* As long as the highest kind needs. */
static const tflm_patch_kernel* const kKernels[] = {TFLM_PATCH_KERNEL_ENTRIES};

#define KERNEL_COUNT (sizeof(kKernels) / sizeof(kKernels[0]))

const tflm_patch_kernel* tflm_patch_find_kernel(uint32_t kind) {
  return kind < KERNEL_COUNT ? kKernels[kind] : NULL;
}
