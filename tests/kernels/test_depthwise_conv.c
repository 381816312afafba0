/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "reject.h"
#include "weighted.h"

static weighted_case the_case;

static int random_case(uint32_t* seed) {
  golden_weighted* c = &the_case.c;
  tflm_patch_window* w = &c->window;
  const int multiplied = test_random(seed) % 3 == 0;
  const int dilated = test_random(seed) % 3 == 0;
  memset(&the_case, 0, sizeof(the_case));
  c->kind = TFLM_PATCH_DEPTHWISE_CONV_2D;
  c->groups = (uint16_t)(multiplied ? random_between(seed, 2, 9) : 1);
  w->kernel_h = (uint8_t)random_between(seed, 1, 7);
  w->kernel_w = (uint8_t)random_between(seed, 1, 7);
  w->stride_h = (uint8_t)random_between(seed, 1, 3);
  w->stride_w = (uint8_t)random_between(seed, 1, 3);
  w->dilation_h = (uint8_t)(dilated ? random_between(seed, 1, 3) : 1);
  w->dilation_w = (uint8_t)(dilated ? random_between(seed, 1, 3) : 1);
  c->shape[0] = (uint16_t)random_between(seed, 1, 9);
  c->shape[1] = (uint16_t)random_between(seed, 1, 9);
  /* More and less than a block of channels, which a multiplier may cut. */
  const uint32_t wide = test_random(seed) % 5 == 0;
  c->shape[2] = (uint16_t)random_between(seed, 1, wide ? 140 : 12);
  c->output_shape[0] =
      (uint16_t)random_size(seed, c->shape[0], w->kernel_h, w->stride_h,
                            w->dilation_h, &w->pad_top);
  c->output_shape[1] =
      (uint16_t)random_size(seed, c->shape[1], w->kernel_w, w->stride_w,
                            w->dilation_w, &w->pad_left);
  c->output_shape[2] = (uint16_t)(c->shape[2] * c->groups);
  return weighted_fill(
      &the_case, seed,
      (uint32_t)c->output_shape[2] * w->kernel_h * w->kernel_w);
}

static void test_random_cases(void) {
  uint32_t seed = 20262;
  int done = 0;
  test_case = "random";
  while (done < 500) {
    if (random_case(&seed)) {
      check_weighted(&the_case.c);
      ++done;
    }
  }
}

static void test_rejections(void) {
  uint32_t seed = 78;
  while (!random_case(&seed) || the_case.c.groups == 1) {
  }
  encoded good = weighted_program(&the_case.c, 0);
  test_case = "good";
  CHECK_EQUAL(encoded_validate(&good), TFLM_PATCH_OK);
#define REJECT(change, status) \
  CHECK_REJECTED(&good, tflm_patch_depthwise_params, change, status)
  REJECT(params->window.kernel_w = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->window.stride_h = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->window.pad_left = -1, TFLM_PATCH_BAD_OP);
  REJECT(params->window.kernel_h = 255, TFLM_PATCH_BAD_SIZE);
  REJECT(params->depth_multiplier = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->depth_multiplier = 1, TFLM_PATCH_BAD_OP);
  REJECT(params->depth_multiplier = 0xFFFF, TFLM_PATCH_BAD_OP);
  REJECT(params->weights_at = 0xFFFFFFFF, TFLM_PATCH_BAD_SIZE);
  REJECT(params->bias_at += 1, TFLM_PATCH_BAD_ALIGNMENT);
  REJECT(params->bias_at += 4, TFLM_PATCH_BAD_SIZE);
  REJECT(params->requant.per_channel = 2, TFLM_PATCH_BAD_OP);
  REJECT(encoded_op(&bad, 0)->steps -= 1, TFLM_PATCH_BAD_OP);
#undef REJECT
  encoded_free(&good);
}

int main(void) {
  test_random_cases();
  test_rejections();
  return TEST_RESULT();
}
