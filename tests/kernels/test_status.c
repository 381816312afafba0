/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"
#include "tflm_patch/status.h"

int main(void) {
  const char* unknown = tflm_patch_status_text((tflm_patch_status)(TFLM_PATCH_BAD_FAST_MEMORY + 1));
  for (int i = TFLM_PATCH_OK; i <= TFLM_PATCH_BAD_FAST_MEMORY; ++i) {
    const char* text = tflm_patch_status_text((tflm_patch_status)i);
    CHECK(text != NULL && text[0] != '\0');
    CHECK(strchr(text, '\n') == NULL);
    CHECK(strcmp(text, unknown) != 0);
    for (int j = 0; j < i; ++j) {
      CHECK(strcmp(text, tflm_patch_status_text((tflm_patch_status)j)) != 0);
    }
  }
  CHECK(strcmp(unknown, "unknown status") == 0);
  return TEST_RESULT();
}
