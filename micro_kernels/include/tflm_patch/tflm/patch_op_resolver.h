/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Registers the operators of converted models with a TensorFlow Lite Micro
 * resolver:
 *
 *   #include "tflm_patch/tflm/patch_op_resolver.h"
 *
 *   tflite::MicroMutableOpResolver<4 + tflm_patch::kNumberOfTflmPatchOps> ops;
 *   if (tflm_patch::RegisterTflmPatchOps(ops) != kTfLiteOk) { ... }
 *
 * The model's array must be 16-byte aligned (`alignas(16)`).
 */
#ifndef TFLM_PATCH_TFLM_PATCH_OP_RESOLVER_H_
#define TFLM_PATCH_TFLM_PATCH_OP_RESOLVER_H_

#include <stddef.h>

#ifdef TFLM_PATCH_NO_TFLM_HEADERS
#include "tflm_patch/tflm/tflm_declarations.h"
#else
#include "tensorflow/lite/micro/micro_common.h"
#endif

namespace tflm_patch {

/* How many entries of the resolver RegisterTflmPatchOps takes. */
constexpr unsigned int kNumberOfTflmPatchOps = 1;

/* The name that converted models call the operator by. */
constexpr char kStageOpName[] = "TflmPatchStage";

/* The operator; lives as long as the program. */
const TFLMRegistration* StageRegistration();

/* A status that must be looked at. */
#if defined(__GNUC__)
#define TFLM_PATCH_CHECK_RESULT __attribute__((warn_unused_result))
#else
#define TFLM_PATCH_CHECK_RESULT
#endif

/* Adds the operators to a MicroMutableOpResolver or anything with its
 * AddCustom. Returns the resolver's status: kTfLiteError when it is full or
 * holds the operator already. */
template <typename Resolver>
TFLM_PATCH_CHECK_RESULT auto RegisterTflmPatchOps(Resolver& resolver) {
  return resolver.AddCustom(kStageOpName, StageRegistration());
}

/* Hands over the memory beside the arena that models converted with --fast use, before
 * AllocateTensors(). The model's header or report says how many bytes; memory must be
 * 16-byte aligned and stay there. AllocateTensors() fails where it is missing or too small.
 *
 * All models use the memory that was handed over last, one after the other. It must not be
 * touched during an Invoke(), nor between the bands of a frame. */
void SetFastMemory(void* memory, size_t bytes);

/* Whether `Invoke()` returned kTfLiteAbort: the model is fed by rows and waits for its
 * next band. The constant's namespace is another one in older versions of TFLM. */
template <typename Status>
constexpr bool WantsMoreRows(Status status) {
  return static_cast<int>(status) == 15;
}

}  // namespace tflm_patch

#endif  // TFLM_PATCH_TFLM_PATCH_OP_RESOLVER_H_
