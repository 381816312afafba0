/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rowwise_program.h"
#include "weighted.h"

static weighted_case the_case; /* weights [kernel_h][kernel_w][out][in] */
static int32_t offsets[WEIGHTED_VALUES];
static int64_t sums[WEIGHTED_VALUES];

static uint32_t taps(void) {
  return (uint32_t)the_case.c.window.kernel_h * the_case.c.window.kernel_w;
}

/* Spreads every input value over the outputs that it reaches. */
static void spread(const golden_weighted* c, int row, int col) {
  const tflm_patch_window* w = &c->window;
  const int out = c->output_shape[2];
  const int depth = c->shape[2];
  for (int tap = 0; tap < (int)taps(); ++tap) {
    const int r = row * w->stride_h - w->pad_top + tap / w->kernel_w;
    const int x = col * w->stride_w - w->pad_left + tap % w->kernel_w;
    if (r < 0 || r >= c->output_shape[0] || x < 0 || x >= c->output_shape[1]) {
      continue;
    }
    for (int o = 0; o < out; ++o) {
      for (int k = 0; k < depth; ++k) {
        sums[(r * c->output_shape[1] + x) * out + o] +=
            (c->input[(row * c->shape[1] + col) * depth + k] - c->input_zero_point) *
            c->weights[(tap * out + o) * depth + k];
      }
    }
  }
}

static void transpose_conv_by_definition(const golden_weighted* c, int8_t* output) {
  const uint32_t out = c->output_shape[2];
  memset(sums, 0, sizeof(sums));
  for (int row = 0; row < c->shape[0]; ++row) {
    for (int col = 0; col < c->shape[1]; ++col) {
      spread(c, row, col);
    }
  }
  for (uint32_t i = 0; i < weighted_size(c->output_shape); ++i) {
    output[i] = (int8_t)naive_output(c, sums[i] + c->bias[i % out], i % out);
  }
}

static int random_case(uint32_t* seed) {
  golden_weighted* c = &the_case.c;
  tflm_patch_window* w = &c->window;
  memset(&the_case, 0, sizeof(the_case));
  c->kind = TFLM_PATCH_CONV_2D; /* weighted_fill sees a convolution */
  c->groups = 1;
  w->kernel_h = (uint8_t)random_between(seed, 1, 6);
  w->kernel_w = (uint8_t)random_between(seed, 1, 6);
  w->stride_h = (uint8_t)random_between(seed, 1, 4);
  w->stride_w = (uint8_t)random_between(seed, 1, 4);
  w->dilation_h = 1;
  w->dilation_w = 1;
  w->pad_top = (int16_t)random_between(seed, 0, w->kernel_h);
  w->pad_left = (int16_t)random_between(seed, 0, w->kernel_w);
  for (int axis = 0; axis < 2; ++axis) {
    c->shape[axis] = (uint16_t)random_between(seed, 1, 6);
    /* Also rows and columns that no input reaches. */
    c->output_shape[axis] = (uint16_t)random_between(seed, 1, 20);
  }
  c->shape[2] = (uint16_t)random_between(seed, 1, 9);
  c->output_shape[2] = (uint16_t)random_between(seed, 1, 9);
  if (!weighted_fill(&the_case, seed, taps() * c->output_shape[2] * c->shape[2])) {
    return 0;
  }
  for (uint32_t i = 0; i < taps() * c->output_shape[2]; ++i) {
    offsets[i] = 0;
    for (uint32_t k = 0; k < c->shape[2]; ++k) {
      offsets[i] -= c->input_zero_point * c->weights[i * c->shape[2] + k];
    }
  }
  transpose_conv_by_definition(c, the_case.output);
  return 1;
}

/* With `ring`, it reads a ring of the rows that can reach the same output. */
static encoded transpose_conv_program(int ring) {
  static builder b;
  const golden_weighted* c = &the_case.c;
  const uint16_t* in = c->shape;
  const uint16_t* out = c->output_shape;
  builder_init(&b);
  const tflm_patch_transpose_conv_params params = {
      .window = c->window,
      .requant =
          {
              .multiplier_at = builder_constant(&b, c->multipliers, 4 * c->scales),
              .shift_at = builder_constant(&b, c->shifts, c->scales),
              .output_zero_point = c->output_zero_point,
              .act_min = c->act_min,
              .act_max = c->act_max,
              .per_channel = c->scales > 1,
          },
      .weights_at = builder_constant(&b, c->weights, c->weights_bytes),
      .bias_at = builder_constant(&b, c->bias, 4u * out[2]),
      .offsets_at = builder_constant(&b, offsets, 4 * taps() * out[2]),
  };
  uint32_t source =
      builder_tensor_map(&b, TFLM_PATCH_INT8, in[0], in[1], in[2], c->input_zero_point, 0);
  const uint32_t target =
      builder_tensor_map(&b, TFLM_PATCH_INT8, out[0], out[1], out[2], c->output_zero_point, 1);
  if (ring) {
    const uint32_t height = (c->window.kernel_h - 1u) / c->window.stride_h + 1u;
    source = builder_ring(&b, source, height);
  }
  builder_op(&b, TFLM_PATCH_TRANSPOSE_CONV, &source, 1, target, out[0], &params, sizeof(params), 0);
  builder_stream(&b);
  return builder_encode(&b);
}

static void test_random_cases(void) {
  uint32_t seed = 2027;
  int done = 0;
  test_case = "random";
  while (done < 400) {
    if (!random_case(&seed)) {
      continue;
    }
    for (int ring = 0; ring < 2; ++ring) {
      encoded e = transpose_conv_program(ring);
      const void* inputs[] = {the_case.c.input};
      check_program(&e, inputs, the_case.output);
      encoded_free(&e);
    }
    ++done;
  }
}

static void test_rejections(void) {
  uint32_t seed = 77;
  while (!random_case(&seed)) {
  }
  encoded good = transpose_conv_program(0);
  const uint32_t end = (uint32_t)good.constants_bytes;
  test_case = "good";
  CHECK_EQUAL(encoded_validate(&good), TFLM_PATCH_OK);
#define REJECT(change, status) \
  CHECK_REJECTED(&good, tflm_patch_transpose_conv_params, change, status)
  REJECT(params->window.kernel_h = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->window.kernel_w = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->window.stride_h = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->window.stride_w = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->window.dilation_h = 2, TFLM_PATCH_BAD_OP);
  REJECT(params->window.dilation_w = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->window.pad_top = -1, TFLM_PATCH_BAD_OP);
  REJECT(params->window.pad_left = -1, TFLM_PATCH_BAD_OP);
  REJECT(params->window.kernel_h = 255, TFLM_PATCH_BAD_SIZE);
  REJECT(params->weights_at = 0xFFFFFFFF, TFLM_PATCH_BAD_SIZE);
  REJECT(params->weights_at = end, TFLM_PATCH_BAD_SIZE);
  REJECT(params->bias_at += 2, TFLM_PATCH_BAD_ALIGNMENT);
  REJECT(params->bias_at = end, TFLM_PATCH_BAD_SIZE);
  REJECT(params->offsets_at += 2, TFLM_PATCH_BAD_ALIGNMENT);
  REJECT(params->offsets_at += 4, TFLM_PATCH_BAD_SIZE);
  REJECT(params->offsets_at = 0xFFFFFFFC, TFLM_PATCH_BAD_SIZE);
  REJECT(params->requant.multiplier_at = 1, TFLM_PATCH_BAD_ALIGNMENT);
  REJECT(params->requant.act_min = 128, TFLM_PATCH_BAD_OP);
  REJECT((encoded_map(&bad, 0)->type = TFLM_PATCH_UINT8, encoded_map(&bad, 0)->zero_point = 0),
         TFLM_PATCH_BAD_OP);
#undef REJECT
  encoded_free(&good);
}

int main(void) {
  test_random_cases();
  test_rejections();
  return TEST_RESULT();
}
