/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Programs of one operator between tensors, for tests.
 */
#ifndef TFLM_PATCH_TESTS_ROWWISE_PROGRAM_H_
#define TFLM_PATCH_TESTS_ROWWISE_PROGRAM_H_

#include "program_builder.h"
#include "reject.h"
#include "test.h"

/* A map of a tensor. */
typedef struct {
  uint8_t type;
  uint16_t rows;
  uint16_t cols;
  uint16_t channels;
  int16_t zero_point;
} map_shape;

/* n inputs, an output, one operator of which a step makes an output row; the
 * steps are run in one go. `b` holds the constants already. */
static inline encoded one_operator(builder* b, uint8_t kind, const map_shape* inputs, uint32_t n,
                                   map_shape output, const void* params, uint32_t params_bytes) {
  uint32_t sources[4];
  for (uint32_t i = 0; i < n; ++i) {
    sources[i] = builder_tensor_map(b, inputs[i].type, inputs[i].rows, inputs[i].cols,
                                    inputs[i].channels, inputs[i].zero_point, 0);
  }
  const uint32_t target = builder_tensor_map(b, output.type, output.rows, output.cols,
                                             output.channels, output.zero_point, 1);
  builder_op(b, kind, sources, n, target, output.rows, params, params_bytes, 0);
  builder_step(b, 0, 0, output.rows);
  return builder_encode(b);
}

/* Validates and runs a program of up to 4 inputs and one output. */
static inline void check_program(const encoded* e, const void* const* inputs,
                                 const void* expected) {
  static uint8_t output[1 << 16];
  void* outputs[] = {output};
  const tflm_patch_status status = encoded_validate(e);
  CHECK_EQUAL(status, TFLM_PATCH_OK);
  if (status == TFLM_PATCH_OK) {
    CHECK_EQUAL(encoded_run(e, inputs, outputs, 0xA5), TFLM_PATCH_OK);
    CHECK_BYTES(output, expected, e->tensors[e->n_tensors - 1].bytes);
  }
}

#endif /* TFLM_PATCH_TESTS_ROWWISE_PROGRAM_H_ */
