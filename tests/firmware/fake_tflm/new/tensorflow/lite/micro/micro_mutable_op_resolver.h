/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The resolver's header; it is declared beside the interpreter.
 */
#ifndef FAKE_TFLM_NEW_MICRO_MUTABLE_OP_RESOLVER_H_
#define FAKE_TFLM_NEW_MICRO_MUTABLE_OP_RESOLVER_H_

#include "tensorflow/lite/micro/micro_interpreter.h"

#endif  // FAKE_TFLM_NEW_MICRO_MUTABLE_OP_RESOLVER_H_
