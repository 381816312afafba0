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
#include "../window.h"
#include "arith.h"
#include "conv.h"
#include "gemm.h"

#define PIXELS TFLM_PATCH_WIDE_PIXELS

#ifdef __OPTIMIZE_SIZE__
#define TFLM_PATCH_HAS_NINES 0
#else
#define TFLM_PATCH_HAS_NINES 1
#endif

_Static_assert(2 * TFLM_PATCH_CONV_IN_PLACE_CHANNELS <= TFLM_PATCH_CONV_STACK_BYTES,
               "pixels in place are set aside");

/* An output row at work. */
typedef struct {
  const tflm_patch_conv_args* args;
  const tflm_patch_rows* input;
  tflm_patch_range inside;                      /* kernel rows in the map */
  const int8_t* rows[TFLM_PATCH_CONV_KERNEL_H]; /* those rows */
  tflm_patch_dot_job job;
  uint32_t cols;        /* to be made */
  int is_direct;        /* pixels are made of the pixels of rows[0] */
  int is_wide_gathered; /* windows are widened where they lie */
  uint32_t* buffer;
  uint32_t buffer_bytes;
} conv_row;

/* ---- windows ---- */

static inline __attribute__((always_inline)) int8_t* copy(int8_t* to, const int8_t* from,
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

/* The window of an output column at an input column, in the order of the
 * weights; some of it lies outside of the map, or it has gaps. */
static TFLM_PATCH_NOINLINE void gather_at_side(const conv_row* c, int32_t col, int8_t* to) {
  const tflm_patch_window* window = &c->args->window;
  const uint32_t depth = c->input->channels;
  const int32_t zero_point = c->args->input_zero_point;
  const tflm_patch_range inside =
      tflm_patch_taps_inside(col, window->kernel_w, window->dilation_w, c->input->cols);
  const uint32_t taps = inside.end - inside.first;
  const uint32_t runs = window->dilation_w == 1 ? taps != 0 : taps;
  const uint32_t run = window->dilation_w == 1 ? taps * depth : depth;
  const int32_t at = (col + (int32_t)(inside.first * window->dilation_w)) * (int32_t)depth;
  memset(to, zero_point, c->job.taps);
  to += (c->inside.first * window->kernel_w + inside.first) * depth;
  for (uint32_t i = c->inside.first; i < c->inside.end; ++i) {
    const int8_t* from = c->rows[i] + at;
    int8_t* next = to;
    for (uint32_t j = 0; j < runs; ++j) {
      next = copy(next, from, run);
      from += window->dilation_w * depth;
    }
    to += window->kernel_w * depth;
  }
}

/* The windows of output columns [x, x + n), one behind the other. */
static TFLM_PATCH_NOINLINE void gather(const conv_row* c, uint32_t x, uint32_t n, int8_t* to) {
  const tflm_patch_window* window = &c->args->window;
  const uint32_t depth = c->input->channels;
  const uint32_t run = window->kernel_w * depth;
  const uint32_t kernel_h = window->kernel_h;
  const int is_whole = c->inside.first == 0 && c->inside.end == kernel_h && window->dilation_w == 1;
  const int32_t last = (int32_t)c->input->cols - window->kernel_w;
  int32_t col = tflm_patch_first_col(window, x);
  for (; n > 0; --n) {
    if (is_whole && col >= 0 && col <= last) {
      const uint32_t at = (uint32_t)col * depth;
      for (uint32_t i = 0; i < kernel_h; ++i) {
        to = copy(to, c->rows[i] + at, run);
      }
    } else {
      gather_at_side(c, col, to);
      to += c->job.taps;
    }
    col += window->stride_w;
  }
}

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
  const tflm_patch_window* window = &c->args->window;
  const uint32_t depth = c->input->channels;
  const uint32_t cell_words = tflm_patch_wide_words(depth, n_vectors);
  const uint32_t outside = (uint16_t)c->args->input_zero_point * 0x00010001u;
  const tflm_patch_range inside =
      tflm_patch_taps_inside(col, window->kernel_w, window->dilation_w, c->input->cols);
  const uint32_t taps = inside.end - inside.first;
  const uint32_t runs = window->dilation_w == 1 ? taps != 0 : taps;
  const uint32_t run = window->dilation_w == 1 ? taps * depth : depth;
  for (uint32_t i = 0; i < window->kernel_h; ++i) {
    const int is_row = i >= c->inside.first && i < c->inside.end;
    const uint32_t first = is_row ? inside.first : window->kernel_w;
    const uint32_t* end = to + window->kernel_w * cell_words;
    to = put_outside(to, to + first * cell_words, n_vectors, outside);
    if (is_row) {
      const int8_t* from =
          c->rows[i] + (col + (int32_t)(first * window->dilation_w)) * (int32_t)depth;
      for (uint32_t j = 0; j < runs; ++j) {
        tflm_patch_widen(to, n_vectors, from, run, 1);
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
  const tflm_patch_window* window = &c->args->window;
  const uint32_t depth = c->input->channels;
  const uint32_t kernel_h = window->kernel_h;
  const uint32_t run = window->kernel_w * depth;
  const uint32_t run_words = tflm_patch_wide_words(run, n_vectors);
  const int is_whole = c->inside.first == 0 && c->inside.end == kernel_h && window->dilation_w == 1;
  const int32_t last = (int32_t)c->input->cols - window->kernel_w;
  const uint32_t tile_words = kernel_h * run_words - n_vectors;
  uint32_t vector = 0;
  int32_t col = tflm_patch_first_col(window, x);
  for (; n > 0; --n) {
    if (is_whole && col >= 0 && col <= last) {
      const uint32_t at = (uint32_t)col * depth;
      uint32_t* words = to;
      for (uint32_t i = 0; i < kernel_h; ++i) {
        tflm_patch_widen(words, n_vectors, c->rows[i] + at, run, 1);
        words += run_words;
      }
    } else {
      widen_at_side(c, col, n_vectors, to);
    }
    col += window->stride_w;
    ++to;
    if (++vector == n_vectors) {
      vector = 0;
      to += tile_words;
    }
  }
}

static void find_rows(conv_row* c, uint32_t row) {
  const tflm_patch_window* window = &c->args->window;
  const tflm_patch_kernel_rows rows = tflm_patch_find_kernel_rows(window, c->input, row);
  uint32_t slot = rows.slot;
  c->inside = rows.inside;
  for (uint32_t i = rows.inside.first; i < rows.inside.end; ++i) {
    c->rows[i] = tflm_patch_slot_row(c->input, slot);
    slot = tflm_patch_next_slot(&rows, c->input, slot);
  }
}

/* ---- rows ---- */

/* A word of taps of a pixel of a tile of three. */
static inline __attribute__((always_inline)) void put(uint32_t* to, uint32_t word) {
  to[0] = tflm_patch_even_bytes(word);
  to[PIXELS] = tflm_patch_odd_bytes(word);
}

/* Three runs of 9 bytes, such as a 3 x 3 window of three channels has, widened as they
 * are: bringing them together first takes as long as their products with 8 channels. */
static TFLM_PATCH_NOINLINE void widen_nines(uint32_t* to, const int8_t* a, const int8_t* b,
                                            const int8_t* c) {
  put(to, tflm_patch_load_word(a));
  put(to + 2 * PIXELS, tflm_patch_load_word(a + 4));
  put(to + 4 * PIXELS, (uint8_t)a[8] | tflm_patch_load_word(b) << 8);
  put(to + 6 * PIXELS, tflm_patch_load_word(b + 3));
  put(to + 8 * PIXELS, tflm_patch_load_word(b + 5) >> 16 | tflm_patch_load_word(c) << 16);
  put(to + 10 * PIXELS, tflm_patch_load_word(c + 2));
  put(to + 12 * PIXELS, tflm_patch_load_word(c + 5) >> 8);
}

/* A tile of three windows of three runs of 9 bytes. */
static void widen_tile_of_nines(const conv_row* c, uint32_t x, int8_t* aside, uint32_t* to) {
  const tflm_patch_window* window = &c->args->window;
  const int32_t last = (int32_t)c->input->cols - window->kernel_w;
  const int32_t depth = (int32_t)c->input->channels;
  int32_t col = tflm_patch_first_col(window, x);
  for (const uint32_t* end = to + PIXELS; to != end; ++to) {
    if (col >= 0 && col <= last) {
      const int32_t at = col * depth;
      widen_nines(to, c->rows[0] + at, c->rows[1] + at, c->rows[2] + at);
    } else {
      gather_at_side(c, col, aside);
      tflm_patch_widen(to, PIXELS, aside, c->job.taps, 1);
    }
    col += window->stride_w;
  }
}

/* n pixels widened in tiles of n_vectors from those of the map at `values` or
 * from windows. */
static void widen(const conv_row* c, uint32_t x, uint32_t n, uint32_t n_vectors,
                  const int8_t* values) {
  const uint32_t taps = c->job.taps;
  uint32_t* to = c->buffer;
  if (c->is_wide_gathered) {
    gather_wide(c, x, n, n_vectors, to);
    return;
  }
  const tflm_patch_window* window = &c->args->window;
  const int is_nines = TFLM_PATCH_HAS_NINES && n_vectors == PIXELS && taps == 27 &&
                       window->kernel_h == 3 && window->dilation_w == 1 &&
                       c->inside.end - c->inside.first == 3;
  for (; n > 0; n -= n_vectors) {
    int8_t* aside = (int8_t*)c->buffer + c->buffer_bytes - n_vectors * taps;
    if (is_nines) {
      widen_tile_of_nines(c, x, aside, to);
    } else {
      if (!c->is_direct) {
        gather(c, x, n_vectors, aside);
        values = aside;
      }
      tflm_patch_widen(to, n_vectors, values, taps, n_vectors);
    }
    to += tflm_patch_wide_words(taps, n_vectors);
    values += n_vectors * taps;
    x += n_vectors;
  }
}

/* Pixels made of those of the map as they are, or of windows that are gathered first.
 * In place, only what was brought to the buffer is read before it is overwritten. */
static void make(conv_row* c, int8_t* output) {
  tflm_patch_dot_job* job = &c->job;
  const uint32_t taps = job->taps;
  const uint32_t bytes = c->buffer_bytes;
  c->is_wide_gathered = TFLM_PATCH_HAS_WIDE_WINDOWS && !c->is_direct && c->input->channels % 4 == 0;
  const uint32_t aside = c->is_direct || c->is_wide_gathered ? 0 : taps;
  const uint32_t threes = tflm_patch_max_wide(taps, aside, PIXELS, bytes);
  const uint32_t twos = tflm_patch_max_wide(taps, aside, 2, bytes);
  const uint32_t few = c->is_direct || 2 * taps <= bytes ? 2 : 1;
  const int8_t* values = c->rows[0];
  const int is_in_place = values == output;
  uint32_t n;
  for (uint32_t left = c->cols; left > 0; left -= n) {
    const uint32_t x = c->cols - left;
    uint32_t n_vectors = PIXELS;
    n = left < threes ? left - left % PIXELS : threes;
    if (n == left - 1) {
      n -= n != 0 ? PIXELS : 0; /* twos instead of a single one */
    }
    if (n == 0) {
      n_vectors = 2;
      n = left < twos ? left & ~1u : twos;
    }
    if (n != 0) {
      widen(c, x, n, n_vectors, values);
      tflm_patch_make_wide(job, c->buffer, n_vectors, n, output);
    } else {
      int8_t* buffer = (int8_t*)c->buffer;
      const int8_t* cells = buffer;
      n = left < 2 ? 1 : few;
      if (!c->is_direct) {
        gather(c, x, n, buffer);
      } else if (is_in_place) {
        copy(buffer, values, n * taps);
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
  conv_row c = {
      .args = args,
      .input = input,
      .cols = cols,
      .buffer = (uint32_t*)args->scratch,
      .buffer_bytes = args->scratch_bytes,
  };
  tflm_patch_init_dot_job(&c.job, args->weights, args->bias, &args->requant,
                          (uint32_t)window->kernel_h * window->kernel_w * input->channels,
                          args->output_channels);
  find_rows(&c, row);
  c.is_direct = is_pointwise(window) && c.inside.first < c.inside.end && cols <= input->cols;
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
  make_cols(args, line, 0, line->cols, output);
  return 1;
}

#endif /* TFLM_PATCH_IS_DSP */
