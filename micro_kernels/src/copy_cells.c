/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Copying cells from one spacing to another.
 */
#include <stddef.h>
#include <string.h>

#include "tflm_patch/kernels.h"

void tflm_patch_copy_cells(const uint8_t* input, int32_t input_step, uint8_t* output,
                           int32_t output_step, uint32_t cell_bytes, uint32_t n) {
  if (input_step == (int32_t)cell_bytes && output_step == input_step) {
    memmove(output, input, (size_t)cell_bytes * n); /* without gaps */
    return;
  }
  if (cell_bytes == 1) { /* a call of memmove would cost more */
    for (uint32_t i = 0; i < n; ++i) {
      output[(ptrdiff_t)i * output_step] = input[(ptrdiff_t)i * input_step];
    }
    return;
  }
  for (uint32_t i = 0; i < n; ++i) {
    memmove(output + (ptrdiff_t)i * output_step, input + (ptrdiff_t)i * input_step, cell_bytes);
  }
}
