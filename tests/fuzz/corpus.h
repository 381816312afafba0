/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Good programs to start from: every kind of operator, alone and chained.
 */
#ifndef TFLM_PATCH_TESTS_CORPUS_H_
#define TFLM_PATCH_TESTS_CORPUS_H_

#include "program_builder.h"

enum { CORPUS_MAX = 160 };

typedef struct {
  encoded programs[CORPUS_MAX];
  uint32_t n;
} corpus;

/* Builds the programs; ends the process when one is not valid, or when a kind of
 * operator is missing. */
void corpus_init(corpus* c);
void corpus_free(corpus* c);

#endif /* TFLM_PATCH_TESTS_CORPUS_H_ */
