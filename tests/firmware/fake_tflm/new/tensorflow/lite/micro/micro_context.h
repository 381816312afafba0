/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The context header of TensorFlow Lite Micro since October 2026; the functions are
 * declared in micro_common.h.
 */
#ifndef FAKE_TFLM_NEW_MICRO_CONTEXT_H_
#define FAKE_TFLM_NEW_MICRO_CONTEXT_H_

#include "tensorflow/lite/micro/micro_common.h"

#endif  // FAKE_TFLM_NEW_MICRO_CONTEXT_H_
