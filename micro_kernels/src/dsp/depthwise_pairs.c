/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stretches of depthwise convolutions of any kernel, in the dsp family.
 *
 * Two kernel rows at a time: words of their values, by column, and words of their
 * weights. For stride 2 the even and the odd columns come one after the other, so
 * that the next output column always begins a word further on, and one loop makes
 * sums of four columns for any kernel. The last of an odd number of kernel rows
 * comes with weights of zero.
 *
 * In place: all that a stretch overwrites for its channels has been read before.
 */
#include "../family.h"

#if TFLM_PATCH_IS_DSP && TFLM_PATCH_HAS_PAIRS

#include "arith.h"
#include "assembly.h"
#include "depthwise.h"
#include "planes.h"

#define CHANNELS TFLM_PATCH_DEPTHWISE_CHANNELS
#define TAPS TFLM_PATCH_DEPTHWISE_TAPS
#define UNUSED __attribute__((unused))

static inline uint32_t round_up(uint32_t n, uint32_t unit) { return (n + unit - 1) / unit * unit; }

void tflm_patch_find_columns(const tflm_patch_depthwise_row* d, tflm_patch_stretch* s) {
  const tflm_patch_window* window = &d->args->window;
  for (uint32_t phase = 0; phase < window->stride_w; ++phase) {
    tflm_patch_columns* c = &s->columns[phase];
    c->first = tflm_patch_first_col(window, s->first) + (int32_t)phase;
    c->step = window->stride_w;
    c->n = s->n + tflm_patch_find_taps(window->kernel_w, window->stride_w, phase) - 1;
    c->inside = tflm_patch_taps_inside(c->first, c->n, c->step, d->in_cols);
  }
}

/* sums[x] += the products of pairs[x], pairs[x + 1], ... with weights, of which there
 * are twice `twos`, for x < end - sums, rounded up to a multiple of four. */
static TFLM_PATCH_ASSEMBLY void add_products(int32_t* sums UNUSED, const uint32_t* pairs UNUSED,
                                             const uint32_t* weights UNUSED, uint32_t twos UNUSED,
                                             const int32_t* end UNUSED) {
  /* r0-r3 sums, r4-r8 words, r9 and r10 weights; r11 where words and r12 where
   * weights come from, lr the twos that are left. */
  __asm__ volatile(
      "push {r0-r12, lr}\n"
      "1:\n\t"
      "ldm sp, {r4, r11, r12, lr}\n\t"
      "ldm r4, {r0, r1, r2, r3}\n"
      "2:\n\t"
      "ldm r11, {r4, r5, r6, r7, r8}\n\t"
      "ldrd r9, r10, [r12], #8\n\t"
      "adds r11, r11, #8\n\t"
      "smlad r0, r4, r9, r0\n\t"
      "smlad r1, r5, r9, r1\n\t"
      "smlad r2, r6, r9, r2\n\t"
      "smlad r3, r7, r9, r3\n\t"
      "smlad r0, r5, r10, r0\n\t"
      "smlad r1, r6, r10, r1\n\t"
      "smlad r2, r7, r10, r2\n\t"
      "smlad r3, r8, r10, r3\n\t"
      "subs lr, lr, #1\n\t"
      "bne 2b\n\t"
      "ldrd r4, r5, [sp]\n\t"
      "stmia r4!, {r0, r1, r2, r3}\n\t"
      "adds r5, r5, #16\n\t"
      "strd r4, r5, [sp]\n\t"
      "ldr r6, [sp, #56]\n\t"
      "cmp r4, r6\n\t"
      "blo 1b\n\t"
      "pop {r0-r12, pc}\n\t");
}

/* The pairs of two kernel rows, or of the last one alone, with their weights. */
static void add_rows(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s, uint32_t row,
                     uint32_t n) {
  static const uint32_t kZeros = 0;
  const tflm_patch_window* window = &d->args->window;
  const uint32_t is_alone = row + 1 == window->kernel_h;
  const uint32_t row_bytes = window->kernel_w * d->channels;
  uint32_t weights[CHANNELS * TAPS];
  const int8_t* a = d->args->weights + row * row_bytes + s->channel - s->back;
  const int8_t* b = is_alone ? (const int8_t*)&kZeros : a + row_bytes;
  for (uint32_t phase = 0; phase < window->stride_w; ++phase) {
    const tflm_patch_columns* columns = &s->columns[phase];
    const uint32_t taps = columns->n + 1 - s->n;
    const uint32_t step = window->stride_w * d->channels;
    if (taps == 0) {
      continue;
    }
    tflm_patch_pair_words(weights, TAPS * sizeof(uint32_t), a, b, step, is_alone ? 0 : step, taps);
    tflm_patch_pair_rows(d, s, columns, row, is_alone ? row : row + 1, s->buffer + n);
    for (uint32_t i = s->back; i < s->back + s->n_channels; ++i) {
      int32_t* sums = (int32_t*)s->buffer + i * s->pitch;
      uint32_t* w = weights + i * TAPS;
      if (taps < TAPS) {
        w[taps] = 0;
      }
      add_products(sums, (uint32_t*)sums + n, w, (taps + 1) / 2, sums + n);
    }
    a += d->channels;
    b += is_alone ? 0 : d->channels;
  }
}

/* A channel's bytes from its sums. */
static void put_channel(const tflm_patch_depthwise_row* d, uint32_t channel, const int32_t* sums,
                        uint32_t n, int8_t* output) {
  const tflm_patch_requant_args* requant = &d->args->requant;
  const uint32_t pitch = d->channels;
  const uint32_t at = channel * requant->channel_step;
  const int32_t shift = requant->shifts[at];
  const int32_t* end = sums + n;
  if (tflm_patch_is_scaling_shift(shift)) {
    const tflm_patch_scaling scaling =
        tflm_patch_find_scaling(requant->multipliers[at], shift, requant->output_zero_point);
    do {
      *output = (int8_t)tflm_patch_saturate(tflm_patch_scale(scaling, *sums));
      output += pitch;
    } while (++sums != end);
  } else {
    do {
      *output = tflm_patch_requantize_channel(requant, (uint32_t)*sums, channel);
      output += pitch;
    } while (++sums != end);
  }
}

void tflm_patch_make_stretch(const tflm_patch_depthwise_row* d, const tflm_patch_stretch* s,
                             int8_t* output) {
  const uint32_t n = round_up(s->n, 4);
  int32_t* sums = (int32_t*)s->buffer + s->back * s->pitch;
  for (uint32_t i = 0; i < s->n_channels; ++i) {
    const int32_t bias = d->args->bias[s->channel + i];
    int32_t* sum = sums + i * s->pitch;
    const int32_t* end = sum + n;
    do {
      *sum++ = bias;
      *sum++ = bias;
      *sum++ = bias;
      *sum++ = bias;
    } while (sum != end);
  }
  for (uint32_t row = 0; row < d->args->window.kernel_h; row += 2) {
    add_rows(d, s, row, n);
  }
  for (uint32_t i = 0; i < s->n_channels; ++i) {
    put_channel(d, s->channel + i, sums, s->n, output + i);
    sums += s->pitch;
  }
}

void tflm_patch_make_slow_channels(const tflm_patch_depthwise_row* d, tflm_patch_stretch* s,
                                   uint32_t slow, int8_t* output) {
  const tflm_patch_window* window = &d->args->window;
  const uint32_t max_n = tflm_patch_max_columns(window->kernel_w, window->stride_w, s->pitch);
  const uint32_t first = s->first;
  const uint32_t end = first + s->n;
  for (uint32_t bit = 1u << s->n_channels; bit > 1; bit >>= 1) {
    const int is_slow = (slow & bit) != 0;
    s->n_channels = 1;
    s->back = s->channel < CHANNELS ? s->channel : CHANNELS - 1;
    for (s->first = first; is_slow && s->first < end; s->first += s->n) {
      const uint32_t left = end - s->first;
      s->n = left < max_n ? left : max_n;
      tflm_patch_find_columns(d, s);
      tflm_patch_make_stretch(d, s, output + (s->first - first) * d->channels);
    }
    ++s->channel;
    ++output;
  }
}

#endif /* TFLM_PATCH_IS_DSP && TFLM_PATCH_HAS_PAIRS */
