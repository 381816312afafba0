/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tester of operators that copy: each output value is an input value, or a
 * constant.
 */
#ifndef TFLM_PATCH_TESTS_COPIES_H_
#define TFLM_PATCH_TESTS_COPIES_H_

#include "rowwise_program.h"
#include "test_random.h"

enum { COPY_VALUES = 4096, COPY_CONSTANT = -1 };

/* Types of maps, for cases. */
enum {
  COPY_INT8 = 1u << TFLM_PATCH_INT8,
  COPY_UINT8 = 1u << TFLM_PATCH_UINT8,
  COPY_INT16 = 1u << TFLM_PATCH_INT16,
  COPY_FLOAT32 = 1u << TFLM_PATCH_FLOAT32,
  COPY_ALL = COPY_INT8 | COPY_UINT8 | COPY_INT16 | COPY_FLOAT32
};

typedef struct copy_case {
  const char* name;
  uint8_t kind;
  uint16_t from[3]; /* rows, columns, channels */
  uint16_t to[3];
  uint32_t types;
  const void* params;
  uint32_t params_bytes;
  /* The input value that an output value is, or COPY_CONSTANT. */
  int32_t (*find)(const struct copy_case* c, int32_t row, int32_t col, int32_t channel);
  int16_t constant;
} copy_case;

static inline int32_t copy_index(const uint16_t shape[3], int32_t row, int32_t col,
                                 int32_t channel) {
  return (row * shape[1] + col) * shape[2] + channel;
}

/* A program of the case; `b` holds its constants already. */
static inline encoded copy_program(builder* b, const copy_case* c, uint8_t type) {
  const map_shape from = {type, c->from[0], c->from[1], c->from[2], 0};
  const map_shape to = {type, c->to[0], c->to[1], c->to[2], 0};
  return one_operator(b, c->kind, &from, 1, to, c->params, c->params_bytes);
}

/* The output by definition. */
static inline void copy_by_definition(const copy_case* c, uint32_t bytes, const uint8_t* input,
                                      uint8_t* output) {
  for (int32_t row = 0; row < c->to[0]; ++row) {
    for (int32_t col = 0; col < c->to[1]; ++col) {
      for (int32_t channel = 0; channel < c->to[2]; ++channel) {
        const int32_t at = c->find(c, row, col, channel);
        const void* value = at == COPY_CONSTANT ? (const void*)&c->constant
                                                : (const void*)(input + (uint32_t)at * bytes);
        memcpy(output, value, bytes);
        output += bytes;
      }
    }
  }
}

/* Runs a case in all of its types; `b` holds its constants already. */
static inline void check_copy(const builder* b, const copy_case* c) {
  static const uint8_t kTypes[] = {TFLM_PATCH_INT8, TFLM_PATCH_UINT8, TFLM_PATCH_INT16,
                                   TFLM_PATCH_FLOAT32};
  static const uint8_t kBytes[] = {1, 1, 2, 4};
  static uint8_t input[4 * COPY_VALUES];
  static uint8_t expected[4 * COPY_VALUES];
  static char name[80];
  static builder made;
  const void* inputs[] = {input};
  uint32_t seed = 11;
  test_fill(&seed, input, sizeof(input));
  for (size_t i = 0; i < sizeof(kTypes); ++i) {
    if (c->types >> kTypes[i] & 1u) {
      snprintf(name, sizeof(name), "%s, type %d", c->name, kTypes[i]);
      test_case = name;
      made = *b;
      copy_by_definition(c, kBytes[i], input, expected);
      encoded e = copy_program(&made, c, kTypes[i]);
      check_program(&e, inputs, expected);
      encoded_free(&e);
    }
  }
}

#endif /* TFLM_PATCH_TESTS_COPIES_H_ */
