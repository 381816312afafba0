/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One set of names for the stage operator, whatever TFLM it is compiled with:
 * up to September 2026 TFLM's C types are global and its functions lie in
 * `tflite`; since October 2026 both lie in `tflite::micro`. Only interfaces
 * that both have are used, and the context is opaque, so no version needs to
 * be told apart: name lookup finds what is there.
 */
#ifndef TFLM_PATCH_TFLM_TFLM_COMPAT_H_
#define TFLM_PATCH_TFLM_TFLM_COMPAT_H_

#ifdef TFLM_PATCH_NO_TFLM_HEADERS

#include "tflm_patch/tflm/tflm_declarations.h"

#else

/* The Arduino core for ESP32 brings a TFLM that is compiled with it, and a library
 * for Arduino cannot bring flags. */
#if defined(ARDUINO_ARCH_ESP32) && !defined(TF_LITE_STATIC_MEMORY)
#define TF_LITE_STATIC_MEMORY
#endif

#include "tensorflow/lite/micro/micro_common.h"
#include "tensorflow/lite/micro/micro_context.h"
#include "tensorflow/lite/micro/micro_log.h"

namespace tflite {
namespace micro {}  // namespace micro
}  // namespace tflite

namespace tflm_patch {
namespace tflm {
using namespace ::tflite;
using namespace ::tflite::micro;
}  // namespace tflm
}  // namespace tflm_patch

#endif  // TFLM_PATCH_NO_TFLM_HEADERS

namespace tflm_patch {
namespace tflm {

using Context = TfLiteContext;
using EvalTensor = TfLiteEvalTensor;
using IntArray = TfLiteIntArray;
using Node = TfLiteNode;
using Registration = TFLMRegistration;
using Status = TfLiteStatus;
using Type = TfLiteType;

constexpr Status kOk = kTfLiteOk;
constexpr Status kError = kTfLiteError;

constexpr Type kFloat32 = kTfLiteFloat32;
constexpr Type kInt8 = kTfLiteInt8;
constexpr Type kInt16 = kTfLiteInt16;
constexpr Type kInt32 = kTfLiteInt32;
constexpr Type kUInt8 = kTfLiteUInt8;

inline Status Abort() { return kTfLiteAbort; }

inline void* AllocatePersistentBuffer(Context* context, size_t bytes) {
  return MicroContextAllocatePersistentBuffer(context, bytes);
}

inline Status RequestScratchBuffer(Context* context, size_t bytes, int* index) {
  return MicroContextRequestScratchBufferInArena(context, bytes, index);
}

inline void* GetScratchBuffer(Context* context, int index) {
  return MicroContextGetScratchBuffer(context, index);
}

inline EvalTensor* GetEvalTensor(const Context* context, int tensor) {
  return MicroContextGetEvalTensor(context, tensor);
}

inline void Log(const char* operator_name, const char* text) {
  MicroPrintf("%s: %s", operator_name, text);
}

inline void LogFastMemory(const char* operator_name, size_t wanted, size_t given) {
  MicroPrintf("%s: the model needs %d bytes of fast memory, tflm_patch::SetFastMemory gave %d",
              operator_name, static_cast<int>(wanted), static_cast<int>(given));
}

}  // namespace tflm
}  // namespace tflm_patch

#endif  // TFLM_PATCH_TFLM_TFLM_COMPAT_H_
