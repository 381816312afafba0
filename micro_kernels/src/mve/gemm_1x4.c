/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A pixel by four channels, with the 16 to 96 values of a pixel in registers: all
 * weights go by once, in order, in the usual case of requantization.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "gemm.h"
#include "vector.h"

#define LANES 16u

/* What channels from some one on need. */
typedef struct {
  const int8_t* w;
  const int32_t* bias;
  const int32_t* multipliers;
  const int8_t* shifts;
  int8_t* output;
} channel_place;

/* clang-format off */
/* A channel's sum: its first vector, those between, and the last. */
#define FIRST_VECTOR(sum)                 \
  "   vldrb.8 %q[t], [%[w]], #16\n"       \
  "   vmladav.s8 %[" sum "], %q[x0], %q[t]\n"
#define NEXT_VECTOR(sum, x)               \
  "   vldrb.8 %q[t], [%[w]], #16\n"       \
  "   vmladava.s8 %[" sum "], %q[" x "], %q[t]\n"
#define VECTORS_1(sum, back) back FIRST_VECTOR(sum)
#define VECTORS_2(sum, back) FIRST_VECTOR(sum) back NEXT_VECTOR(sum, "x1")
#define VECTORS_3(sum, back) \
  FIRST_VECTOR(sum) NEXT_VECTOR(sum, "x1") back NEXT_VECTOR(sum, "x2")
#define VECTORS_4(sum, back)                                       \
  FIRST_VECTOR(sum) NEXT_VECTOR(sum, "x1") NEXT_VECTOR(sum, "x2") \
  back NEXT_VECTOR(sum, "x3")
#define VECTORS_5(sum, back)                                       \
  FIRST_VECTOR(sum) NEXT_VECTOR(sum, "x1") NEXT_VECTOR(sum, "x2") \
  NEXT_VECTOR(sum, "x3") back NEXT_VECTOR(sum, "x4")
#define VECTORS_6(sum, back)                                       \
  FIRST_VECTOR(sum) NEXT_VECTOR(sum, "x1") NEXT_VECTOR(sum, "x2") \
  NEXT_VECTOR(sum, "x3") NEXT_VECTOR(sum, "x4") back NEXT_VECTOR(sum, "x5")
/* clang-format on */

#define X_1 [x0] "w"(x[0])
#define X_2 X_1, [x1] "w"(x[1])
#define X_3 X_2, [x2] "w"(x[2])
#define X_4 X_3, [x3] "w"(x[3])
#define X_5 X_4, [x4] "w"(x[4])
#define X_6 X_5, [x5] "w"(x[5])

/* n > 0 groups of four channels. The last vectors of x and w end where the values
 * do; `back` takes w from behind the one before to its begin. */
/* clang-format off */
#define DEFINE_MULTIPLY_PIXEL(name, vectors, take_back)                        \
  TFLM_PATCH_INLINE void name(const int8x16_t* x, channel_place at,            \
                              uint32_t n, size_t back, int32_t zero_point) {   \
    int32_t s0 = (int32_t)n, s1, s2, s3;                                       \
    int32x4_t sums, t;                                                         \
    __asm__ volatile(                                                          \
        "   dls lr, %[s0]\n"                                                   \
        "1:\n"                                                                 \
        VECTORS_##vectors("s0", take_back)                                     \
        VECTORS_##vectors("s1", take_back)                                     \
        VECTORS_##vectors("s2", take_back)                                     \
        VECTORS_##vectors("s3", take_back)                                     \
        "   vldrw.32 %q[t], [%[bias]], #16\n"                                  \
        "   vmov %q[sums][2], %q[sums][0], %[s0], %[s2]\n"                     \
        "   vmov %q[sums][3], %q[sums][1], %[s1], %[s3]\n"                     \
        "   vadd.i32 %q[sums], %q[sums], %q[t]\n"                              \
        "   vldrw.32 %q[t], [%[multipliers]], #16\n"                           \
        "   vqrdmulh.s32 %q[sums], %q[sums], %q[t]\n"                          \
        "   vldrb.s32 %q[t], [%[shifts]], #4\n"                                \
        "   vqdmlah.s32 %q[sums], %q[sums], %[one]\n"                          \
        "   vrshl.s32 %q[sums], %q[sums], %q[t]\n"                             \
        "   vadd.i32 %q[sums], %q[sums], %[zero_point]\n"                      \
        "   vqmovnb.s32 %q[sums], %q[sums]\n"                                  \
        "   vqmovnb.s16 %q[sums], %q[sums]\n"                                  \
        "   vstrb.32 %q[sums], [%[output]], #4\n"                              \
        "   le lr, 1b\n"                                                       \
        : [s0] "+&Te"(s0), [s1] "=&Te"(s1), [s2] "=&Te"(s2), [s3] "=&Te"(s3),   \
          [w] "+&r"(at.w), [bias] "+&r"(at.bias),                                \
          [multipliers] "+&r"(at.multipliers), [shifts] "+&l"(at.shifts),        \
          [output] "+&l"(at.output), [sums] "=&w"(sums), [t] "=&w"(t)           \
        : X_##vectors, [back] "r"(back), [zero_point] "r"(zero_point),         \
          [one] "r"(1)                                                         \
        : "lr", "memory");                                                     \
  }
/* clang-format on */

/* Of at least 16 values in `vectors` vectors, at least four channels. */
#define DEFINE_MAKE_PIXELS(vectors)                                                  \
  DEFINE_MULTIPLY_PIXEL(multiply_whole_##vectors, vectors, "")                       \
  DEFINE_MULTIPLY_PIXEL(multiply_other_##vectors, vectors, "   sub %[w], %[back]\n") \
  static __attribute__((noinline)) void make_pixels_##vectors(                       \
      const tflm_patch_requant_args* requant, const tflm_patch_pixels* pixels,       \
      const tflm_patch_filters* filters, int8_t* output, size_t output_step) {       \
    const int32_t zero_point = requant->output_zero_point;                           \
    const uint32_t back = LANES * vectors - pixels->run;                             \
    const mve_pred16_t last = (mve_pred16_t)~vctp8q(back);                           \
    const size_t pixel_step = pixels->pixel_step;                                    \
    const uint32_t n = filters->n_channels;                                          \
    channel_place begin = find_place(requant, filters, 0, output);                   \
    channel_place end = find_place(requant, filters, n - 4, output);                 \
    const int8_t* values = pixels->runs[0] + pixels->at;                             \
    for (uint32_t left = pixels->n_pixels; left > 0; --left) {                       \
      int8x16_t x[vectors];                                                          \
      for (uint32_t i = 0; i + 1 < vectors; ++i) {                                   \
        x[i] = vldrbq_s8(values + LANES * i);                                        \
      }                                                                              \
      x[vectors - 1] = vldrbq_z_s8(values + pixels->run - LANES, last);              \
      if (back == 0) {                                                               \
        multiply_whole_##vectors(x, begin, n / 4, back, zero_point);                 \
      } else {                                                                       \
        multiply_other_##vectors(x, begin, n / 4, back, zero_point);                 \
      }                                                                              \
      if (n % 4 != 0) {                                                              \
        multiply_other_##vectors(x, end, 1, back, zero_point);                       \
      }                                                                              \
      values += pixel_step;                                                          \
      begin.output += output_step;                                                   \
      end.output += output_step;                                                     \
    }                                                                                \
  }

static channel_place find_place(const tflm_patch_requant_args* requant,
                                const tflm_patch_filters* filters, uint32_t channel,
                                int8_t* output) {
  const channel_place place = {
      .w = filters->weights + channel * filters->channel_step,
      .bias = filters->bias + channel,
      .multipliers = requant->multipliers + filters->first + channel,
      .shifts = requant->shifts + filters->first + channel,
      .output = output + channel,
  };
  return place;
}

/* clang-format off */
DEFINE_MAKE_PIXELS(1)
DEFINE_MAKE_PIXELS(2)
DEFINE_MAKE_PIXELS(3)
DEFINE_MAKE_PIXELS(4)
DEFINE_MAKE_PIXELS(5)
DEFINE_MAKE_PIXELS(6)
/* clang-format on */

typedef void (*make_pixels)(const tflm_patch_requant_args* requant, const tflm_patch_pixels* pixels,
                            const tflm_patch_filters* filters, int8_t* output, size_t output_step);

/* By the number of vectors that hold the values, less one. */
static const make_pixels kMakePixels[] = {make_pixels_1, make_pixels_2, make_pixels_3,
                                          make_pixels_4, make_pixels_5, make_pixels_6};
#define MAX_VECTORS (sizeof(kMakePixels) / sizeof(*kMakePixels))

int tflm_patch_mve_can_make_pixels(const tflm_patch_requant_args* requant, uint32_t run,
                                   uint32_t n_channels) {
  return requant->channel_step && n_channels >= 4 && run >= LANES && run <= MAX_VECTORS * LANES;
}

void tflm_patch_mve_make_pixels(const tflm_patch_requant_args* requant,
                                const tflm_patch_pixels* pixels, const tflm_patch_filters* filters,
                                int8_t* output, size_t output_step) {
  kMakePixels[(pixels->run - 1) / LANES](requant, pixels, filters, output, output_step);
}

#endif /* TFLM_PATCH_IS_MVE */
