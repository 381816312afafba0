/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Binary operators, MEAN and pools, as stage programs, against what the TFLM
 * interpreter computed.
 */
#include "golden_map_cases.h"
#include "rowwise_program.h"

static uint32_t values(const uint16_t* shape) { return (uint32_t)shape[0] * shape[1] * shape[2]; }

static void check_case(const golden_map* c) {
  static builder b;
  uint32_t sources[2];
  const void* inputs[] = {c->inputs[0]};
  builder_init(&b);
  sources[0] = builder_tensor_map(&b, TFLM_PATCH_INT8, c->shapes[0][0], c->shapes[0][1],
                                  c->shapes[0][2], c->zero_points[0], 0);
  if (c->n_inputs == 2) {
    sources[1] = builder_map(
        &b, TFLM_PATCH_REGION_CONSTANTS, builder_constant(&b, c->inputs[1], values(c->shapes[1])),
        TFLM_PATCH_INT8, c->shapes[1][0], c->shapes[1][1], c->shapes[1][2], c->zero_points[1]);
  }
  const uint32_t output = builder_tensor_map(&b, TFLM_PATCH_INT8, c->output_shape[0],
                                             c->output_shape[1], c->output_shape[2], 0, 1);
  builder_op(&b, c->kind, sources, c->n_inputs, output, c->steps, c->params, c->params_bytes,
             c->scratch_bytes);
  builder_stream(&b);
  encoded e = builder_encode(&b);
  check_program(&e, inputs, c->output);
  encoded_free(&e);
}

int main(void) {
  for (size_t i = 0; i < sizeof(kMaps) / sizeof(kMaps[0]); ++i) {
    static char name[32];
    snprintf(name, sizeof(name), "case %zu, kind %d", i, kMaps[i].kind);
    test_case = name;
    check_case(&kMaps[i]);
  }
  return TEST_RESULT();
}
