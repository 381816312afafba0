/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Programs that the validator must refuse.
 */
#ifndef TFLM_PATCH_TESTS_REJECT_H_
#define TFLM_PATCH_TESTS_REJECT_H_

#include "kernel.h"
#include "program_builder.h"
#include "test.h"

/* Does `change` to a copy of a good program, in which `params` are those of
 * operator 0, and expects `status`. */
#define CHECK_REJECTED(good, params_type, change, status)        \
  do {                                                           \
    encoded bad = encoded_copy(good);                            \
    params_type* params = (params_type*)encoded_params(&bad, 0); \
    (void)params;                                                \
    change;                                                      \
    encoded_repair(&bad);                                        \
    test_case = #change;                                         \
    CHECK_EQUAL(encoded_validate(&bad), status);                 \
    encoded_free(&bad);                                          \
  } while (0)

#endif /* TFLM_PATCH_TESTS_REJECT_H_ */
