/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * AVERAGE_POOL_2D and MAX_POOL_2D of int8 maps for MVE. Cells outside the map do
 * not take part.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "../window.h"
#include "sums.h"

#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* Sums of up to 128 * count, and half, times the rounded reciprocal are wrong by
 * less than 1 / count then. */
#define MAX_COUNT 4096u

/* The taps of an output column in the map; the first one's column. */
static tflm_patch_range find_cols(const tflm_patch_window* window, uint32_t cols, uint32_t x,
                                  size_t* first) {
  const int32_t col = tflm_patch_first_col(window, x);
  const tflm_patch_range taps = tflm_patch_taps_inside(col, window->kernel_w, 1, cols);
  *first = (size_t)(col + (int32_t)taps.first);
  return taps;
}

/* The means of `count` values, halves away from zero. */
typedef struct {
  uint32_t count;
  uint32_t reciprocal; /* rounded up, times 2^32; 0 when it is not used */
} divisor;

static divisor make_divisor(uint32_t count) {
  const divisor d = {
      .count = count,
      .reciprocal = count > 1 && count <= MAX_COUNT ? (uint32_t)(UINT32_MAX / count + 1u) : 0,
  };
  return d;
}

TFLM_PATCH_INLINE int32x4_t divide(const divisor* d, int32x4_t sums) {
  uint32x4_t mean = vaddq_n_u32(vreinterpretq_u32_s32(vabsq_s32(sums)), d->count / 2);
  if (d->reciprocal) {
    mean = vmulhq_u32(mean, vdupq_n_u32(d->reciprocal));
  } else if (d->count > 1) {
    uint32_t lanes[4];
    vstrwq_u32(lanes, mean);
    for (uint32_t i = 0; i < 4; ++i) {
      lanes[i] /= d->count;
    }
    mean = vldrwq_u32(lanes);
  }
  const int32x4_t magnitude = vreinterpretq_s32_u32(mean);
  return vnegq_m_s32(magnitude, magnitude, vcmpltq_n_s32(sums, 0));
}

/* n outputs of as many sums. */
TFLM_PATCH_INLINE void finish(const tflm_patch_pool_params* params, const divisor* d,
                              const int32_t* sums, int8_t* output, uint32_t n) {
  for (int32_t left = (int32_t)n; left > 0; left -= 4) {
    const mve_pred16_t in = vctp32q((uint32_t)left);
    const int32x4_t means = divide(d, vldrwq_z_s32(sums, in));
    vstrbq_p_s32(output, tflm_patch_clamp_vector(means, params->act_min, params->act_max), in);
    sums += 4;
    output += 4;
  }
}

void tflm_patch_average_pool_s8(const tflm_patch_pool_params* params, const tflm_patch_rows* input,
                                uint32_t row, int8_t* output, uint32_t output_cols) {
  const uint32_t channels = input->channels;
  const tflm_patch_kernel_rows rows = tflm_patch_find_kernel_rows(&params->window, input, row);
  const uint32_t n_rows = rows.inside.end - rows.inside.first;
  for (uint32_t x = 0; x < output_cols; ++x) {
    size_t first;
    const tflm_patch_range cols = find_cols(&params->window, input->cols, x, &first);
    const uint32_t n_cols = cols.end - cols.first;
    const divisor d = make_divisor(n_rows * n_cols);
    for (uint32_t c = 0; c < channels; c += TFLM_PATCH_SUMS) {
      const uint32_t n = MIN(TFLM_PATCH_SUMS, channels - c);
      int32_t sums[TFLM_PATCH_SUMS] = {0};
      uint32_t slot = rows.slot;
      for (uint32_t i = 0; i < n_rows; ++i) {
        tflm_patch_add_cells(tflm_patch_slot_row(input, slot) + first * channels + c, channels,
                             n_cols, n, sums);
        slot = tflm_patch_next_slot(&rows, input, slot);
      }
      finish(params, &d, sums, output + c, n);
    }
    output += channels;
  }
}

void tflm_patch_max_pool_s8(const tflm_patch_pool_params* params, const tflm_patch_rows* input,
                            uint32_t row, int8_t* output, uint32_t output_cols) {
  const uint32_t channels = input->channels;
  const tflm_patch_kernel_rows rows = tflm_patch_find_kernel_rows(&params->window, input, row);
  const uint32_t n_rows = rows.inside.end - rows.inside.first;
  const int8x16_t low = vdupq_n_s8((int8_t)params->act_min);
  const int8x16_t high = vdupq_n_s8((int8_t)params->act_max);
  for (uint32_t x = 0; x < output_cols; ++x) {
    size_t first;
    const tflm_patch_range cols = find_cols(&params->window, input->cols, x, &first);
    for (uint32_t c = 0; c < channels; c += 16) {
      const mve_pred16_t in = vctp8q(channels - c);
      int8x16_t most = low;
      uint32_t slot = rows.slot;
      for (uint32_t i = 0; cols.first < cols.end && i < n_rows; ++i) {
        const int8_t* cell = tflm_patch_slot_row(input, slot) + first * channels + c;
        for (uint32_t j = cols.first; j < cols.end; ++j) {
          most = vmaxq_s8(most, vldrbq_z_s8(cell, in));
          cell += channels;
        }
        slot = tflm_patch_next_slot(&rows, input, slot);
      }
      vstrbq_p_s8(output + c, vminq_s8(most, high), in);
    }
    output += channels;
  }
}

void tflm_patch_average_pool_accumulate_s8(const tflm_patch_pool_params* params,
                                           const int8_t* input, uint32_t cols, uint32_t channels,
                                           int32_t* sums, uint32_t output_cols) {
  for (uint32_t x = 0; x < output_cols; ++x) {
    size_t first;
    const tflm_patch_range inside = find_cols(&params->window, cols, x, &first);
    for (uint32_t c = 0; c < channels; c += TFLM_PATCH_SUMS) {
      tflm_patch_add_cells(input + first * channels + c, channels, inside.end - inside.first,
                           MIN(TFLM_PATCH_SUMS, channels - c), sums + c);
    }
    sums += channels;
  }
}

void tflm_patch_average_pool_finish_s8(const tflm_patch_pool_params* params, const int32_t* sums,
                                       uint32_t rows, uint32_t cols, uint32_t channels,
                                       int8_t* output, uint32_t output_cols) {
  for (uint32_t x = 0; x < output_cols; ++x) {
    size_t first;
    const tflm_patch_range inside = find_cols(&params->window, cols, x, &first);
    const divisor d = make_divisor(rows * (inside.end - inside.first));
    finish(params, &d, sums, output, channels);
    sums += channels;
    output += channels;
  }
}

#endif /* TFLM_PATCH_IS_MVE */
