/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pixels times channels: the matrix product inside of convolutions. Internal.
 */
#ifndef TFLM_PATCH_SRC_MVE_GEMM_H_
#define TFLM_PATCH_SRC_MVE_GEMM_H_

#include <stddef.h>
#include <stdint.h>

#include "tflm_patch/kernels.h"

/* n_pixels vectors of values, each in n_runs pieces of `run` values. Piece i of
 * pixel p begins at runs[i] + at + p * pixel_step. */
typedef struct {
  const int8_t* const* runs;
  uint32_t n_runs;
  uint32_t run;
  uint32_t behind; /* bytes behind the last pixel's piece that may be read */
  size_t at;
  size_t pixel_step;
  uint32_t n_pixels;
  int is_usual; /* as tflm_patch_is_usual says of the requantization */
} tflm_patch_pixels;

/* The vectors of n_channels channels from `first` on: piece i of channel
 * first + c begins at weights + c * channel_step + i * run_step. bias[c] is what
 * its sums begin with. */
typedef struct {
  const int8_t* weights;
  size_t channel_step;
  size_t run_step;
  const int32_t* bias;
  uint32_t first;
  uint32_t n_channels;
} tflm_patch_filters;

/* The outputs of all pixels and channels; output is that of the first pixel's
 * channel `first`, those of the next pixel are output_step behind. Nothing but
 * the values is read, and all outputs of a pixel or channel may be made more
 * than once. */
void tflm_patch_mve_tiles(const tflm_patch_requant_args* requant, const tflm_patch_pixels* pixels,
                          const tflm_patch_filters* filters, int8_t* output, size_t output_step);

/* The same for one run of 16 to 96 values, at least four channels with scales of
 * their own whose weights follow each other, in the usual case. A pixel is read
 * before its outputs are written, one pixel after the other. */
void tflm_patch_mve_make_pixels(const tflm_patch_requant_args* requant,
                                const tflm_patch_pixels* pixels, const tflm_patch_filters* filters,
                                int8_t* output, size_t output_step);

/* Whether it may be called, as far as these tell. */
int tflm_patch_mve_can_make_pixels(const tflm_patch_requant_args* requant, uint32_t run,
                                   uint32_t n_channels);

/* As tflm_patch_mve_tiles, for one run in the usual case; the output lies apart.
 * Returns 0 when it is not for these pixels and channels, and nothing is done. */
int tflm_patch_mve_make_resident(const tflm_patch_requant_args* requant,
                                 const tflm_patch_pixels* pixels, const tflm_patch_filters* filters,
                                 int8_t* output, size_t output_step);

/* As tflm_patch_mve_tiles, for any number of runs in the usual case. Returns 0 when it is
 * not for so many pixels and channels, and nothing is done. */
int tflm_patch_mve_make_triples(const tflm_patch_requant_args* requant,
                                const tflm_patch_pixels* pixels, const tflm_patch_filters* filters,
                                int8_t* output, size_t output_step);

/* The outputs of one pixel of n > 0 values for at least four channels, in the usual
 * case; the last four may be made with some before them. */
void tflm_patch_mve_make_fours(const tflm_patch_requant_args* requant, const int8_t* x, uint32_t n,
                               const tflm_patch_filters* filters, int8_t* output);

#endif /* TFLM_PATCH_SRC_MVE_GEMM_H_ */
