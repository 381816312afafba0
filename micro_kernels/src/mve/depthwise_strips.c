/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A depthwise convolution channel by channel: the rows of the window are copied
 * to a strip of one channel, column after column, so that a window is one run of
 * bytes, and its sum is a dot product with the kernel in the same order.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include <string.h>

#include "depthwise.h"
#include "vector.h"

#define STRIP_BYTES 512u
#define KERNEL_BYTES 64u
#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* Copies n bytes, from_step bytes apart, to places to_step bytes apart. */
TFLM_PATCH_INLINE void spread(const int8_t* from, uint16x8_t from_places, uint32_t from_step,
                              int8_t* to, uint16x8_t to_places, uint32_t to_step, uint32_t n) {
  __asm__ volatile(
      "   dlstp.16 lr, %[n]\n"
      "1: vldrb.u16 q0, [%[from], %q[from_places]]\n"
      "   add %[from], %[from_step]\n"
      "   vstrb.16 q0, [%[to], %q[to_places]]\n"
      "   add %[to], %[to_step]\n"
      "   letp lr, 1b\n"
      : [from] "+&r"(from), [to] "+&r"(to)
      : [from_places] "w"(from_places), [to_places] "w"(to_places), [from_step] "r"(8 * from_step),
        [to_step] "r"(8 * to_step), [n] "r"(n)
      : "q0", "lr", "memory");
}

/* Output columns [x, x + n) at work. */
typedef struct {
  const tflm_patch_depthwise_row* row;
  uint32_t x;
  uint32_t n;
  tflm_patch_range inside; /* columns of the strip in the map */
  size_t at;               /* the first of them in a row, in cells */
} chunk;

/* The kernel of an output channel, column by column, and zeros. */
static void copy_kernel(const tflm_patch_depthwise_row* row, uint32_t channel,
                        uint16x8_t from_places, uint16x8_t to_places, int8_t* kernel) {
  const tflm_patch_window* window = &row->args->window;
  const int8_t* from = row->args->weights + channel;
  for (uint32_t i = 0; i < window->kernel_h; ++i) {
    spread(from, from_places, row->channels, kernel + i, to_places, window->kernel_h,
           window->kernel_w);
    from += (size_t)window->kernel_w * row->channels;
  }
}

static void copy_channel(const chunk* c, uint32_t channel, uint16x8_t from_places,
                         uint16x8_t to_places, int8_t* strip) {
  const tflm_patch_depthwise_row* row = c->row;
  const uint32_t height = row->args->window.kernel_h;
  const uint32_t cell = row->input->channels;
  const size_t at = c->at * cell + channel;
  const uint32_t n = c->inside.end - c->inside.first;
  strip += c->inside.first * height + row->rows_inside.first;
  if (n > 0) {
    for (uint32_t i = 0; i < row->rows_inside.end - row->rows_inside.first; ++i) {
      spread(row->rows[i] + at, from_places, cell, strip + i, to_places, height, n);
    }
  }
}

/* The sum of a window; `parts` vectors of 16. */
TFLM_PATCH_INLINE int32_t dot(const int8_t* values, const int8x16_t kernel[], uint32_t parts) {
  int32_t sum = vmladavq_s8(vldrbq_s8(values), kernel[0]);
  for (uint32_t i = 1; i < parts; ++i) {
    sum = vmladavaq_s8(sum, vldrbq_s8(values + 16 * i), kernel[i]);
  }
  return sum;
}

/* The outputs of a channel, four columns at a time; fewer than four are made
 * with whatever is behind them, an incomplete last four with those before. */
TFLM_PATCH_INLINE void make_channel(const chunk* c, uint32_t channel, const int8_t* kernel_bytes,
                                    const int8_t* strip, uint32_t parts) {
  const tflm_patch_depthwise_conv_args* args = c->row->args;
  const tflm_patch_requant_args* requant = &args->requant;
  const uint32_t channels = c->row->channels;
  const size_t step = (size_t)args->window.stride_w * args->window.kernel_h;
  const uint32x4_t places = vmulq_n_u32(vidupq_n_u32(0, 1), channels);
  const uint32_t which = channel * requant->channel_step;
  const tflm_patch_scaling scaling =
      tflm_patch_make_scaling(requant->multipliers[which], requant->shifts[which]);
  const int32_t bias = args->bias[channel];
  const int is_plain = tflm_patch_is_plain_clamp(requant->act_min, requant->act_max);
  int8_t* output = c->row->output + (size_t)c->x * channels + channel;
  int8x16_t kernel[4];
  for (uint32_t i = 0; i < parts; ++i) {
    kernel[i] = vldrbq_s8(kernel_bytes + 16 * i);
  }
  for (int32_t left = (int32_t)c->n;;) {
    const int8_t* s1 = strip + step;
    const int8_t* s2 = s1 + step;
    const int8_t* s3 = s2 + step;
    int32x4_t sums = tflm_patch_make_vector(dot(strip, kernel, parts), dot(s1, kernel, parts),
                                            dot(s2, kernel, parts), dot(s3, kernel, parts));
    sums = tflm_patch_scale_all(vaddq_n_s32(sums, bias), &scaling);
    sums = vaddq_n_s32(sums, requant->output_zero_point);
    sums = is_plain ? tflm_patch_saturate(sums)
                    : tflm_patch_clamp_vector(sums, requant->act_min, requant->act_max);
    if (left < 4) {
      vstrbq_scatter_offset_p_s32(output, places, sums, vctp32q((uint32_t)left));
      break;
    }
    vstrbq_scatter_offset_s32(output, places, sums);
    left -= 4;
    if (left == 0) {
      break;
    }
    const uint32_t next = left < 4 ? (uint32_t)left : 4u;
    left = left < 4 ? 4 : left;
    strip += next * step;
    output += next * channels;
  }
}

static __attribute__((noinline)) void make_1(const chunk* c, uint32_t channel, const int8_t* kernel,
                                             const int8_t* strip) {
  make_channel(c, channel, kernel, strip, 1);
}

static __attribute__((noinline)) void make_2(const chunk* c, uint32_t channel, const int8_t* kernel,
                                             const int8_t* strip) {
  make_channel(c, channel, kernel, strip, 2);
}

static __attribute__((noinline)) void make_4(const chunk* c, uint32_t channel, const int8_t* kernel,
                                             const int8_t* strip) {
  make_channel(c, channel, kernel, strip, 4);
}

void tflm_patch_mve_depthwise_strips(const tflm_patch_depthwise_row* row, uint32_t first,
                                     uint32_t end) {
  const tflm_patch_depthwise_conv_args* args = row->args;
  const tflm_patch_window* window = &args->window;
  const uint32_t height = window->kernel_h;
  const uint32_t taps = height * window->kernel_w;
  const uint32_t step = window->stride_w * height;
  const uint32_t parts = taps <= 16 ? 1 : taps <= 32 ? 2 : 4;
  const uint32_t most = (STRIP_BYTES - KERNEL_BYTES) / step + 1;
  const uint16x8_t count = vidupq_n_u16(0, 1);
  const uint16x8_t cells = vmulq_n_u16(count, (uint16_t)row->input->channels);
  const uint16x8_t outputs = vmulq_n_u16(count, (uint16_t)row->channels);
  const uint16x8_t columns = vmulq_n_u16(count, (uint16_t)height);
  int8_t kernel[KERNEL_BYTES] = {0};
  int8_t strip[STRIP_BYTES];
  chunk c = {.row = row};
  for (; c.x < args->output_cols; c.x += c.n) {
    c.n = MIN(most, args->output_cols - c.x);
    const int32_t col = tflm_patch_first_col(window, c.x);
    c.inside = tflm_patch_taps_inside(col, (c.n - 1) * window->stride_w + window->kernel_w, 1,
                                      row->input->cols);
    c.at = (size_t)(col + (int32_t)c.inside.first);
    memset(strip, (int8_t)args->input_zero_point, sizeof(strip));
    uint32_t copied = UINT32_MAX;
    for (uint32_t channel = first; channel < end; ++channel) {
      const uint32_t source = channel / args->depth_multiplier;
      copy_kernel(row, channel, outputs, columns, kernel);
      if (source != copied) {
        copy_channel(&c, source, cells, columns, strip);
        copied = source;
      }
      if (parts == 1) {
        make_1(&c, channel, kernel, strip);
      } else if (parts == 2) {
        make_2(&c, channel, kernel, strip);
      } else {
        make_4(&c, channel, kernel, strip);
      }
    }
  }
}

#endif /* TFLM_PATCH_IS_MVE */
