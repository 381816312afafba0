/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The part of TensorFlow Lite Micro's C interface that the stage operator uses,
 * for builds that have no TFLM headers (TFLM_PATCH_NO_TFLM_HEADERS): names and
 * memory layout are TFLM's, in builds with TF_LITE_STATIC_MEMORY. Whoever
 * builds this way defines the functions below.
 */
#ifndef TFLM_PATCH_TFLM_TFLM_DECLARATIONS_H_
#define TFLM_PATCH_TFLM_TFLM_DECLARATIONS_H_

#include <stddef.h>
#include <stdint.h>

namespace tflm_patch {
namespace tflm {

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1, kTfLiteAbort = 15 };

/* The types that a stage knows; the values of the others lie between. */
enum TfLiteType {
  kTfLiteNoType = 0,
  kTfLiteFloat32 = 1,
  kTfLiteInt32 = 2,
  kTfLiteUInt8 = 3,
  kTfLiteInt16 = 7,
  kTfLiteInt8 = 9
};

struct TfLiteContext; /* differs between versions of TFLM: never looked into */

struct TfLiteIntArray {
  int size;
  int data[1]; /* `size` of them */
};

union TfLitePtrUnion {
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
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
void MicroPrintf(const char* format, ...);

}  // namespace tflm

using tflm::TFLMRegistration;

}  // namespace tflm_patch

#endif  // TFLM_PATCH_TFLM_TFLM_DECLARATIONS_H_
