/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONV_2D of the dsp family.
 *
 * Pixels are widened to 16 bits, once for all output channels, as many as the buffer is
 * for, and interleaved by threes. Where not even three fit, two pixels and two channels
 * are widened in the loop.
 */
#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "../conv_line.h"
#include "../kernels.h"
#include "../portable/portable.h"
#include "arith.h"
#include "conv.h"
#include "conv_blocks.h"
#include "conv_parts.h"
#include "gemm.h"
#include "windows.h"

#define PIXELS TFLM_PATCH_WIDE_PIXELS

_Static_assert(2 * TFLM_PATCH_CONV_IN_PLACE_CHANNELS <= TFLM_PATCH_CONV_STACK_BYTES,
               "pixels in place are set aside");

/* An output row at work. */
typedef struct {
  tflm_patch_windows windows;
  tflm_patch_dot_job job;
  uint32_t cols;        /* to be made */
  int is_direct;        /* pixels are made of the pixels of rows[0] */
  int is_wide_gathered; /* windows are widened where they lie */
  uint32_t* buffer;
  uint32_t buffer_bytes;
} conv_row;

/* ---- windows ---- */

static uint32_t* put_outside(uint32_t* to, const uint32_t* end, uint32_t n_vectors,
                             uint32_t outside) {
  for (; to != end; to += n_vectors) {
    *to = outside;
  }
  return to;
}

/* A window at an input column, some of it outside of the map or with gaps, widened. */
static TFLM_PATCH_NOINLINE void widen_at_side(const conv_row* c, int32_t col, uint32_t n_vectors,
                                              uint32_t* to) {
  const tflm_patch_window* window = &c->windows.args->window;
  const uint32_t depth = c->windows.input->channels;
  const uint32_t cell_words = tflm_patch_wide_words(depth, n_vectors);
  const uint32_t outside = (uint16_t)c->windows.args->input_zero_point * 0x00010001u;
  const tflm_patch_range inside =
      tflm_patch_taps_inside(col, window->kernel_w, window->dilation_w, c->windows.input->cols);
  const uint32_t taps = inside.end - inside.first;
  const uint32_t runs = window->dilation_w == 1 ? taps != 0 : taps;
  const uint32_t run = window->dilation_w == 1 ? taps * depth : depth;
  for (uint32_t i = 0; i < window->kernel_h; ++i) {
    const int is_row = i >= c->windows.inside.first && i < c->windows.inside.end;
    const uint32_t first = is_row ? inside.first : window->kernel_w;
    const uint32_t* end = to + window->kernel_w * cell_words;
    to = put_outside(to, to + first * cell_words, n_vectors, outside);
    if (is_row) {
      const int8_t* from =
          c->windows.rows[i] + (col + (int32_t)(first * window->dilation_w)) * (int32_t)depth;
      for (uint32_t j = 0; j < runs; ++j) {
        tflm_patch_widen(to, n_vectors, from, run, 1, 0);
        to += tflm_patch_wide_words(run, n_vectors);
        from += window->dilation_w * depth;
      }
    }
    to = put_outside(to, end, n_vectors, outside);
  }
}

/* n windows of an output row, widened, in tiles of n_vectors; channels are fours. */
static TFLM_PATCH_NOINLINE void gather_wide(const conv_row* c, uint32_t x, uint32_t n,
                                            uint32_t n_vectors, uint32_t* to) {
  const tflm_patch_window* window = &c->windows.args->window;
  const uint32_t depth = c->windows.input->channels;
  const uint32_t kernel_h = window->kernel_h;
  const uint32_t run = window->kernel_w * depth;
  const uint32_t run_words = tflm_patch_wide_words(run, n_vectors);
  const int32_t skip = (int32_t)(window->stride_w * depth) - (int32_t)run;
  const int is_whole =
      c->windows.inside.first == 0 && c->windows.inside.end == kernel_h && window->dilation_w == 1;
  /* Of the first window of a tile that lies in the map. */
  const int32_t last = (int32_t)c->windows.input->cols - window->kernel_w -
                       (int32_t)((n_vectors - 1) * window->stride_w);
  int32_t col = tflm_patch_first_col(window, x);
  for (; n > 0; n -= n_vectors) {
    if (is_whole && col >= 0 && col <= last) {
      const uint32_t at = (uint32_t)col * depth;
      for (uint32_t i = 0; i < kernel_h; ++i) {
        tflm_patch_widen(to, n_vectors, c->windows.rows[i] + at, run, n_vectors, skip);
        to += run_words;
      }
      col += (int32_t)(n_vectors * window->stride_w);
      continue;
    }
    for (uint32_t i = 0; i < n_vectors; ++i) {
      widen_at_side(c, col, n_vectors, to + i);
      col += window->stride_w;
    }
    to += kernel_h * run_words;
  }
}

/* A tile of three windows of three runs of 9 bytes. */
static void widen_tile_of_nines(const conv_row* c, uint32_t x, int8_t* aside, uint32_t* to) {
  const tflm_patch_window* window = &c->windows.args->window;
  const int32_t last = (int32_t)c->windows.input->cols - window->kernel_w;
  const int32_t depth = (int32_t)c->windows.input->channels;
  int32_t col = tflm_patch_first_col(window, x);
  for (const uint32_t* end = to + PIXELS; to != end; ++to) {
    if (col >= 0 && col <= last) {
      const int32_t at = col * depth;
      tflm_patch_widen_nines(to, PIXELS, c->windows.rows[0] + at, c->windows.rows[1] + at,
                             c->windows.rows[2] + at);
    } else {
      tflm_patch_gather_window(&c->windows, col, aside);
      tflm_patch_widen(to, PIXELS, aside, c->job.taps, 1, 0);
    }
    col += window->stride_w;
  }
}

/* n pixels widened in tiles of n_vectors from those of the map at `values` or from windows.
 * Returns the end of what is written. */
static uint32_t* widen(const conv_row* c, uint32_t x, uint32_t n, uint32_t n_vectors,
                       const int8_t* values, uint32_t* to) {
  const uint32_t taps = c->job.taps;
  uint32_t* end = to + n / n_vectors * tflm_patch_wide_words(taps, n_vectors);
  if (c->is_wide_gathered) {
    gather_wide(c, x, n, n_vectors, to);
    return end;
  }
  const int is_nines = n_vectors == PIXELS && tflm_patch_are_nines(&c->windows);
  int8_t* aside = (int8_t*)c->buffer + c->buffer_bytes - n_vectors * taps;
  while (to != end) {
    if (is_nines) {
      widen_tile_of_nines(c, x, aside, to);
    } else {
      if (!c->is_direct) {
        tflm_patch_gather_windows(&c->windows, x, n_vectors, aside);
        values = aside;
      }
      tflm_patch_widen(to, n_vectors, values, taps, n_vectors, 0);
    }
    to += tflm_patch_wide_words(taps, n_vectors);
    values += n_vectors * taps;
    x += n_vectors;
  }
  return end;
}

/* How many pixels are widened next, of those that are left and the most that there is memory
 * for: none where that is no tile. */
static uint32_t next_pixels(uint32_t left, uint32_t most) {
  uint32_t n = most;
  if (left <= most) {
    n = left;
  } else if (most >= PIXELS) {
    n = most / PIXELS * PIXELS;
    if (n == left - 1) { /* twos instead of a single one */
      n = n == PIXELS ? 2 : n - PIXELS;
    }
  }
  return n < 2 ? 0 : n;
}

/* n >= 2 pixels, widened together. */
static void make_widened(const conv_row* c, uint32_t x, uint32_t n, const int8_t* values,
                         int8_t* output) {
  const uint32_t twos = (PIXELS - n % PIXELS) % PIXELS;
  const uint32_t in_threes = n - 2 * twos;
  uint32_t* to = widen(c, x, in_threes, PIXELS, values, c->buffer);
  (void)widen(c, x + in_threes, 2 * twos, 2, values + in_threes * c->job.taps, to);
  tflm_patch_make_wide(&c->job, c->buffer, in_threes / PIXELS, twos, output);
}

/* Pixels made of those of the map as they are, or of windows that are gathered first.
 * In place, only what was brought to the buffer is read before it is overwritten. */
static void make(conv_row* c, int8_t* output) {
  tflm_patch_dot_job* job = &c->job;
  const uint32_t taps = job->taps;
  const uint32_t bytes = c->buffer_bytes;
  c->is_wide_gathered =
      TFLM_PATCH_HAS_WIDE_WINDOWS && !c->is_direct && c->windows.input->channels % 4 == 0;
  const uint32_t aside = c->is_direct || c->is_wide_gathered ? 0 : taps;
  const uint32_t threes = tflm_patch_max_pixels(taps, aside, PIXELS, bytes);
  const uint32_t most = threes != 0 ? threes : tflm_patch_max_pixels(taps, aside, 2, bytes);
  const uint32_t few = c->is_direct || 2 * taps <= bytes ? 2 : 1;
  const int8_t* values = c->windows.rows[0];
  const int is_in_place = values == output;
#if TFLM_PATCH_HAS_PARTS
  const int are_parts = threes == 0 && !is_in_place && tflm_patch_are_parts(&c->windows, job);
#endif
  uint32_t n;
  for (uint32_t left = c->cols; left > 0; left -= n) {
    const uint32_t x = c->cols - left;
#if TFLM_PATCH_HAS_PARTS
    if (are_parts && (left >= PIXELS || left > few)) {
      n = left < PIXELS ? 2 : PIXELS;
      tflm_patch_make_parts(&c->windows, job, x, n, c->buffer, bytes, output);
      values += n * taps;
      output += n * job->channels;
      continue;
    }
#endif
    n = next_pixels(left, most);
    if (n != 0) {
      make_widened(c, x, n, values, output);
    } else {
      int8_t* buffer = (int8_t*)c->buffer;
      const int8_t* cells = buffer;
      n = left < 2 ? 1 : few;
      if (!c->is_direct) {
        tflm_patch_gather_windows(&c->windows, x, n, buffer);
      } else if (is_in_place) {
        (void)tflm_patch_copy_bytes(buffer, values, n * taps);
      } else {
        cells = values;
      }
      tflm_patch_make_few(job, cells, n, output);
    }
    values += n * taps;
    output += n * job->channels;
  }
}

/* Whether a pixel is made of one pixel, the next one of the next pixel. */
static int is_pointwise(const tflm_patch_window* window) {
  return window->kernel_h == 1 && window->kernel_w == 1 && window->stride_w == 1 &&
         window->pad_left == 0;
}

/* Apart, for the stack of those that have a scratch. */
static __attribute__((noinline)) void make_on_stack(conv_row* c, int8_t* output) {
  uint32_t buffer[TFLM_PATCH_CONV_STACK_BYTES / 4];
  c->buffer = buffer;
  c->buffer_bytes = TFLM_PATCH_CONV_STACK_BYTES;
  make(c, output);
}

static void make_cols(const tflm_patch_conv_args* args, const tflm_patch_rows* input, uint32_t row,
                      uint32_t cols, int8_t* output) {
  const tflm_patch_window* window = &args->window;
  conv_row c; /* most of it is found below */
  c.windows.args = args;
  c.windows.input = input;
  c.cols = cols;
  c.buffer = (uint32_t*)args->scratch;
  c.buffer_bytes = args->scratch_bytes;
  c.windows.taps = (uint32_t)window->kernel_h * window->kernel_w * input->channels;
  tflm_patch_init_dot_job(&c.job, args->weights, args->bias, &args->requant, c.windows.taps,
                          args->output_channels);
  tflm_patch_find_window_rows(&c.windows, row);
  c.is_direct =
      is_pointwise(window) && c.windows.inside.first < c.windows.inside.end && cols <= input->cols;
  if (args->scratch_bytes > TFLM_PATCH_CONV_STACK_BYTES) {
    make(&c, output);
  } else {
    make_on_stack(&c, output);
  }
  tflm_patch_clamp_bytes(&args->requant, output, cols * args->output_channels);
}

/* Whether the kernel is for such a window, in place or not. */
int tflm_patch_is_dsp_conv(const tflm_patch_conv_args* args, uint32_t channels) {
  const tflm_patch_window* window = &args->window;
  const uint32_t taps = (uint32_t)window->kernel_h * window->kernel_w * channels;
  const uint32_t most = args->scratch_bytes > TFLM_PATCH_CONV_STACK_BYTES
                            ? args->scratch_bytes
                            : TFLM_PATCH_CONV_STACK_BYTES;
  return args->groups == 1 && taps >= 4 && args->requant.bounded &&
         window->kernel_h <= TFLM_PATCH_CONV_KERNEL_H &&
         (taps <= most || (is_pointwise(window) && window->pad_top == 0));
}

void tflm_patch_conv_s8(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                        uint32_t row, int8_t* output) {
  if (!TFLM_PATCH_HAS_FALLBACK || tflm_patch_is_dsp_conv(args, input->channels)) {
    make_cols(args, input, row, args->output_cols, output);
  } else {
    tflm_patch_conv_portable_s8(args, input, row, output);
  }
}

int tflm_patch_conv_line_s8(const tflm_patch_conv_args* args, const tflm_patch_rows* line,
                            int8_t* output) {
  if (TFLM_PATCH_HAS_FALLBACK && !tflm_patch_is_dsp_conv(args, line->channels)) {
    return 0;
  }
#if TFLM_PATCH_HAS_OWN_CONV_BLOCKS && !defined(__OPTIMIZE_SIZE__)
  const tflm_patch_rows made = {
      .base = output,
      .row_bytes = (int32_t)(line->cols * args->output_channels),
      .ring_rows = 1,
      .rows = 1,
      .cols = line->cols,
      .channels = args->output_channels,
      .split = 1,
  };
  if (tflm_patch_conv_blocks_s8(args, line, &made, 0, 1)) {
    return 1;
  }
#endif
  make_cols(args, line, 0, line->cols, output);
  return 1;
}

#endif /* TFLM_PATCH_IS_DSP */
