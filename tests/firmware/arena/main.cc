/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Allocates models in TFLM's interpreter on an emulated Cortex-M4 and prints what its
 * allocator reports. models.txt names them, a line each: file, resource variables, bytes of
 * arena. A line comes out for each: 1 and head, tail, and arena_used_bytes() of an
 * interpreter that is given the arena alone; or 0 where TFLM refuses the model.
 */
#include "tflm_compat.h"

#include <stdint.h>
#include <stdio.h>

#include <new>

#include "tensorflow/lite/micro/arena_allocator/single_arena_buffer_allocator.h"
#include "tensorflow/lite/micro/memory_planner/greedy_memory_planner.h"
#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tflm_patch/tflm/patch_op_resolver.h"

namespace tflm_patch {
namespace tflm {
using FullyConnectedParams = TfLiteFullyConnectedParams;
}
}  // namespace tflm_patch

namespace {

namespace tflm = tflm_patch::tflm;

/* External memory of the board: the model's file, then the arena. */
uint8_t* const kModel = reinterpret_cast<uint8_t*>(0x21000000);
uint8_t* const kArena = reinterpret_cast<uint8_t*>(0x21800000);
constexpr size_t kBytes = 0x800000;

using Resolver = tflm::MicroMutableOpResolver<256>;

void AddAll(Resolver& ops) {
#define ADD(name) (void)ops.Add##name();
#include "operators.inc"
  (void)tflm_patch::RegisterTflmPatchOps(ops);
}

tflm::MicroResourceVariables* Variables(tflm::MicroAllocator* allocator, unsigned count) {
  return count > 0 ? tflm::MicroResourceVariables::Create(allocator, static_cast<int>(count))
                   : nullptr;
}

/* As MicroAllocator::Create() does it, with the allocator at hand. */
bool Split(const Resolver& ops, unsigned variables, size_t bytes) {
  tflm::SingleArenaBufferAllocator* memory =
      tflm::SingleArenaBufferAllocator::Create(kArena, bytes);
  using Planner = tflm::GreedyMemoryPlanner;
  uint8_t* place = memory->AllocatePersistentBuffer(sizeof(Planner), alignof(Planner));
  tflm::MicroAllocator* allocator = tflm::MicroAllocator::Create(memory, new (place) Planner());
  tflm::MicroInterpreter interpreter(tflm::GetModel(kModel), ops, allocator,
                                     Variables(allocator, variables));
  if (interpreter.AllocateTensors() != tflm::kOk) {
    return false;
  }
  printf("1 %u %u ", static_cast<unsigned>(memory->GetNonPersistentUsedBytes()),
         static_cast<unsigned>(memory->GetPersistentUsedBytes()));
  return true;
}

/* As an application does it. */
unsigned Total(const Resolver& ops, unsigned variables, size_t bytes) {
  if (variables > 0) {
    tflm::MicroAllocator* allocator = tflm::MicroAllocator::Create(kArena, bytes);
    tflm::MicroInterpreter interpreter(tflm::GetModel(kModel), ops, allocator,
                                       Variables(allocator, variables));
    return interpreter.AllocateTensors() == tflm::kOk
               ? static_cast<unsigned>(interpreter.arena_used_bytes())
               : 0;
  }
  tflm::MicroInterpreter interpreter(tflm::GetModel(kModel), ops, kArena, bytes);
  return interpreter.AllocateTensors() == tflm::kOk
             ? static_cast<unsigned>(interpreter.arena_used_bytes())
             : 0;
}

alignas(Resolver) uint8_t g_resolver[sizeof(Resolver)];

__attribute__((noinline)) int Run() {
  Resolver* ops = new (g_resolver) Resolver();
  AddAll(*ops);
  printf("sizeof(TfLiteFullyConnectedParams) %u\n",
         static_cast<unsigned>(sizeof(tflm::FullyConnectedParams)));
  FILE* list = fopen("models.txt", "r");
  if (list == nullptr) {
    return 1;
  }
  char name[64];
  unsigned variables = 0, bytes = 0;
  while (fscanf(list, "%63s %u %u", name, &variables, &bytes) == 3) {
    FILE* file = fopen(name, "rb");
    if (file == nullptr || bytes > kBytes || fread(kModel, 1, kBytes, file) == 0) {
      return 1;
    }
    (void)fclose(file);
    if (Split(*ops, variables, bytes)) {
      printf("%u\n", Total(*ops, variables, bytes));
    } else {
      printf("0\n");
    }
  }
  return 0;
}

}  // namespace

int main() {
  *reinterpret_cast<volatile uint32_t*>(0xE000ED88) |= 0xF00000; /* the FPU, which Run() needs */
  return Run();
}
