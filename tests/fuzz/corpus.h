/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Good programs to start from: every kind of operator, alone and chained, or
 * programs from files.
 */
#ifndef TFLM_PATCH_TESTS_CORPUS_H_
#define TFLM_PATCH_TESTS_CORPUS_H_

#include "program_builder.h"

enum { CORPUS_MAX = 320 };

typedef struct {
  encoded programs[CORPUS_MAX];
  uint32_t n;
} corpus;

/* Builds the programs, which are valid but for some that the validator refuses by
 * little; ends the process when one is not as it should be, or when a kind of operator
 * is missing. */
void corpus_init(corpus* c);

/* Adds a program from a file, which holds, as uint32: the number of tensors,
 * bytes and type of each, the bytes of the program and of the constants; then
 * program and constants. Ends the process when the file is not so, or its
 * program not valid. */
void corpus_load(corpus* c, const char* path);

void corpus_free(corpus* c);

#endif /* TFLM_PATCH_TESTS_CORPUS_H_ */
