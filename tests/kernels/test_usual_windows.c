/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions of the shapes that most models are made of, which families have loops of
 * their own for: many channels, rests of blocks, edges, rows at once, over their input.
 */
#include "depthwise_rows.h"
#include "family.h"
#include "weighted.h"

static weighted_case the_case;

static uint32_t one_of(uint32_t* seed, const uint16_t* values, uint32_t n) {
  return values[test_random(seed) % n];
}

#define ONE_OF(seed, ...)                       \
  one_of(seed, (const uint16_t[]){__VA_ARGS__}, \
         sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t))

/* Output rows and columns of a window with TFLite's paddings, or with none. */
static void find_output(uint32_t* seed, golden_weighted* c) {
  tflm_patch_window* w = &c->window;
  const int is_same = test_random(seed) % 4 != 0;
  const uint8_t kernel[] = {w->kernel_h, w->kernel_w};
  const uint8_t stride[] = {w->stride_h, w->stride_w};
  int16_t* pad[] = {&w->pad_top, &w->pad_left};
  for (uint32_t i = 0; i < 2; ++i) {
    if (is_same) {
      const int32_t output = (c->shape[i] + stride[i] - 1) / stride[i];
      const int32_t padding = (output - 1) * stride[i] + kernel[i] - c->shape[i];
      c->output_shape[i] = (uint16_t)output;
      *pad[i] = (int16_t)(padding > 0 ? padding / 2 : 0);
    } else {
      c->output_shape[i] = (uint16_t)((c->shape[i] - kernel[i]) / stride[i] + 1);
      *pad[i] = 0;
    }
  }
}

/* With the zero point at the least output in half of the cases, as activations have it. */
static int fill(uint32_t* seed, uint32_t weights, int is_large) {
  if (!(is_large ? weighted_fill_large(&the_case, seed, weights)
                 : weighted_fill(&the_case, seed, weights))) {
    return 0;
  }
  if (test_random(seed) % 2) {
    the_case.c.output_zero_point = INT8_MIN;
    naive_weighted(&the_case.c, the_case.output);
  }
  return 1;
}

static void clear(uint8_t kind) {
  memset(&the_case, 0, sizeof(the_case));
  the_case.c.kind = kind;
  the_case.c.groups = 1;
  the_case.c.window.dilation_h = 1;
  the_case.c.window.dilation_w = 1;
}

static int random_conv(uint32_t* seed) {
  golden_weighted* c = &the_case.c;
  tflm_patch_window* w = &c->window;
  const int is_first = test_random(seed) % 2; /* few channels, and large kernels */
  clear(TFLM_PATCH_CONV_2D);
  w->kernel_h = (uint8_t)(is_first ? ONE_OF(seed, 3, 3, 5, 10) : ONE_OF(seed, 1, 1, 3));
  w->kernel_w = (uint8_t)(w->kernel_h == 10 ? 4 : w->kernel_h);
  w->stride_h = w->stride_w = (uint8_t)random_between(seed, 1, 2);
  c->shape[0] = (uint16_t)random_between(seed, w->kernel_h, w->kernel_h + 3u);
  c->shape[1] = (uint16_t)random_between(seed, w->kernel_w, 44);
  c->shape[2] =
      (uint16_t)(is_first ? random_between(seed, 1, 4) : ONE_OF(seed, 8, 16, 27, 32, 40, 48, 64));
  c->output_shape[2] = (uint16_t)random_between(seed, 1, 20);
  find_output(seed, c);
  return fill(seed, (uint32_t)w->kernel_h * w->kernel_w * c->shape[2] * c->output_shape[2], 0);
}

static int random_depthwise(uint32_t* seed) {
  golden_weighted* c = &the_case.c;
  tflm_patch_window* w = &c->window;
  clear(TFLM_PATCH_DEPTHWISE_CONV_2D);
  w->kernel_h = w->kernel_w = 3;
  w->stride_h = w->stride_w = (uint8_t)random_between(seed, 1, 2);
  c->shape[0] = (uint16_t)random_between(seed, 3, 8);
  c->shape[1] = (uint16_t)random_between(seed, 3, test_random(seed) % 2 ? 8 : 40);
  c->shape[2] =
      (uint16_t)ONE_OF(seed, 1, 2, 4, 8, 8, 9, 12, 14, 15, 16, 17, 24, 30, 31, 32, 57, 64);
  c->output_shape[2] = c->shape[2];
  find_output(seed, c);
  return fill(seed, 9u * c->shape[2], 0);
}

/* Of kernels whose rows are long. */
static int random_wide_depthwise(uint32_t* seed) {
  golden_weighted* c = &the_case.c;
  tflm_patch_window* w = &c->window;
  clear(TFLM_PATCH_DEPTHWISE_CONV_2D);
  w->kernel_w = (uint8_t)random_between(seed, 5, 8);
  w->kernel_h = (uint8_t)(test_random(seed) % 4 ? w->kernel_w : random_between(seed, 1, 8));
  w->stride_h = w->stride_w = (uint8_t)random_between(seed, 1, 2);
  if (test_random(seed) % 8 == 0) {
    w->stride_h = (uint8_t)random_between(seed, 1, 3);
  }
  c->shape[0] = (uint16_t)random_between(seed, w->kernel_h, 24);
  c->shape[1] = (uint16_t)random_between(seed, w->kernel_w, 24);
  if (test_random(seed) % 2) { /* most windows have borders; those of TFLite's paddings fit */
    c->shape[0] = (uint16_t)random_between(seed, (w->kernel_h + 1u) / 2, 7);
    c->shape[1] = (uint16_t)random_between(seed, (w->kernel_w + 1u) / 2, 7);
  }
  c->shape[2] = (uint16_t)random_between(seed, 4, 20);
  c->output_shape[2] = c->shape[2];
  find_output(seed, c);
  if ((w->pad_top == 0 && c->shape[0] < w->kernel_h) ||
      (w->pad_left == 0 && c->shape[1] < w->kernel_w)) {
    return 0;
  }
  return fill(seed, (uint32_t)w->kernel_h * w->kernel_w * c->shape[2], 0);
}

static int random_fully_connected(uint32_t* seed) {
  golden_weighted* c = &the_case.c;
  clear(TFLM_PATCH_FULLY_CONNECTED);
  c->shape[0] = c->shape[1] = 1;
  c->output_shape[0] = c->output_shape[1] = 1;
  c->shape[2] = (uint16_t)random_between(seed, 1, test_random(seed) % 2 ? 300 : 40);
  c->output_shape[2] = (uint16_t)random_between(seed, 1, 150);
  return fill(seed, (uint32_t)c->shape[2] * c->output_shape[2], 0);
}

/* Of so many taps that families take them in parts. */
static int random_many_taps(uint32_t* seed) {
  golden_weighted* c = &the_case.c;
  tflm_patch_window* w = &c->window;
  clear(TFLM_PATCH_CONV_2D);
  w->kernel_h = w->kernel_w = (uint8_t)ONE_OF(seed, 1, 3, 3, 5);
  w->stride_h = w->stride_w = (uint8_t)random_between(seed, 1, 2);
  w->dilation_w = w->dilation_h = (uint8_t)(test_random(seed) % 4 == 0 ? 2 : 1);
  c->shape[0] = (uint16_t)random_between(seed, 1, 4);
  c->shape[1] = (uint16_t)random_between(seed, 3, 14);
  c->shape[2] = (uint16_t)(w->kernel_h == 1 ? 4 * random_between(seed, 36, 120)
                                            : 4 * random_between(seed, 4, 16));
  c->output_shape[2] = (uint16_t)random_between(seed, 14, 70);
  for (uint32_t i = 0; i < 2; ++i) {
    int16_t* pad = i == 0 ? &w->pad_top : &w->pad_left;
    const int32_t extent = (w->kernel_h - 1) * w->dilation_h + 1;
    c->output_shape[i] = (uint16_t)((c->shape[i] + w->stride_h - 1) / w->stride_h);
    const int32_t padding = (c->output_shape[i] - 1) * w->stride_h + extent - c->shape[i];
    *pad = (int16_t)(padding > 0 ? padding / 2 : 0);
  }
  return fill(seed, (uint32_t)w->kernel_h * w->kernel_w * c->shape[2] * c->output_shape[2], 1);
}

static int random_large_fully_connected(uint32_t* seed) {
  golden_weighted* c = &the_case.c;
  clear(TFLM_PATCH_FULLY_CONNECTED);
  c->shape[0] = c->shape[1] = 1;
  c->output_shape[0] = c->output_shape[1] = 1;
  c->shape[2] = (uint16_t)(4 * random_between(seed, 1, 160));
  c->output_shape[2] = (uint16_t)random_between(seed, 28, 70);
  return fill(seed, (uint32_t)c->shape[2] * c->output_shape[2], 1);
}

#if TFLM_PATCH_HAS_OWN_DEPTHWISE_ROWS
/* All rows at once, each over the oldest row of its windows, as many cells before it as its
 * columns are read behind others. */
static void check_rows_in_place(const golden_weighted* c) {
  static int8_t memory[3 * WEIGHTED_VALUES];
  const tflm_patch_window* w = &c->window;
  const uint32_t cell = c->shape[2];
  const int32_t row_bytes = (int32_t)(c->shape[1] * cell);
  const uint32_t gap = (uint32_t)(w->pad_left >= w->stride_w ? w->pad_left - w->stride_w + 1 : 0);
  const uint32_t n = c->output_shape[1] * cell;
  int8_t* map = memory + WEIGHTED_VALUES;
  const tflm_patch_rows input = {map,         row_bytes, c->shape[0], c->shape[0],
                                 c->shape[1], cell,      map,         c->shape[0]};
  int8_t* first = map - w->pad_top * row_bytes - gap * cell;
  const tflm_patch_rows output = {first,
                                  row_bytes * w->stride_h,
                                  c->output_shape[0],
                                  c->output_shape[0],
                                  c->output_shape[1],
                                  cell,
                                  first,
                                  c->output_shape[0]};
  const tflm_patch_depthwise_conv_args args = {
      .window = *w,
      .requant = weighted_requant(c),
      .weights = c->weights,
      .bias = c->bias,
      .input_zero_point = c->input_zero_point,
      .depth_multiplier = 1,
      .output_cols = c->output_shape[1],
      .output_channels = c->output_shape[2],
  };
  memcpy(map, c->input, weighted_size(c->shape));
  tflm_patch_depthwise_rows_s8(&args, &input, &output, 0, c->output_shape[0]);
  for (uint32_t row = 0; row < c->output_shape[0]; ++row) {
    CHECK_BYTES(tflm_patch_slot_row(&output, row), c->output + row * n, n);
  }
}

static void test_rows_in_place(int (*draw)(uint32_t* seed), uint32_t seed) {
  test_case = "rows in place";
  for (int done = 0; done < 300;) {
    if (draw(&seed)) {
      check_rows_in_place(&the_case.c);
      ++done;
    }
  }
}
#endif

int main(void) {
  check_random_weighted(&the_case, random_conv, 20267, 300);
  check_random_weighted(&the_case, random_depthwise, 20268, 400);
  check_random_weighted(&the_case, random_wide_depthwise, 20272, 300);
  check_random_weighted(&the_case, random_fully_connected, 20269, 200);
  check_random_weighted(&the_case, random_many_taps, 20270, 150);
  check_random_weighted(&the_case, random_large_fully_connected, 20271, 100);
#if TFLM_PATCH_HAS_OWN_DEPTHWISE_ROWS
  test_rows_in_place(random_depthwise, 53);
  test_rows_in_place(random_wide_depthwise, 54);
#endif
  return TEST_RESULT();
}
