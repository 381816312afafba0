/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Functions of assembly. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_ASSEMBLY_H_
#define TFLM_PATCH_SRC_DSP_ASSEMBLY_H_

/* A function of assembly alone. The compiler must not conclude from its empty body
 * that it changes neither registers nor memory. */
#if defined(__clang__)
#define TFLM_PATCH_ASSEMBLY __attribute__((naked, noinline))
#else
#define TFLM_PATCH_ASSEMBLY __attribute__((naked, noinline, noipa))
#endif

#endif /* TFLM_PATCH_SRC_DSP_ASSEMBLY_H_ */
