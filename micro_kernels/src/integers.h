/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Maps of any of the integer types.
 */
#ifndef TFLM_PATCH_SRC_INTEGERS_H_
#define TFLM_PATCH_SRC_INTEGERS_H_

#include "kernels.h"

/* Value i of a row of int8, int16 or int32. */
static inline int32_t tflm_patch_load_integer(const void* row, uint32_t type, uint32_t i) {
  switch (type) {
    case TFLM_PATCH_INT8:
      return ((const int8_t*)row)[i];
    case TFLM_PATCH_INT16:
      return ((const int16_t*)row)[i];
    default:
      return ((const int32_t*)row)[i];
  }
}

#endif /* TFLM_PATCH_SRC_INTEGERS_H_ */
