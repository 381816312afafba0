/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Assembly of a 3 x 3 depthwise convolution of 16 outputs, see depthwise_3x3.c, and its
 * constants. Internal.
 */
#ifndef TFLM_PATCH_SRC_MVE_DEPTHWISE_3X3_H_
#define TFLM_PATCH_SRC_MVE_DEPTHWISE_3X3_H_

#include "depthwise.h"

#define LANES TFLM_PATCH_DEPTHWISE_BLOCK
#define TAPS 9u

/* Constants of the outputs; words are in the order of the sums. The places are
 * known to the assembly. */
typedef struct {
  int8_t weights[TAPS][LANES];
  int32_t bias[LANES]; /* with what kernel rows outside the map add */
  int32_t multiplier[LANES];
  int32_t shift[LANES];
} constants;

/* clang-format off */
/* To `to`, in the order of `constants`; q1 gets the least weights. */
#define COPY_TAP                      \
  "   vldrb.8 q0, [%[w]]\n"           \
  "   add %[w], %[step]\n"            \
  "   vstrb.8 q0, [%[to]], #16\n"     \
  "   vmin.s8 q1, q1, q0\n"
#define COPY_WORDS(from)                         \
  "   vld40.32 {q0, q1, q2, q3}, [%[" from "]]\n" \
  "   vld41.32 {q0, q1, q2, q3}, [%[" from "]]\n" \
  "   vld42.32 {q0, q1, q2, q3}, [%[" from "]]\n" \
  "   vld43.32 {q0, q1, q2, q3}, [%[" from "]]\n" \
  "   vstrw.32 q0, [%[to]], #16\n"               \
  "   vstrw.32 q1, [%[to]], #16\n"               \
  "   vstrw.32 q2, [%[to]], #16\n"               \
  "   vstrw.32 q3, [%[to]], #16\n"
#define COPY_SHIFTS                                \
  "   vldrb.s32 q0, [%[shifts], %q[places]]\n"     \
  "   add %[shifts], #1\n"                         \
  "   vstrw.32 q0, [%[to]], #16\n"
/* Where the taps of a window are, and what follows the last access to each: in the map, by the
 * rows' addresses, and in copies of columns. */
#define IN_MAP_AT(i) IN_MAP_ROW_##i "]"
#define IN_MAP_ROW_0 "[%[x0]"
#define IN_MAP_ROW_1 IN_MAP_ROW_0
#define IN_MAP_ROW_2 IN_MAP_ROW_0
#define IN_MAP_ROW_3 "[%[x1]"
#define IN_MAP_ROW_4 IN_MAP_ROW_3
#define IN_MAP_ROW_5 IN_MAP_ROW_3
#define IN_MAP_ROW_6 "[%[x2]"
#define IN_MAP_ROW_7 IN_MAP_ROW_6
#define IN_MAP_ROW_8 IN_MAP_ROW_6
#define IN_MAP_NEXT(row) "add %[" row "], %[step]\n\t"
#define IN_MAP_BEHIND_0 IN_MAP_NEXT("x0")
#define IN_MAP_BEHIND_1 IN_MAP_NEXT("x0")
#define IN_MAP_BEHIND_2 "add %[x0], %[advance]\n\t"
#define IN_MAP_BEHIND_3 IN_MAP_NEXT("x1")
#define IN_MAP_BEHIND_4 IN_MAP_NEXT("x1")
#define IN_MAP_BEHIND_5 "add %[x1], %[advance]\n\t"
#define IN_MAP_BEHIND_6 IN_MAP_NEXT("x2")
#define IN_MAP_BEHIND_7 IN_MAP_NEXT("x2")
#define IN_MAP_BEHIND_8 "add %[x2], %[advance]\n\t"
#define IN_COPY_AT(i) "[%[x], #" IN_COPY_OFFSET_##i "]"
#define IN_COPY_OFFSET_0 "-64"
#define IN_COPY_OFFSET_1 "-16"
#define IN_COPY_OFFSET_2 "32"
#define IN_COPY_OFFSET_3 "-48"
#define IN_COPY_OFFSET_4 "0"
#define IN_COPY_OFFSET_5 "48"
#define IN_COPY_OFFSET_6 "-32"
#define IN_COPY_OFFSET_7 "16"
#define IN_COPY_OFFSET_8 "64"
#define IN_COPY_BEHIND_0
#define IN_COPY_BEHIND_1
#define IN_COPY_BEHIND_2
#define IN_COPY_BEHIND_3
#define IN_COPY_BEHIND_4
#define IN_COPY_BEHIND_5
#define IN_COPY_BEHIND_6
#define IN_COPY_BEHIND_7
#define IN_COPY_BEHIND_8 "add %[x], %[advance]\n\t"
#define LOAD_TAP(x, weights)            \
  "vldrb.8 q0, " x "\n\t"               \
  "vldrb.8 q1, [%[c], #" weights "]\n\t"
#define FIRST_OF_PAIR       \
  "vmullb.s8 q2, q0, q1\n\t" \
  "vmullt.s8 q3, q0, q1\n\t"
#define SECOND_OF_PAIR(x)                                    \
  "vmullb.s8 q0, q0, q1\n\t"                                 \
  "vadd.i16 q2, q2, q0\n\t"                                  \
  "vldrb.8 q0, " x "\n\t" /* rather than a ninth register */ \
  "vmullt.s8 q0, q0, q1\n\t"                                 \
  "vadd.i16 q3, q3, q0\n\t"
#define WIDEN_FIRST_PAIR    \
  "vmovlb.s16 q4, q2\n\t"   \
  "vmovlt.s16 q6, q2\n\t"   \
  "vmovlb.s16 q5, q3\n\t"   \
  "vmovlt.s16 q7, q3\n\t"
#define WIDEN_PAIR                   \
  "vmovlb.s16 q0, q2\n\t"            \
  "vqdmlah.s32 q6, q2, %[half]\n\t"  \
  "vadd.i32 q4, q4, q0\n\t"          \
  "vmovlb.s16 q0, q3\n\t"            \
  "vqdmlah.s32 q7, q3, %[half]\n\t"  \
  "vadd.i32 q5, q5, q0\n\t"
#define SCALE_DOWN(sums, bias, multiplier, shift)   \
  "vldrw.32 q0, [%[c], #" bias "]\n\t"              \
  "vldrw.32 q1, [%[c], #" multiplier "]\n\t"        \
  "vadd.i32 " sums ", " sums ", q0\n\t"             \
  "vldrw.32 q2, [%[c], #" shift "]\n\t"             \
  "vqrdmulh.s32 " sums ", " sums ", q1\n\t"         \
  "vqdmlah.s32 " sums ", " sums ", %[one]\n\t"      \
  "vrshl.s32 " sums ", " sums ", q2\n\t"
#define FINISH \
  SCALE_DOWN("q4", "80", "144", "208") \
  SCALE_DOWN("q5", "96", "160", "224") \
  SCALE_DOWN("q6", "112", "176", "240") \
  SCALE_DOWN("q7", "128", "192", "256") \
  "vqmovnb.s32 q4, q4\n\t" \
  "vqmovnt.s32 q4, q6\n\t" \
  "vqmovnb.s32 q5, q5\n\t" \
  "vqmovnt.s32 q5, q7\n\t" \
  "vqadd.s16 q4, q4, %[zero_point]\n\t" \
  "vqadd.s16 q5, q5, %[zero_point]\n\t" \
  "vqmovnb.s16 q4, q4\n\t" \
  "vqmovnt.s16 q4, q5\n\t" \
  "vpst\n\t" \
  "vstrbt.8 q4, [%[output]]\n\t"
#define TAP(place, i, weights) LOAD_TAP(place##_AT(i), weights)
#define TAP_ALONE(place, i, weights) \
  TAP(place, i, weights) FIRST_OF_PAIR place##_BEHIND_##i
#define PAIR_OF_TAPS(place, i, w_i, j, w_j) \
  TAP_ALONE(place, i, w_i) TAP(place, j, w_j) SECOND_OF_PAIR(place##_AT(j)) place##_BEHIND_##j
/* `half` vectors of outputs, of which those in `one` are stored. */
#define MAKE_OUTPUTS(place)                             \
  "dls lr, %[half]\n\t"                                 \
  "vmsr p0, %[one]\n\t"                                 \
  "mov %[half], #0x8000\n\t"                            \
  "mov %[one], #1\n"                                    \
  "1:\n\t"                                              \
  PAIR_OF_TAPS(place, 0, "-64", 1, "-48")               \
  WIDEN_FIRST_PAIR                                      \
  PAIR_OF_TAPS(place, 2, "-32", 3, "-16")               \
  WIDEN_PAIR                                            \
  PAIR_OF_TAPS(place, 4, "0", 5, "16")                  \
  WIDEN_PAIR                                            \
  PAIR_OF_TAPS(place, 6, "32", 7, "48")                 \
  WIDEN_PAIR                                            \
  TAP_ALONE(place, 8, "64")                             \
  WIDEN_PAIR                                            \
  FINISH                                                \
  "add %[output], %[output_step]\n\t"                   \
  "le lr, 1b\n"
/* clang-format on */

#endif /* TFLM_PATCH_SRC_MVE_DEPTHWISE_3X3_H_ */
