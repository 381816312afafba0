/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What fits the private memory of the kernels of the dsp family; the converter's sizes,
 * tflm_patch/program/dsp_limits.py, are compared with these. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_SCRATCH_H_
#define TFLM_PATCH_SRC_DSP_SCRATCH_H_

#include <stdint.h>

#include "limits.h"

/* Words of n vectors of `taps` values that are widened. */
static inline uint32_t tflm_patch_wide_words(uint32_t taps, uint32_t n) {
  return (taps + 3) / 4 * 2 * n;
}

/* How many pixels `bytes` are for, in whole tiles of n: widened, with the `gathered` bytes
 * that each of a tile is made from behind them. */
static inline uint32_t tflm_patch_max_wide(uint32_t taps, uint32_t gathered, uint32_t n,
                                           uint32_t bytes) {
  const uint32_t aside = n * gathered;
  return bytes < aside ? 0 : (bytes - aside) / (4 * tflm_patch_wide_words(taps, n)) * n;
}

/* Likewise in tiles of any sizes up to n: none where those are not a whole one of n. */
static inline uint32_t tflm_patch_max_pixels(uint32_t taps, uint32_t gathered, uint32_t n,
                                             uint32_t bytes) {
  const uint32_t aside = n * gathered;
  const uint32_t pixels =
      bytes < aside ? 0 : (bytes - aside) / (4 * tflm_patch_wide_words(taps, 1));
  return pixels < n ? 0 : pixels;
}

/* Bytes of two channels' weights, widened. */
static inline uint32_t tflm_patch_pair_bytes(uint32_t taps) { return (taps + 3) / 4 * 16; }

/* Columns that the windows of n output columns see. */
static inline uint32_t tflm_patch_window_columns(uint32_t n, uint32_t kernel_w, uint32_t stride) {
  return (n - 1) * stride + kernel_w;
}

/* For how many output columns there is memory, where a column takes so many bytes. */
static inline uint32_t tflm_patch_max_block_cols(uint32_t column_bytes, uint32_t kernel_w,
                                                 uint32_t stride, uint32_t bytes) {
  const uint32_t columns = bytes / column_bytes;
  return columns < kernel_w ? 0 : (columns - kernel_w) / stride + 1;
}

/* How many output columns of a 3 x 3 depthwise convolution `words` words for a
 * channel are for. Even numbers: the words of two kernel rows and half of one fit. */
static inline uint32_t tflm_patch_max_columns_3x3(uint32_t stride, uint32_t words) {
  const uint32_t columns = 2 * words / 3 & ~1u;
  return ((columns - 3) / stride + 1) & ~1u;
}

/* Taps of a kernel row that a phase of the stride has. */
static inline uint32_t tflm_patch_find_taps(uint32_t kernel_w, uint32_t stride, uint32_t phase) {
  return (kernel_w + stride - 1 - phase) / stride;
}

/* Of any other depthwise convolution. The sums come first, then the words: those of
 * the last four columns are read for an even number of taps. */
static inline uint32_t tflm_patch_max_columns(uint32_t kernel_w, uint32_t stride, uint32_t words) {
  const uint32_t taps = tflm_patch_find_taps(kernel_w, stride, 0);
  return (words - (taps + 1) / 2 * 2) / 2 & ~3u;
}

#endif /* TFLM_PATCH_SRC_DSP_SCRATCH_H_ */
