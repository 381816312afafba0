/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Windows of CONV_2D in the dsp family, brought together or widened. Internal.
 */
#ifndef TFLM_PATCH_SRC_DSP_WINDOWS_H_
#define TFLM_PATCH_SRC_DSP_WINDOWS_H_

#include <string.h>

#include "../window.h"
#include "limits.h"

/* Those of an output row. */
typedef struct {
  const tflm_patch_conv_args* args;
  const tflm_patch_rows* input;
  uint32_t taps;                                /* values of a window */
  tflm_patch_range inside;                      /* kernel rows in the map */
  const int8_t* rows[TFLM_PATCH_CONV_KERNEL_H]; /* those rows */
} tflm_patch_windows;

/* Returns the end of what is written. */
static inline __attribute__((always_inline)) int8_t* tflm_patch_copy_bytes(int8_t* to,
                                                                           const int8_t* from,
                                                                           uint32_t n) {
  const int8_t* end = to + n;
  for (; n >= 4; n -= 4) {
    memcpy(to, from, 4);
    to += 4;
    from += 4;
  }
  while (to != end) {
    *to++ = *from++;
  }
  return to;
}

void tflm_patch_find_window_rows(tflm_patch_windows* w, uint32_t row);

/* The window at an input column, in the order of the weights; some of it may lie outside of
 * the map, or it may have gaps. */
void tflm_patch_gather_window(const tflm_patch_windows* w, int32_t col, int8_t* to);

/* The windows of output columns [x, x + n), one behind the other. */
void tflm_patch_gather_windows(const tflm_patch_windows* w, uint32_t x, uint32_t n, int8_t* to);

/* Whether windows inside the map are three runs of 9 bytes, such as 3 x 3 windows of three
 * channels have, and are to be widened in that way. */
static inline int tflm_patch_are_nines(const tflm_patch_windows* w) {
#ifdef __OPTIMIZE_SIZE__
  (void)w;
  return 0;
#else
  const tflm_patch_window* window = &w->args->window;
  return w->taps == 27 && window->kernel_h == 3 && window->dilation_w == 1 &&
         w->inside.end - w->inside.first == 3;
#endif
}

/* Such a window, by its runs: the words of the even and of the odd values of each four are
 * `step` words apart. */
void tflm_patch_widen_nines(uint32_t* to, uint32_t step, const int8_t* a, const int8_t* b,
                            const int8_t* c);

#endif /* TFLM_PATCH_SRC_DSP_WINDOWS_H_ */
