/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * State: maps that outlive an invocation.
 */
#include <stdlib.h>
#include <string.h>

#include "program_builder.h"
#include "reject.h"
#include "state_program.h"
#include "test.h"
#include "test_random.h"

static builder b;

static void build(void) { state_build(&b); }

static void test_outlives(void) {
  uint32_t seed = 3;
  test_case = "outlives an invocation";
  build();
  encoded e = builder_encode(&b);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
  CHECK_EQUAL(tflm_patch_state_size(e.program), 16);
  /* Exactly as large as declared, for AddressSanitizer. */
  int8_t* state = (int8_t*)aligned_alloc(16, 16);
  _Alignas(4) int8_t input[STATE_BYTES];
  _Alignas(4) int8_t output[STATE_BYTES];
  int8_t greatest[STATE_BYTES];
  void* tensors[] = {input, output};
  tflm_patch_position position = {0, 0, state, NULL, 0};
  for (int sequence = 0; sequence < 2; ++sequence) {
    tflm_patch_reset_state(e.program, state);
    memset(greatest, STATE_ZERO_POINT, sizeof(greatest));
    for (int i = 0; i < 4; ++i) {
      test_fill(&seed, input, sizeof(input));
      for (int k = 0; k < STATE_BYTES; ++k) {
        greatest[k] = input[k] > greatest[k] ? input[k] : greatest[k];
      }
      CHECK_EQUAL(tflm_patch_resume(e.program, e.constants, tensors, NULL, &position),
                  TFLM_PATCH_OK);
      CHECK_BYTES(output, greatest, sizeof(greatest));
    }
  }
  test_case = "missing state";
  position.state = NULL;
  CHECK_EQUAL(tflm_patch_resume(e.program, e.constants, tensors, NULL, &position),
              TFLM_PATCH_BAD_WORKSPACE);
  CHECK_EQUAL(tflm_patch_run(e.program, e.constants, tensors, NULL), TFLM_PATCH_BAD_WORKSPACE);
  position.state = state + 8;
  CHECK_EQUAL(tflm_patch_resume(e.program, e.constants, tensors, NULL, &position),
              TFLM_PATCH_BAD_WORKSPACE);
  free(state);
  encoded_free(&e);
}

#define REJECT(change, status) \
  CHECK_REJECTED(&e, tflm_patch_pad_params, change, TFLM_PATCH_##status)

static void test_rejected(void) {
  build();
  encoded e = builder_encode(&b);
  REJECT(encoded_map(&bad, 2)->kept = 0, BAD_MAP);
  REJECT(encoded_map(&bad, 2)->kept = 2, BAD_MAP);
  REJECT(encoded_map(&bad, 1)->kept = 1, BAD_MAP);
  REJECT(encoded_map(&bad, 2)->ring_rows = encoded_map(&bad, 2)->split = 2, BAD_MAP);
  REJECT((encoded_map(&bad, 2)->split = 1,
          encoded_map(&bad, 2)->split_region = TFLM_PATCH_REGION_TENSOR + 1),
         BAD_MAP);
  REJECT(encoded_map(&bad, 2)->producer = TFLM_PATCH_NONE, BAD_MAP);
  REJECT(encoded_map(&bad, 2)->offset = 2, BAD_SIZE);
  REJECT(encoded_header(&bad)->state_bytes = 0, BAD_SIZE);
  REJECT(encoded_header(&bad)->state_bytes = 20, BAD_ALIGNMENT);
  encoded_free(&e);
}

static void test_slide(void) {
  enum { ROW = SLIDE_COLS * SLIDE_CHANNELS, NEW = SLIDE_NEW_ROWS * ROW, WINDOW = SLIDE_ROWS * ROW };
  uint32_t seed = 5;
  test_case = "slides";
  slide_build(&b);
  encoded e = builder_encode(&b);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
  _Alignas(16) int8_t state[32];
  _Alignas(4) int8_t input[NEW];
  _Alignas(4) int8_t output[WINDOW];
  int8_t wanted[WINDOW];
  void* tensors[] = {input, output};
  tflm_patch_position position = {0, 0, state, NULL, 0};
  for (int sequence = 0; sequence < 2; ++sequence) {
    tflm_patch_reset_state(e.program, state);
    memset(wanted, STATE_ZERO_POINT, sizeof(wanted));
    for (int i = 0; i < 5; ++i) {
      test_fill(&seed, input, sizeof(input));
      memmove(wanted, wanted + NEW, WINDOW - NEW);
      memcpy(wanted + WINDOW - NEW, input, NEW);
      CHECK_EQUAL(tflm_patch_resume(e.program, e.constants, tensors, NULL, &position),
                  TFLM_PATCH_OK);
      CHECK_BYTES(output, wanted, sizeof(wanted));
    }
  }
  REJECT(
      (encoded_map(&bad, 1)->kept = 0, encoded_map(&bad, 1)->region = TFLM_PATCH_REGION_WORKSPACE,
       encoded_header(&bad)->workspace_bytes = 32),
      BAD_OP);
  REJECT(encoded_map(&bad, 1)->cols = 2, BAD_OP);
  REJECT(encoded_map(&bad, 0)->channels = 1, BAD_OP);
  REJECT((encoded_map(&bad, 0)->rows = encoded_map(&bad, 0)->ring_rows = SLIDE_ROWS,
          encoded_map(&bad, 0)->split = SLIDE_ROWS),
         BAD_SIZE);
  encoded_free(&e);
}

static void test_hop(void) {
  enum { ROW = SLIDE_COLS * SLIDE_CHANNELS, NEW = SLIDE_NEW_ROWS * ROW, WINDOW = SLIDE_ROWS * ROW };
  uint32_t seed = 6;
  test_case = "wants rows until its window is full";
  hop_build(&b);
  encoded e = builder_encode(&b);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
  _Alignas(16) int8_t state[32];
  _Alignas(4) int8_t input[NEW];
  _Alignas(4) int8_t output[WINDOW];
  int8_t wanted[WINDOW];
  void* tensors[] = {input, output};
  for (int sequence = 0; sequence < 2; ++sequence) {
    tflm_patch_position position = {0, 0, state, NULL, 0};
    tflm_patch_reset_state(e.program, state);
    for (int i = 1; i < 3 * HOP_INVOCATIONS; ++i) {
      test_fill(&seed, input, sizeof(input));
      memmove(wanted, wanted + NEW, WINDOW - NEW);
      memcpy(wanted + WINDOW - NEW, input, NEW);
      CHECK_EQUAL(tflm_patch_resume(e.program, e.constants, tensors, NULL, &position),
                  i < HOP_INVOCATIONS ? TFLM_PATCH_ABORT : TFLM_PATCH_OK);
      if (i >= HOP_INVOCATIONS) {
        CHECK_BYTES(output, wanted, sizeof(wanted));
      }
    }
  }
#define REJECT_HOP(change, status) \
  CHECK_REJECTED(&e, tflm_patch_hop_params, change, TFLM_PATCH_##status)
  REJECT_HOP(params->invocations = 0, BAD_OP);
  REJECT_HOP(encoded_map(&bad, 1)->cols = 2, BAD_OP);
  REJECT_HOP(
      (encoded_map(&bad, 1)->kept = 0, encoded_map(&bad, 1)->region = TFLM_PATCH_REGION_WORKSPACE,
       encoded_header(&bad)->workspace_bytes = 32),
      BAD_OP);
  encoded_free(&e);
}

static void test_append(void) {
  enum { STEPS = 7, N = APPEND_BYTES };
  uint32_t seed = 8;
  test_case = "windows behind each other";
  append_build(&b);
  encoded e = builder_encode(&b);
  CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_OK);
  /* Exactly as large as declared, for AddressSanitizer. */
  int8_t* state = (int8_t*)aligned_alloc(16, 32);
  int8_t* workspace = (int8_t*)aligned_alloc(16, 16);
  _Alignas(4) int8_t output[APPEND_KEPT * N];
  _Alignas(4) int8_t input[STEPS][N];
  int8_t most[STEPS][N];
  void* tensors[] = {NULL, output};
  tflm_patch_position position = {0, 0, state, NULL, 0};
  tflm_patch_reset_state(e.program, state);
  test_fill(&seed, &input[0][0], sizeof(input));
  for (int i = 0; i < STEPS; ++i) {
    tensors[0] = input[i];
    CHECK_EQUAL(tflm_patch_resume(e.program, e.constants, tensors, workspace, &position),
                TFLM_PATCH_OK);
    for (int k = 0; k < N && i >= APPEND_ROWS - 1; ++k) {
      most[i][k] = input[i][k];
      for (int back = 1; back < APPEND_ROWS; ++back) {
        most[i][k] = input[i - back][k] > most[i][k] ? input[i - back][k] : most[i][k];
      }
    }
    if (i >= APPEND_ROWS) {
      CHECK_BYTES(output, most[i - 1], sizeof(output));
    }
  }
#define REJECT_APPEND(change, status) \
  CHECK_REJECTED(&e, tflm_patch_append_params, change, TFLM_PATCH_##status)
  REJECT_APPEND(params->at = 1, BAD_OP);
  REJECT_APPEND(params->bytes = 25, BAD_OP);
  REJECT_APPEND(params->distance = UINT32_MAX, BAD_OP);
  REJECT_APPEND(encoded_map(&bad, 1)->cols = 2, BAD_OP);
  free(state);
  free(workspace);
  encoded_free(&e);
}

int main(void) {
  test_append();
  test_hop();
  test_slide();
  test_outlives();
  test_rejected();
  return TEST_RESULT();
}
