/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The stage operator against a small interpreter of our own: nodes and tensors
 * that TFLM would never build, and memory that is aligned or not at will.
 *
 *   stage_op_test PROGRAM CONSTANTS
 *
 * takes the two constants of a stage that maps int8 [1, kRows, 1, kChannels] to
 * the same shape through a workspace; prints what differs, exits with 1 then.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tflm_patch/executor.h"
#include "tflm_patch/tflm/patch_op_resolver.h"
#include "tflm_patch/tflm/tflm_declarations.h"

namespace {

using namespace tflm_patch::tflm;

constexpr int kRows = 4;
constexpr int kChannels = 16;
constexpr int kValues = kRows * kChannels;
constexpr int kScratchIndex = 5;
constexpr size_t kBufferBytes = 4096;
constexpr int kTensors = 20;

enum { kInput, kProgram, kConstants, kOutput };

struct Ints {
  int size;
  int data[kTensors];
};

TfLiteIntArray* AsIntArray(Ints* ints) { return reinterpret_cast<TfLiteIntArray*>(ints); }

/* A model of one stage, in a state that TFLM would have in Prepare. */
struct Fixture {
  alignas(16) uint8_t program[kBufferBytes];
  alignas(16) uint8_t constants[kBufferBytes];
  alignas(16) uint8_t workspace[kBufferBytes];
  alignas(16) int8_t input[kValues];
  alignas(16) int8_t output[kValues];
  TfLiteEvalTensor tensors[kTensors];
  Ints dims[kTensors];
  Ints inputs;
  Ints outputs;
  TfLiteNode node;
  size_t requested;
  TfLiteStatus request_status;
  uint8_t* scratch;
  int lines;
  char line[160];
};

Fixture g;
int g_failures = 0;

uint8_t g_program[kBufferBytes];
uint8_t g_constants[kBufferBytes];
size_t g_program_bytes;
size_t g_constants_bytes;

void SetTensor(int i, void* data, TfLiteType type, int first, int second) {
  g.dims[i].size = 4;
  g.dims[i].data[0] = 1;
  g.dims[i].data[1] = first;
  g.dims[i].data[2] = 1;
  g.dims[i].data[3] = second;
  g.tensors[i].data.data = data;
  g.tensors[i].dims = AsIntArray(&g.dims[i]);
  g.tensors[i].type = type;
}

void Reset() {
  memset(&g, 0, sizeof(g));
  memcpy(g.program, g_program, g_program_bytes);
  memcpy(g.constants, g_constants, g_constants_bytes);
  SetTensor(kInput, nullptr, kTfLiteInt8, kRows, kChannels);
  SetTensor(kProgram, g.program, kTfLiteUInt8, 1, static_cast<int>(g_program_bytes));
  SetTensor(kConstants, g.constants, kTfLiteUInt8, 1, static_cast<int>(g_constants_bytes));
  SetTensor(kOutput, nullptr, kTfLiteInt8, kRows, kChannels);
  g.inputs.size = 3;
  g.inputs.data[0] = kInput;
  g.inputs.data[1] = kProgram;
  g.inputs.data[2] = kConstants;
  g.outputs.size = 1;
  g.outputs.data[0] = kOutput;
  g.node.inputs = AsIntArray(&g.inputs);
  g.node.outputs = AsIntArray(&g.outputs);
  g.request_status = kTfLiteOk;
  g.scratch = g.workspace;
  tflm_patch::SetFastMemory(nullptr, 0);
  g.node.user_data = tflm_patch::StageRegistration()->init(nullptr, nullptr, 0);
}

TfLiteContext* Context() { return reinterpret_cast<TfLiteContext*>(&g); }

void Expect(bool condition, const char* name, const char* what) {
  if (!condition) {
    printf("%s: %s (printed: \"%s\")\n", name, what, g.line);
    ++g_failures;
  }
}

void ExpectRejected(const char* name, const char* text) {
  const TfLiteStatus status = tflm_patch::StageRegistration()->prepare(Context(), &g.node);
  Expect(status == kTfLiteError, name, "was not rejected");
  Expect(g.lines == 1, name, "did not print one line");
  Expect(strstr(g.line, text) != nullptr, name, text);
  Expect(strncmp(g.line, "TflmPatchStage: ", 16) == 0, name, "has no prefix");
  Expect(g.requested == 0, name, "asked for memory");
  /* What MicroInterpreter::Reset() does after AllocateTensors() failed. */
  tflm_patch::StageRegistration()->reset(Context(), g.node.user_data);
}

/* One change to the model, and what the operator says to it. */
struct Rejection {
  const char* name;
  void (*change)();
  const char* text;
};

const char* const kArity = "number of inputs or outputs";
const char* const kActivation = "type or shape of an input or output";
const char* const kConstant = "must be constant 8-bit tensors";
const char* const kAligned = "16-byte aligned";

const Rejection kRejections[] = {
    {"user_data elsewhere", [] { g.node.user_data = nullptr; }, "TF_LITE_STATIC_MEMORY"},
    {"no lists", [] { g.node.inputs = nullptr; }, "no inputs"},
    {"no activation", [] { g.inputs.size = 2; }, kArity},
    {"empty input list", [] { g.inputs.size = 0; }, kArity},
    {"no output", [] { g.outputs.size = 0; }, kArity},
    {"negative count", [] { g.outputs.size = -1; }, kArity},
    {"17 tensors",
     [] {
       g.inputs.size = 18;
       for (int i = 0; i < 16; ++i) {
         g.inputs.data[i] = kInput;
       }
       g.inputs.data[16] = kProgram;
       g.inputs.data[17] = kConstants;
     },
     kArity},
    {"omitted input", [] { g.inputs.data[0] = -1; }, kActivation},
    {"omitted output", [] { g.outputs.data[0] = -1; }, kActivation},
    {"input of unknown type", [] { g.tensors[kInput].type = static_cast<TfLiteType>(4); },
     kActivation},
    {"input without a shape", [] { g.tensors[kInput].dims = nullptr; }, kActivation},
    {"negative dimension", [] { g.dims[kInput].data[1] = -1; }, kActivation},
    {"size beyond 32 bits",
     [] {
       for (int i = 0; i < 4; ++i) {
         g.dims[kInput].data[i] = 0x10000;
       }
     },
     kActivation},
    {"omitted program", [] { g.inputs.data[1] = -1; }, kConstant},
    {"computed program", [] { g.tensors[kProgram].data.data = nullptr; }, kConstant},
    {"computed constants", [] { g.tensors[kConstants].data.data = nullptr; }, kConstant},
    {"int32 constants", [] { g.tensors[kConstants].type = kTfLiteInt32; }, kConstant},
    {"shifted program", [] { g.tensors[kProgram].data.data = g.program + 4; }, kAligned},
    {"shifted constants", [] { g.tensors[kConstants].data.data = g.constants + 8; }, kAligned},
    {"short program", [] { g.dims[kProgram].data[3] = 40; }, "leaves the program"},
    {"short constants", [] { --g.dims[kConstants].data[3]; }, "leaves the program"},
    {"not a program", [] { g.program[0] ^= 1; }, "not a stage program"},
    {"newer program", [] { ++g.program[4]; }, "another version"},
    {"other family", [] { ++g.program[5]; }, "kernel family"},
    {"changed program", [] { g.program[40] ^= 0x10; }, "checksum"},
    {"float input", [] { g.tensors[kInput].type = kTfLiteFloat32; }, "differs from the program's"},
    {"smaller output", [] { --g.dims[kOutput].data[1]; }, "leaves the program"},
    {"one tensor more",
     [] {
       g.outputs.size = 2;
       g.outputs.data[1] = kOutput;
     },
     "differs from the program's"},
};

void TestRejections() {
  for (const Rejection& rejection : kRejections) {
    Reset();
    rejection.change();
    ExpectRejected(rejection.name, rejection.text);
  }
}

void TestScratchRefused() {
  Reset();
  g.request_status = kTfLiteError;
  const TfLiteStatus status = tflm_patch::StageRegistration()->prepare(Context(), &g.node);
  Expect(status == kTfLiteError, "refused scratch", "was not reported");
  Expect(g.lines == 1 && strstr(g.line, "no room for the workspace") != nullptr, "refused scratch",
         "did not print one line");
}

/* The program's own figure for the workspace is too small for its maps. */
void TestWorkspaceTooSmall() {
  Reset();
  tflm_patch_header* header = reinterpret_cast<tflm_patch_header*>(g.program);
  Expect(header->workspace_bytes == kValues, "small workspace", "other stage");
  header->workspace_bytes = kValues - TFLM_PATCH_ALIGNMENT;
  header->checksum = tflm_patch_checksum(g.program + TFLM_PATCH_CHECKSUM_FROM,
                                         header->program_bytes - TFLM_PATCH_CHECKSUM_FROM);
  ExpectRejected("small workspace", "workspace");
}

/* What TFLM hands out as the scratch buffer is checked in every inference. */
void TestWorkspaceMissingOrMisaligned() {
  for (int step = 0; step < 2; ++step) {
    const char* name = step == 0 ? "missing workspace" : "misaligned workspace";
    Reset();
    const TFLMRegistration* registration = tflm_patch::StageRegistration();
    Expect(registration->prepare(Context(), &g.node) == kTfLiteOk, name, "was not prepared");
    g.tensors[kInput].data.data = g.input;
    g.tensors[kOutput].data.data = g.output;
    g.scratch = step == 0 ? nullptr : g.workspace + 4;
    Expect(registration->invoke(Context(), &g.node) == kTfLiteError, name, "was not reported");
    Expect(g.lines == 1 && strstr(g.line, "workspace") != nullptr, name, "did not print one line");
  }
}

void TestRun() {
  Reset();
  const TFLMRegistration* registration = tflm_patch::StageRegistration();
  Expect(registration->prepare(Context(), &g.node) == kTfLiteOk, "run", "was not prepared");
  Expect(g.lines == 0, "run", "printed");
  Expect(g.requested == tflm_patch_workspace_size(g.program) && g.requested > 0, "run",
         "asked for another workspace");
  Expect(registration->free == nullptr, "run", "something else may see user_data");
  registration->reset(Context(), g.node.user_data);

  g.tensors[kInput].data.data = g.input;
  g.tensors[kOutput].data.data = g.output;
  for (int i = 0; i < kValues; ++i) {
    g.input[i] = static_cast<int8_t>(i * 4 - 128);
  }
  Expect(registration->invoke(Context(), &g.node) == kTfLiteOk, "run", "failed");
  /* The two tables of the stage lie at the front of the constants. */
  for (int i = 0; i < kValues; ++i) {
    const uint8_t between = g_constants[static_cast<uint8_t>(g.input[i])];
    const int8_t wanted = static_cast<int8_t>(g_constants[256 + between]);
    Expect(g.output[i] == wanted, "run", "gave a wrong value");
  }
}

tflm_patch_header* ProgramHeader() { return reinterpret_cast<tflm_patch_header*>(g.program); }

/* The map between the tables lies in fast memory instead of the workspace. */
void ResetToTwoMemories() {
  Reset();
  tflm_patch_header* header = ProgramHeader();
  reinterpret_cast<tflm_patch_map*>(g.program + header->maps)[1].region = TFLM_PATCH_REGION_FAST;
  header->fast_bytes = header->workspace_bytes;
  header->workspace_bytes = 0;
  header->checksum = tflm_patch_checksum(g.program + TFLM_PATCH_CHECKSUM_FROM,
                                         header->program_bytes - TFLM_PATCH_CHECKSUM_FROM);
}

void TestFastMemoryRejected() {
  ResetToTwoMemories();
  ExpectRejected("no fast memory", "needs 64 bytes of fast memory");
  ResetToTwoMemories();
  tflm_patch::SetFastMemory(nullptr, kBufferBytes);
  ExpectRejected("null as fast memory", "gave 0");
  ResetToTwoMemories();
  tflm_patch::SetFastMemory(g.workspace, kValues - 1);
  ExpectRejected("small fast memory", "gave 63");
  ResetToTwoMemories();
  tflm_patch::SetFastMemory(g.workspace + 8, kValues);
  ExpectRejected("misaligned fast memory", "fast memory must be 16-byte aligned");
  ResetToTwoMemories();
  ProgramHeader()->fast_bytes -= 4;
  ProgramHeader()->checksum =
      tflm_patch_checksum(g.program + TFLM_PATCH_CHECKSUM_FROM,
                          ProgramHeader()->program_bytes - TFLM_PATCH_CHECKSUM_FROM);
  ExpectRejected("odd fast memory", "misaligned");
}

void TestFastMemory() {
  ResetToTwoMemories();
  const TFLMRegistration* registration = tflm_patch::StageRegistration();
  tflm_patch::SetFastMemory(g.workspace, kValues);
  Expect(registration->prepare(Context(), &g.node) == kTfLiteOk, "fast", "was not prepared");
  Expect(g.requested == 0, "fast", "asked for a workspace");
  g.tensors[kInput].data.data = g.input;
  g.tensors[kOutput].data.data = g.output;
  Expect(registration->invoke(Context(), &g.node) == kTfLiteOk, "fast", "failed");
  for (int i = 0; i < kValues; ++i) {
    const uint8_t between = g_constants[static_cast<uint8_t>(g.input[i])];
    Expect(g.workspace[i] == between, "fast", "did not use the memory");
    Expect(g.output[i] == static_cast<int8_t>(g_constants[256 + between]), "fast", "wrong value");
  }
  tflm_patch::SetFastMemory(nullptr, 0);
  Expect(registration->invoke(Context(), &g.node) == kTfLiteError && g.lines == 1, "fast",
         "memory taken away was not reported");
}

/* A resolver as firmware has it. */
struct Resolver {
  const char* name;
  const TFLMRegistration* registration;
  TfLiteStatus AddCustom(const char* custom_name, const TFLMRegistration* custom) {
    const bool is_free = registration == nullptr;
    name = custom_name;
    registration = custom;
    return is_free ? kTfLiteOk : kTfLiteError;
  }
};

void TestRegistration() {
  Reset();
  Resolver resolver = {};
  Expect(tflm_patch::RegisterTflmPatchOps(resolver) == kTfLiteOk, "resolver", "refused");
  Expect(strcmp(resolver.name, "TflmPatchStage") == 0, "resolver", "name");
  Expect(resolver.registration == tflm_patch::StageRegistration(), "resolver", "registration");
  Expect(tflm_patch::RegisterTflmPatchOps(resolver) == kTfLiteError, "resolver",
         "its status is lost");
}

size_t ReadFile(const char* path, uint8_t* to) {
  FILE* file = fopen(path, "rb");
  if (file == nullptr) {
    return 0;
  }
  const size_t n = fread(to, 1, kBufferBytes, file);
  fclose(file);
  return n;
}

}  // namespace

namespace tflm_patch {
namespace tflm {

void* MicroContextAllocatePersistentBuffer(TfLiteContext*, size_t) {
  Expect(false, "persistent memory", "was asked for");
  return nullptr;
}

TfLiteStatus MicroContextRequestScratchBufferInArena(TfLiteContext*, size_t bytes, int* index) {
  g.requested += bytes;
  *index = kScratchIndex;
  return g.request_status;
}

void* MicroContextGetScratchBuffer(TfLiteContext*, int index) {
  Expect(index == kScratchIndex, "scratch", "another buffer was asked for");
  return g.scratch;
}

TfLiteEvalTensor* MicroContextGetEvalTensor(const TfLiteContext*, int tensor) {
  return &g.tensors[tensor];
}

void MicroPrintf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(g.line, sizeof(g.line), format, arguments);
  va_end(arguments);
  ++g.lines;
}

}  // namespace tflm
}  // namespace tflm_patch

int main(int argc, char** argv) {
  if (argc != 3) {
    return 2;
  }
  g_program_bytes = ReadFile(argv[1], g_program);
  g_constants_bytes = ReadFile(argv[2], g_constants);
  TestRejections();
  TestScratchRefused();
  TestWorkspaceTooSmall();
  TestWorkspaceMissingOrMisaligned();
  TestRun();
  TestFastMemoryRejected();
  TestFastMemory();
  TestRegistration();
  printf("%d failures\n", g_failures);
  return g_failures == 0 ? 0 : 1;
}
