/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The way from a model's bytes to the model.
 */
#ifndef FAKE_TFLM_OLD_SCHEMA_GENERATED_H_
#define FAKE_TFLM_OLD_SCHEMA_GENERATED_H_

namespace tflite {

struct Model;

inline const Model* GetModel(const void* buffer) { return static_cast<const Model*>(buffer); }

}  // namespace tflite

#endif  // FAKE_TFLM_OLD_SCHEMA_GENERATED_H_
