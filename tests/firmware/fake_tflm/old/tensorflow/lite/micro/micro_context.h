/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The context functions of TensorFlow Lite Micro up to September 2026: inline, in
 * namespace tflite, on a class behind the context.
 */
#ifndef FAKE_TFLM_OLD_MICRO_CONTEXT_H_
#define FAKE_TFLM_OLD_MICRO_CONTEXT_H_

#include "tensorflow/lite/c/common.h"

namespace tflite {

const TfLiteStatus kTfLiteAbort = static_cast<TfLiteStatus>(15);

class MicroContext {
 public:
  virtual void* AllocatePersistentBuffer(size_t bytes) = 0;
  virtual TfLiteStatus RequestScratchBufferInArena(size_t bytes, int* index) = 0;
  virtual void* GetScratchBuffer(int index) = 0;
  virtual TfLiteEvalTensor* GetEvalTensor(int tensor) = 0;

 protected:
  ~MicroContext() = default;
};

inline MicroContext* GetMicroContext(const TfLiteContext* context) {
  return reinterpret_cast<MicroContext*>(context->impl_);
}

inline void* MicroContextAllocatePersistentBuffer(TfLiteContext* context, size_t bytes) {
  return GetMicroContext(context)->AllocatePersistentBuffer(bytes);
}

inline TfLiteStatus MicroContextRequestScratchBufferInArena(TfLiteContext* context, size_t bytes,
                                                            int* index) {
  return GetMicroContext(context)->RequestScratchBufferInArena(bytes, index);
}

inline void* MicroContextGetScratchBuffer(TfLiteContext* context, int index) {
  return GetMicroContext(context)->GetScratchBuffer(index);
}

inline TfLiteEvalTensor* MicroContextGetEvalTensor(const TfLiteContext* context, int tensor) {
  return GetMicroContext(context)->GetEvalTensor(tensor);
}

/* Some kernels' helpers live in a namespace of this name in both ages. */
namespace micro {
inline int ElementCount() { return 0; }
}  // namespace micro

}  // namespace tflite

#endif  // FAKE_TFLM_OLD_MICRO_CONTEXT_H_
