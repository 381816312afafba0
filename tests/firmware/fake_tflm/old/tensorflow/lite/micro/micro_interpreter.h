/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * TensorFlow Lite Micro's interpreter and resolver in the namespace of up to September 2026.
 */
#ifndef FAKE_TFLM_OLD_MICRO_INTERPRETER_H_
#define FAKE_TFLM_OLD_MICRO_INTERPRETER_H_

#include "tensorflow/lite/micro/micro_common.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace tflite {
#include "../../../../common/fake_interpreter.inc"
}  // namespace tflite

#endif  // FAKE_TFLM_OLD_MICRO_INTERPRETER_H_
