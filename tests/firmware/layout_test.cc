/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * TFLM's part of a build: makes a node as TFLM of this file's layout has it, and
 * lets the stage operator, which may have been compiled with another layout, look
 * at it. Prints what the operator prints.
 */
#include <stdarg.h>
#include <stdio.h>

#include "tensorflow/lite/micro/micro_common.h"
#include "tflm_patch/executor.h"
#include "tflm_patch/tflm/patch_op_resolver.h"

void MicroPrintf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
}

/* The executor, which a node without tensors never reaches. */
extern "C" {
tflm_patch_status tflm_patch_validate(const void*, size_t, const void*, size_t,
                                      const tflm_patch_tensor_info*, size_t) {
  return TFLM_PATCH_OK;
}
tflm_patch_status tflm_patch_resume(const void*, const void*, void* const*, void*,
                                    tflm_patch_position*) {
  return TFLM_PATCH_OK;
}
size_t tflm_patch_workspace_size(const void*) { return 0; }
size_t tflm_patch_state_size(const void*) { return 0; }
size_t tflm_patch_fast_size(const void*) { return 0; }
void tflm_patch_reset_state(const void*, void*) {}
int tflm_patch_is_fed_by_bands(const void*) { return 0; }
const char* tflm_patch_status_text(tflm_patch_status) { return ""; }
}

int main() {
  const TFLMRegistration* registration = tflm_patch::StageRegistration();
  TfLiteNode node = {};
  node.user_data = registration->init(nullptr, nullptr, 0);
  const bool refused = registration->prepare(nullptr, &node) == kTfLiteError;
  registration->reset(nullptr, node.user_data);
  return refused ? 0 : 1;
}
