/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * GEMM micro-kernels of the mve family, pixels by channels. Four ways, by the
 * length of the vectors:
 *
 *   up to 16  four channels stay in registers, pixels go by one at a time
 *   up to 48  of many pixels: two channels stay in registers, see gemm_resident.c
 *   up to 96  a pixel stays in registers, channels go by four at a time, see
 *             gemm_1x4.c
 *   longer    tiles of two channels by three pixels, see gemm_2x3.c, or by two, four
 *             loads for four products
 *
 * Pixels p and p + n / 2 of n are a pair, so for an odd n that in the middle is
 * made twice. An odd last channel is made together with the one before it, which
 * is made again; a single one is made twice.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "dot.h"
#include "gemm.h"

#define LANES 16u
#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* ---- pairs of channels by pairs of pixels ---- */

/* Two channels at work, on two pixels at a time. */
typedef struct {
  const int8_t* w0;
  const int8_t* w1;
  const int32_t* bias; /* of both */
  const int32_t* multipliers;
  const int8_t* shifts;
  int8_t* output; /* of the first pixel and channel */
  /* The same for all pairs: */
  size_t channel_step;
  size_t requant_step;
  uint32_t n;   /* pairs of pixels */
  size_t other; /* from one pixel's values to those of the other of its pair */
  size_t other_output;
  size_t next; /* from one pair's values to those of the next */
  size_t next_output;
  int32_t single[2]; /* bias of an only channel, twice */
} channel_pair;

/* Where the values of a pair lie, in the order of tflm_patch_dots. */
typedef struct {
  uint32x4_t outputs;
  uint32x4_t multipliers;
  uint32x4_t shifts;
} pair_places;

TFLM_PATCH_INLINE void start_pairs(const tflm_patch_requant_args* requant,
                                   const tflm_patch_pixels* pixels,
                                   const tflm_patch_filters* filters, int8_t* output,
                                   size_t output_step, channel_pair* pair, pair_places* places) {
  const int is_pair = filters->n_channels > 1;
  const uint32_t half = pixels->n_pixels / 2;
  const size_t first = filters->first * requant->channel_step;
  pair->w0 = filters->weights;
  pair->w1 = is_pair ? filters->weights + filters->channel_step : pair->w0;
  pair->single[0] = filters->bias[0];
  pair->single[1] = filters->bias[0];
  pair->bias = is_pair ? filters->bias : pair->single;
  pair->multipliers = requant->multipliers + first;
  pair->shifts = requant->shifts + first;
  pair->output = output;
  pair->channel_step = filters->channel_step;
  pair->requant_step = requant->channel_step;
  pair->n = pixels->n_pixels - half;
  pair->other = half * pixels->pixel_step;
  pair->other_output = half * output_step;
  pair->next = pixels->pixel_step;
  pair->next_output = output_step;
  const int32_t other = (int32_t)pair->other_output;
  const int32_t next_scale = is_pair ? (int32_t)requant->channel_step : 0;
  const int32x4_t scales = tflm_patch_make_vector(0, next_scale, 0, next_scale);
  places->outputs =
      vreinterpretq_u32_s32(tflm_patch_make_vector(0, is_pair, other, other + is_pair));
  places->multipliers = vreinterpretq_u32_s32(vshlq_n_s32(scales, 2));
  places->shifts = vreinterpretq_u32_s32(scales);
}

/* Goes on by `step` channels. */
TFLM_PATCH_INLINE void next_pair(channel_pair* pair, uint32_t step) {
  pair->w0 += step * pair->channel_step;
  pair->w1 += step * pair->channel_step;
  pair->bias += step;
  pair->multipliers += step * pair->requant_step;
  pair->shifts += step * pair->requant_step;
  pair->output += step;
}

/* How far to go when `left` channels follow a pair: an odd last one is made with
 * the one before it. */
TFLM_PATCH_INLINE uint32_t pair_step(int32_t left) { return left == 1 ? 1 : 2; }

TFLM_PATCH_INLINE int32x4_t load_multipliers(const channel_pair* pair, const pair_places* places) {
  return vldrwq_gather_offset_s32(pair->multipliers, places->multipliers);
}

TFLM_PATCH_INLINE int32x4_t load_shifts(const channel_pair* pair, const pair_places* places) {
  return vldrbq_gather_offset_s32(pair->shifts, places->shifts);
}

/* ---- in the usual case, in assembly: there are just enough registers ---- */

/* clang-format off */
#define MULTIPLY_RUN                       \
  "   dlstp.8 lr, lr\n"                    \
  "3: vldrb.8 q0, [%[x0]], #16\n"          \
  "   vldrb.8 q1, [%[w0]], #16\n"          \
  "   vmladava.s8 %[x0w0], q0, q1\n"       \
  "   vldrb.8 q2, [%[x1]], #16\n"          \
  "   vmladava.s8 %[x1w0], q2, q1\n"       \
  "   vldrb.8 q1, [%[w1]], #16\n"          \
  "   vmladava.s8 %[x0w1], q0, q1\n"       \
  "   vmladava.s8 %[x1w1], q2, q1\n"       \
  "   letp lr, 3b\n"

/* Takes w back to the first run; loop.w_back and loop.advance are in x0w1 and
 * x1w1 then, until loop.end and loop.next_output are. */
#define FINISH_PAIR(next_x)                         \
  "   vmov q0[2], q0[0], %[x0w0], %[x1w0]\n"        \
  "   vmov q0[3], q0[1], %[x0w1], %[x1w1]\n"        \
  "   movs %[x0w0], #1\n"                           \
  "   ldrd %[x0w1], %[x1w1], [%[loop]]\n"           \
  "   vqrdmulh.s32 q0, q0, %q[multiplier]\n"        \
  "   sub %[w0], %[x0w1]\n"                         \
  "   sub %[w1], %[x0w1]\n"                         \
  "   vqdmlah.s32 q0, q0, %[x0w0]\n" next_x         \
  "   vrshl.s32 q0, q0, %q[shift]\n"                \
  "   ldrd %[x0w1], %[x1w1], [%[loop], #8]\n"       \
  "   vadd.i32 q0, q0, %q[zero_point]\n"            \
  "   vqmovnb.s32 q0, q0\n"                         \
  "   vqmovnb.s16 q0, q0\n"                         \
  "   vstrb.32 q0, [%[output], %q[places]]\n"       \
  "   add %[output], %[x1w1]\n"                     \
  "   cmp %[output], %[x0w1]\n"                     \
  "   bne 1b\n"
/* clang-format on */

/* All pairs of pixels of two channels, one run. */
TFLM_PATCH_INLINE void multiply_pair(const channel_pair* pair, const pair_places* places,
                                     int32x4_t multiplier, int32x4_t shift, int32x4_t zero_point,
                                     const int8_t* x, uint32_t run) {
  const size_t padded = (run + LANES - 1) & ~(size_t)(LANES - 1);
  const struct {
    size_t w_back; /* what w, and x, have gone on by after a run */
    size_t advance;
    const int8_t* end;
    size_t next_output;
    uint32_t run;
  } loop = {padded, pair->next - padded, pair->output + pair->n * pair->next_output,
            pair->next_output, run};
  int8_t* output = pair->output;
  const int8_t* x1 = x + pair->other;
  const int8_t* w0 = pair->w0;
  const int8_t* w1 = pair->w1;
  int32_t x0w0, x0w1, x1w0, x1w1;
  __asm__ volatile(
      "1: ldr lr, [%[loop], #16]\n"
      "   ldrd %[x0w0], %[x0w1], [%[bias]]\n"
      "   ldrd %[x1w0], %[x1w1], [%[bias]]\n" /**/
      MULTIPLY_RUN FINISH_PAIR("   add %[x0], %[x1w1]\n"
                               "   add %[x1], %[x1w1]\n")
      : [x0] "+&r"(x), [x1] "+&r"(x1), [w0] "+&r"(w0), [w1] "+&r"(w1), [output] "+&r"(output),
        [x0w0] "=&Te"(x0w0), [x0w1] "=&Te"(x0w1), [x1w0] "=&Te"(x1w0), [x1w1] "=&Te"(x1w1)
      : [bias] "r"(pair->bias), [loop] "r"(&loop), "m"(loop), [multiplier] "w"(multiplier),
        [shift] "w"(shift), [places] "w"(places->outputs), [zero_point] "w"(zero_point)
      : "q0", "q1", "q2", "lr", "cc", "memory");
}

/* The same for any number of runs above 0. */
TFLM_PATCH_INLINE void multiply_pair_runs(const channel_pair* pair, const pair_places* places,
                                          int32x4_t multiplier, int32x4_t shift,
                                          int32x4_t zero_point, const tflm_patch_pixels* pixels,
                                          size_t run_step) {
  const uint32_t run = pixels->run;
  const size_t padded = (run + LANES - 1) & ~(size_t)(LANES - 1);
  const struct {
    size_t w_back; /* what w has gone on by after all runs */
    size_t advance;
    const int8_t* end;
    size_t next_output;
    uint32_t run;
    size_t other;
    const int32_t* bias;
    const int8_t* const* runs;
    size_t next_w; /* from behind the values of a run to the next */
    const int8_t* const* runs_end;
  } loop = {pixels->n_runs * run_step,
            pair->next,
            pair->output + pair->n * pair->next_output,
            pair->next_output,
            run,
            pair->other,
            pair->bias,
            pixels->runs,
            run_step - padded,
            pixels->runs + pixels->n_runs};
  int8_t* output = pair->output;
  size_t at = pixels->at;
  const int8_t* w0 = pair->w0;
  const int8_t* w1 = pair->w1;
  const int8_t* x0;
  const int8_t* x1;
  const int8_t* const* runs;
  int32_t x0w0, x0w1, x1w0, x1w1;
  __asm__ volatile(
      "1: ldrd %[x0], %[runs], [%[loop], #24]\n"
      "   ldrd %[x0w0], %[x0w1], [%[x0]]\n"
      "   ldrd %[x1w0], %[x1w1], [%[x0]]\n"
      "2: ldrd lr, %[x1], [%[loop], #16]\n"
      "   ldr %[x0], [%[runs]], #4\n"
      "   add %[x0], %[at]\n"
      "   add %[x1], %[x0]\n" /**/
      MULTIPLY_RUN
      "   ldrd %[x0], %[x1], [%[loop], #32]\n"
      "   add %[w0], %[x0]\n"
      "   add %[w1], %[x0]\n"
      "   cmp %[runs], %[x1]\n"
      "   bne 2b\n" /**/
      FINISH_PAIR("   add %[at], %[x1w1]\n")
      : [x0] "=&r"(x0), [x1] "=&r"(x1), [runs] "=&r"(runs), [w0] "+&r"(w0), [w1] "+&r"(w1),
        [at] "+&r"(at), [output] "+&r"(output), [x0w0] "=&Te"(x0w0), [x0w1] "=&Te"(x0w1),
        [x1w0] "=&Te"(x1w0), [x1w1] "=&Te"(x1w1)
      : [loop] "r"(&loop), "m"(loop), [multiplier] "w"(multiplier), [shift] "w"(shift),
        [places] "w"(places->outputs), [zero_point] "w"(zero_point)
      : "q0", "q1", "q2", "lr", "cc", "memory");
}

static __attribute__((noinline)) void make_usual_pairs(const tflm_patch_requant_args* requant,
                                                       const tflm_patch_pixels* pixels,
                                                       const tflm_patch_filters* filters,
                                                       int8_t* output, size_t output_step) {
  const uint32_t run = pixels->run;
  const int is_one_run = pixels->n_runs == 1;
  const int32x4_t zero_point = vdupq_n_s32(requant->output_zero_point);
  const int8_t* x = pixels->runs[0] + pixels->at;
  channel_pair pair;
  pair_places places;
  start_pairs(requant, pixels, filters, output, output_step, &pair, &places);
  for (int32_t left = (int32_t)filters->n_channels;;) {
    const int32x4_t multiplier = load_multipliers(&pair, &places);
    const int32x4_t shift = load_shifts(&pair, &places);
    if (is_one_run) {
      multiply_pair(&pair, &places, multiplier, shift, zero_point, x, run);
    } else {
      multiply_pair_runs(&pair, &places, multiplier, shift, zero_point, pixels, filters->run_step);
    }
    left -= 2;
    if (left <= 0) {
      return;
    }
    next_pair(&pair, pair_step(left));
  }
}

/* ---- any requantization, any number of runs ---- */

static __attribute__((noinline)) void make_any_pairs(const tflm_patch_requant_args* requant,
                                                     const tflm_patch_pixels* pixels,
                                                     const tflm_patch_filters* filters,
                                                     int8_t* output, size_t output_step) {
  const uint32_t run = pixels->run;
  const size_t run_step = filters->run_step;
  const int32_t zero_point = requant->output_zero_point;
  const int8_t* const* const runs = pixels->runs;
  const int8_t* const* const end = runs + pixels->n_runs;
  channel_pair pair;
  pair_places places;
  start_pairs(requant, pixels, filters, output, output_step, &pair, &places);
  for (int32_t channels = (int32_t)filters->n_channels;;) {
    const int32x4_t multiplier = load_multipliers(&pair, &places);
    const int32x4_t shift = load_shifts(&pair, &places);
    const int32_t bias0 = pair.bias[0];
    const int32_t bias1 = pair.bias[1];
    int8_t* out = pair.output;
    size_t at = pixels->at;
    for (uint32_t i = 0; i < pair.n; ++i) {
      tflm_patch_dots s = {bias0, bias1, bias0, bias1};
      const int8_t* w0 = pair.w0;
      const int8_t* w1 = pair.w1;
      for (const int8_t* const* r = runs; r != end; ++r) {
        const int8_t* x = *r + at;
        tflm_patch_add_dots(&s, x, x + pair.other, w0, w1, run);
        w0 += run_step;
        w1 += run_step;
      }
      int32x4_t x = tflm_patch_make_vector(s.x0w0, s.x0w1, s.x1w0, s.x1w1);
      x = tflm_patch_scale(x, multiplier, shift);
      x = tflm_patch_clamp_vector(vaddq_n_s32(x, zero_point), requant->act_min, requant->act_max);
      vstrbq_scatter_offset_s32(out, places.outputs, x);
      at += pair.next;
      out += pair.next_output;
    }
    channels -= 2;
    if (channels <= 0) {
      return;
    }
    next_pair(&pair, pair_step(channels));
  }
}

/* ---- up to 16 values, in the usual case ---- */

/* How many of the last pixels' vectors would be read beyond the values of the
 * last one if `reach` values of each were. */
static uint32_t count_unsafe(const tflm_patch_pixels* pixels, uint32_t reach) {
  const uint32_t readable = pixels->run + pixels->behind;
  const uint32_t over = reach > readable ? reach - readable : 0;
  const uint32_t step = (uint32_t)pixels->pixel_step;
  uint32_t n = 0;
  for (uint32_t behind = 0; n < pixels->n_pixels && behind < over; ++n) {
    behind += step;
  }
  return n;
}

/* Four channels, up to 16 values, n pixels. */
TFLM_PATCH_INLINE void make_16(const int8_t* x, size_t x_step, int8_t* output, size_t output_step,
                               uint32_t n, const int8x16_t w[4], int32x4_t bias,
                               int32x4_t multiplier, int32x4_t shift, int32_t zero_point,
                               mve_pred16_t in, int is_safe) {
  for (; n > 0; --n) {
    const int8x16_t v = is_safe ? vldrbq_s8(x) : vldrbq_z_s8(x, in);
    int32x4_t s = tflm_patch_make_vector(vmladavq_s8(v, w[0]), vmladavq_s8(v, w[1]),
                                         vmladavq_s8(v, w[2]), vmladavq_s8(v, w[3]));
    s = tflm_patch_scale_down(vaddq_s32(s, bias), multiplier, shift);
    vstrbq_s32(output, tflm_patch_saturate(vaddq_n_s32(s, zero_point)));
    x += x_step;
    output += output_step;
  }
}

static __attribute__((noinline)) void make_all_16(const tflm_patch_requant_args* requant,
                                                  const tflm_patch_pixels* pixels,
                                                  const tflm_patch_filters* filters, int8_t* output,
                                                  size_t output_step) {
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
    const int8x16_t weights[4] = {vldrbq_z_s8(w, in), vldrbq_z_s8(w + step, in),
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
    make_16(x, pixels->pixel_step, out, output_step, safe, weights, bias, multiplier, shift,
            zero_point, in, 1);
    make_16(x + safe * pixels->pixel_step, pixels->pixel_step, out + safe * output_step,
            output_step, unsafe, weights, bias, multiplier, shift, zero_point, in, 0);
  }
}

/* ---- which way ---- */

typedef void (*make_tiles)(const tflm_patch_requant_args* requant, const tflm_patch_pixels* pixels,
                           const tflm_patch_filters* filters, int8_t* output, size_t output_step);

void tflm_patch_mve_tiles(const tflm_patch_requant_args* requant, const tflm_patch_pixels* pixels,
                          const tflm_patch_filters* filters, int8_t* output, size_t output_step) {
  const uint32_t run = pixels->run;
  make_tiles make = make_usual_pairs;
  if (!pixels->is_usual || pixels->n_runs == 0) {
    make = make_any_pairs;
  } else if (pixels->n_runs == 1) {
    const uint32_t n = filters->n_channels;
    const int is_in_place = output == pixels->runs[0] + pixels->at;
    if (run <= LANES && n >= 4 && !is_in_place) {
      make = make_all_16;
    } else if (!is_in_place &&
               tflm_patch_mve_make_resident(requant, pixels, filters, output, output_step)) {
      return;
    } else if (run == filters->channel_step && tflm_patch_mve_can_make_pixels(requant, run, n)) {
      make = tflm_patch_mve_make_pixels;
    }
  }
  if (make == make_usual_pairs &&
      tflm_patch_mve_make_triples(requant, pixels, filters, output, output_step)) {
    return;
  }
  make(requant, pixels, filters, output, output_step);
}

#endif /* TFLM_PATCH_IS_MVE */
