/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a status of training says.
 */
#include "tflm_patch/training.h"

const char* tflm_patch_training_status_text(tflm_patch_training_status status) {
  switch (status) {
    case TFLM_PATCH_TRAINING_OK:
      return "learned";
    case TFLM_PATCH_TRAINING_BAD_LABEL:
      return "no class has this label; the weights are as they were";
    case TFLM_PATCH_TRAINING_BAD_LOSS:
      return "the loss is no finite number; the weights are as they were";
    case TFLM_PATCH_TRAINING_BAD_RATE:
      return "the learning rate is negative or not finite; it is as it was";
    case TFLM_PATCH_TRAINING_NO_FORWARD:
      return "run the model on a sample before it learns from it";
    case TFLM_PATCH_TRAINING_NO_DELTA:
      return "the flash holds no whole delta; the weights are as they were";
    case TFLM_PATCH_TRAINING_OTHER_MODEL:
      return "the delta belongs to another model; the weights are as they were";
    case TFLM_PATCH_TRAINING_BAD_FLASH:
      return "the flash failed, or its slots are too small";
  }
  return "unknown status";
}
