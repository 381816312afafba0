/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONV_2D of int8 maps for MVE. Cells outside the map count as the input's zero
 * point, as in portable/conv.c.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "../conv_line.h"
#include "../portable/portable.h"
#include "../window.h"
#include "dot.h"
#include "gemm.h"

#define MAX_KERNEL_ROWS 16u
#define GATHER_BYTES 576u /* windows of pixels, gathered on the stack */
#define MAX_GATHERED 64u  /* values of such a window */
#define MAX_EDGE 576u     /* values of a window at an edge that is gathered */
#define CHANNELS 32u      /* whose biases are made at a time */
#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* An output row at work. */
typedef struct {
  const tflm_patch_conv_args* args;
  const tflm_patch_rows* input;
  const int8_t* rows[MAX_KERNEL_ROWS]; /* kernel rows in the map */
  tflm_patch_range rows_inside;
  uint32_t run;   /* weights of a kernel row */
  uint32_t depth; /* of a tap */
  uint32_t kernel_bytes;
  int is_usual;
  int8_t* output;
} conv_row;

static void find_rows(conv_row* c, uint32_t row) {
  const tflm_patch_kernel_rows rows = tflm_patch_find_kernel_rows(&c->args->window, c->input, row);
  uint32_t slot = rows.slot;
  c->rows_inside = rows.inside;
  for (uint32_t i = 0; i < rows.inside.end - rows.inside.first; ++i) {
    c->rows[i] = tflm_patch_slot_row(c->input, slot);
    slot = tflm_patch_next_slot(&rows, c->input, slot);
  }
}

static uint32_t count_rows(const conv_row* c) { return c->rows_inside.end - c->rows_inside.first; }

/* ---- small windows: gathered ---- */

static void fill(int8_t* to, uint32_t n, int8_t value) {
  const int8x16_t v = vdupq_n_s8(value);
  for (uint32_t i = 0; i < n; i += 16) {
    vstrbq_s8(to + i, v);
  }
}

/* The window of an output column. */
static void gather_window(const conv_row* c, uint32_t x, int8_t* to, uint32_t pitch) {
  const tflm_patch_window* window = &c->args->window;
  const int32_t col = tflm_patch_first_col(window, x);
  const tflm_patch_range taps = tflm_patch_taps_inside(col, window->kernel_w, 1, c->input->cols);
  const int32_t n = (int32_t)((taps.end - taps.first) * c->depth);
  fill(to, pitch, (int8_t)c->args->input_zero_point);
  if (n == 0) {
    return;
  }
  const size_t at = (size_t)(col + (int32_t)taps.first) * c->depth;
  to += c->rows_inside.first * c->run + taps.first * c->depth;
  for (uint32_t i = 0; i < count_rows(c); ++i) {
    for (int32_t done = 0; done < n; done += 16) {
      const mve_pred16_t in = vctp8q((uint32_t)(n - done));
      vstrbq_p_s8(to + done, vldrbq_z_s8(c->rows[i] + at + done, in), in);
    }
    to += c->run;
  }
}

/* The windows of n > 0 output columns from x on, of rows of up to 16 values. Those of
 * kernel rows outside the map are there already. */
static void gather_narrow(const conv_row* c, uint32_t x, uint32_t n, int8_t* to, uint32_t pitch) {
  const tflm_patch_window* window = &c->args->window;
  const size_t step = (size_t)window->stride_w * c->depth;
  const size_t at = (size_t)tflm_patch_first_col(window, x) * c->depth;
  const mve_pred16_t in = vctp8q(c->run);
  to += c->rows_inside.first * c->run;
  for (uint32_t i = 0; i < count_rows(c); ++i) {
    const int8_t* from = c->rows[i] + at;
    int8_t* place = to;
    __asm__ volatile(
        "   vmsr p0, %[in]\n"
        "   dls lr, %[n]\n"
        "1: vpstt\n"
        "   vldrbt.8 q0, [%[from]]\n"
        "   vstrbt.8 q0, [%[place]]\n"
        "   add %[from], %[step]\n"
        "   add %[place], %[pitch]\n"
        "   le lr, 1b\n"
        : [from] "+&r"(from), [place] "+&r"(place)
        : [step] "r"(step), [pitch] "r"(pitch), [n] "r"(n), [in] "r"((uint32_t)in)
        : "q0", "lr", "memory");
    to += c->run;
  }
}

/* The same of one window, some taps of which are outside the map. */
static void gather_narrow_edge(const conv_row* c, uint32_t x, int8_t* to) {
  const tflm_patch_window* window = &c->args->window;
  const int8x16_t outside = vdupq_n_s8((int8_t)c->args->input_zero_point);
  const int32_t col = tflm_patch_first_col(window, x);
  const tflm_patch_range taps = tflm_patch_taps_inside(col, window->kernel_w, 1, c->input->cols);
  const mve_pred16_t all = vctp8q(c->run);
  const mve_pred16_t in =
      vctp8q(taps.end * c->depth) & (mve_pred16_t)~vctp8q(taps.first * c->depth);
  const size_t at = (size_t)(col * (int32_t)c->depth);
  to += c->rows_inside.first * c->run;
  for (uint32_t i = 0; i < count_rows(c); ++i) {
    vstrbq_p_s8(to, vpselq_s8(vldrbq_z_s8(c->rows[i] + at, in), outside, in), all);
    to += c->run;
  }
}

static __attribute__((noinline)) void make_gathered(const conv_row* c) {
  const tflm_patch_conv_args* args = c->args;
  int8_t gathered[GATHER_BYTES + 16] __attribute__((aligned(16)));
  const int8_t* const runs[] = {gathered};
  const uint32_t pitch = (c->kernel_bytes + 15u) & ~15u;
  const uint32_t block = GATHER_BYTES / pitch;
  const tflm_patch_range inside =
      tflm_patch_cols_inside(&args->window, c->input->cols, args->output_cols);
  const int is_narrow = c->run <= 16;
  const int is_high = count_rows(c) == args->window.kernel_h;
  const tflm_patch_filters filters = {
      .weights = args->weights,
      .channel_step = c->kernel_bytes,
      .bias = args->bias,
      .n_channels = args->output_channels,
  };
  tflm_patch_pixels pixels = {
      .runs = runs,
      .n_runs = 1,
      .run = c->kernel_bytes,
      .behind = pitch - c->kernel_bytes,
      .pixel_step = pitch,
      .is_usual = c->is_usual,
  };
  for (uint32_t x = 0; x < args->output_cols; x += pixels.n_pixels) {
    pixels.n_pixels = MIN(block, args->output_cols - x);
    const uint32_t end = x + pixels.n_pixels;
    if (is_narrow && !is_high) {
      fill(gathered, pixels.n_pixels * pitch, (int8_t)args->input_zero_point);
    }
    for (uint32_t p = x; p < end;) {
      int8_t* to = gathered + (p - x) * pitch;
      if (!is_narrow) {
        gather_window(c, p++, to, pitch);
      } else if (p >= inside.first && p < inside.end) {
        const uint32_t n = MIN(end, inside.end) - p;
        gather_narrow(c, p, n, to, pitch);
        p += n;
      } else {
        gather_narrow_edge(c, p++, to);
      }
    }
    tflm_patch_mve_tiles(&args->requant, &pixels, &filters,
                         c->output + (size_t)x * args->output_channels, args->output_channels);
  }
}

/* ---- large windows: from the map ---- */

/* Biases of channels with what taps outside the map add: those of rows outside,
 * and of the rows inside, those that are not in `taps`. */
static void make_biases(const conv_row* c, uint32_t first, uint32_t n, tflm_patch_range taps,
                        int32_t* biases) {
  const tflm_patch_conv_args* args = c->args;
  const uint32_t zero_point = (uint32_t)args->input_zero_point;
  const uint32_t above = c->rows_inside.first * c->run;
  const uint32_t inside = count_rows(c) * c->run;
  const uint32_t left = taps.first * c->depth;
  const uint32_t right = taps.end * c->depth;
  for (uint32_t i = 0; i < n; ++i) {
    const int8_t* w = args->weights + (size_t)(first + i) * c->kernel_bytes;
    int32_t sum = tflm_patch_sum_vector(w, above) +
                  tflm_patch_sum_vector(w + above + inside, c->kernel_bytes - above - inside);
    w += above;
    if (right - left < c->run) {
      for (uint32_t j = 0; j < count_rows(c); ++j) {
        sum += tflm_patch_sum_vector(w, left) + tflm_patch_sum_vector(w + right, c->run - right);
        w += c->run;
      }
    }
    biases[i] = (int32_t)((uint32_t)args->bias[first + i] + zero_point * (uint32_t)sum);
  }
}

/* Output columns [x, x + n) of a block of channels; they have the same taps in
 * the map. */
static void make_cols(const conv_row* c, uint32_t x, uint32_t n, uint32_t first,
                      uint32_t n_channels) {
  const tflm_patch_conv_args* args = c->args;
  const tflm_patch_window* window = &args->window;
  const int32_t col = tflm_patch_first_col(window, x);
  const tflm_patch_range taps = tflm_patch_taps_inside(col, window->kernel_w, 1, c->input->cols);
  const uint32_t n_taps = taps.end - taps.first;
  const int is_whole = n_taps == window->kernel_w && count_rows(c) == window->kernel_h;
  int32_t biases[CHANNELS];
  const tflm_patch_filters filters = {
      .weights = args->weights + (size_t)first * c->kernel_bytes + c->rows_inside.first * c->run +
                 taps.first * c->depth,
      .channel_step = c->kernel_bytes,
      .run_step = c->run,
      .bias = is_whole ? args->bias + first : biases,
      .first = first,
      .n_channels = n_channels,
  };
  const tflm_patch_pixels pixels = {
      .runs = c->rows,
      .n_runs = n_taps > 0 ? count_rows(c) : 0,
      .run = n_taps * c->depth,
      .at = (size_t)(col + (int32_t)taps.first) * c->depth,
      .pixel_step = (size_t)window->stride_w * c->depth,
      .n_pixels = n,
      .is_usual = c->is_usual,
  };
  if (!is_whole) {
    make_biases(c, first, n_channels, taps, biases);
  }
  tflm_patch_mve_tiles(&args->requant, &pixels, &filters,
                       c->output + (size_t)x * args->output_channels + first,
                       args->output_channels);
}

/* A column with taps outside the map, from a copy of its window. */
static __attribute__((noinline)) void make_edge(const conv_row* c, uint32_t x) {
  const tflm_patch_conv_args* args = c->args;
  int8_t gathered[MAX_EDGE] __attribute__((aligned(16)));
  const tflm_patch_filters filters = {
      .weights = args->weights,
      .channel_step = c->kernel_bytes,
      .bias = args->bias,
      .n_channels = args->output_channels,
  };
  gather_window(c, x, gathered, (c->kernel_bytes + 15u) & ~15u);
  tflm_patch_mve_make_fours(&args->requant, gathered, c->kernel_bytes, &filters,
                            c->output + (size_t)x * args->output_channels);
}

static void make_edges(const conv_row* c, uint32_t x, uint32_t end) {
  for (; x < end; ++x) {
    make_edge(c, x);
  }
}

/* Columns [cols.first, cols.end), those not in `inside` one by one. */
static __attribute__((noinline)) void make_direct(const conv_row* c, tflm_patch_range cols,
                                                  tflm_patch_range inside) {
  const tflm_patch_conv_args* args = c->args;
  /* Biases are copied in blocks; without any, one block does. */
  const int is_whole = inside.first == cols.first && inside.end == cols.end &&
                       count_rows(c) == args->window.kernel_h;
  const uint32_t block = is_whole ? args->output_channels : CHANNELS;
  for (uint32_t first = 0; first < args->output_channels; first += block) {
    const uint32_t n = MIN(block, args->output_channels - first);
    for (uint32_t x = cols.first; x < inside.first; ++x) {
      make_cols(c, x, 1, first, n);
    }
    if (inside.first < inside.end) {
      make_cols(c, inside.first, inside.end - inside.first, first, n);
    }
    for (uint32_t x = inside.end; x < cols.end; ++x) {
      make_cols(c, x, 1, first, n);
    }
  }
}

void tflm_patch_conv_s8(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                        uint32_t row, int8_t* output) {
  const tflm_patch_window* window = &args->window;
  if (args->groups != 1 || window->dilation_w != 1 || window->kernel_h > MAX_KERNEL_ROWS) {
    tflm_patch_conv_portable_s8(args, input, row, output);
    return;
  }
  conv_row c; /* not cleared: it holds many rows */
  c.args = args;
  c.input = input;
  c.run = window->kernel_w * input->channels;
  c.depth = input->channels;
  c.kernel_bytes = c.run * window->kernel_h;
  c.output = output;
  c.is_usual = tflm_patch_is_usual(&args->requant, args->output_channels);
  find_rows(&c, row);
  if (c.kernel_bytes <= MAX_GATHERED && c.kernel_bytes > c.depth) {
    make_gathered(&c);
    return;
  }
  const tflm_patch_range inside = tflm_patch_cols_inside(window, input->cols, args->output_cols);
  tflm_patch_range cols = {0, args->output_cols};
  if (c.is_usual && args->output_channels >= 4 && c.kernel_bytes <= MAX_EDGE) {
    cols = inside;
    make_edges(&c, 0, cols.first);
    make_edges(&c, cols.end, args->output_cols);
  }
  make_direct(&c, cols, inside);
}

int tflm_patch_conv_line_s8(const tflm_patch_conv_args* args, const tflm_patch_rows* line,
                            int8_t* output) {
  if (args->groups != 1) {
    return 0;
  }
  const uint32_t depth = line->channels;
  const int8_t* const runs[] = {line->base};
  const int is_usual = tflm_patch_is_usual(&args->requant, args->output_channels);
  if (line->base == output &&
      !(is_usual && tflm_patch_mve_can_make_pixels(&args->requant, depth, args->output_channels))) {
    return 0;
  }
  const tflm_patch_filters filters = {
      .weights = args->weights,
      .channel_step = depth,
      .bias = args->bias,
      .n_channels = args->output_channels,
  };
  const tflm_patch_pixels pixels = {
      .runs = runs,
      .n_runs = 1,
      .run = depth,
      .pixel_step = depth,
      .n_pixels = line->cols,
      .is_usual = is_usual,
  };
  tflm_patch_mve_tiles(&args->requant, &pixels, &filters, output, args->output_channels);
  return 1;
}

#endif /* TFLM_PATCH_IS_MVE */
