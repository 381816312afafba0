/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The names of TensorFlow Lite Micro since October 2026, as far as the stage
 * operator meets them: everything is in tflite::micro, repeated in tflite and,
 * unless TFLM_NO_GLOBAL_C_ALIASES is defined, globally.
 */
#ifndef FAKE_TFLM_NEW_MICRO_COMMON_H_
#define FAKE_TFLM_NEW_MICRO_COMMON_H_

#include <stddef.h>
#include <stdint.h>

namespace tflite {
namespace micro {

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1, kTfLiteAbort = 15 };

enum TfLiteType {
  kTfLiteNoType = 0,
  kTfLiteFloat32 = 1,
  kTfLiteInt32 = 2,
  kTfLiteUInt8 = 3,
  kTfLiteInt64 = 4,
  kTfLiteInt16 = 7,
  kTfLiteInt8 = 9
};

struct TfLiteIntArray {
  int size;
  int data[];
};

union TfLitePtrUnion {
  int8_t* int8;
  void* data;
};

struct TfLiteEvalTensor {
  TfLitePtrUnion data;
  TfLiteIntArray* dims;
  TfLiteType type;
};

struct TfLiteNode {
  TfLiteIntArray* inputs;
  TfLiteIntArray* outputs;
  TfLiteIntArray* intermediates;
  void* user_data;
  void* builtin_data;
  const void* custom_initial_data;
  int custom_initial_data_size;
};

struct TfLiteContext {
  void* impl_;
};

struct TFLMRegistration {
  void* (*init)(TfLiteContext* context, const char* buffer, size_t length);
  void (*free)(TfLiteContext* context, void* buffer);
  TfLiteStatus (*prepare)(TfLiteContext* context, TfLiteNode* node);
  TfLiteStatus (*invoke)(TfLiteContext* context, TfLiteNode* node);
  void (*reset)(TfLiteContext* context, void* buffer);
  int32_t builtin_code;
  const char* custom_name;
};

void* MicroContextAllocatePersistentBuffer(TfLiteContext* context, size_t bytes);
TfLiteStatus MicroContextRequestScratchBufferInArena(TfLiteContext* context, size_t bytes,
                                                     int* index);
void* MicroContextGetScratchBuffer(TfLiteContext* context, int index);
TfLiteEvalTensor* MicroContextGetEvalTensor(const TfLiteContext* context, int tensor);

}  // namespace micro

using micro::kTfLiteAbort;
using micro::kTfLiteError;
using micro::kTfLiteInt8;
using micro::kTfLiteOk;
using micro::MicroContextAllocatePersistentBuffer;
using micro::MicroContextGetEvalTensor;
using micro::MicroContextGetScratchBuffer;
using micro::MicroContextRequestScratchBufferInArena;
using micro::TfLiteContext;
using micro::TfLiteEvalTensor;
using micro::TfLiteIntArray;
using micro::TfLiteNode;
using micro::TfLiteStatus;
using micro::TfLiteType;
using micro::TFLMRegistration;

}  // namespace tflite

using ::tflite::micro::TFLMRegistration;

#ifndef TFLM_NO_GLOBAL_C_ALIASES
using ::tflite::micro::kTfLiteAbort;
using ::tflite::micro::kTfLiteError;
using ::tflite::micro::kTfLiteInt8;
using ::tflite::micro::kTfLiteOk;
using ::tflite::micro::TfLiteContext;
using ::tflite::micro::TfLiteEvalTensor;
using ::tflite::micro::TfLiteIntArray;
using ::tflite::micro::TfLiteNode;
using ::tflite::micro::TfLiteStatus;
using ::tflite::micro::TfLiteType;
#endif

#endif  // FAKE_TFLM_NEW_MICRO_COMMON_H_
