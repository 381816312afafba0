/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two channels of 17 to 48 values that stay in registers: pixels go by in pairs, a
 * load for two products, in the usual case of requantization. Pixels p and p + n / 2
 * of n are a pair, so for an odd n that in the middle is made twice.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "gemm.h"
#include "vector.h"

#define LANES 16u
#define LEAST_PIXELS 8u /* fewer do not pay for the registers */

/* What the four outputs of a pair of pixels need: their sums are, in order, those of the
 * first pixel's two channels and of the second's. The places are known to the assembly. */
typedef struct {
  int32x4_t bias;
  uint32x4_t place; /* behind the output of the first */
  int32x4_t multiplier;
  int32x4_t shift;
} constants;

/* Pairs of pixels. */
typedef struct {
  const int8_t* x0;
  const int8_t* x1;
  size_t step;
  int8_t* output;
  size_t output_step;
  uint32_t n;
} pixel_pairs;

/* clang-format off */
#define MULTIPLY_2(x, s, t)                        \
  "   vldrb.8 %q[v], [%[" x "]]\n"                 \
  "   vmladav.s8 %[" s "], %q[v], %q[w0]\n"        \
  "   vldrb.8 %q[sums], [%[" x "], #16]\n"         \
  "   vmladav.s8 %[" t "], %q[v], %q[w2]\n"        \
  "   vmladava.s8 %[" s "], %q[sums], %q[w1]\n"    \
  "   vmladava.s8 %[" t "], %q[sums], %q[w3]\n"    \
  "   add %[" x "], %[step]\n"
#define MULTIPLY_3(x, s, t)                        \
  "   vldrb.8 %q[v], [%[" x "]]\n"                 \
  "   vmladav.s8 %[" s "], %q[v], %q[w0]\n"        \
  "   vldrb.8 %q[sums], [%[" x "], #16]\n"         \
  "   vmladav.s8 %[" t "], %q[v], %q[w3]\n"        \
  "   vldrb.8 %q[v], [%[" x "], #32]\n"            \
  "   vmladava.s8 %[" s "], %q[sums], %q[w1]\n"    \
  "   vmladava.s8 %[" t "], %q[sums], %q[w4]\n"    \
  "   vmladava.s8 %[" s "], %q[v], %q[w2]\n"       \
  "   vmladava.s8 %[" t "], %q[v], %q[w5]\n"       \
  "   add %[" x "], %[step]\n"
/* Scales are in registers where these are left. */
#define LOAD_SCALE_2(at)
#define LOAD_SCALE_3(at) "   vldrw.32 %q[v], [%[c], #" at "]\n"
#define MULTIPLIER_2 "multiplier"
#define MULTIPLIER_3 "v"
#define SHIFT_2 "shift"
#define SHIFT_3 "v"
/* See tflm_patch_less_if_negative: without, where all below 0 is the least output. */
#define LESS_IF_NEGATIVE                                \
  "   mov %[s0], #1\n"                                  \
  "   vqdmlah.s32 %q[sums], %q[sums], %[s0]\n"
#define LEAVE_NEGATIVE ""
/* clang-format on */

#define W_2                                                                                        \
  [w0] "w"(w[0]), [w1] "w"(w[1]), [w2] "w"(w[2]), [w3] "w"(w[3]), [multiplier] "w"(c->multiplier), \
      [shift] "w"(c->shift)
#define W_3 \
  [w0] "w"(w[0]), [w1] "w"(w[1]), [w2] "w"(w[2]), [w3] "w"(w[3]), [w4] "w"(w[4]), [w5] "w"(w[5])

/* clang-format off */
#define MULTIPLY_ALL(vectors, less)                                                     \
  __asm__ volatile(                                                                     \
      "   dls lr, %[s0]\n"                                                              \
      "1:\n"                                                                            \
      MULTIPLY_##vectors("x0", "s0", "s1")                                              \
      MULTIPLY_##vectors("x1", "s2", "s3")                                              \
      "   vldrw.32 %q[v], [%[c]]\n"                                                     \
      "   vmov %q[sums][2], %q[sums][0], %[s0], %[s2]\n"                                \
      "   vmov %q[sums][3], %q[sums][1], %[s1], %[s3]\n"                                \
      "   vadd.i32 %q[sums], %q[sums], %q[v]\n"                                         \
      LOAD_SCALE_##vectors("32")                                                        \
      "   vqrdmulh.s32 %q[sums], %q[sums], %q[" MULTIPLIER_##vectors "]\n"              \
      LOAD_SCALE_##vectors("48") less                                                   \
      "   vrshl.s32 %q[sums], %q[sums], %q[" SHIFT_##vectors "]\n"                      \
      "   vldrw.32 %q[v], [%[c], #16]\n"                                                \
      "   vadd.i32 %q[sums], %q[sums], %[zero_point]\n"                                 \
      "   vqmovnb.s32 %q[sums], %q[sums]\n"                                             \
      "   vqmovnb.s16 %q[sums], %q[sums]\n"                                             \
      "   vstrb.32 %q[sums], [%[output], %q[v]]\n"                                      \
      "   add %[output], %[output_step]\n"                                              \
      "   le lr, 1b\n"                                                                  \
      : [s0] "+&Te"(s0), [s1] "=&Te"(s1), [s2] "=&Te"(s2), [s3] "=&Te"(s3),             \
        [x0] "+&r"(p.x0), [x1] "+&r"(p.x1), [output] "+&r"(p.output), [sums] "=&w"(sums), \
        [v] "=&w"(v)                                                                    \
      : W_##vectors, [c] "r"(c), [step] "r"(p.step), [output_step] "r"(p.output_step),  \
        [zero_point] "r"(zero_point)                                                    \
      : "lr", "memory")

#define DEFINE_MULTIPLY(vectors)                                                        \
  TFLM_PATCH_INLINE void multiply_##vectors(const int8x16_t* w, const constants* c,     \
                                            pixel_pairs p, int32_t zero_point) {        \
    int32_t s0 = (int32_t)p.n, s1, s2, s3;                                              \
    int32x4_t sums, v;                                                                  \
    if (zero_point == INT8_MIN) {                                                       \
      MULTIPLY_ALL(vectors, LEAVE_NEGATIVE);                                            \
    } else {                                                                            \
      MULTIPLY_ALL(vectors, LESS_IF_NEGATIVE);                                          \
    }                                                                                   \
  }
DEFINE_MULTIPLY(2)
DEFINE_MULTIPLY(3)
/* clang-format on */

TFLM_PATCH_INLINE void make_pairs(const tflm_patch_requant_args* requant,
                                  const tflm_patch_pixels* pixels,
                                  const tflm_patch_filters* filters, int8_t* output,
                                  size_t output_step, uint32_t vectors) {
  const uint32_t half = pixels->n_pixels / 2;
  const uint32_t scale_step = requant->channel_step;
  const int8_t* x = pixels->runs[0] + pixels->at;
  const mve_pred16_t last = vctp8q(pixels->run - LANES * (vectors - 1));
  const uint32_t apart = half * (uint32_t)output_step;
  const uint32x4_t which = vandq_u32(vidupq_n_u32(0, 1), vdupq_n_u32(1));
  const uint32x4_t scales = vmulq_n_u32(which, scale_step);
  const size_t step = filters->channel_step;
  const int8_t* w0 = filters->weights;
  const int32_t* bias = filters->bias;
  const int32_t* multipliers = requant->multipliers + filters->first * scale_step;
  const int8_t* shifts = requant->shifts + filters->first * scale_step;
  pixel_pairs p = {
      .x0 = x,
      .x1 = x + half * pixels->pixel_step,
      .step = pixels->pixel_step,
      .output = output,
      .output_step = output_step,
      .n = pixels->n_pixels - half,
  };
  constants c;
  const uint32_t places[] = {0, 1, apart, apart + 1};
  c.place = vldrwq_u32(places);
  for (uint32_t left = filters->n_channels;;) {
    const int8_t* w1 = w0 + step;
    int8x16_t w[6];
    for (uint32_t i = 0; i + 1 < vectors; ++i) {
      w[i] = vldrbq_s8(w0 + LANES * i);
      w[vectors + i] = vldrbq_s8(w1 + LANES * i);
    }
    w[vectors - 1] = vldrbq_z_s8(w0 + LANES * (vectors - 1), last);
    w[2 * vectors - 1] = vldrbq_z_s8(w1 + LANES * (vectors - 1), last);
    c.bias = vldrwq_gather_shifted_offset_s32(bias, which);
    c.multiplier = vldrwq_gather_shifted_offset_s32(multipliers, scales);
    c.shift = vldrbq_gather_offset_s32(shifts, scales);
    if (vectors == 2) {
      multiply_2(w, &c, p, requant->output_zero_point);
    } else {
      multiply_3(w, &c, p, requant->output_zero_point);
    }
    left -= 2;
    if (left == 0) {
      return;
    }
    const uint32_t next = left == 1 ? 1 : 2;
    left = left == 1 ? 2 : left;
    w0 += next * step;
    bias += next;
    multipliers += next * scale_step;
    shifts += next * scale_step;
    p.output += next;
  }
}

static __attribute__((noinline)) void make_2(const tflm_patch_requant_args* requant,
                                             const tflm_patch_pixels* pixels,
                                             const tflm_patch_filters* filters, int8_t* output,
                                             size_t output_step) {
  make_pairs(requant, pixels, filters, output, output_step, 2);
}

static __attribute__((noinline)) void make_3(const tflm_patch_requant_args* requant,
                                             const tflm_patch_pixels* pixels,
                                             const tflm_patch_filters* filters, int8_t* output,
                                             size_t output_step) {
  make_pairs(requant, pixels, filters, output, output_step, 3);
}

int tflm_patch_mve_make_resident(const tflm_patch_requant_args* requant,
                                 const tflm_patch_pixels* pixels, const tflm_patch_filters* filters,
                                 int8_t* output, size_t output_step) {
  const uint32_t vectors = (pixels->run + LANES - 1) / LANES;
  if (pixels->n_pixels < LEAST_PIXELS || filters->n_channels < 2 ||
      pixels->run + pixels->behind < vectors * LANES) {
    return 0;
  }
  if (vectors == 2) {
    make_2(requant, pixels, filters, output, output_step);
  } else if (vectors == 3) {
    make_3(requant, pixels, filters, output, output_step);
  } else {
    return 0;
  }
  return 1;
}

#endif /* TFLM_PATCH_IS_MVE */
