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

/* ---- pairs of channels by pairs of pixels ---- */

/* Two channels, and where their outputs of two pixels go: in vectors in the order
 * of tflm_patch_dots. */
typedef struct {
  int32x4_t multiplier;
  int32x4_t shift;
  uint32x4_t places;
  const int8_t* w0;
  const int8_t* w1;
  const int32_t* bias; /* of both */
  size_t next;         /* from one pixel's values to the other's; 0 for one */
  size_t next_output;
} channel_pair;

/* The places of values in memory, for a pair. */
typedef struct {
  uint32x4_t words;
  uint32x4_t bytes;
} pair_places;

TFLM_PATCH_INLINE pair_places find_places(
    const tflm_patch_requant_args* requant, uint32_t n_channels) {
  const int32_t second =
      n_channels > 1 ? (int32_t)requant->channel_step : 0;
  const int32x4_t bytes = tflm_patch_make_vector(0, second, 0, second);
  const pair_places places = {
      .words = vreinterpretq_u32_s32(vshlq_n_s32(bytes, 2)),
      .bytes = vreinterpretq_u32_s32(bytes),
  };
  return places;
}

TFLM_PATCH_INLINE channel_pair make_pair(
    const tflm_patch_requant_args* requant, const tflm_patch_pixels* pixels,
    const tflm_patch_filters* filters, const pair_places* places,
    uint32_t channel, size_t output_step) {
  const int is_pair = filters->n_channels > 1;
  const uint32_t i = (filters->first + channel) * requant->channel_step;
  const int8_t* w = filters->weights + channel * filters->channel_step;
  const size_t next_output = pixels->n_pixels > 1 ? output_step : 0;
  const channel_pair pair = {
      .multiplier =
          vldrwq_gather_offset_s32(requant->multipliers + i, places->words),
      .shift = vldrbq_gather_offset_s32(requant->shifts + i, places->bytes),
      .places = vreinterpretq_u32_s32(tflm_patch_make_vector(
          0, is_pair, (int32_t)next_output, (int32_t)next_output + is_pair)),
      .w0 = w,
      .w1 = is_pair ? w + filters->channel_step : w,
      .bias = filters->bias + channel,
      .next = pixels->n_pixels > 1 ? pixels->pixel_step : 0,
      .next_output = next_output,
  };
  return pair;
}

/* The channel that the pair at c begins with. */
TFLM_PATCH_INLINE uint32_t pair_channel(uint32_t c, uint32_t n) {
  return c + 1 == n && n > 1 ? c - 1 : c;
}

/* n pairs of pixels of two channels, one run, in the usual case; returns where
 * the output of the next pair would go. */
TFLM_PATCH_INLINE int8_t* multiply_pair(const channel_pair* pair,
                                        const int8_t* x, uint32_t run,
                                        uint32_t n, int32x4_t zero_point,
                                        int8_t* output) {
  const uint32_t padded = (run + LANES - 1) & ~(LANES - 1);
  const size_t output_step = 2 * pair->next_output;
  const int8_t* const end = output + n * output_step;
  const int8_t* x1 = x + pair->next;
  const int8_t* w0 = pair->w0;
  const int8_t* w1 = pair->w1;
  int32_t x0w0, x0w1, x1w0, x1w1;
  __asm__ volatile(
      "1: ldr lr, %[run]\n"
      "   ldrd %[x0w0], %[x0w1], [%[bias]]\n"
      "   ldrd %[x1w0], %[x1w1], [%[bias]]\n"
      "   dlstp.8 lr, lr\n"
      "2: vldrb.8 q0, [%[x0]], #16\n"
      "   vldrb.8 q1, [%[w0]], #16\n"
      "   vmladava.s8 %[x0w0], q0, q1\n"
      "   vldrb.8 q2, [%[x1]], #16\n"
      "   vmladava.s8 %[x1w0], q2, q1\n"
      "   vldrb.8 q1, [%[w1]], #16\n"
      "   vmladava.s8 %[x0w1], q0, q1\n"
      "   vmladava.s8 %[x1w1], q2, q1\n"
      "   letp lr, 2b\n"
      "   vmov q0[2], q0[0], %[x0w0], %[x1w0]\n"
      "   vmov q0[3], q0[1], %[x0w1], %[x1w1]\n"
      "   movs %[x0w0], #1\n"
      "   vqrdmulh.s32 q0, q0, %q[multiplier]\n"
      "   sub %[w0], %[padded]\n"
      "   sub %[w1], %[padded]\n"
      "   vqdmlah.s32 q0, q0, %[x0w0]\n"
      "   add %[x0], %[advance]\n"
      "   add %[x1], %[advance]\n"
      "   vrshl.s32 q0, q0, %q[shift]\n"
      "   ldr %[x0w1], %[end]\n"
      "   vadd.i32 q0, q0, %q[zero_point]\n"
      "   vqmovnb.s32 q0, q0\n"
      "   ldr %[x1w0], %[output_step]\n"
      "   vqmovnb.s16 q0, q0\n"
      "   vstrb.32 q0, [%[output], %q[places]]\n"
      "   add %[output], %[x1w0]\n"
      "   cmp %[output], %[x0w1]\n"
      "   bne 1b\n"
      : [x0] "+r"(x), [x1] "+r"(x1), [w0] "+r"(w0), [w1] "+r"(w1),
        [output] "+r"(output), [x0w0] "=&Te"(x0w0), [x0w1] "=&Te"(x0w1),
        [x1w0] "=&Te"(x1w0), [x1w1] "=&Te"(x1w1)
      : [run] "m"(run), [end] "m"(end), [output_step] "m"(output_step),
        [bias] "r"(pair->bias), [padded] "r"(padded),
        [advance] "r"(2 * pair->next - padded),
        [multiplier] "w"(pair->multiplier), [shift] "w"(pair->shift),
        [places] "w"(pair->places), [zero_point] "w"(zero_point)
      : "q0", "q1", "q2", "lr", "cc", "memory");
  return output;
}

static __attribute__((noinline)) void make_usual_pairs(
    const tflm_patch_requant_args* requant, const tflm_patch_pixels* pixels,
    const tflm_patch_filters* filters, int8_t* output, size_t output_step) {
  const uint32_t n = filters->n_channels;
  const uint32_t run = pixels->run;
  const uint32_t n_pixels = pixels->n_pixels;
  const uint32_t pairs = n_pixels > 1 ? n_pixels / 2 : 1;
  const int32x4_t zero_point = vdupq_n_s32(requant->output_zero_point);
  const pair_places places = find_places(requant, n);
  const int8_t* x = pixels->runs[0] + pixels->at;
  const size_t requant_step = requant->channel_step;
  const size_t channel_step = filters->channel_step;
  const int32_t* multipliers =
      requant->multipliers + filters->first * requant_step;
  const int8_t* shifts = requant->shifts + filters->first * requant_step;
  channel_pair pair =
      make_pair(requant, pixels, filters, &places, 0, output_step);
  const int32_t single[2] = {filters->bias[0], filters->bias[0]};
  if (n == 1) {
    pair.bias = single;
  }
  for (int32_t left = (int32_t)n;;) {
    int8_t* end =
        multiply_pair(&pair, x, run, pairs, zero_point, output);
    if (n_pixels > 1 && n_pixels % 2 == 1) { /* the last with that before */
      multiply_pair(&pair, x + (n_pixels - 2) * pair.next, run, 1, zero_point,
                    end - pair.next_output);
    }
    left -= 2;
    if (left <= 0) {
      return;
    }
    const uint32_t step = left == 1 ? 1 : 2; /* 1: with the one before */
    pair.w0 += step * channel_step;
    pair.w1 += step * channel_step;
    pair.bias += step;
    output += step;
    multipliers += step * requant_step;
    shifts += step * requant_step;
    pair.multiplier = vldrwq_gather_offset_s32(multipliers, places.words);
    pair.shift = vldrbq_gather_offset_s32(shifts, places.bytes);
  }
}

/* The same for any requantization and any number of runs. */
TFLM_PATCH_INLINE void make_pairs(const tflm_patch_requant_args* requant,
                                  const tflm_patch_pixels* pixels,
                                  const tflm_patch_filters* filters,
                                  int8_t* output, size_t output_step,
                                  int is_usual) {
  const uint32_t n = filters->n_channels;
  const uint32_t run = pixels->run;
  const pair_places places = find_places(requant, n);
  for (uint32_t c = 0; c < n; c += 2) {
    const uint32_t channel = pair_channel(c, n);
    const channel_pair pair = make_pair(requant, pixels, filters, &places,
                                        channel, output_step);
    const int32_t bias0 = pair.bias[0];
    const int32_t bias1 = pair.bias[n > 1];
    int8_t* out = output + channel;
    size_t at = pixels->at;
    int32_t left = (int32_t)pixels->n_pixels;
    for (;;) {
      tflm_patch_dots s = {bias0, bias1, bias0, bias1};
      const int8_t* const* runs = pixels->runs;
      const int8_t* const* const end = runs + pixels->n_runs;
      const int8_t* w0 = pair.w0;
      const int8_t* w1 = pair.w1;
      while (runs != end) {
        const int8_t* x = *runs++ + at;
        tflm_patch_add_dots(&s, x, x + pair.next, w0, w1, run);
        w0 += filters->run_step;
        w1 += filters->run_step;
      }
      int32x4_t x = tflm_patch_make_vector(s.x0w0, s.x0w1, s.x1w0, s.x1w1);
      if (is_usual) {
        x = tflm_patch_scale_down(x, pair.multiplier, pair.shift);
        x = vaddq_n_s32(x, requant->output_zero_point);
        x = tflm_patch_saturate(x);
      } else {
        x = tflm_patch_scale(x, pair.multiplier, pair.shift);
        x = vaddq_n_s32(x, requant->output_zero_point);
        x = tflm_patch_clamp_vector(x, requant->act_min, requant->act_max);
      }
      vstrbq_scatter_offset_s32(out, pair.places, x);
      left -= 2;
      if (left <= 0) {
        break;
      }
      const uint32_t step = left == 1 ? 1 : 2; /* 1: with the one before */
      at += step * pair.next;
      out += step * pair.next_output;
    }
  }
}

static __attribute__((noinline)) void make_usual_runs(
    const tflm_patch_requant_args* requant, const tflm_patch_pixels* pixels,
    const tflm_patch_filters* filters, int8_t* output, size_t output_step) {
  make_pairs(requant, pixels, filters, output, output_step, 1);
}

static __attribute__((noinline)) void make_any_runs(
    const tflm_patch_requant_args* requant, const tflm_patch_pixels* pixels,
    const tflm_patch_filters* filters, int8_t* output, size_t output_step) {
  make_pairs(requant, pixels, filters, output, output_step, 0);
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

/* Two channels, 17 to 32 values, pairs of pixels from x0 and x1 on. */
TFLM_PATCH_INLINE void make_32(const int8_t* x0, const int8_t* x1,
                               size_t x_step, int8_t* output,
                               size_t output_step, uint32_t n,
                               const channel_pair* pair, const int8x16_t w0[2],
                               const int8x16_t w1[2], int32_t bias0,
                               int32_t bias1, int32_t zero_point,
                               mve_pred16_t in, int is_safe) {
  for (; n > 0; --n) {
    const int8x16_t a0 = vldrbq_s8(x0);
    const int8x16_t a1 =
        is_safe ? vldrbq_s8(x0 + LANES) : vldrbq_z_s8(x0 + LANES, in);
    int32_t s0 = vmladavaq_s8(bias0, a0, w0[0]);
    int32_t s1 = vmladavaq_s8(bias1, a0, w1[0]);
    s0 = vmladavaq_s8(s0, a1, w0[1]);
    s1 = vmladavaq_s8(s1, a1, w1[1]);
    const int8x16_t b0 = vldrbq_s8(x1);
    const int8x16_t b1 =
        is_safe ? vldrbq_s8(x1 + LANES) : vldrbq_z_s8(x1 + LANES, in);
    int32_t t0 = vmladavaq_s8(bias0, b0, w0[0]);
    int32_t t1 = vmladavaq_s8(bias1, b0, w1[0]);
    t0 = vmladavaq_s8(t0, b1, w0[1]);
    t1 = vmladavaq_s8(t1, b1, w1[1]);
    int32x4_t s = tflm_patch_make_vector(s0, s1, t0, t1);
    s = tflm_patch_scale_down(s, pair->multiplier, pair->shift);
    vstrbq_scatter_offset_s32(
        output, pair->places,
        tflm_patch_saturate(vaddq_n_s32(s, zero_point)));
    x0 += x_step;
    x1 += x_step;
    output += output_step;
  }
}

static __attribute__((noinline)) void make_all_32(
    const tflm_patch_requant_args* requant, const tflm_patch_pixels* pixels,
    const tflm_patch_filters* filters, int8_t* output, size_t output_step) {
  const uint32_t n = filters->n_channels;
  const uint32_t n_pixels = pixels->n_pixels;
  const uint32_t unsafe = count_unsafe(pixels, 2 * LANES);
  const uint32_t safe_pairs = (n_pixels - unsafe) / 2;
  const uint32_t other_pairs = n_pixels / 2 - safe_pairs;
  const mve_pred16_t in = vctp8q(pixels->run - LANES);
  const int8_t* x = pixels->runs[0] + pixels->at;
  const int32_t zero_point = requant->output_zero_point;
  const pair_places places = find_places(requant, n);
  for (uint32_t c = 0; c < n; c += 2) {
    const uint32_t channel = pair_channel(c, n);
    const channel_pair pair = make_pair(requant, pixels, filters, &places,
                                        channel, output_step);
    const int8x16_t w0[2] = {vldrbq_s8(pair.w0),
                             vldrbq_z_s8(pair.w0 + LANES, in)};
    const int8x16_t w1[2] = {vldrbq_s8(pair.w1),
                             vldrbq_z_s8(pair.w1 + LANES, in)};
    const int32_t bias0 = pair.bias[0];
    const int32_t bias1 = pair.bias[n > 1];
    const size_t x_step = 2 * pair.next;
    const size_t out_step = 2 * pair.next_output;
    const int8_t* x0 = x;
    int8_t* out = output + channel;
    make_32(x0, x0 + pair.next, x_step, out, out_step, safe_pairs, &pair, w0,
            w1, bias0, bias1, zero_point, in, 1);
    x0 += safe_pairs * x_step;
    out += safe_pairs * out_step;
    make_32(x0, x0 + pair.next, x_step, out, out_step, other_pairs, &pair, w0,
            w1, bias0, bias1, zero_point, in, 0);
    if (n_pixels % 2 == 1) {
      x0 = x + (n_pixels - 1) * pair.next;
      out = output + channel + (n_pixels - 1) * pair.next_output;
      if (n_pixels > 1) { /* with the one before */
        x0 -= pair.next;
        out -= pair.next_output;
      }
      make_32(x0, x0 + pair.next, 0, out, 0, 1, &pair, w0, w1, bias0, bias1,
              zero_point, in, 0);
    }
  }
}

void tflm_patch_mve_tiles(const tflm_patch_requant_args* requant,
                          const tflm_patch_pixels* pixels,
                          const tflm_patch_filters* filters, int8_t* output,
                          size_t output_step) {
  const uint32_t run = pixels->run;
  if (!pixels->is_usual) {
    make_any_runs(requant, pixels, filters, output, output_step);
  } else if (pixels->n_runs != 1) {
    make_usual_runs(requant, pixels, filters, output, output_step);
  } else if (run <= LANES && filters->n_channels >= 4) {
    make_all_16(requant, pixels, filters, output, output_step);
  } else if (LANES < run && run <= 2 * LANES) {
    make_all_32(requant, pixels, filters, output, output_step);
  } else {
    make_usual_pairs(requant, pixels, filters, output, output_step);
  }
}

#endif /* TFLM_PATCH_IS_MVE */
