/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * DEPTHWISE_CONV_2D for Armv7E-M, for kernels 3, 5 or 7 columns wide.
 *
 * Four channels at a time, the rows of a stretch of columns are turned into
 * planes of the single channels: words of the values of two kernel rows, and for
 * the last of an odd number of rows words of two columns. A channel's products
 * are then made two at a time with its weights in registers.
 *
 * In place: all that a stretch overwrites for its channels has been read before.
 */
#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "../kernels.h"
#include "../portable/portable.h"
#include "../window.h"
#include "arith.h"
#include "depthwise_3x3.h"
#include "planes.h"

#define INLINE static inline __attribute__((always_inline))

#define CHANNELS 4u      /* of a block */
#define STACK_WORDS 36u /* of a channel, on the stack */
#define MAX_KERNEL_W 7u
#define MAX_KERNEL_H 8u

/* An output row at work. */
typedef struct {
  const tflm_patch_depthwise_conv_args* args;
  uint32_t channels;
  uint32_t in_cols;
  uint32_t kernel_h;
  uint32_t outside[2]; /* the input's zero point in every byte */
  /* The kernel rows; those outside the map are outside + 1, with step 0. */
  const int8_t* cells[MAX_KERNEL_H];
  uint32_t step[MAX_KERNEL_H];
} depthwise_row;

/* Output columns [first, first + n) of up to four channels. */
typedef struct {
  uint32_t first;
  uint32_t n;
  int32_t in_col;  /* of the first tap */
  uint32_t in_n;   /* input columns, even */
  uint32_t channel;
  uint32_t n_channels;
  uint32_t back;  /* planes before those of fewer channels than four */
  uint32_t left;   /* input columns before the map */
  uint32_t inside; /* input columns in the map */
  uint32_t pitch; /* words from a channel's planes to the next one's */
} stretch;

/* ---- planes ---- */

/* Words outside the map for all four channels. */
static uint32_t* put_outside(const depthwise_row* d, const stretch* s,
                             uint32_t* to, uint32_t n) {
  const uint32_t pitch = s->pitch;
  const uint32_t outside = tflm_patch_even_bytes(d->outside[1]);
  for (; n > 0; --n) {
    to[0] = outside;
    to[pitch] = outside;
    to[2 * pitch] = outside;
    to[3 * pitch] = outside;
    ++to;
  }
  return to;
}

/* The stretch's first column in the map of a kernel row, at its channels. Of fewer
 * than four, those before them are in the word, too. */
static const int8_t* find_cells(const depthwise_row* d, const stretch* s,
                                uint32_t i) {
  const uint32_t step = d->step[i];
  const uint32_t col = (uint32_t)(s->in_col + (int32_t)s->left);
  return d->cells[i] + col * step + (step != 0 ? s->channel : 0) - s->back;
}

/* Columns of two kernel rows: a word for each. */
static void pair_rows(const depthwise_row* d, const stretch* s, uint32_t i,
                      uint32_t* to) {
  to = put_outside(d, s, to, s->left);
  if (s->inside != 0) {
    tflm_patch_pair_words(to, s->pitch * sizeof(uint32_t), find_cells(d, s, i),
                          find_cells(d, s, i + 1), d->step[i], d->step[i + 1],
                          s->inside);
  }
  put_outside(d, s, to + s->inside, s->in_n - s->left - s->inside);
}

/* Columns of the last kernel row, two in a word. */
static void pair_cols(const depthwise_row* d, const stretch* s, uint32_t* to) {
  const uint32_t i = d->kernel_h - 1;
  const uint32_t outside = d->outside[1];
  const uint32_t step = d->step[i];
  const uint32_t* end = to + s->in_n / 2;
  const int8_t* cell = find_cells(d, s, i);
  uint32_t inside = s->inside;
  to = put_outside(d, s, to, s->left / 2);
  if (s->left % 2 != 0 && inside != 0) {
    tflm_patch_put_pairs(to++, s->pitch, outside, tflm_patch_load_word(cell));
    cell += step;
    --inside;
  }
  if (inside >= 2) {
    tflm_patch_pair_words(to, s->pitch * sizeof(uint32_t), cell, cell + step,
                          2 * step, 2 * step, inside / 2);
    to += inside / 2;
    cell += (inside & ~1u) * step;
  }
  if (inside % 2 != 0) {
    tflm_patch_put_pairs(to++, s->pitch, tflm_patch_load_word(cell), outside);
  }
  put_outside(d, s, to, (uint32_t)(end - to));
}

static void make_planes(const depthwise_row* d, const stretch* s,
                        uint32_t* planes) {
  for (uint32_t i = 0; i + 1 < d->kernel_h; i += 2) {
    pair_rows(d, s, i, planes);
    planes += s->in_n;
  }
  if (d->kernel_h % 2 != 0) {
    pair_cols(d, s, planes);
  }
}

/* ---- products ---- */

INLINE uint32_t pair(int32_t low, int32_t high) {
  return tflm_patch_low_halves((uint32_t)low, (uint32_t)high);
}

/* sums[x] = base[x * base_step] + the products of two kernel rows. sums may be the
 * plane: sum x takes the place of a word that no later sum reads. */
INLINE void add_pairs(const uint32_t* plane, const int8_t* weights,
                      uint32_t channels, uint32_t kernel_w, uint32_t stride,
                      const int32_t* base, uint32_t base_step, int32_t* sums,
                      uint32_t n) {
  uint32_t w[MAX_KERNEL_W];
  for (uint32_t j = 0; j < kernel_w; ++j) {
    w[j] = pair(weights[j * channels], weights[(kernel_w + j) * channels]);
  }
  /* An odd last column brings a neighbour, for which there is room. */
  for (uint32_t x = 0; x < n; x += 2) {
    int32_t even = base[0];
    int32_t odd = base[base_step];
    for (uint32_t j = 0; j < kernel_w; ++j) {
      even = tflm_patch_smlad(plane[j], w[j], even);
      odd = tflm_patch_smlad(plane[stride + j], w[j], odd);
    }
    plane += 2 * stride;
    base += 2 * base_step;
    *sums++ = even;
    *sums++ = odd;
  }
}

/* The product of a kernel row with the columns from an even one on. */
INLINE int32_t add_even(const uint32_t* plane, const uint32_t* even,
                        const uint32_t* odd, uint32_t kernel_w, int32_t sum) {
  for (uint32_t j = 0; j < kernel_w / 2; ++j) {
    sum = tflm_patch_smlad(plane[j], even[j], sum);
  }
  return tflm_patch_smlabt(plane[kernel_w / 2], odd[kernel_w / 2 - 1], sum);
}

INLINE int32_t add_odd(const uint32_t* plane, const uint32_t* even,
                       const uint32_t* odd, uint32_t kernel_w, int32_t sum) {
  sum = tflm_patch_smlatb(plane[0], even[0], sum);
  for (uint32_t j = 0; j < kernel_w / 2; ++j) {
    sum = tflm_patch_smlad(plane[j + 1], odd[j], sum);
  }
  return sum;
}

INLINE int8_t to_byte(tflm_patch_scaling scaling, int32_t sum, int32_t low,
                      int32_t high) {
  const int32_t value = tflm_patch_saturate(tflm_patch_scale(scaling, sum));
  return (int8_t)(high - low == 255 ? value
                                    : tflm_patch_clamp(value, low, high));
}

/* What is left of a channel of an odd number of kernel rows: the last one, and
 * the bytes. */
INLINE void finish_odd(const uint32_t* plane, const int8_t* weights,
                       uint32_t channels, uint32_t kernel_w, uint32_t stride,
                       const int32_t* sums, tflm_patch_scaling scaling,
                       int32_t low, int32_t high, int8_t* output, uint32_t n) {
  uint32_t even[MAX_KERNEL_W / 2];
  uint32_t odd[MAX_KERNEL_W / 2];
  for (uint32_t j = 0; j < kernel_w / 2; ++j) {
    const int32_t middle = weights[(2 * j + 1) * channels];
    even[j] = pair(weights[2 * j * channels], middle);
    odd[j] = pair(middle, weights[(2 * j + 2) * channels]);
  }
  for (; n >= 2; n -= 2) {
    const int32_t a = add_even(plane, even, odd, kernel_w, sums[0]);
    const int32_t b =
        stride == 2 ? add_even(plane + 1, even, odd, kernel_w, sums[1])
                    : add_odd(plane, even, odd, kernel_w, sums[1]);
    plane += stride;
    sums += 2;
    *output = to_byte(scaling, a, low, high);
    output += channels;
    *output = to_byte(scaling, b, low, high);
    output += channels;
  }
  if (n != 0) {
    *output = to_byte(scaling, add_even(plane, even, odd, kernel_w, *sums), low,
                      high);
  }
}

/* The same for an even number of rows, or a shift that the short way to bytes is
 * not for. */
static __attribute__((noinline)) void finish_slowly(
    const depthwise_row* d, const uint32_t* plane, const int8_t* weights,
    uint32_t channel, int32_t* sums, int8_t* output, uint32_t n) {
  const tflm_patch_window* window = &d->args->window;
  const int16_t* values = (const int16_t*)(const void*)plane;
  for (uint32_t x = 0; x < n; ++x) {
    uint32_t sum = (uint32_t)sums[x];
    if (d->kernel_h % 2 != 0) {
      for (uint32_t j = 0; j < window->kernel_w; ++j) {
        sum += (uint32_t)(values[x * window->stride_w + j] *
                          weights[j * d->channels]);
      }
    }
    output[x * d->channels] =
        tflm_patch_requantize_channel(&d->args->requant, sum, channel);
  }
}

/* A channel of a stretch. Its sums take the place of its first plane. */
INLINE void make_channel(const depthwise_row* d, const stretch* s,
                         uint32_t channel, uint32_t kernel_w, uint32_t stride,
                         uint32_t* planes, int8_t* output) {
  const tflm_patch_depthwise_conv_args* args = d->args;
  const tflm_patch_requant_args* requant = &args->requant;
  const uint32_t channels = d->channels;
  const int32_t bias = args->bias[channel];
  const int8_t* weights = args->weights + channel;
  const uint32_t* plane = planes;
  int32_t* sums = (int32_t*)planes;
  const int32_t* base = &bias;
  for (uint32_t i = 0; i + 1 < d->kernel_h; i += 2) {
    add_pairs(plane, weights, channels, kernel_w, stride, base, base != &bias,
              sums, s->n);
    base = sums;
    plane += s->in_n;
    weights += 2 * kernel_w * channels;
  }
  const uint32_t at = channel * requant->channel_step;
  const int32_t shift = requant->shifts[at];
  if (d->kernel_h % 2 == 0 || !tflm_patch_is_scaling_shift(shift)) {
    finish_slowly(d, plane, weights, channel, sums, output, s->n);
    return;
  }
  const tflm_patch_scaling scaling = tflm_patch_find_scaling(
      requant->multipliers[at], shift, requant->output_zero_point);
  finish_odd(plane, weights, channels, kernel_w, stride, sums, scaling,
             requant->act_min, requant->act_max, output, s->n);
}

static void clamp_column(int8_t* values, uint32_t pitch, uint32_t n, int32_t low,
                         int32_t high) {
  for (; n > 0; --n) {
    *values = (int8_t)tflm_patch_clamp(*values, low, high);
    values += pitch;
  }
}

#define MAKE_BLOCK(name, kernel_w, stride)                                    \
  static __attribute__((noinline)) void name(                                 \
      const depthwise_row* d, const stretch* s, uint32_t* planes,             \
      int8_t* output) {                                                       \
    for (uint32_t i = 0; i < s->n_channels; ++i) {                            \
      make_channel(d, s, s->channel + i, kernel_w, stride, planes, output++); \
      planes += s->pitch;                                                  \
    }                                                                         \
  }

/* A channel of a stretch with any kernel, slowly. */
static __attribute__((noinline)) void make_channel_slowly(
    const depthwise_row* d, const stretch* s, uint32_t channel,
    uint32_t* planes, int8_t* output) {
  const tflm_patch_window* window = &d->args->window;
  const uint32_t kernel_w = window->kernel_w;
  const int8_t* weights = d->args->weights + channel;
  int32_t* sums = (int32_t*)planes;
  for (uint32_t x = 0; x < s->n; ++x) {
    const uint32_t* plane = planes + x * window->stride_w;
    const int8_t* w = weights;
    int32_t sum = d->args->bias[channel];
    for (uint32_t i = 0; i + 1 < d->kernel_h; i += 2) {
      for (uint32_t j = 0; j < kernel_w; ++j) {
        const uint32_t both = pair(w[0], w[kernel_w * d->channels]);
        sum = tflm_patch_smlad(plane[j], both, sum);
        w += d->channels;
      }
      plane += s->in_n;
      w += kernel_w * d->channels;
    }
    sums[x] = sum;
  }
  finish_slowly(d, planes + d->kernel_h / 2 * s->in_n,
                weights + (d->kernel_h & ~1u) * kernel_w * d->channels, channel,
                sums, output, s->n);
}

static void make_any(const depthwise_row* d, const stretch* s, uint32_t* planes,
                     int8_t* output) {
  for (uint32_t i = 0; i < s->n_channels; ++i) {
    make_channel_slowly(d, s, s->channel + i, planes, output++);
    planes += s->pitch;
  }
}

/* tflm_patch_put_pairs of twice the values, five words apart. */
INLINE void put_pairs_twice(uint32_t* to, uint32_t a, uint32_t b) {
  const uint32_t low = tflm_patch_low_halves(a, b);
  const uint32_t high = tflm_patch_high_halves(a, b);
  to[0] = tflm_patch_twice_halves(tflm_patch_even_bytes(low));
  to[5] = tflm_patch_twice_halves(tflm_patch_odd_bytes(low));
  to[10] = tflm_patch_twice_halves(tflm_patch_even_bytes(high));
  to[15] = tflm_patch_twice_halves(tflm_patch_odd_bytes(high));
}

/* Weights of kernel 3 x 3, by channel: see tflm_patch_stretch_3x3. */
static void pair_weights_3x3(const depthwise_row* d, const stretch* s,
                             uint32_t words[CHANNELS * 5]) {
  const uint32_t channels = d->channels;
  const int8_t* w = d->args->weights + s->channel - s->back;
  uint32_t taps[9];
  for (uint32_t i = 0; i < 9; ++i) {
    taps[i] = tflm_patch_load_word(w);
    w += channels;
  }
  for (uint32_t j = 0; j < 3; ++j) {
    put_pairs_twice(words + j, taps[j], taps[3 + j]);
  }
  put_pairs_twice(words + 3, taps[6], taps[7]);
  put_pairs_twice(words + 4, taps[7], taps[8]);
}

static __attribute__((noinline)) void make_3x3(const depthwise_row* d,
                                               const stretch* s,
                                               uint32_t* planes,
                                               int8_t* output) {
  const tflm_patch_depthwise_conv_args* args = d->args;
  const tflm_patch_requant_args* requant = &args->requant;
  const uint32_t at = s->channel * requant->channel_step;
  uint32_t words[CHANNELS * 5];
  pair_weights_3x3(d, s, words);
  tflm_patch_stretch_3x3 job = {
      .weights = words + 5 * s->back,
      .rows = planes,
      .row = planes + s->in_n,
      .output = output,
      .bias = args->bias + s->channel,
      .multipliers = requant->multipliers + at,
      .shifts = requant->shifts + at,
      .step = requant->channel_step * sizeof(int32_t),
      .round_unit = 2 * requant->output_zero_point + 1,
      .n = s->n,
      .pitch = d->channels,
      .plane_bytes = s->pitch * sizeof(uint32_t),
      .channels = s->n_channels,
  };
  while (job.channels != 0 &&
         (args->window.stride_w == 1 ? tflm_patch_make_3x3_stride_1(&job)
                                     : tflm_patch_make_3x3_stride_2(&job))) {
    make_channel_slowly(d, s, s->channel + s->n_channels - job.channels,
                        job.rows, job.output);
    job.weights += 5;
    job.rows += s->pitch;
    job.row += s->pitch;
    ++job.output;
    --job.channels;
  }
  if (requant->act_max - requant->act_min != 255) {
    for (uint32_t i = 0; i < s->n_channels; ++i) {
      clamp_column(output + i, d->channels, s->n, requant->act_min,
                   requant->act_max);
    }
  }
}

MAKE_BLOCK(make_5_1, 5, 1)
MAKE_BLOCK(make_5_2, 5, 2)
MAKE_BLOCK(make_7_1, 7, 1)
MAKE_BLOCK(make_7_2, 7, 2)

typedef void (*make_block)(const depthwise_row* d, const stretch* s,
                           uint32_t* planes, int8_t* output);

/* By (kernel_w - 5) / 2 and stride - 1. */
static const make_block kBlocks[2][2] = {{make_5_1, make_5_2},
                                         {make_7_1, make_7_2}};

static make_block find_block(const tflm_patch_window* window) {
  if (window->kernel_w == 3) {
    return window->kernel_h == 3 ? make_3x3 : make_any;
  }
  return kBlocks[(window->kernel_w - 5u) / 2u][window->stride_w - 1u];
}

static int is_supported(const tflm_patch_depthwise_conv_args* args,
                        uint32_t channels) {
  const tflm_patch_window* window = &args->window;
  return args->depth_multiplier == 1 && args->requant.bounded &&
         channels >= CHANNELS && window->dilation_w == 1 &&
         window->stride_w <= 2 && window->kernel_w % 2 != 0 &&
         window->kernel_w >= 3 && window->kernel_w <= MAX_KERNEL_W &&
         window->kernel_h >= 2 && window->kernel_h <= MAX_KERNEL_H &&
         /* Two columns fit, with what is read to make them. */
         window->kernel_h * ((2u * window->stride_w + window->kernel_w) & ~1u) <=
             2 * STACK_WORDS;
}

static void find_kernel_rows(depthwise_row* d,
                             const tflm_patch_depthwise_conv_args* args,
                             const tflm_patch_rows* input, uint32_t row) {
  const tflm_patch_kernel_rows rows =
      tflm_patch_find_kernel_rows(&args->window, input, row);
  uint32_t slot = rows.slot;
  for (uint32_t i = 0; i < d->kernel_h; ++i) {
    if (i >= rows.inside.first && i < rows.inside.end) {
      d->cells[i] = tflm_patch_slot_row(input, slot);
      d->step[i] = d->channels;
      slot = tflm_patch_next_slot(&rows, input, slot);
    } else {
      d->cells[i] = (const int8_t*)(d->outside + 1);
      d->step[i] = 0;
    }
  }
}

static void find_inside(stretch* s, int32_t cols) {
  const int32_t end = s->in_col + (int32_t)s->in_n;
  const int32_t first = s->in_col < 0 ? 0 : s->in_col;
  const int32_t inside = (end < cols ? end : cols) - first;
  s->inside = inside > 0 ? (uint32_t)inside : 0;
  s->left = inside > 0 ? (uint32_t)(first - s->in_col) : s->in_n;
}

/* An output row in stretches whose planes have `words` words for a channel. */
static void make_row(const depthwise_row* d, uint32_t* planes, uint32_t words,
                     int8_t* output) {
  const tflm_patch_depthwise_conv_args* args = d->args;
  const tflm_patch_window* window = &args->window;
  const make_block make = find_block(window);
  /* Even numbers of columns of which kernel_h / 2 words each fit. */
  const uint32_t max_in_n = 2 * words / window->kernel_h & ~1u;
  const uint32_t max_n =
      ((max_in_n - window->kernel_w) / window->stride_w + 1) & ~1u;
  const uint32_t stretches = (args->output_cols + max_n - 1) / max_n;
  const uint32_t n = (args->output_cols + stretches - 1) / stretches;
  stretch s = {.pitch = words};
  for (; s.first < args->output_cols; s.first += s.n) {
    const uint32_t left = args->output_cols - s.first;
    s.n = n < left ? n : left;
    s.in_col = tflm_patch_first_col(window, s.first);
    s.in_n = (((s.n + 1) & ~1u) * window->stride_w + window->kernel_w) & ~1u;
    find_inside(&s, (int32_t)d->in_cols);
    int8_t* cells = output + s.first * d->channels;
    for (s.channel = 0; s.channel < d->channels; s.channel += s.n_channels) {
      const uint32_t rest = d->channels - s.channel;
      s.n_channels = rest < CHANNELS ? rest : CHANNELS;
      s.back = CHANNELS - s.n_channels;
      make_planes(d, &s, planes);
      make(d, &s, planes + s.back * words, cells + s.channel);
    }
  }
}

/* Apart, for the stack of those that have a scratch. */
static __attribute__((noinline)) void make_row_on_stack(const depthwise_row* d,
                                                        int8_t* output) {
  uint32_t planes[CHANNELS * STACK_WORDS];
  make_row(d, planes, STACK_WORDS, output);
}

void tflm_patch_depthwise_conv_s8(const tflm_patch_depthwise_conv_args* args,
                                  const tflm_patch_rows* input, uint32_t row,
                                  int8_t* output) {
  if (!is_supported(args, input->channels)) {
    tflm_patch_depthwise_conv_portable_s8(args, input, row, output);
    return;
  }
  const uint32_t outside = (uint8_t)args->input_zero_point * 0x01010101u;
  depthwise_row d = {
      .args = args,
      .channels = input->channels,
      .in_cols = input->cols,
      .kernel_h = args->window.kernel_h,
      .outside = {outside, outside},
  };
  find_kernel_rows(&d, args, input, row);
  if (args->scratch_bytes > 4 * CHANNELS * STACK_WORDS) {
    make_row(&d, (uint32_t*)args->scratch,
             args->scratch_bytes / (4 * CHANNELS), output);
  } else {
    make_row_on_stack(&d, output);
  }
}

#endif /* TFLM_PATCH_IS_DSP */
