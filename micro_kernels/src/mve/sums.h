/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sums of cells, channel by channel. Internal.
 */
#ifndef TFLM_PATCH_SRC_MVE_SUMS_H_
#define TFLM_PATCH_SRC_MVE_SUMS_H_

#include "vector.h"

#define TFLM_PATCH_SUMS 8u /* channels at a time */

/* As many int8 values have a sum in int16. */
#define TFLM_PATCH_MAX_SUMMANDS 255u

/* sums[c] += the values of n cells' channels c, for up to TFLM_PATCH_SUMS
 * channels; cells are `step` bytes apart. */
TFLM_PATCH_INLINE void tflm_patch_add_cells(const int8_t* cell, size_t step, uint32_t n,
                                            uint32_t channels, int32_t* sums) {
  if (channels == TFLM_PATCH_SUMS && n <= TFLM_PATCH_MAX_SUMMANDS) {
    /* Most often: nothing is predicated. */
    int16_t partial[TFLM_PATCH_SUMS];
    int16x8_t sum = vdupq_n_s16(0);
    for (uint32_t i = 0; i < n; ++i) {
      sum = vaddq_s16(sum, vldrbq_s16(cell));
      cell += step;
    }
    vstrhq_s16(partial, sum);
    vstrwq_s32(sums, vaddq_s32(vldrwq_s32(sums), vldrhq_s32(partial)));
    vstrwq_s32(sums + 4, vaddq_s32(vldrwq_s32(sums + 4), vldrhq_s32(partial + 4)));
    return;
  }
  const mve_pred16_t in = vctp16q(channels);
  const mve_pred16_t low = vctp32q(channels);
  const mve_pred16_t high = vctp32q(channels > 4 ? channels - 4 : 0);
  while (n > 0) {
    const uint32_t end = n < TFLM_PATCH_MAX_SUMMANDS ? n : TFLM_PATCH_MAX_SUMMANDS;
    int16_t partial[TFLM_PATCH_SUMS];
    int16x8_t sum = vdupq_n_s16(0);
    for (uint32_t i = 0; i < end; ++i) {
      sum = vaddq_s16(sum, vldrbq_z_s16(cell, in));
      cell += step;
    }
    vstrhq_s16(partial, sum);
    vstrwq_p_s32(sums, vaddq_s32(vldrwq_z_s32(sums, low), vldrhq_s32(partial)), low);
    vstrwq_p_s32(sums + 4, vaddq_s32(vldrwq_z_s32(sums + 4, high), vldrhq_s32(partial + 4)), high);
    n -= end;
  }
}

#endif /* TFLM_PATCH_SRC_MVE_SUMS_H_ */
