/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the depthwise convolutions of the dsp family share: stretches of an output row,
 * four channels at a time. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_DEPTHWISE_H_
#define TFLM_PATCH_SRC_DSP_DEPTHWISE_H_

#include "../window.h"
#include "scratch.h"

/* Whether the kernels are for such a convolution. */
int tflm_patch_is_dsp_depthwise(const tflm_patch_depthwise_conv_args* args, uint32_t channels);

static inline int tflm_patch_is_3x3(const tflm_patch_window* window) {
  return window->kernel_h == 3 && window->kernel_w == 3;
}

/* An output row at work. */
typedef struct {
  const tflm_patch_depthwise_conv_args* args;
  uint32_t channels;
  uint32_t in_cols;
  uint32_t outside; /* the input's zero point in every byte */
  /* The kernel rows; those outside the map are `outside`, with step 0. */
  const int8_t* cells[TFLM_PATCH_DEPTHWISE_KERNEL_H];
  uint32_t step[TFLM_PATCH_DEPTHWISE_KERNEL_H];
} tflm_patch_depthwise_row;

/* n input columns, each `step` columns behind the one before. */
typedef struct {
  int32_t first;
  uint32_t step;
  uint32_t n;
  tflm_patch_range inside; /* those in the map */
} tflm_patch_columns;

/* Output columns [first, first + n) of up to four channels. */
typedef struct {
  uint32_t first;
  uint32_t n;
  tflm_patch_columns columns[TFLM_PATCH_DEPTHWISE_STRIDE]; /* that it reads */
  uint32_t channel;
  uint32_t n_channels;
  uint32_t back; /* channels that are missing to four: those before are read */
  uint32_t* buffer;
  uint32_t pitch; /* words of it for a channel */
} tflm_patch_stretch;

/* A kernel row's first column in the map, at a stretch's channels. */
static inline const int8_t* tflm_patch_find_cells(const tflm_patch_depthwise_row* d,
                                                  const tflm_patch_stretch* s,
                                                  const tflm_patch_columns* columns,
                                                  uint32_t kernel_row) {
  const uint32_t step = d->step[kernel_row];
  const int32_t col = columns->first + (int32_t)(columns->inside.first * columns->step);
  const uint32_t channel = step != 0 ? s->channel - s->back : 0;
  return d->cells[kernel_row] + (uint32_t)col * step + channel;
}

/* n > 0 words outside the map for all four channels. */
void tflm_patch_put_outside(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                            uint32_t* to, uint32_t n);

/* Words of columns of two kernel rows. */
void tflm_patch_pair_rows(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                          const tflm_patch_columns* columns, uint32_t a, uint32_t b, uint32_t* to);

/* ---- depthwise_column.c ---- */

int tflm_patch_is_dsp_column(const tflm_patch_depthwise_conv_args* args, uint32_t channels);

void tflm_patch_depthwise_column_s8(const tflm_patch_depthwise_conv_args* args,
                                    const tflm_patch_rows* input, uint32_t row, int8_t* output);

/* ---- depthwise_3x3.c ---- */

void tflm_patch_find_columns_3x3(const tflm_patch_depthwise_row* d, tflm_patch_stretch* s);

/* Returns what tflm_patch_make_slow_channels is to make: channels whose shift is not
 * for the short way to bytes. Values are not clamped, here and below. */
uint32_t tflm_patch_make_stretch_3x3(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                                     int8_t* output);

/* ---- depthwise_cells.c: rows of few columns ---- */

/* Rows of so many columns are faster by words of two values of a channel. Builds for size
 * make all in that way. */
#define TFLM_PATCH_MANY_COLUMNS 32u

#ifdef __OPTIMIZE_SIZE__
#define TFLM_PATCH_HAS_CELLS 0
#else
#define TFLM_PATCH_HAS_CELLS TFLM_PATCH_IS_DSP
#endif

/* How many output columns `words` words for each of four channels are for. */
uint32_t tflm_patch_max_cells_3x3(uint32_t stride, uint32_t words);

/* What is the same for all cells of four channels. */
typedef struct {
  int32_t bias[TFLM_PATCH_DEPTHWISE_CHANNELS]; /* twice */
  /* Twice the weights of the first two rows of columns 0, 1 and 2, and of columns 0 and 1 of
   * the third row. */
  uint32_t pairs[4][TFLM_PATCH_DEPTHWISE_CHANNELS];
  uint32_t last[2]; /* of the last tap: channels 0 and 2, 1 and 3 */
  struct {
    int32_t multiplier;
    int32_t round;
    int32_t exponent;
  } scaling[TFLM_PATCH_DEPTHWISE_CHANNELS];
} tflm_patch_cell_constants;

/* Of a stretch's channels. Returns 0 when one of them has a shift that is not for the short
 * way to bytes. */
int tflm_patch_find_cell_constants(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                                   tflm_patch_cell_constants* constants);

/* A stretch; values are not clamped. */
void tflm_patch_make_cells_3x3(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                               const tflm_patch_cell_constants* constants, int8_t* output);

/* ---- depthwise_row_pairs.c: two of such rows, one behind the other ---- */

/* Where the cells of an output row are made from, see tflm_patch_depthwise_row, and where they
 * go to. */
typedef struct {
  const int8_t* cells[3];
  uint32_t step[3];
  int8_t* output;
} tflm_patch_row_of_cells;

/* What is the same for all cells of two channels. */
typedef struct {
  int32_t bias[2]; /* twice */
  /* Twice those of a column and a channel: the upper two and the lower two of three. */
  uint32_t weights[3][2][2];
  struct {
    int32_t multiplier;
    int32_t round;
    int32_t exponent;
  } scaling[2];
} tflm_patch_row_pair_constants;

/* How many output columns `words` words for each of four channels are for. */
uint32_t tflm_patch_max_row_pair_cells(uint32_t stride, uint32_t words);

/* Of four channels. Returns 0 when one of them has a shift that is not for the short way to
 * bytes. */
int tflm_patch_find_row_pair_constants(const tflm_patch_depthwise_row* d, uint32_t channel,
                                       tflm_patch_row_pair_constants constants[2]);

/* A stretch of four channels of an even number of rows, each second one of which sees the
 * rows behind those of the one before. Values are not clamped. */
void tflm_patch_make_row_pairs(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                               const tflm_patch_row_pair_constants constants[2],
                               const tflm_patch_row_of_cells* rows, uint32_t count);

/* ---- depthwise_planes.c: wide kernels ---- */

/* The rows [row, row + count), in memory of so many words. Returns 0, and nothing is done, where
 * that is too little or the kernel not for that. */
int tflm_patch_make_planes(const tflm_patch_depthwise_conv_args* args, const tflm_patch_rows* input,
                           const tflm_patch_rows* output, uint32_t row, uint32_t count,
                           uint32_t* buffer, uint32_t words);

/* ---- depthwise_pairs.c: any kernel ---- */

void tflm_patch_find_columns(const tflm_patch_depthwise_row* d, tflm_patch_stretch* s);

void tflm_patch_make_stretch(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                             int8_t* output);

/* Some channels of a stretch of any number of columns: of the bits from that of
 * n_channels down, one for each channel, those of `slow`. Spoils the stretch. */
void tflm_patch_make_slow_channels(const tflm_patch_depthwise_row* d, tflm_patch_stretch* s,
                                   uint32_t slow, int8_t* output);

#endif /* TFLM_PATCH_SRC_DSP_DEPTHWISE_H_ */
