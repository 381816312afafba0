/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An interpreter that runs nothing, for builds without TFLM: it starts only when it
 * was given what the model needs. FAKE_TFLM_VARIABLES is how many resource variables
 * that is; FAKE_TFLM_NEW chooses the age. Outputs are zeros.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tensorflow/lite/micro/micro_context.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_log.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"

void MicroPrintf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
}

namespace tflite {
#ifdef FAKE_TFLM_NEW
namespace micro {
void* MicroContextAllocatePersistentBuffer(TfLiteContext*, size_t) { return nullptr; }
TfLiteStatus MicroContextRequestScratchBufferInArena(TfLiteContext*, size_t, int*) {
  return kTfLiteError;
}
void* MicroContextGetScratchBuffer(TfLiteContext*, int) { return nullptr; }
TfLiteEvalTensor* MicroContextGetEvalTensor(const TfLiteContext*, int) { return nullptr; }
#endif

namespace {
constexpr size_t kTensorBytes = 1024;
alignas(16) int8_t g_tensors[2][kTensorBytes];
TfLiteTensor g_interface[2];
uint8_t* g_arena;
MicroResourceVariables g_variables;
int g_count;
bool g_starts;

/* Every variable takes room in the arena, and so does the list of them. */
bool HasArena(const uint8_t* arena, size_t bytes) { return arena != nullptr && bytes >= 1024; }
}  // namespace

MicroAllocator* MicroAllocator::Create(uint8_t* arena, size_t arena_size) {
  if (!HasArena(arena, arena_size)) {
    return nullptr;
  }
  g_arena = arena;
  return reinterpret_cast<MicroAllocator*>(arena);
}

MicroResourceVariables* MicroResourceVariables::Create(MicroAllocator* allocator, int count) {
  g_count = reinterpret_cast<uint8_t*>(allocator) == g_arena ? count : 0;
  return &g_variables;
}

MicroInterpreter::MicroInterpreter(const Model*, const MicroOpResolver&, uint8_t* arena,
                                   size_t arena_size, MicroResourceVariables* variables) {
  g_starts = HasArena(arena, arena_size) && variables == nullptr && FAKE_TFLM_VARIABLES == 0;
}

MicroInterpreter::MicroInterpreter(const Model*, const MicroOpResolver&, MicroAllocator* allocator,
                                   MicroResourceVariables* variables) {
  g_starts = allocator != nullptr && variables == &g_variables && g_count == FAKE_TFLM_VARIABLES;
}

MicroInterpreter::~MicroInterpreter() = default;

TfLiteStatus MicroInterpreter::AllocateTensors() { return g_starts ? kTfLiteOk : kTfLiteError; }

TfLiteStatus MicroInterpreter::Invoke() {
  memset(g_tensors[1], 0, kTensorBytes);
  return kTfLiteOk;
}

TfLiteStatus MicroInterpreter::Reset() { return kTfLiteOk; }

TfLiteTensor* MicroInterpreter::input(size_t) {
  g_interface[0].data.data = g_tensors[0];
  return &g_interface[0];
}

TfLiteTensor* MicroInterpreter::output(size_t) {
  g_interface[1].data.data = g_tensors[1];
  return &g_interface[1];
}
#ifdef FAKE_TFLM_NEW
}  // namespace micro
#endif
}  // namespace tflite
