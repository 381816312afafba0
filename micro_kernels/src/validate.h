/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the validator share. Internal.
 */
#ifndef TFLM_PATCH_SRC_VALIDATE_H_
#define TFLM_PATCH_SRC_VALIDATE_H_

#include "kernel.h"
#include "tflm_patch/executor.h"

typedef struct {
  tflm_patch_stage stage;
  const tflm_patch_tensor_info* tensors;
  uint32_t n_inputs;
  uint32_t n_tensors;
} tflm_patch_validator;

/* Whether [at, at + n) lies in a container. */
static inline int tflm_patch_fits(uint32_t at, uint32_t n, uint32_t container) {
  return at <= container && n <= container - at;
}

/* The segments and steps of a stage whose maps and operators are valid
 * (src/schedule.c). */
tflm_patch_status tflm_patch_check_schedule(const tflm_patch_validator* v);

#endif /* TFLM_PATCH_SRC_VALIDATE_H_ */
