/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolutions of five to eight kernel columns, in the dsp family, where a channel of
 * the rows that an output row sees fits the buffer: it is widened to a plane of 16-bit values,
 * borders included. Five output columns are made at a time, two taps of a kernel row at once.
 * Output rows of a channel follow each other: what they have in common stays in the plane.
 *
 * In place: all that an output row overwrites of its channel has been read before. Not in builds
 * for size.
 */
#include <string.h>

#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "depthwise.h"

#ifdef __OPTIMIZE_SIZE__

int tflm_patch_make_planes(const tflm_patch_depthwise_conv_args* args, const tflm_patch_rows* input,
                           const tflm_patch_rows* output, uint32_t row, uint32_t count,
                           uint32_t* buffer, uint32_t words) {
  (void)args;
  (void)input;
  (void)output;
  (void)row;
  (void)count;
  (void)buffer;
  (void)words;
  return 0;
}

#else

#include "arith.h"

#define TILE 5u
/* Rows of a plane, and where they come from; so many output rows are made at once. */
#define MOST_ROWS 24u

/* Output rows at work, and one of their channels. */
typedef struct {
  const tflm_patch_depthwise_conv_args* args;
  const int8_t* rows[MOST_ROWS]; /* the input rows from the first on; NULL outside of the map */
  int8_t* outputs[MOST_ROWS];
  uint32_t channel;
  uint32_t channels;
  uint32_t left;         /* columns outside of the map before the first one in it that is seen */
  uint32_t first;        /* that one */
  uint32_t inside;       /* columns of the map in a plane */
  uint32_t pitch;        /* values of a row of the plane */
  uint32_t* weights;     /* by kernel rows, in pairs */
  uint32_t* plane_words; /* behind them */
  uint32_t most_rows;    /* that the plane is for */
  int is_clamped;        /* to less than int8 */
  int is_short;          /* the way to bytes */
  tflm_patch_scaling scaling;
} planes_job;

/* ---- sums ---- */

/* In the order in which they are written: compilers else load all words first, and have no
 * registers for them. */
static inline __attribute__((always_inline)) uint32_t add_in_order(uint32_t a, uint32_t b,
                                                                   uint32_t sum) {
  __asm__ volatile("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
}

/* Five output columns of a kernel row: `stride` columns apart, `pairs` pairs of taps. Both are
 * constants where this is inlined. */
static inline __attribute__((always_inline)) void add_kernel_row(const int16_t* values,
                                                                 const uint32_t* weights,
                                                                 uint32_t stride, uint32_t pairs,
                                                                 uint32_t sums[TILE]) {
  uint32_t w[4];
#pragma GCC unroll 4
  for (uint32_t j = 0; j < pairs; ++j) {
    w[j] = weights[j];
  }
  /* Columns of one parity share their words. */
  const uint32_t parities = stride == 1 ? 2 : 1;
#pragma GCC unroll 2
  for (uint32_t parity = 0; parity < parities; ++parity) {
    const uint32_t n = (TILE - parity + parities - 1) / parities;
#pragma GCC unroll 8
    for (uint32_t m = 0; m < n - 1 + pairs; ++m) {
      const uint32_t word = tflm_patch_load_word(values + parity + 2 * m);
#pragma GCC unroll 4
      for (uint32_t j = 0; j < pairs; ++j) {
        if (m >= j && m - j < n) {
          const uint32_t k = parity + parities * (m - j);
          sums[k] = add_in_order(word, w[j], sums[k]);
        }
      }
    }
  }
}

/* All kernel rows, added to a bias. */
static inline __attribute__((always_inline)) void add_tile(const planes_job* p,
                                                           const int16_t* values, uint32_t stride,
                                                           uint32_t pairs, uint32_t bias,
                                                           uint32_t sums[TILE]) {
  const uint32_t pitch = p->pitch;
  const uint32_t* weights = p->weights;
  const uint32_t* end = p->plane_words;
  uint32_t s[TILE] = {bias, bias, bias, bias, bias};
  do {
    add_kernel_row(values, weights, stride, pairs, s);
    weights += pairs;
    values += pitch;
  } while (weights != end);
  for (uint32_t i = 0; i < TILE; ++i) {
    sums[i] = s[i];
  }
}

typedef void tile_function(const planes_job* p, const int16_t* values, uint32_t bias,
                           uint32_t sums[TILE]);

#define TILE_FUNCTION(name, stride, pairs)                                                        \
  static TFLM_PATCH_NOINLINE void name(const planes_job* p, const int16_t* values, uint32_t bias, \
                                       uint32_t sums[TILE]) {                                     \
    add_tile(p, values, stride, pairs, bias, sums);                                               \
  }

TILE_FUNCTION(add_tile_1_3, 1, 3)
TILE_FUNCTION(add_tile_1_4, 1, 4)
TILE_FUNCTION(add_tile_2_3, 2, 3)
TILE_FUNCTION(add_tile_2_4, 2, 4)

/* ---- a channel ---- */

static TFLM_PATCH_NOINLINE void find_weights(const planes_job* p) {
  const tflm_patch_window* window = &p->args->window;
  const uint32_t channels = p->channels;
  const int8_t* from = p->args->weights + p->channel;
  uint32_t* to = p->weights;
  for (uint32_t i = 0; i < window->kernel_h; ++i) {
    for (uint32_t j = window->kernel_w / 2u; j != 0; --j) {
      const int32_t first = from[0];
      const int32_t second = from[channels];
      from += 2 * channels;
      *to++ = tflm_patch_low_halves((uint32_t)first, (uint32_t)second);
    }
    if (window->kernel_w % 2 != 0) {
      *to++ = (uint16_t)*from;
      from += channels;
    }
  }
}

static int16_t* put_outside(int16_t* to, const int16_t* end, uint32_t outside) {
  while (to != end) {
    *to++ = (int16_t)outside;
  }
  return to;
}

/* A row of the map to one of the plane. */
static TFLM_PATCH_NOINLINE void put_row(const planes_job* p, const int8_t* row, int16_t* to) {
  const uint32_t channels = p->channels;
  const uint32_t outside = (uint16_t)p->args->input_zero_point * 0x00010001u;
  const int16_t* const end = to + p->pitch;
  if (row == NULL) {
    for (uint32_t* words = (uint32_t*)(void*)to; words != (const uint32_t*)(const void*)end;) {
      *words++ = outside;
    }
    return;
  }
  const int8_t* from = row + p->first * channels + p->channel;
  to = put_outside(to, to + p->left, outside);
  const int16_t* const last = to + p->inside;
  const int16_t* const fours = to + (p->inside & ~3u);
  while (to != fours) {
    const uint32_t words[2] = {
        tflm_patch_low_halves((uint32_t)from[0], (uint32_t)from[channels]),
        tflm_patch_low_halves((uint32_t)from[2 * channels], (uint32_t)from[3 * channels])};
    memcpy(to, words, sizeof(words));
    from += 4 * channels;
    to += 4;
  }
  while (to != last) {
    *to++ = *from;
    from += channels;
  }
  (void)put_outside(to, end, outside);
}

/* n values, an even number, from `from` values on to the beginning. */
static void move_down(int16_t* plane, uint32_t from, uint32_t n) {
  for (const int16_t* end = plane + n; plane != end; plane += 2) {
    memcpy(plane, plane + from, 4);
  }
}

/* Sums of the first n columns of a tile. */
static TFLM_PATCH_NOINLINE void put_sums(const planes_job* p, const uint32_t* sums, uint32_t n,
                                         int8_t* output) {
  const tflm_patch_scaling scaling = p->scaling;
  const uint32_t channels = p->channels;
  if (p->is_short) {
    for (const uint32_t* end = sums + n; sums != end; ++sums) {
      *output = (int8_t)tflm_patch_saturate(tflm_patch_scale(scaling, (int32_t)*sums));
      output += channels;
    }
  } else {
    for (uint32_t i = 0; i < n; ++i) {
      *output = tflm_patch_requantize_channel(&p->args->requant, sums[i], p->channel);
      output += channels;
    }
  }
}

/* An output row from a row of the plane on. */
static void make_output_row(const planes_job* p, tile_function* add, const int16_t* values,
                            int8_t* output) {
  const tflm_patch_requant_args* requant = &p->args->requant;
  const uint32_t bias = (uint32_t)p->args->bias[p->channel];
  const uint32_t step = TILE * p->args->window.stride_w;
  const uint32_t channels = p->channels;
  uint32_t n;
  for (uint32_t left = p->args->output_cols; left != 0; left -= n) {
    uint32_t sums[TILE];
    n = left < TILE ? left : TILE;
    add(p, values, bias, sums);
    put_sums(p, sums, n, output);
    if (p->is_clamped) {
      for (uint32_t i = 0; i < n; ++i) {
        output[i * channels] =
            (int8_t)tflm_patch_clamp(output[i * channels], requant->act_min, requant->act_max);
      }
    }
    output += n * channels;
    values += step;
  }
}

static void make_channel(planes_job* p, tile_function* add, uint32_t count) {
  const tflm_patch_window* window = &p->args->window;
  const tflm_patch_requant_args* requant = &p->args->requant;
  const uint32_t at = p->channel * requant->channel_step;
  const int32_t shift = requant->shifts[at];
  const uint32_t pitch = p->pitch;
  int16_t* const plane = (int16_t*)p->plane_words;
  p->is_short = tflm_patch_is_scaling_shift(shift);
  if (p->is_short) {
    p->scaling =
        tflm_patch_find_scaling(requant->multipliers[at], shift, requant->output_zero_point);
  }
  find_weights(p);
  uint32_t filled = 0; /* rows of the plane */
  uint32_t next = 0;   /* of the input, of the rows */
  uint32_t first = 0;  /* of the plane, where the next output row's windows begin */
  for (uint32_t i = 0; i < count; ++i) {
    if (first + window->kernel_h > p->most_rows) { /* go on at the plane's beginning */
      filled -= first;
      move_down(plane, first * pitch, filled * pitch);
      first = 0;
    }
    for (; filled < first + window->kernel_h; ++filled) {
      put_row(p, p->rows[next++], plane + filled * pitch);
    }
    make_output_row(p, add, plane + first * pitch, p->outputs[i] + p->channel);
    first += window->stride_h;
  }
}

/* ---- rows ---- */

static uint32_t even(uint32_t n) { return (n + 1) & ~1u; }

int tflm_patch_make_planes(const tflm_patch_depthwise_conv_args* args, const tflm_patch_rows* input,
                           const tflm_patch_rows* output, uint32_t row, uint32_t count,
                           uint32_t* buffer, uint32_t words) {
  static tile_function* const functions[2][2] = {{add_tile_1_3, add_tile_1_4},
                                                 {add_tile_2_3, add_tile_2_4}};
  const tflm_patch_window* window = &args->window;
  const uint32_t kernel_h = window->kernel_h;
  const uint32_t stride_h = window->stride_h;
  const uint32_t pairs = (window->kernel_w + 1u) / 2;
  const uint32_t tiles = (args->output_cols + TILE - 1) / TILE;
  const uint32_t pitch = even((tiles * TILE - 1) * window->stride_w + 2 * pairs);
  const uint32_t weight_words = kernel_h * pairs;
  if (pairs < 3 || pairs > 4 || window->dilation_h != 1 || stride_h > kernel_h ||
      words < weight_words + kernel_h * pitch / 2) {
    return 0;
  }
  planes_job p;
  p.args = args;
  p.is_clamped = args->requant.act_max - args->requant.act_min != 255;
  p.channels = input->channels;
  p.pitch = pitch;
  p.weights = buffer;
  p.plane_words = buffer + weight_words;
  p.most_rows = (words - weight_words) / (pitch / 2);
  const tflm_patch_range inside =
      tflm_patch_taps_inside(-(int32_t)window->pad_left, pitch, 1, input->cols);
  p.left = inside.first;
  p.first = inside.first - (uint32_t)window->pad_left;
  p.inside = inside.end > inside.first ? inside.end - inside.first : 0;
  const uint32_t most = (MOST_ROWS - kernel_h) / stride_h + 1;
  uint32_t n;
  for (; count != 0; count -= n) {
    n = count < most ? count : most;
    for (uint32_t i = 0; i < n; ++i) {
      p.outputs[i] = (int8_t*)(uintptr_t)tflm_patch_slot_row(output, (row + i) % output->ring_rows);
    }
    int32_t at = (int32_t)(row * stride_h) - window->pad_top;
    for (uint32_t i = 0; i < (n - 1) * stride_h + kernel_h; ++i) {
      p.rows[i] = at >= 0 && at < (int32_t)input->rows
                      ? tflm_patch_slot_row(input, (uint32_t)at % input->ring_rows)
                      : NULL;
      ++at;
    }
    for (p.channel = 0; p.channel < p.channels; ++p.channel) {
      make_channel(&p, functions[window->stride_w - 1][pairs - 3], n);
    }
    row += n;
  }
  return 1;
}

#endif /* __OPTIMIZE_SIZE__ */

#endif /* TFLM_PATCH_IS_DSP */
