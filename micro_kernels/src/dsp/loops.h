/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Loops in assembly. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_LOOPS_H_
#define TFLM_PATCH_SRC_DSP_LOOPS_H_

/* A function of assembly alone. The compiler must not conclude from its empty body
 * that it changes neither registers nor memory. */
#if defined(__clang__)
#define TFLM_PATCH_ASSEMBLY __attribute__((naked, noinline))
#else
#define TFLM_PATCH_ASSEMBLY __attribute__((naked, noinline, noipa))
#endif

/* Assembly that runs QUAD `n`, a register, times. */
#define TFLM_PATCH_FOR_QUADS(n, QUAD) \
  "subs " n ", " n ", #4\n\t"         \
  "blo 2f\n"                          \
  "1:\n\t" QUAD QUAD QUAD QUAD        \
  "subs " n ", " n ", #4\n\t"         \
  "bhs 1b\n"                          \
  "2:\n\t"                           \
  "tst " n ", #2\n\t"                \
  "beq 3f\n\t" QUAD QUAD             \
  "3:\n\t"                           \
  "tst " n ", #1\n\t"                \
  "beq 4f\n\t" QUAD                  \
  "4:\n\t"

/* The same with half of the code. */
#define TFLM_PATCH_FOR_QUADS_SMALL(n, QUAD) \
  "subs " n ", " n ", #2\n\t"               \
  "blo 2f\n"                                \
  "1:\n\t" QUAD QUAD                        \
  "subs " n ", " n ", #2\n\t"               \
  "bhs 1b\n"                                \
  "2:\n\t"                                 \
  "tst " n ", #1\n\t"                      \
  "beq 4f\n\t" QUAD                        \
  "4:\n\t"

#endif /* TFLM_PATCH_SRC_DSP_LOOPS_H_ */
