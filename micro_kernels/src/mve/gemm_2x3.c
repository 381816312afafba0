/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tiles of two channels by three pixels, any number of runs of any length, in the usual
 * case of requantization: five loads for six products. Pixels p, p + a and p + b are a
 * tile; where three does not divide their number, some are made twice.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "gemm.h"
#include "vector.h"

#define LANES 16u
#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* All tiles of two channels. The places are known to the assembly. */
typedef struct {
  const int32_t* bias; /* of both */
  uint32_t run;
  const int8_t* const* runs;
  const int8_t* const* runs_end;
  size_t others[2]; /* from the first pixel's values to those of the others */
  size_t at;
  size_t next;
  int8_t* output;
  size_t next_output;
  size_t next_w; /* from behind the values of a run to the next */
  size_t w_back; /* what w has gone on by after all runs */
  int32_t zero_point;
  const int8_t* end; /* of the first pixels' outputs */
  const int8_t* w0;
  const int8_t* w1;
} tiles;

/* clang-format off */
/* Sums begin with the bias. */
#define START_TILE \
  "1: ldr r1, [r11]\n" \
  "   ldr r12, [r11, #8]\n" \
  "   ldrd r0, r2, [r1]\n" \
  "   ldrd r4, r6, [r1]\n" \
  "   ldrd r8, r10, [r1]\n"
/* A run: where its values are, its products, whether there are more. */
#define START_RUN \
  "2: ldr r1, [r12], #4\n" \
  "   ldrd r3, r5, [r11, #16]\n" \
  "   ldr lr, [r11, #24]\n" \
  "   add r1, lr\n" \
  "   ldr lr, [r11, #4]\n" \
  "   add r3, r1\n" \
  "   add r5, r1\n" \
  "   dlstp.8 lr, lr\n"
#define MULTIPLY_RUN \
  "3: vldrb.8 q0, [r1], #16\n" \
  "   vldrb.8 q3, [r7], #16\n" \
  "   vmladava.s8 r0, q0, q3\n" \
  "   vldrb.8 q1, [r3], #16\n" \
  "   vmladava.s8 r4, q1, q3\n" \
  "   vldrb.8 q2, [r5], #16\n" \
  "   vmladava.s8 r8, q2, q3\n" \
  "   vldrb.8 q3, [r9], #16\n" \
  "   vmladava.s8 r2, q0, q3\n" \
  "   vmladava.s8 r6, q1, q3\n" \
  "   vmladava.s8 r10, q2, q3\n" \
  "   letp lr, 3b\n"
#define END_RUN \
  "   ldr r1, [r11, #40]\n" \
  "   ldr r3, [r11, #12]\n" \
  "   add r7, r1\n" \
  "   add r9, r1\n" \
  "   cmp r12, r3\n" \
  "   bne 2b\n"
/* Outputs, and on to the next tile. */
#define FINISH_TILE \
  "   vmov q0[2], q0[0], r0, r4\n" \
  "   vmov q0[3], q0[1], r2, r6\n" \
  "   vmov q1[2], q1[0], r8, r8\n" \
  "   vmov q1[3], q1[1], r10, r10\n" \
  "   mov r0, #1\n" \
  "   vqrdmulh.s32 q0, q0, %q[multiplier]\n" \
  "   ldr r1, [r11, #44]\n" \
  "   vqrdmulh.s32 q1, q1, %q[multiplier]\n" \
  "   sub r7, r1\n" \
  "   vqdmlah.s32 q0, q0, r0\n" \
  "   sub r9, r1\n" \
  "   vqdmlah.s32 q1, q1, r0\n" \
  "   ldrd r1, r2, [r11, #48]\n" \
  "   vrshl.s32 q0, q0, %q[shift]\n" \
  "   ldrd r3, r4, [r11, #32]\n" \
  "   vrshl.s32 q1, q1, %q[shift]\n" \
  "   ldrd r5, r6, [r11, #24]\n" \
  "   vqmovnb.s32 q0, q0\n" \
  "   add r5, r6\n" \
  "   vqmovnt.s32 q0, q1\n" \
  "   str r5, [r11, #24]\n" \
  "   vqadd.s16 q0, q0, r1\n" \
  "   vqmovnb.s16 q0, q0\n" \
  "   vstrb.16 q0, [r3, %q[places]]\n" \
  "   add r3, r4\n" \
  "   str r3, [r11, #32]\n" \
  "   cmp r3, r2\n" \
  "   bne 1b\n"
/* clang-format on */

/* places: of the outputs, first and third pixels' in turn, behind `output`. It takes all
 * registers, so they are named. */
static __attribute__((noinline)) void make_tiles(tiles* t, int32x4_t multiplier, int32x4_t shift,
                                                 uint16x8_t places) {
  register tiles* base __asm__("r0") = t;
  /* clang-format off */
  __asm__ volatile(
      "   mov r11, r0\n"
      "   ldrd r7, r9, [r11, #56]\n"
      START_TILE START_RUN MULTIPLY_RUN END_RUN FINISH_TILE
      : "+r"(base)
      : [multiplier] "w"(multiplier), [shift] "w"(shift), [places] "w"(places)
      : "q0", "q1", "q2", "q3", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11",
        "r12", "lr", "cc", "memory");
  /* clang-format on */
}

int tflm_patch_mve_make_triples(const tflm_patch_requant_args* requant,
                                const tflm_patch_pixels* pixels, const tflm_patch_filters* filters,
                                int8_t* output, size_t output_step) {
  const uint32_t n = pixels->n_pixels;
  const uint32_t made = (n + 2) / 3;
  const uint32_t b = n - made;
  const uint32_t a = MIN(made, b);
  const uint32_t step = (uint32_t)output_step;
  /* Four pixels are two pairs; places have 16 bits. */
  if (n < 3 || n == 4 || filters->n_channels < 2 || pixels->n_runs == 0 ||
      b * output_step >= UINT16_MAX) {
    return 0;
  }
  const uint16_t offsets[] = {
      0,
      (uint16_t)(b * step),
      1,
      (uint16_t)(b * step + 1),
      (uint16_t)(a * step),
      (uint16_t)(b * step),
      (uint16_t)(a * step + 1),
      (uint16_t)(b * step + 1),
  };
  const uint16x8_t places = vldrhq_u16(offsets);
  const uint32_t scale_step = requant->channel_step;
  const uint32x4_t scales = vmulq_n_u32(vandq_u32(vidupq_n_u32(0, 1), vdupq_n_u32(1)), scale_step);
  const size_t padded = (pixels->run + LANES - 1) & ~(size_t)(LANES - 1);
  const int32_t* multipliers = requant->multipliers + filters->first * scale_step;
  const int8_t* shifts = requant->shifts + filters->first * scale_step;
  const int8_t* w = filters->weights;
  tiles t = {
      .bias = filters->bias,
      .run = pixels->run,
      .runs = pixels->runs,
      .runs_end = pixels->runs + pixels->n_runs,
      .others = {a * pixels->pixel_step, b * pixels->pixel_step},
      .next = pixels->pixel_step,
      .next_output = output_step,
      .next_w = filters->run_step - padded,
      .w_back = pixels->n_runs * filters->run_step,
      .zero_point = requant->output_zero_point,
  };
  for (uint32_t left = filters->n_channels;;) {
    t.at = pixels->at;
    t.output = output;
    t.end = output + made * output_step;
    t.w0 = w;
    t.w1 = w + filters->channel_step;
    make_tiles(&t, vldrwq_gather_shifted_offset_s32(multipliers, scales),
               vldrbq_gather_offset_s32(shifts, scales), places);
    left -= 2;
    if (left == 0) {
      return 1;
    }
    const uint32_t next = left == 1 ? 1 : 2;
    left = left == 1 ? 2 : left;
    w += next * filters->channel_step;
    t.bias += next;
    multipliers += next * scale_step;
    shifts += next * scale_step;
    output += next;
  }
}

#endif /* TFLM_PATCH_IS_MVE */
