/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Three ways, by the length of the vectors:
 *
 *   up to 16  four channels stay in registers, pixels go by one at a time
 *   up to 32  two channels stay in registers, pixels go by two at a time
 *   longer    tiles of two channels by two pixels, four loads for four products
 *
 * An odd last channel or pixel is made together with the one before it, which is
 * made again; a single one is made twice.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "dot.h"
#include "tiles.h"

#define LANES 16u
#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* ---- tiles ---- */

/* {a, b, a, b} for two channels. */
TFLM_PATCH_INLINE int32x4_t make_pairs(int32_t a, int32_t b) {
  return tflm_patch_make_vector(a, b, a, b);
}

TFLM_PATCH_INLINE int32x4_t finish(const tflm_patch_requant_args* requant,
                                   int32x4_t x, int32x4_t multiplier,
                                   int32x4_t shift, int is_usual) {
  if (is_usual) {
    x = tflm_patch_scale_down(x, multiplier, shift);
    x = vaddq_n_s32(x, requant->output_zero_point);
    return tflm_patch_saturate(x);
  }
  x = tflm_patch_scale(x, multiplier, shift);
  x = vaddq_n_s32(x, requant->output_zero_point);
  return tflm_patch_clamp_vector(x, requant->act_min, requant->act_max);
}

/* Two channels, all pixels. */
TFLM_PATCH_INLINE void make_tiles(const tflm_patch_requant_args* requant,
                                  const tflm_patch_pixels* pixels,
                                  const tflm_patch_filters* filters,
                                  uint32_t channel, int8_t* output,
                                  size_t output_step, int is_usual,
                                  int is_one_run) {
  const uint32_t second = filters->n_channels > 1;
  const uint32_t i0 = (filters->first + channel) * requant->channel_step;
  const uint32_t i1 = i0 + second * requant->channel_step;
  const int32x4_t multiplier =
      make_pairs(requant->multipliers[i0], requant->multipliers[i1]);
  const int32x4_t shift = make_pairs(requant->shifts[i0], requant->shifts[i1]);
  const int32_t bias0 = filters->bias[channel];
  const int32_t bias1 = filters->bias[channel + second];
  const int8_t* w0 = filters->weights + channel * filters->channel_step;
  const int8_t* w1 = w0 + second * filters->channel_step;
  const size_t next = pixels->n_pixels > 1 ? pixels->pixel_step : 0;
  const size_t next_output = pixels->n_pixels > 1 ? output_step : 0;
  const uint32x4_t places = vreinterpretq_u32_s32(tflm_patch_make_vector(
      0, (int32_t)second, (int32_t)next_output,
      (int32_t)(next_output + second)));
  const uint32_t run = pixels->run;
  size_t at = pixels->at;
  int32_t left = (int32_t)pixels->n_pixels;
  output += channel;
  for (;;) {
    tflm_patch_dots s = {bias0, bias1, bias0, bias1};
    if (is_one_run) {
      const int8_t* x = pixels->runs[0] + at;
      tflm_patch_add_dots(&s, x, x + next, w0, w1, run);
    } else {
      const int8_t* const* runs = pixels->runs;
      const int8_t* const* const end = runs + pixels->n_runs;
      size_t w_at = 0;
      while (runs != end) {
        const int8_t* x = *runs++ + at;
        tflm_patch_add_dots(&s, x, x + next, w0 + w_at, w1 + w_at, run);
        w_at += filters->run_step;
      }
    }
    const int32x4_t sums =
        tflm_patch_make_vector(s.x0w0, s.x0w1, s.x1w0, s.x1w1);
    vstrbq_scatter_offset_s32(
        output, places, finish(requant, sums, multiplier, shift, is_usual));
    left -= 2;
    if (left <= 0) {
      break;
    }
    if (left == 1) { /* with the one before */
      at += next;
      output += next_output;
    } else {
      at += 2 * next;
      output += 2 * next_output;
    }
  }
}

TFLM_PATCH_INLINE void make_all_tiles(const tflm_patch_requant_args* requant,
                                      const tflm_patch_pixels* pixels,
                                      const tflm_patch_filters* filters,
                                      int8_t* output, size_t output_step,
                                      int is_usual, int is_one_run) {
  const uint32_t n = filters->n_channels;
  for (uint32_t c = 0; c < n; c += 2) {
    const uint32_t channel = c + 1 == n && n > 1 ? c - 1 : c;
    make_tiles(requant, pixels, filters, channel, output, output_step, is_usual,
               is_one_run);
  }
}

static __attribute__((noinline)) void make_usual_tiles(
    const tflm_patch_requant_args* requant, const tflm_patch_pixels* pixels,
    const tflm_patch_filters* filters, int8_t* output, size_t output_step) {
  if (pixels->n_runs == 1) {
    make_all_tiles(requant, pixels, filters, output, output_step, 1, 1);
  } else {
    make_all_tiles(requant, pixels, filters, output, output_step, 1, 0);
  }
}

static __attribute__((noinline)) void make_any_tiles(
    const tflm_patch_requant_args* requant, const tflm_patch_pixels* pixels,
    const tflm_patch_filters* filters, int8_t* output, size_t output_step) {
  make_all_tiles(requant, pixels, filters, output, output_step, 0, 0);
}

/* ---- short vectors, in the usual case ---- */

/* Of the last pixels, as many as a vector of 16 bytes from there would reach
 * beyond the values for. */
static uint32_t count_unsafe(const tflm_patch_pixels* pixels, uint32_t reach) {
  const uint32_t over = reach - pixels->run;
  const uint32_t step = (uint32_t)pixels->pixel_step;
  uint32_t n = 0;
  for (uint32_t behind = 0; n < pixels->n_pixels && behind < over; ++n) {
    behind += step;
  }
  return n;
}

/* Four channels, up to 16 values, n pixels. */
TFLM_PATCH_INLINE void make_16(const int8_t* x, size_t x_step, int8_t* output,
                               size_t output_step, uint32_t n,
                               const int8x16_t w[4], int32x4_t bias,
                               int32x4_t multiplier, int32x4_t shift,
                               int32_t zero_point, mve_pred16_t in,
                               int is_safe) {
  for (; n > 0; --n) {
    const int8x16_t v = is_safe ? vldrbq_s8(x) : vldrbq_z_s8(x, in);
    int32x4_t s =
        tflm_patch_make_vector(vmladavq_s8(v, w[0]), vmladavq_s8(v, w[1]),
                               vmladavq_s8(v, w[2]), vmladavq_s8(v, w[3]));
    s = tflm_patch_scale_down(vaddq_s32(s, bias), multiplier, shift);
    vstrbq_s32(output, tflm_patch_saturate(vaddq_n_s32(s, zero_point)));
    x += x_step;
    output += output_step;
  }
}

static __attribute__((noinline)) void make_all_16(
    const tflm_patch_requant_args* requant, const tflm_patch_pixels* pixels,
    const tflm_patch_filters* filters, int8_t* output, size_t output_step) {
  const uint32_t unsafe = count_unsafe(pixels, LANES);
  const uint32_t safe = pixels->n_pixels - unsafe;
  const mve_pred16_t in = vctp8q(pixels->run);
  const int8_t* x = pixels->runs[0] + pixels->at;
  const size_t step = filters->channel_step;
  const uint32_t n = filters->n_channels;
  const int32_t zero_point = requant->output_zero_point;
  for (uint32_t c = 0; c < n; c += 4) {
    const uint32_t channel = MIN(c, n - 4);
    const uint32_t i = (filters->first + channel) * requant->channel_step;
    const int8_t* w = filters->weights + channel * step;
    const int8x16_t weights[4] = {
        vldrbq_z_s8(w, in), vldrbq_z_s8(w + step, in),
        vldrbq_z_s8(w + 2 * step, in), vldrbq_z_s8(w + 3 * step, in)};
    const int32x4_t bias = vldrwq_s32(filters->bias + channel);
    int32x4_t multiplier;
    int32x4_t shift;
    if (requant->channel_step) {
      multiplier = vldrwq_s32(requant->multipliers + i);
      shift = vldrbq_s32(requant->shifts + i);
    } else {
      multiplier = vdupq_n_s32(*requant->multipliers);
      shift = vdupq_n_s32(*requant->shifts);
    }
    int8_t* out = output + channel;
    make_16(x, pixels->pixel_step, out, output_step, safe, weights, bias,
            multiplier, shift, zero_point, in, 1);
    make_16(x + safe * pixels->pixel_step, pixels->pixel_step,
            out + safe * output_step, output_step, unsafe, weights, bias,
            multiplier, shift, zero_point, in, 0);
  }
}

void tflm_patch_mve_tiles(const tflm_patch_requant_args* requant,
                          const tflm_patch_pixels* pixels,
                          const tflm_patch_filters* filters, int8_t* output,
                          size_t output_step) {
  if (!pixels->is_usual) {
    make_any_tiles(requant, pixels, filters, output, output_step);
  } else if (pixels->n_runs == 1 && pixels->run <= LANES &&
             filters->n_channels >= 4) {
    make_all_16(requant, pixels, filters, output, output_step);
  } else {
    make_usual_tiles(requant, pixels, filters, output, output_step);
  }
}

#endif /* TFLM_PATCH_IS_MVE */
