/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which kernel family this build belongs to, by the compiler's feature macros.
 * Define TFLM_PATCH_PORTABLE to use the portable kernels in any case. Internal.
 *
 *   mve       Armv8.1-M with integer vectors: Cortex-M55, Cortex-M85
 *   dsp       Armv7E-M and Armv8-M with the DSP extension: Cortex-M4, M7, M33
 *   portable  everything else
 *
 * TFLM_PATCH_KERNEL_TABLE_FILE names a header with what known models need, made by
 * `tflm-patch export` or tflm_patch.codegen.kernel_header: the entries of the kernel
 * table, and parts of kernels to leave out. Programs that need more are rejected.
 *
 * TFLM_PATCH_HAS_OWN_<KERNEL> says that the family has its own implementation,
 * in src/<family>/, of a kernel in src/portable/ or in the operator's file.
 */
#ifndef TFLM_PATCH_SRC_FAMILY_H_
#define TFLM_PATCH_SRC_FAMILY_H_

#ifdef TFLM_PATCH_KERNEL_TABLE_FILE
#include TFLM_PATCH_KERNEL_TABLE_FILE
#endif

#define TFLM_PATCH_IS_MVE 0
#define TFLM_PATCH_IS_DSP 0

#if defined(TFLM_PATCH_PORTABLE)
#elif defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#undef TFLM_PATCH_IS_MVE
#define TFLM_PATCH_IS_MVE 1
#elif defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP && defined(__thumb2__)
#undef TFLM_PATCH_IS_DSP
#define TFLM_PATCH_IS_DSP 1
#endif

#if defined(__GNUC__)
#define TFLM_PATCH_NOINLINE __attribute__((noinline))
#else
#define TFLM_PATCH_NOINLINE
#endif

#define TFLM_PATCH_HAS_OWN_ADD (TFLM_PATCH_IS_DSP || TFLM_PATCH_IS_MVE)
#define TFLM_PATCH_HAS_OWN_CONV (TFLM_PATCH_IS_DSP || TFLM_PATCH_IS_MVE)
#define TFLM_PATCH_HAS_OWN_CONV_BLOCKS (TFLM_PATCH_IS_DSP && TFLM_PATCH_HAS_BLOCKS)
#define TFLM_PATCH_HAS_OWN_CONV_LINE (TFLM_PATCH_IS_DSP || TFLM_PATCH_IS_MVE)
#define TFLM_PATCH_HAS_OWN_DEPTHWISE_CONV (TFLM_PATCH_IS_DSP || TFLM_PATCH_IS_MVE)
#define TFLM_PATCH_HAS_OWN_DEPTHWISE_ROWS (TFLM_PATCH_IS_DSP || TFLM_PATCH_IS_MVE)
#define TFLM_PATCH_HAS_OWN_FULLY_CONNECTED (TFLM_PATCH_IS_DSP || TFLM_PATCH_IS_MVE)
#define TFLM_PATCH_HAS_OWN_FULLY_CONNECTED_SUMS TFLM_PATCH_IS_MVE
#define TFLM_PATCH_HAS_OWN_DOT_CHANNELS TFLM_PATCH_IS_DSP
#define TFLM_PATCH_HAS_OWN_NEIGHBOURS (TFLM_PATCH_IS_DSP || TFLM_PATCH_IS_MVE)
#define TFLM_PATCH_HAS_OWN_MUL TFLM_PATCH_IS_MVE
#define TFLM_PATCH_HAS_OWN_SUB TFLM_PATCH_IS_MVE
#define TFLM_PATCH_HAS_OWN_POOL TFLM_PATCH_IS_MVE
#define TFLM_PATCH_HAS_OWN_MEAN TFLM_PATCH_IS_MVE

/* What a header of known models may leave out. Programs that need it are rejected:
 *
 *   ROW_SUMS  FULLY_CONNECTED of several rows, one after the other
 *   FALLBACK  what the family's convolutions and FULLY_CONNECTED are not for
 *             (src/fallback.c, src/portable/fully_connected.c)
 *   PAIRS     depthwise convolutions that are not 3 x 3 or have uncommon shifts
 *             (src/dsp/depthwise_pairs.c)
 *
 * but for faster ways:
 *
 *   WIDE_WINDOWS  of windows of a multiple of four channels
 *   BLOCKS        of convolutions with scratch for many pixels
 *   PARTS         of convolutions of many taps without
 *   COLUMNS       of depthwise convolutions of a single column */
#ifdef TFLM_PATCH_DSP_WITHOUT_BLOCKS
#define TFLM_PATCH_HAS_BLOCKS 0
#else
#define TFLM_PATCH_HAS_BLOCKS 1
#endif
#if defined(TFLM_PATCH_DSP_WITHOUT_PARTS) || defined(__OPTIMIZE_SIZE__)
#define TFLM_PATCH_HAS_PARTS 0
#else
#define TFLM_PATCH_HAS_PARTS 1
#endif
#ifdef TFLM_PATCH_WITHOUT_ROW_SUMS
#define TFLM_PATCH_HAS_ROW_SUMS 0
#else
#define TFLM_PATCH_HAS_ROW_SUMS 1
#endif
#if TFLM_PATCH_IS_DSP && defined(TFLM_PATCH_DSP_WITHOUT_FALLBACK)
#define TFLM_PATCH_HAS_FALLBACK 0
#else
#define TFLM_PATCH_HAS_FALLBACK 1
#endif
#if !TFLM_PATCH_HAS_FALLBACK && defined(TFLM_PATCH_DSP_WITHOUT_PAIRS)
#define TFLM_PATCH_HAS_PAIRS 0
#else
#define TFLM_PATCH_HAS_PAIRS 1
#endif
#ifdef TFLM_PATCH_DSP_WITHOUT_COLUMNS
#define TFLM_PATCH_HAS_COLUMNS 0
#else
#define TFLM_PATCH_HAS_COLUMNS 1
#endif
#ifdef TFLM_PATCH_DSP_WITHOUT_WIDE_WINDOWS
#define TFLM_PATCH_HAS_WIDE_WINDOWS 0
#else
#define TFLM_PATCH_HAS_WIDE_WINDOWS 1
#endif

#endif /* TFLM_PATCH_SRC_FAMILY_H_ */
