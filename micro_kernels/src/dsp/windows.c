/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Windows of CONV_2D in the dsp family, brought together or widened.
 */
#include "windows.h"

#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "arith.h"

void tflm_patch_find_window_rows(tflm_patch_windows* w, uint32_t row) {
  const tflm_patch_window* window = &w->args->window;
  const tflm_patch_kernel_rows rows = tflm_patch_find_kernel_rows(window, w->input, row);
  uint32_t slot = rows.slot;
  w->inside = rows.inside;
  for (uint32_t i = rows.inside.first; i < rows.inside.end; ++i) {
    w->rows[i] = tflm_patch_slot_row(w->input, slot);
    slot = tflm_patch_next_slot(&rows, w->input, slot);
  }
}

void tflm_patch_gather_window(const tflm_patch_windows* w, int32_t col, int8_t* to) {
  const tflm_patch_window* window = &w->args->window;
  const uint32_t depth = w->input->channels;
  const int32_t zero_point = w->args->input_zero_point;
  const tflm_patch_range inside =
      tflm_patch_taps_inside(col, window->kernel_w, window->dilation_w, w->input->cols);
  const uint32_t taps = inside.end - inside.first;
  const uint32_t runs = window->dilation_w == 1 ? taps != 0 : taps;
  const uint32_t run = window->dilation_w == 1 ? taps * depth : depth;
  const int32_t at = (col + (int32_t)(inside.first * window->dilation_w)) * (int32_t)depth;
  memset(to, zero_point, w->taps);
  to += (w->inside.first * window->kernel_w + inside.first) * depth;
  for (uint32_t i = w->inside.first; i < w->inside.end; ++i) {
    const int8_t* from = w->rows[i] + at;
    int8_t* next = to;
    for (uint32_t j = 0; j < runs; ++j) {
      next = tflm_patch_copy_bytes(next, from, run);
      from += window->dilation_w * depth;
    }
    to += window->kernel_w * depth;
  }
}

void tflm_patch_gather_windows(const tflm_patch_windows* w, uint32_t x, uint32_t n, int8_t* to) {
  const tflm_patch_window* window = &w->args->window;
  const uint32_t depth = w->input->channels;
  const uint32_t run = window->kernel_w * depth;
  const uint32_t kernel_h = window->kernel_h;
  const int is_whole = w->inside.first == 0 && w->inside.end == kernel_h && window->dilation_w == 1;
  const int32_t last = (int32_t)w->input->cols - window->kernel_w;
  int32_t col = tflm_patch_first_col(window, x);
  for (; n > 0; --n) {
    if (is_whole && col >= 0 && col <= last) {
      const uint32_t at = (uint32_t)col * depth;
      for (uint32_t i = 0; i < kernel_h; ++i) {
        to = tflm_patch_copy_bytes(to, w->rows[i] + at, run);
      }
    } else {
      tflm_patch_gather_window(w, col, to);
      to += w->taps;
    }
    col += window->stride_w;
  }
}

/* A word of taps. */
static inline __attribute__((always_inline)) uint32_t* put(uint32_t* to, uint32_t step,
                                                           uint32_t word) {
  to[0] = tflm_patch_even_bytes(word);
  to[step] = tflm_patch_odd_bytes(word);
  return to + 2 * step;
}

/* Bringing the runs together first takes as long as their products with 8 channels. */
void tflm_patch_widen_nines(uint32_t* to, uint32_t step, const int8_t* a, const int8_t* b,
                            const int8_t* c) {
  to = put(to, step, tflm_patch_load_word(a));
  to = put(to, step, tflm_patch_load_word(a + 4));
  to = put(to, step, (uint8_t)a[8] | tflm_patch_load_word(b) << 8);
  to = put(to, step, tflm_patch_load_word(b + 3));
  to = put(to, step, tflm_patch_load_word(b + 5) >> 16 | tflm_patch_load_word(c) << 16);
  to = put(to, step, tflm_patch_load_word(c + 2));
  (void)put(to, step, tflm_patch_load_word(c + 5) >> 8);
}

#endif /* TFLM_PATCH_IS_DSP */
