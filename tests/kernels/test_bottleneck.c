/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bottleneck_program.h"
#include "reject.h"

static bottleneck_case the_case;

static void check_case(bottleneck_memory memory) {
  const golden_weighted* project = &the_case.parts[2].c;
  static int8_t output[WEIGHTED_VALUES];
  encoded e = bottleneck_program(&the_case, memory);
  const void* inputs[] = {the_case.parts[0].c.input};
  void* outputs[] = {output};
  const tflm_patch_status status = encoded_validate(&e);
  CHECK_EQUAL(status, TFLM_PATCH_OK);
  if (status == TFLM_PATCH_OK) {
    CHECK_EQUAL(encoded_run(&e, inputs, outputs, 0xA5), TFLM_PATCH_OK);
    CHECK_BYTES(output, project->output, weighted_size(project->output_shape));
  }
  encoded_free(&e);
}

static void test_random_cases(void) {
  uint32_t seed = 4711;
  test_case = "random";
  for (int done = 0; done < 800;) {
    if (random_bottleneck(&the_case, &seed)) {
      check_case(BOTTLENECK_APART);
      check_case(BOTTLENECK_RING);
      check_case(BOTTLENECK_OVER);
      ++done;
    }
  }
}

/* A 3 x 3 depthwise window whose rows overlap, in every part that can be held. */
static void test_held_columns(void) {
  uint32_t seed = 9;
  const tflm_patch_window* w = &the_case.parts[1].c.window;
  const golden_weighted* project = &the_case.parts[2].c;
  test_case = "held columns";
  do {
    while (!random_bottleneck(&the_case, &seed)) {
    }
  } while (w->kernel_h != 3 || w->stride_h != 1 || w->kernel_w != 3 ||
           project->output_shape[0] < 5 || project->output_shape[1] < 6);
  const uint32_t wide_cols = the_case.parts[1].c.shape[1];
  for (uint32_t held = 0; held <= wide_cols; ++held) {
    for (uint32_t tile = 1; tile <= project->output_shape[1]; ++tile) {
      the_case.held_cols = (uint16_t)held;
      the_case.tile_cols = (uint16_t)tile;
      check_case(BOTTLENECK_RING);
      check_case(BOTTLENECK_OVER);
    }
  }
}

static void test_rejections(void) {
  uint32_t seed = 78;
  const tflm_patch_window* w = &the_case.parts[1].c.window;
  do {
    while (!random_bottleneck(&the_case, &seed)) {
    }
  } while (the_case.parts[1].c.groups != 1 || w->kernel_h < 3 || w->stride_h != 1 ||
           the_case.parts[0].c.shape[0] < 5);
  the_case.held_cols = the_case.parts[1].c.shape[1];
  encoded good = bottleneck_program(&the_case, BOTTLENECK_APART);
  test_case = "good";
  CHECK_EQUAL(encoded_validate(&good), TFLM_PATCH_OK);
#define REJECT(change, status) CHECK_REJECTED(&good, tflm_patch_bottleneck_params, change, status)
  REJECT(params->wide_rows = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->wide_cols = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->wide_channels = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->wide_zero_point = 128, TFLM_PATCH_BAD_OP);
  REJECT(params->tile_cols = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->tile_cols = 60000, TFLM_PATCH_BAD_SIZE);
  REJECT(params->held_cols += 1, TFLM_PATCH_BAD_OP);
  REJECT(params->wide_rows = 1, TFLM_PATCH_BAD_OP);
  REJECT(params->wide_cols = 60000, TFLM_PATCH_BAD_OP);
  REJECT(params->wide_channels = 60000, TFLM_PATCH_BAD_SIZE);
  REJECT(params->project.window.kernel_h = 2, TFLM_PATCH_BAD_OP);
  REJECT(params->project.window.kernel_w = 2, TFLM_PATCH_BAD_OP);
  REJECT(params->project.window.stride_h = 2, TFLM_PATCH_BAD_OP);
  REJECT(params->project.window.stride_w = 2, TFLM_PATCH_BAD_OP);
  REJECT(params->project.window.pad_top = 1, TFLM_PATCH_BAD_OP);
  REJECT(params->project.window.pad_left = 1, TFLM_PATCH_BAD_OP);
  REJECT(params->project.weights_at = 0xFFFFFFFF, TFLM_PATCH_BAD_SIZE);
  REJECT(params->expand.bias_at += 2, TFLM_PATCH_BAD_ALIGNMENT);
  REJECT(params->expand.groups = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->depthwise.window.pad_top = 200, TFLM_PATCH_BAD_OP);
  REJECT(params->depthwise.window.pad_left = 200, TFLM_PATCH_BAD_OP);
  REJECT(params->depthwise.depth_multiplier = 0, TFLM_PATCH_BAD_OP);
  REJECT(params->depthwise.depth_multiplier = 0xFFFF, TFLM_PATCH_BAD_OP);
  REJECT(params->depthwise.requant.act_max = -129, TFLM_PATCH_BAD_OP);
  REJECT(encoded_op(&bad, 0)->scratch_bytes -= 1, TFLM_PATCH_BAD_SIZE);
  REJECT(encoded_op(&bad, 0)->n_inputs = 2, TFLM_PATCH_BAD_INDEX);
#undef REJECT
  encoded_free(&good);
}

int main(void) {
  test_random_cases();
  test_held_columns();
  test_rejections();
  return TEST_RESULT();
}
