/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The library that the Python TFLM interpreter loads to run converted models
 * on Linux x86-64. It needs no TFLM headers: the stage operator is compiled
 * against tflm_declarations.h, whose functions are looked up in the
 * interpreter's own module when tflm_patch_host_attach is called.
 *
 * The structures below repeat what the interpreter has in memory. Python runs a
 * model with one stage before it trusts them (tflm_patch/runtime/selftest.py).
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tflm_patch/tflm/patch_op_resolver.h"
#include "tflm_patch/tflm/tflm_declarations.h"

namespace tflm_patch {
namespace {

using tflm::TfLiteContext;
using tflm::TfLiteEvalTensor;
using tflm::TfLiteStatus;

using AllocatePersistentBufferFn = void* (*)(TfLiteContext*, size_t);
using RequestScratchBufferFn = TfLiteStatus (*)(TfLiteContext*, size_t, int*);
using GetScratchBufferFn = void* (*)(TfLiteContext*, int);
using GetEvalTensorFn = TfLiteEvalTensor* (*)(const TfLiteContext*, int);

/* The functions of the interpreter that the stage operator calls. */
enum {
  kAllocatePersistentBuffer,
  kRequestScratchBuffer,
  kGetScratchBuffer,
  kGetEvalTensor,
  kFunctions
};

/* Their mangled names: in tflite::micro, then in tflite with global types. */
const char* const kNames[kFunctions][2] = {
    {"_ZN6tflite5micro36MicroContextAllocatePersistentBuffer"
     "EPNS0_13TfLiteContextEm",
     "_ZN6tflite36MicroContextAllocatePersistentBufferEP13TfLiteContextm"},
    {"_ZN6tflite5micro39MicroContextRequestScratchBufferInArena"
     "EPNS0_13TfLiteContextEmPi",
     "_ZN6tflite39MicroContextRequestScratchBufferInArena"
     "EP13TfLiteContextmPi"},
    {"_ZN6tflite5micro28MicroContextGetScratchBuffer"
     "EPNS0_13TfLiteContextEi",
     "_ZN6tflite28MicroContextGetScratchBufferEP13TfLiteContexti"},
    {"_ZN6tflite5micro25MicroContextGetEvalTensor"
     "EPKNS0_13TfLiteContextEi",
     "_ZN6tflite25MicroContextGetEvalTensorEPK13TfLiteContexti"},
};

/* Their addresses; null until attached. */
void* g_functions[kFunctions];

constexpr unsigned int kResolverSize = 200;
constexpr int32_t kCustomOperatorCode = 32; /* of the TFLite schema */
constexpr int32_t kBuiltinCodeLimit = 1024; /* far above the schema's last */

/* The front of the interpreter's resolver, a MicroMutableOpResolver<200>. */
struct PythonOpsResolver {
  const void* vtable;
  TFLMRegistration registrations[kResolverSize];
  unsigned int registrations_len;
};

/* Whether the resolver looks as expected: full of operators up to its length.
 * Guards the write below against a changed layout. */
bool LooksLikeResolver(const PythonOpsResolver& resolver) {
  if (resolver.registrations_len == 0 || resolver.registrations_len >= kResolverSize) {
    return false;
  }
  for (unsigned int i = 0; i < resolver.registrations_len; ++i) {
    const TFLMRegistration& entry = resolver.registrations[i];
    const bool is_custom = entry.builtin_code == kCustomOperatorCode;
    if (entry.invoke == nullptr || entry.builtin_code < 0 ||
        entry.builtin_code >= kBuiltinCodeLimit || (is_custom && entry.custom_name == nullptr)) {
      return false;
    }
  }
  return true;
}

bool Holds(const PythonOpsResolver& resolver, const char* name) {
  for (unsigned int i = 0; i < resolver.registrations_len; ++i) {
    const TFLMRegistration& entry = resolver.registrations[i];
    if (entry.builtin_code == kCustomOperatorCode && strcmp(entry.custom_name, name) == 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

namespace tflm {

void* MicroContextAllocatePersistentBuffer(TfLiteContext* context, size_t bytes) {
  return reinterpret_cast<AllocatePersistentBufferFn>(g_functions[kAllocatePersistentBuffer])(
      context, bytes);
}

TfLiteStatus MicroContextRequestScratchBufferInArena(TfLiteContext* context, size_t bytes,
                                                     int* index) {
  return reinterpret_cast<RequestScratchBufferFn>(g_functions[kRequestScratchBuffer])(context,
                                                                                      bytes, index);
}

void* MicroContextGetScratchBuffer(TfLiteContext* context, int index) {
  return reinterpret_cast<GetScratchBufferFn>(g_functions[kGetScratchBuffer])(context, index);
}

TfLiteEvalTensor* MicroContextGetEvalTensor(const TfLiteContext* context, int tensor) {
  return reinterpret_cast<GetEvalTensorFn>(g_functions[kGetEvalTensor])(context, tensor);
}

void MicroPrintf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
}

}  // namespace tflm
}  // namespace tflm_patch

extern "C" {

/* Finds the interpreter's functions in its module, which is loaded already.
 * Returns null on success, else the name of what is missing. */
const char* tflm_patch_host_attach(const char* module_path) {
  void* module = dlopen(module_path, RTLD_LAZY | RTLD_NOLOAD);
  if (module == nullptr) {
    return "the interpreter's module";
  }
  const char* missing = nullptr;
  for (int i = 0; i < tflm_patch::kFunctions; ++i) {
    void* address = nullptr;
    for (const char* name : tflm_patch::kNames[i]) {
      if (address == nullptr) {
        address = dlsym(module, name);
      }
    }
    if (address == nullptr) {
      missing = tflm_patch::kNames[i][0];
    }
    tflm_patch::g_functions[i] = address;
  }
  dlclose(module); /* its other references keep it */
  return missing;
}

/* tflm_patch::SetFastMemory, for Python. */
void tflm_patch_host_set_fast_memory(void* memory, size_t bytes) {
  tflm_patch::SetFastMemory(memory, bytes);
}

/* Called by the interpreter, which found it by name. Returns whether the stage
 * operator was registered. */
bool TflmPatchRegister(void* python_ops_resolver) {
  using tflm_patch::PythonOpsResolver;
  for (const void* function : tflm_patch::g_functions) {
    if (function == nullptr) {
      return false;
    }
  }
  PythonOpsResolver& resolver = *static_cast<PythonOpsResolver*>(python_ops_resolver);
  if (!tflm_patch::LooksLikeResolver(resolver) ||
      tflm_patch::Holds(resolver, tflm_patch::kStageOpName)) {
    return false;
  }
  tflm_patch::TFLMRegistration registration = *tflm_patch::StageRegistration();
  registration.builtin_code = tflm_patch::kCustomOperatorCode;
  registration.custom_name = tflm_patch::kStageOpName;
  resolver.registrations[resolver.registrations_len++] = registration;
  return true;
}

}  // extern "C"
