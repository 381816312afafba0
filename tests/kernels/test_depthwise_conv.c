/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "depthwise_rows.h"
#include "family.h"
#include "reject.h"
#include "weighted.h"

static weighted_case the_case;

static int random_case(uint32_t* seed) {
  golden_weighted* c = &the_case.c;
  tflm_patch_window* w = &c->window;
  const int multiplied = test_random(seed) % 3 == 0;
  memset(&the_case, 0, sizeof(the_case));
  c->kind = TFLM_PATCH_DEPTHWISE_CONV_2D;
  c->groups = (uint16_t)(multiplied ? random_between(seed, 2, 9) : 1);
  const int is_long = test_random(seed) % 4 == 0;               /* more than kernels make at once */
  const int is_column = !is_long && test_random(seed) % 4 == 0; /* over time */
  random_window(seed, w, is_long ? 4 : is_column ? 36 : 9, is_long ? 18 : is_column ? 1 : 7);
  if (!is_column && test_random(seed) % 3 == 0) { /* with kernels of its own */
    w->kernel_h = w->kernel_w = 3;
    w->stride_h = w->stride_h == 3 ? 1 : w->stride_h;
  }
  c->shape[0] = (uint16_t)random_between(seed, 1, is_long ? 3 : is_column ? 40 : 9);
  c->shape[1] = (uint16_t)random_between(seed, 1, is_long ? 60 : is_column ? 1 : 9);
  /* More and less than a block of channels, which a multiplier may cut. */
  const uint32_t wide = test_random(seed) % 5 == 0;
  c->shape[2] = (uint16_t)random_between(seed, 1, wide ? 140 : 12);
  random_output(seed, c);
  c->output_shape[2] = (uint16_t)(c->shape[2] * c->groups);
  return weighted_fill(&the_case, seed, (uint32_t)c->output_shape[2] * w->kernel_h * w->kernel_w);
}

static tflm_patch_depthwise_conv_args find_args(const golden_weighted* c) {
  const tflm_patch_depthwise_conv_args args = {
      .window = c->window,
      .requant = weighted_requant(c),
      .weights = c->weights,
      .bias = c->bias,
      .input_zero_point = c->input_zero_point,
      .depth_multiplier = c->groups,
      .output_cols = c->output_shape[1],
  };
  return args;
}

/* A scratch of any size gives the same bytes, and nothing behind it is touched. */
static void check_scratch(const golden_weighted* c, uint32_t words) {
  static uint32_t scratch[1100];
  static int8_t output[WEIGHTED_VALUES];
  const uint32_t row_bytes = (uint32_t)c->shape[1] * c->shape[2];
  const uint32_t n = (uint32_t)c->output_shape[1] * c->output_shape[2];
  const tflm_patch_rows view = {c->input,    (int32_t)row_bytes, c->shape[0], c->shape[0],
                                c->shape[1], c->shape[2],        c->input,    c->shape[0]};
  tflm_patch_depthwise_conv_args args = find_args(c);
  args.scratch = scratch;
  args.scratch_bytes = 4 * words;
  for (uint32_t row = 0; row < c->output_shape[0]; ++row) {
    memset(scratch, 0x5A, sizeof(scratch));
    tflm_patch_depthwise_conv_s8(&args, &view, row, output);
    CHECK_BYTES(output, c->output + row * n, n);
    for (uint32_t i = words; i < sizeof(scratch) / sizeof(scratch[0]); ++i) {
      CHECK_EQUAL(scratch[i], 0x5A5A5A5A);
    }
  }
}

static void test_scratch(void) {
  uint32_t seed = 47;
  int done = 0;
  test_case = "scratch";
  while (done < 200) {
    if (random_case(&seed) && the_case.c.groups == 1) {
      check_scratch(&the_case.c, random_between(&seed, 0, 1000));
      ++done;
    }
  }
}

#if TFLM_PATCH_HAS_OWN_DEPTHWISE_ROWS

/* Rows at once, of a map of its own or over the input, where that is wide enough and rows
 * are whole cells apart. */
static void check_rows(const golden_weighted* c, uint32_t step, uint32_t words) {
  static uint32_t scratch[1100];
  static int8_t memory[2 * WEIGHTED_VALUES];
  static int8_t output[WEIGHTED_VALUES];
  const uint32_t channels = c->shape[2];
  const uint32_t row_bytes = c->shape[1] * channels;
  const uint32_t rows = c->output_shape[0];
  const uint32_t n = c->output_shape[1] * channels;
  const int over = c->window.pad_top == 0 && c->window.stride_h == 1 && n <= row_bytes;
  const uint32_t gap = (uint32_t)c->window.pad_left * channels;
  int8_t* from = memory + gap;
  int8_t* to = over && rows <= c->shape[0] ? memory : output;
  const tflm_patch_rows view = {from,        (int32_t)row_bytes, c->shape[0], c->shape[0],
                                c->shape[1], channels,           from,        c->shape[0]};
  const int32_t pitch = (int32_t)(to == memory ? row_bytes : n);
  const tflm_patch_rows made = {to, pitch, rows, rows, c->output_shape[1], channels, to, rows};
  tflm_patch_depthwise_conv_args args = find_args(c);
  args.scratch = scratch;
  args.scratch_bytes = 4 * words;
  memset(scratch, 0x5A, sizeof(scratch));
  memcpy(from, c->input, weighted_size(c->shape));
  for (uint32_t row = 0; row < rows; row += step) {
    tflm_patch_depthwise_rows_s8(&args, &view, &made, row, step < rows - row ? step : rows - row);
  }
  for (uint32_t row = 0; row < rows; ++row) {
    CHECK_BYTES(to + (int32_t)row * pitch, c->output + row * n, n);
  }
  for (uint32_t i = words; i < sizeof(scratch) / sizeof(scratch[0]); ++i) {
    CHECK_EQUAL(scratch[i], 0x5A5A5A5A);
  }
}

static void test_rows(void) {
  golden_weighted* c = &the_case.c;
  uint32_t seed = 59;
  test_case = "rows";
  for (int done = 0; done < 1000;) {
    if (random_case(&seed) && c->groups == 1 && c->output_shape[0] != 0) {
      const uint32_t rows = c->output_shape[0];
      const uint32_t step = random_between(&seed, 0, 1) ? rows : random_between(&seed, 1, rows);
      check_rows(c, step, random_between(&seed, 0, 1000));
      ++done;
    }
  }
}

#else

static void test_rows(void) {}

#endif

/* A row may be written over the oldest row of its windows, as many cells before
 * it as its columns are read behind others. */
static void check_in_place(const golden_weighted* c, uint32_t row, uint32_t oldest) {
  static int8_t memory[2 * WEIGHTED_VALUES];
  const tflm_patch_window* w = &c->window;
  const uint32_t channels = c->shape[2];
  const uint32_t row_bytes = c->shape[1] * channels;
  const uint32_t gap = (uint32_t)(w->pad_left >= w->stride_w ? w->pad_left - w->stride_w + 1 : 0);
  int8_t* map = memory + gap * channels;
  const tflm_patch_rows view = {map,         (int32_t)row_bytes, c->shape[0], c->shape[0],
                                c->shape[1], channels,           map,         c->shape[0]};
  const tflm_patch_depthwise_conv_args args = find_args(c);
  const uint32_t n = c->output_shape[1] * channels;
  memcpy(map, c->input, weighted_size(c->shape));
  int8_t* output = map + oldest * row_bytes - gap * channels;
  tflm_patch_depthwise_conv_s8(&args, &view, row, output);
  CHECK_BYTES(output, c->output + row * n, n);
}

static void test_in_place(void) {
  golden_weighted* c = &the_case.c;
  uint32_t seed = 31;
  int done = 0;
  test_case = "in place";
  while (done < 500) {
    if (!random_case(&seed) || c->groups != 1 || c->output_shape[1] > c->shape[1]) {
      continue;
    }
    for (uint32_t row = 0; row < c->output_shape[0]; ++row) {
      const int32_t oldest = (int32_t)row * c->window.stride_h - c->window.pad_top;
      if (oldest >= 0 && oldest < c->shape[0] && c->window.dilation_w == 1) {
        check_in_place(c, row, (uint32_t)oldest);
        ++done;
      }
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
#define REJECT(change, status) CHECK_REJECTED(&good, tflm_patch_depthwise_params, change, status)
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
  check_random_weighted(&the_case, random_case, 20262, 500);
  test_scratch();
  test_rows();
  test_in_place();
  test_rejections();
  return TEST_RESULT();
}
