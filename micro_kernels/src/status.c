/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tflm_patch/status.h"

#include <stddef.h>

static const char* const kTexts[] = {
    [TFLM_PATCH_OK] = "ok",
    [TFLM_PATCH_ABORT] = "more input rows are wanted",
    [TFLM_PATCH_BAD_MAGIC] = "the program tensor is not a stage program",
    [TFLM_PATCH_BAD_VERSION] =
        "the program needs a newer version of the kernels",
    [TFLM_PATCH_BAD_FAMILY] =
        "the constants are packed for another kernel family",
    [TFLM_PATCH_BAD_CHECKSUM] = "the program's checksum is wrong",
    [TFLM_PATCH_BAD_SIZE] =
        "a table or array leaves the program, constants or workspace",
    [TFLM_PATCH_BAD_INDEX] = "an index in the program points nowhere",
    [TFLM_PATCH_BAD_ALIGNMENT] = "an offset or a pointer is misaligned",
    [TFLM_PATCH_BAD_MAP] = "a feature map of the program is inconsistent",
    [TFLM_PATCH_BAD_OP] =
        "an operator's kind, operands or parameters are invalid",
    [TFLM_PATCH_BAD_STEP] = "the schedule uses rows that are not there",
    [TFLM_PATCH_BAD_TENSOR] =
        "a tensor's type or size differs from the program's",
    [TFLM_PATCH_BAD_WORKSPACE] = "the workspace is missing or misaligned",
};

const char* tflm_patch_status_text(tflm_patch_status status) {
  const size_t index = (size_t)status;
  if (index >= sizeof(kTexts) / sizeof(kTexts[0])) {
    return "unknown status";
  }
  return kTexts[index];
}
