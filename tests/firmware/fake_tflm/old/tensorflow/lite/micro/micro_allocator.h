/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Resource variables and their allocator; they are declared beside the interpreter.
 */
#ifndef FAKE_TFLM_OLD_MICRO_ALLOCATOR_H_
#define FAKE_TFLM_OLD_MICRO_ALLOCATOR_H_

#include "tensorflow/lite/micro/micro_interpreter.h"

#endif  // FAKE_TFLM_OLD_MICRO_ALLOCATOR_H_
