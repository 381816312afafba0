/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The custom operator TflmPatchStage: a thin adapter between TFLM and the stage
 * executor. Inputs: the activations, then the two constants `program` and
 * `constants`; outputs: the activations that the stage makes.
 *
 * All that an invocation needs to remember is the index of its scratch buffer,
 * and that is kept as the value of the node's user_data pointer, made odd. Only a
 * stage that is fed by bands or has state has persistent memory: there user_data
 * points to where it goes on, with the state behind that. Fast memory is the
 * application's, and the same for all stages: they run one after the other.
 */
#include <stddef.h>
#include <stdint.h>

#include "tflm_compat.h"
#include "tflm_patch/executor.h"
#include "tflm_patch/tflm/patch_op_resolver.h"

namespace tflm_patch {
namespace {

constexpr int kConstantInputs = 2; /* program, constants */
constexpr int kMaxTensors = TFLM_PATCH_MAX_TENSORS;

struct FastMemory {
  void* memory;
  size_t bytes;
};

FastMemory g_fast_memory = {nullptr, 0};

struct TypeEntry {
  tflm::Type type;
  uint8_t code;
  uint8_t bytes;
};

constexpr TypeEntry kTypes[] = {
    {tflm::kInt8, TFLM_PATCH_INT8, 1},       {tflm::kUInt8, TFLM_PATCH_UINT8, 1},
    {tflm::kFloat32, TFLM_PATCH_FLOAT32, 4}, {tflm::kInt16, TFLM_PATCH_INT16, 2},
    {tflm::kInt32, TFLM_PATCH_INT32, 4},
};

/* Whether a tensor is one that a stage can hold; fills in what the validator
 * wants to know of it. */
bool DescribeTensor(const tflm::EvalTensor& tensor, tflm_patch_tensor_info* info) {
  const TypeEntry* entry = nullptr;
  for (const TypeEntry& candidate : kTypes) {
    if (candidate.type == tensor.type) {
      entry = &candidate;
    }
  }
  if (entry == nullptr || tensor.dims == nullptr) {
    return false;
  }
  uint64_t bytes = entry->bytes;
  for (int i = 0; i < tensor.dims->size; ++i) {
    const int dim = tensor.dims->data[i];
    if (dim < 0) {
      return false;
    }
    bytes *= static_cast<uint32_t>(dim);
    if (bytes > UINT32_MAX) {
      return false;
    }
  }
  info->bytes = static_cast<uint32_t>(bytes);
  info->type = entry->code;
  return true;
}

/* Activations among a node's inputs. */
int ActivationInputs(const tflm::Node& node) { return node.inputs->size - kConstantInputs; }

/* The eval tensor that an entry of a node's tensor list names; nullptr for an
 * omitted optional one. */
tflm::EvalTensor* TensorAt(const tflm::Context* context, const tflm::IntArray& list, int i) {
  const int index = list.data[i];
  return index < 0 ? nullptr : tflm::GetEvalTensor(context, index);
}

/* The program or the constants of a node. */
const void* ConstantData(const tflm::Context* context, const tflm::Node& node, int which) {
  const tflm::EvalTensor* tensor = TensorAt(context, *node.inputs, ActivationInputs(node) + which);
  return tensor == nullptr ? nullptr : tensor->data.data;
}

/* Describes `count` tensors of a list. */
bool DescribeTensors(const tflm::Context* context, const tflm::IntArray& list, int count,
                     tflm_patch_tensor_info* info) {
  for (int i = 0; i < count; ++i) {
    const tflm::EvalTensor* tensor = TensorAt(context, list, i);
    if (tensor == nullptr || !DescribeTensor(*tensor, &info[i])) {
      return false;
    }
  }
  return true;
}

/* Checks everything that the model decides. Returns nullptr when Invoke can
 * rely on it, else what is wrong, in one line. */
const char* Check(const tflm::Context* context, const tflm::Node& node) {
  if (node.inputs == nullptr || node.outputs == nullptr) {
    return "no inputs or outputs";
  }
  const int inputs = ActivationInputs(node);
  const int outputs = node.outputs->size;
  if (inputs < 1 || outputs < 1 || inputs > kMaxTensors || outputs > kMaxTensors - inputs) {
    return "wrong number of inputs or outputs";
  }

  tflm_patch_tensor_info infos[kMaxTensors];
  if (!DescribeTensors(context, *node.inputs, inputs, infos) ||
      !DescribeTensors(context, *node.outputs, outputs, infos + inputs)) {
    return "unsupported type or shape of an input or output";
  }

  tflm_patch_tensor_info constant_infos[kConstantInputs];
  for (int i = 0; i < kConstantInputs; ++i) {
    const tflm::EvalTensor* tensor = TensorAt(context, *node.inputs, inputs + i);
    if (tensor == nullptr || tensor->data.data == nullptr ||
        !DescribeTensor(*tensor, &constant_infos[i]) ||
        (constant_infos[i].type != TFLM_PATCH_INT8 && constant_infos[i].type != TFLM_PATCH_UINT8)) {
      return "program and constants must be constant 8-bit tensors";
    }
    if (reinterpret_cast<uintptr_t>(tensor->data.data) % TFLM_PATCH_ALIGNMENT != 0) {
      return "the model must be 16-byte aligned in memory";
    }
  }

  const void* program = ConstantData(context, node, 0);
  const tflm_patch_status status =
      tflm_patch_validate(program, constant_infos[0].bytes, ConstantData(context, node, 1),
                          constant_infos[1].bytes, infos, static_cast<size_t>(inputs + outputs));
  if (status != TFLM_PATCH_OK) {
    return tflm_patch_status_text(status);
  }
  if (static_cast<const tflm_patch_header*>(program)->n_inputs != inputs) {
    return tflm_patch_status_text(TFLM_PATCH_BAD_TENSOR);
  }
  return nullptr;
}

/* Whether a stage has the fast memory that it needs; else says what is wrong. */
bool HasFastMemory(const void* program) {
  const size_t wanted = tflm_patch_fast_size(program);
  if (wanted == 0) {
    return true;
  }
  const size_t given = g_fast_memory.memory == nullptr ? 0 : g_fast_memory.bytes;
  if (given < wanted) {
    tflm::LogFastMemory(kStageOpName, wanted, given);
    return false;
  }
  if (reinterpret_cast<uintptr_t>(g_fast_memory.memory) % TFLM_PATCH_ALIGNMENT != 0) {
    tflm::Log(kStageOpName, "the fast memory must be 16-byte aligned");
    return false;
  }
  return true;
}

/* What a stage that is fed by bands, or has state, keeps between invocations: a
 * tflm_patch_position in 16 bytes on 32-bit targets. The state's bytes follow at
 * kStateOffset. */
struct FrameState {
  const void* program;
  uint32_t step;
  uint16_t segment;
  uint16_t filled; /* as many invocations of HOP fit 16 bits */
  int scratch_index;
};

constexpr size_t kStateOffset =
    (sizeof(FrameState) + TFLM_PATCH_ALIGNMENT - 1) / TFLM_PATCH_ALIGNMENT * TFLM_PATCH_ALIGNMENT;

void* StateBytes(FrameState* kept) { return reinterpret_cast<uint8_t*>(kept) + kStateOffset; }

/* A new frame, and the state's first values. */
void Restart(FrameState* kept) {
  kept->segment = 0;
  kept->step = 0;
  kept->filled = 0;
  if (tflm_patch_state_size(kept->program) > 0) {
    tflm_patch_reset_state(kept->program, StateBytes(kept));
  }
}

/* What Init leaves in user_data, and Prepare looks for. */
constexpr char kInitDone = 0;

void* TagIndex(int index) { return reinterpret_cast<void*>(static_cast<intptr_t>(index) * 2 + 1); }

/* What a stage keeps; nullptr for one that keeps nothing. */
FrameState* FindState(void* user_data) {
  const bool is_prepared = user_data != &kInitDone;
  return is_prepared && (reinterpret_cast<intptr_t>(user_data) & 1) == 0
             ? static_cast<FrameState*>(user_data)
             : nullptr;
}

void* Init(tflm::Context*, const char*, size_t) { return const_cast<char*>(&kInitDone); }

/* TF_LITE_STATIC_MEMORY changes the layout of TFLM's structures. Where this file
 * and TFLM disagree about it, user_data is elsewhere, and what comes after
 * would read wild pointers, here and in the application. */
const char* CheckLayout(const tflm::Node& node) {
  return node.user_data == &kInitDone
             ? nullptr
             :
#if defined(TF_LITE_STATIC_MEMORY) || defined(TFLM_PATCH_NO_TFLM_HEADERS)
             "TFLM is compiled without TF_LITE_STATIC_MEMORY, this file with "
             "it: define it everywhere or nowhere";
#else
             "TFLM is compiled with TF_LITE_STATIC_MEMORY, this file without "
             "it: define it everywhere or nowhere";
#endif
}

tflm::Status Prepare(tflm::Context* context, tflm::Node* node) {
  const char* problem = CheckLayout(*node);
  if (problem == nullptr) {
    problem = Check(context, *node);
  }
  if (problem != nullptr) {
    tflm::Log(kStageOpName, problem);
    return tflm::kError;
  }
  const void* program = ConstantData(context, *node, 0);
  if (!HasFastMemory(program)) {
    return tflm::kError;
  }
  const size_t workspace = tflm_patch_workspace_size(program);
  int index = 0;
  if (workspace > 0) {
    const tflm::Status status = tflm::RequestScratchBuffer(context, workspace, &index);
    if (status != tflm::kOk) {
      tflm::Log(kStageOpName, "the arena has no room for the workspace");
      return tflm::kError;
    }
  }
  node->user_data = TagIndex(index);
  const size_t state_bytes = tflm_patch_state_size(program);
  if (state_bytes > 0 || tflm_patch_is_fed_by_bands(program)) {
    void* memory = tflm::AllocatePersistentBuffer(
        context, state_bytes > 0 ? kStateOffset + state_bytes : sizeof(FrameState));
    if (memory == nullptr) {
      tflm::Log(kStageOpName, "the arena has no room for the band's position and the state");
      return tflm::kError;
    }
    FrameState* kept = static_cast<FrameState*>(memory);
    kept->program = program;
    kept->scratch_index = index;
    Restart(kept);
    node->user_data = kept;
  }
  return tflm::kOk;
}

tflm::Status Invoke(tflm::Context* context, tflm::Node* node) {
  const void* program = ConstantData(context, *node, 0);
  const void* constants = ConstantData(context, *node, 1);
  const int inputs = ActivationInputs(*node);
  if (!HasFastMemory(program)) { /* other memory may have been handed over since */
    return tflm::kError;
  }

  void* tensors[kMaxTensors];
  for (int i = 0; i < inputs; ++i) {
    tensors[i] = TensorAt(context, *node->inputs, i)->data.data;
  }
  for (int i = 0; i < node->outputs->size; ++i) {
    tensors[inputs + i] = TensorAt(context, *node->outputs, i)->data.data;
  }

  FrameState* state = FindState(node->user_data);
  void* workspace = nullptr;
  if (tflm_patch_workspace_size(program) > 0) {
    const int index = state != nullptr
                          ? state->scratch_index
                          : static_cast<int>(reinterpret_cast<intptr_t>(node->user_data) / 2);
    workspace = tflm::GetScratchBuffer(context, index);
  }

  /* One by one: an initializer of all would call memset. */
  tflm_patch_position position;
  position.segment = state != nullptr ? state->segment : 0;
  position.step = state != nullptr ? state->step : 0;
  position.state = state != nullptr ? StateBytes(state) : nullptr;
  position.fast = g_fast_memory.memory;
  position.filled = state != nullptr ? state->filled : 0;
  const tflm_patch_status status =
      tflm_patch_resume(program, constants, tensors, workspace, &position);
  if (state != nullptr) {
    state->segment = static_cast<uint16_t>(position.segment);
    state->step = position.step;
    state->filled = static_cast<uint16_t>(position.filled);
  }
  if (status == TFLM_PATCH_ABORT) {
    return tflm::Abort();
  }
  if (status != TFLM_PATCH_OK) {
    tflm::Log(kStageOpName, tflm_patch_status_text(status));
    return tflm::kError;
  }
  return tflm::kOk;
}

/* The next band begins a frame, with the state's first values. */
void Reset(tflm::Context*, void* user_data) {
  FrameState* kept = FindState(user_data);
  if (kept != nullptr) {
    Restart(kept);
  }
}

constexpr tflm::Registration MakeRegistration() {
  tflm::Registration registration = {};
  registration.init = Init;
  registration.prepare = Prepare;
  registration.invoke = Invoke;
  registration.reset = Reset;
  return registration;
}

constexpr tflm::Registration kRegistration = MakeRegistration();

}  // namespace

const TFLMRegistration* StageRegistration() { return &kRegistration; }

void SetFastMemory(void* memory, size_t bytes) {
  g_fast_memory.memory = memory;
  g_fast_memory.bytes = bytes;
}

}  // namespace tflm_patch
