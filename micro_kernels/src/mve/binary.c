/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * ADD, SUB and MUL of int8 values for MVE, four at a time.
 */
#include "../family.h"

#if TFLM_PATCH_IS_MVE

#include "vector.h"

/* An operation on four pairs of values. */
typedef struct {
  int32x4_t unit;
  int32x4_t half;     /* of it */
  int32_t offsets[2]; /* what is added to a value, in units */
  tflm_patch_scaling inputs[2];
  tflm_patch_scaling output;
  int32_t zero_point;
  int32_t act_min;
  int32_t act_max;
} operation;

typedef int32x4_t (*four)(const operation* o, int32x4_t x, int32x4_t y);

TFLM_PATCH_INLINE int32x4_t finish(const operation* o, int32x4_t x, int is_plain) {
  x = vaddq_n_s32(x, o->zero_point);
  return is_plain ? tflm_patch_saturate(x) : tflm_patch_clamp_vector(x, o->act_min, o->act_max);
}

/* All n pairs; `make` is inlined. */
TFLM_PATCH_INLINE void make_plain(const operation* o, four make, const int8_t* a, uint32_t a_step,
                                  const int8_t* b, uint32_t b_step, int8_t* output, uint32_t n,
                                  int is_plain) {
  if (a_step && b_step) {
    for (; n >= 4; n -= 4) {
      const int32x4_t x = make(o, vldrbq_s32(a), vldrbq_s32(b));
      vstrbq_s32(output, finish(o, x, is_plain));
      a += 4;
      b += 4;
      output += 4;
    }
  }
  for (int32_t left = (int32_t)n; left > 0; left -= 4) {
    const mve_pred16_t in = vctp32q((uint32_t)left);
    const int32x4_t x = a_step ? vldrbq_z_s32(a, in) : vdupq_n_s32(*a);
    const int32x4_t y = b_step ? vldrbq_z_s32(b, in) : vdupq_n_s32(*b);
    vstrbq_p_s32(output, finish(o, make(o, x, y), is_plain), in);
    a += 4 * a_step;
    b += 4 * b_step;
    output += 4;
  }
}

TFLM_PATCH_INLINE void make_all(const operation* o, four make, const int8_t* a, uint32_t a_step,
                                const int8_t* b, uint32_t b_step, int8_t* output, uint32_t n) {
  if (tflm_patch_is_plain_clamp(o->act_min, o->act_max)) {
    make_plain(o, make, a, a_step, b, b_step, output, n, 1);
  } else {
    make_plain(o, make, a, a_step, b, b_step, output, n, 0);
  }
}

/* ---- addition and subtraction: all shifts are 0 or below ---- */

TFLM_PATCH_INLINE operation make_addition(const tflm_patch_add_params* params, int32_t a_zero_point,
                                          int32_t b_zero_point) {
  const int32_t unit = (int32_t)1 << params->left_shift;
  const operation o = {
      .unit = vdupq_n_s32(unit),
      .half = vdupq_n_s32(unit / 2),
      .offsets = {-a_zero_point * unit, -b_zero_point * unit},
      .inputs = {tflm_patch_make_scaling(params->input_multiplier[0], params->input_shift[0]),
                 tflm_patch_make_scaling(params->input_multiplier[1], params->input_shift[1])},
      .output = tflm_patch_make_scaling(params->output_multiplier, params->output_shift),
      .zero_point = params->output_zero_point,
      .act_min = params->act_min,
      .act_max = params->act_max,
  };
  return o;
}

/* (x - zero point) units, scaled. */
TFLM_PATCH_INLINE int32x4_t scale_input(const operation* o, int32x4_t x, uint32_t i) {
  x = vmlasq_n_s32(x, o->unit, o->offsets[i]);
  return tflm_patch_scale_all_down(x, &o->inputs[i]);
}

/* Whether an input counts half, as that of the larger scale does: nothing is rounded. */
static int is_half(const tflm_patch_add_params* params, uint32_t i) {
  return params->input_multiplier[i] == (int32_t)1 << 30 && params->input_shift[i] == 0 &&
         params->left_shift > 0;
}

/* The first input counts half, and its unit and offset are halved. */
TFLM_PATCH_INLINE int32x4_t add_half(const operation* o, int32x4_t x, int32x4_t y) {
  x = vmlasq_n_s32(x, o->half, o->offsets[0]);
  x = vaddq_s32(x, scale_input(o, y, 1));
  return tflm_patch_scale_all_down(x, &o->output);
}

TFLM_PATCH_INLINE int32x4_t add_four(const operation* o, int32x4_t x, int32x4_t y) {
  x = vaddq_s32(scale_input(o, x, 0), scale_input(o, y, 1));
  return tflm_patch_scale_all_down(x, &o->output);
}

TFLM_PATCH_INLINE int32x4_t subtract_four(const operation* o, int32x4_t x, int32x4_t y) {
  x = vsubq_s32(scale_input(o, x, 0), scale_input(o, y, 1));
  return tflm_patch_scale_all_down(x, &o->output);
}

void tflm_patch_add_s8(const tflm_patch_add_params* params, int32_t a_zero_point,
                       int32_t b_zero_point, const int8_t* a, uint32_t a_step, const int8_t* b,
                       uint32_t b_step, int8_t* output, uint32_t n) {
  operation o = make_addition(params, a_zero_point, b_zero_point);
  const uint32_t first = is_half(params, 0) ? 0 : 1;
  if (!is_half(params, first) || !a_step || !b_step ||
      !tflm_patch_is_plain_clamp(o.act_min, o.act_max)) {
    make_all(&o, add_four, a, a_step, b, b_step, output, n);
    return;
  }
  const int32_t other = o.offsets[1 - first];
  o.offsets[0] = o.offsets[first] / 2;
  o.offsets[1] = other;
  o.inputs[1] = o.inputs[1 - first];
  make_plain(&o, add_half, first ? b : a, 1, first ? a : b, 1, output, n, 1);
}

void tflm_patch_sub_s8(const tflm_patch_add_params* params, int32_t a_zero_point,
                       int32_t b_zero_point, const int8_t* a, uint32_t a_step, const int8_t* b,
                       uint32_t b_step, int8_t* output, uint32_t n) {
  const operation o = make_addition(params, a_zero_point, b_zero_point);
  make_all(&o, subtract_four, a, a_step, b, b_step, output, n);
}

/* ---- multiplication ---- */

TFLM_PATCH_INLINE int32x4_t multiply_four(const operation* o, int32x4_t x, int32x4_t y) {
  x = vmulq_s32(vaddq_n_s32(x, o->offsets[0]), vaddq_n_s32(y, o->offsets[1]));
  return tflm_patch_scale_all(x, &o->output);
}

void tflm_patch_mul_s8(const tflm_patch_mul_params* params, int32_t a_zero_point,
                       int32_t b_zero_point, const int8_t* a, uint32_t a_step, const int8_t* b,
                       uint32_t b_step, int8_t* output, uint32_t n) {
  const operation o = {
      .offsets = {-a_zero_point, -b_zero_point},
      .output = tflm_patch_make_scaling(params->output_multiplier, params->output_shift),
      .zero_point = params->output_zero_point,
      .act_min = params->act_min,
      .act_max = params->act_max,
  };
  make_all(&o, multiply_four, a, a_step, b, b_step, output, n);
}

#endif /* TFLM_PATCH_IS_MVE */
