/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the validator asks in builds from which parts of kernels are left out.
 * Internal.
 */
#ifndef TFLM_PATCH_SRC_NEEDED_H_
#define TFLM_PATCH_SRC_NEEDED_H_

#include "family.h"
#include "kernel.h"

#if TFLM_PATCH_HAS_FALLBACK

static inline int tflm_patch_is_fully_connected_there(const tflm_patch_task* task) {
  (void)task;
  return 1;
}

static inline int tflm_patch_is_conv_there(const tflm_patch_task* task) {
  (void)task;
  return 1;
}

static inline int tflm_patch_is_depthwise_there(const tflm_patch_task* task) {
  (void)task;
  return 1;
}

#else /* src/dsp/needed.c */

/* Whether an operator can be made; for a depthwise one, its constants are checked. */
int tflm_patch_is_fully_connected_there(const tflm_patch_task* task);
int tflm_patch_is_conv_there(const tflm_patch_task* task);
int tflm_patch_is_depthwise_there(const tflm_patch_task* task);

#endif

#endif /* TFLM_PATCH_SRC_NEEDED_H_ */
