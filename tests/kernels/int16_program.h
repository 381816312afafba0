/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Programs of the cases of golden_int16_cases.h, for tests.
 */
#ifndef TFLM_PATCH_TESTS_INT16_PROGRAM_H_
#define TFLM_PATCH_TESTS_INT16_PROGRAM_H_

#include "golden.h"
#include "program_builder.h"

/* The operator of a case. It reads the stage's inputs, or, with `ring`, the
 * first of them from a ring of as few rows as a step reads, which a
 * CONCATENATION of one input fills. */
static inline encoded int16_program(const golden_int16* c, int ring) {
  static builder b;
  uint32_t sources[2];
  builder_init(&b);
  /* At 0: the record's offsets hold. */
  builder_constant(&b, c->constants, c->constants_bytes);
  for (uint32_t i = 0; i < c->n_inputs; ++i) {
    const uint16_t* shape = c->shapes[i];
    sources[i] = builder_tensor_map(&b, TFLM_PATCH_INT16, shape[0], shape[1], shape[2], 0, 0);
  }
  const uint32_t target = builder_tensor_map(&b, TFLM_PATCH_INT16, c->output_shape[0],
                                             c->output_shape[1], c->output_shape[2], 0, 1);
  if (ring) {
    const uint16_t* shape = c->shapes[0];
    const uint32_t middle =
        builder_workspace_map(&b, TFLM_PATCH_INT16, shape[0], c->ring_rows, shape[1], shape[2], 0);
    builder_op(&b, TFLM_PATCH_CONCATENATION, sources, 1, middle, shape[0], NULL, 0, 0);
    sources[0] = middle;
  }
  builder_op(&b, c->kind, sources, c->n_inputs, target, c->steps, c->params, c->params_bytes,
             c->scratch_bytes);
  builder_stream(&b);
  return builder_encode(&b);
}

#endif /* TFLM_PATCH_TESTS_INT16_PROGRAM_H_ */
