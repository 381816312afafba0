/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED for tests: random cases, the
 * outputs by the operators' definition, and programs.
 */
#ifndef TFLM_PATCH_TESTS_WEIGHTED_H_
#define TFLM_PATCH_TESTS_WEIGHTED_H_

#include "golden.h"
#include "program_builder.h"
#include "test.h"
#include "tflm_patch/kernels.h"

enum { WEIGHTED_VALUES = 24000, WEIGHTED_CHANNELS = 160 };

/* A case with memory of its own. */
typedef struct {
  golden_weighted c;
  int8_t weights[WEIGHTED_VALUES];
  int32_t bias[WEIGHTED_CHANNELS];
  int32_t multipliers[WEIGHTED_CHANNELS];
  int8_t shifts[WEIGHTED_CHANNELS];
  int8_t input[WEIGHTED_VALUES];
  int8_t output[WEIGHTED_VALUES];
} weighted_case;

/* ---- by definition ---- */

static inline int32_t naive_wrap(int64_t x) {
  const int64_t low = x & 0xFFFFFFFF;
  return (int32_t)(low >= 0x80000000 ? low - 0x100000000 : low);
}

/* TFLM's two roundings, written as divisions. */
static inline int32_t naive_multiply(int32_t x, int32_t multiplier, int32_t shift) {
  const int64_t shifted = naive_wrap((int64_t)x * ((int64_t)1 << (shift > 0 ? shift : 0)));
  const int64_t product = shifted * multiplier;
  const int64_t nudge = product >= 0 ? (1 << 30) : 1 - (1 << 30);
  const int64_t high = (product + nudge) / ((int64_t)1 << 31);
  const int64_t divisor = (int64_t)1 << (shift < 0 ? -shift : 0);
  const int64_t magnitude = (high < 0 ? -high : high) + divisor / 2;
  const int64_t quotient = magnitude / divisor;
  return (int32_t)(high < 0 ? -quotient : quotient);
}

static inline int64_t naive_output(const golden_weighted* c, int64_t sum, uint32_t channel) {
  const uint32_t i = c->scales > 1 ? channel : 0;
  const int32_t value =
      naive_wrap((int64_t)naive_multiply(naive_wrap(sum), c->multipliers[i], c->shifts[i]) +
                 c->output_zero_point);
  return value < c->act_min ? c->act_min : value > c->act_max ? c->act_max : value;
}

/* A window's sum over the cells in the map, of value - zero point; the bias is
 * freed of the folded zero point first. */
static inline int64_t naive_sum(const golden_weighted* c, uint32_t row, uint32_t col,
                                uint32_t channel) {
  const tflm_patch_window* w = &c->window;
  const int depthwise = c->kind == TFLM_PATCH_DEPTHWISE_CONV_2D;
  const uint32_t depth = depthwise ? 1 : c->shape[2] / c->groups;
  const uint32_t first =
      depthwise ? channel / c->groups : channel / (c->output_shape[2] / c->groups) * depth;
  int64_t sum = c->bias[channel];
  for (int i = 0; i < w->kernel_h; ++i) {
    for (int j = 0; j < w->kernel_w; ++j) {
      for (uint32_t k = 0; k < depth; ++k) {
        const uint32_t tap = (uint32_t)(i * w->kernel_w + j);
        const int64_t weight =
            depthwise
                ? c->weights[tap * c->output_shape[2] + channel]
                : c->weights[((uint32_t)(channel * w->kernel_h * w->kernel_w) + tap) * depth + k];
        const int r = (int)row * w->stride_h - w->pad_top + i * w->dilation_h;
        const int x = (int)col * w->stride_w - w->pad_left + j * w->dilation_w;
        sum += c->input_zero_point * weight;
        if (r >= 0 && r < c->shape[0] && x >= 0 && x < c->shape[1]) {
          const uint32_t at = ((uint32_t)r * c->shape[1] + (uint32_t)x) * c->shape[2] + first + k;
          sum += (c->input[at] - c->input_zero_point) * weight;
        }
      }
    }
  }
  return sum;
}

static inline void naive_weighted(const golden_weighted* c, int8_t* output) {
  const uint32_t channels = c->output_shape[2];
  if (c->kind == TFLM_PATCH_FULLY_CONNECTED) {
    const uint32_t n = (uint32_t)c->shape[0] * c->shape[1] * c->shape[2];
    for (uint32_t o = 0; o < channels; ++o) {
      int64_t sum = c->bias[o];
      for (uint32_t i = 0; i < n; ++i) {
        sum += c->input[i] * c->weights[o * n + i];
      }
      output[o] = (int8_t)naive_output(c, sum, o);
    }
    return;
  }
  for (uint32_t row = 0; row < c->output_shape[0]; ++row) {
    for (uint32_t col = 0; col < c->output_shape[1]; ++col) {
      for (uint32_t o = 0; o < channels; ++o) {
        *output++ = (int8_t)naive_output(c, naive_sum(c, row, col, o), o);
      }
    }
  }
}

/* ---- random cases ---- */

static inline uint32_t random_between(uint32_t* seed, uint32_t low, uint32_t high) {
  return low + test_random(seed) % (high - low + 1);
}

/* An output size and the padding before, anything from none to all but a cell
 * of the kernel; may leave windows outside the map altogether. */
static inline uint32_t random_size(uint32_t* seed, uint32_t size, uint32_t kernel, uint32_t stride,
                                   uint32_t dilation, int16_t* pad) {
  const uint32_t reach = (kernel - 1) * dilation;
  *pad = (int16_t)random_between(seed, 0, reach);
  return (size + (uint32_t)*pad + random_between(seed, 0, reach) + stride - 1) / stride;
}

/* A window of up to so large a kernel, strides up to 3, and one in three dilated. */
static inline void random_window(uint32_t* seed, tflm_patch_window* w, uint32_t kernel_h,
                                 uint32_t kernel_w) {
  const uint32_t dilation = test_random(seed) % 3 == 0 ? 3 : 1;
  w->kernel_h = (uint8_t)random_between(seed, 1, kernel_h);
  w->kernel_w = (uint8_t)random_between(seed, 1, kernel_w);
  w->stride_h = (uint8_t)random_between(seed, 1, 3);
  w->stride_w = (uint8_t)random_between(seed, 1, 3);
  w->dilation_h = (uint16_t)random_between(seed, 1, dilation);
  w->dilation_w = (uint16_t)random_between(seed, 1, dilation);
}

/* Rows and columns of the output, and the pads, of a case with shape and window. */
static inline void random_output(uint32_t* seed, golden_weighted* c) {
  tflm_patch_window* w = &c->window;
  c->output_shape[0] = (uint16_t)random_size(seed, c->shape[0], w->kernel_h, w->stride_h,
                                             w->dilation_h, &w->pad_top);
  c->output_shape[1] = (uint16_t)random_size(seed, c->shape[1], w->kernel_w, w->stride_w,
                                             w->dilation_w, &w->pad_left);
}

static inline uint32_t weighted_size(const uint16_t shape[3]) {
  return (uint32_t)shape[0] * shape[1] * shape[2];
}

/* Fills in weights, scales and input of a case whose shape and window are set,
 * and the outputs by definition. Returns 0 when it is too large. */
static inline int weighted_fill_large(weighted_case* w, uint32_t* seed, uint32_t weights) {
  golden_weighted* c = &w->c;
  const uint32_t channels = c->output_shape[2];
  if (weights > WEIGHTED_VALUES || channels > WEIGHTED_CHANNELS ||
      weighted_size(c->shape) > WEIGHTED_VALUES ||
      weighted_size(c->output_shape) > WEIGHTED_VALUES) {
    return 0;
  }
  /* TFLite's converter makes no weights of -128; kernels must bear them. */
  const int8_t least = random_between(seed, 0, 3) ? -127 : INT8_MIN;
  const int extreme = random_between(seed, 0, 7) == 0;
  test_fill(seed, w->weights, weights);
  test_fill(seed, w->input, sizeof(w->input));
  for (uint32_t i = 0; i < weights; ++i) {
    const int8_t weight = w->weights[i];
    w->weights[i] = extreme ? (weight < 100 ? least : INT8_MAX) : weight < least ? least : weight;
  }
  for (uint32_t i = 0; extreme && i < sizeof(w->input); ++i) {
    w->input[i] = w->input[i] < 100 ? INT8_MIN : INT8_MAX;
  }
  c->scales = random_between(seed, 0, 1) ? channels : 1;
  /* Kernels take a shorter way where all shifts are below 0 and nothing is
   * clamped but to int8. */
  const int any_shift = random_between(seed, 0, 3) == 0;
  const int any_clamp = random_between(seed, 0, 1);
  for (uint32_t i = 0; i < channels; ++i) {
    w->bias[i] = (int32_t)random_between(seed, 0, 40000) - 20000;
    w->multipliers[i] = (int32_t)random_between(seed, (uint32_t)1 << 30, INT32_MAX);
    w->shifts[i] = (int8_t)(any_shift ? (int32_t)random_between(seed, 0, 61) - 31
                                      : (int32_t)random_between(seed, 0, 8) - 12);
    if (random_between(seed, 0, 30) == 0) { /* a scale too small for a shift */
      w->multipliers[i] = 0;
      w->shifts[i] = 0;
    }
  }
  c->weights = w->weights;
  c->weights_bytes = weights;
  c->bias = w->bias;
  c->multipliers = w->multipliers;
  c->shifts = w->shifts;
  c->input = w->input;
  c->output = w->output;
  c->input_zero_point = (int16_t)((int32_t)random_between(seed, 0, 255) - 128);
  c->output_zero_point = (int32_t)random_between(seed, 0, 255) - 128;
  c->act_min = INT8_MIN;
  c->act_max = INT8_MAX;
  if (any_clamp) {
    c->act_min = (int16_t)((int32_t)random_between(seed, 0, 100) - 128);
    c->act_max = (int16_t)random_between(seed, 0, 127);
  }
  naive_weighted(c, w->output);
  return 1;
}

/* Likewise, not larger than most cases are to be. */
static inline int weighted_fill(weighted_case* w, uint32_t* seed, uint32_t weights) {
  const golden_weighted* c = &w->c;
  return weights <= 4000 && weighted_size(c->shape) <= 8000 &&
         weighted_size(c->output_shape) <= 8000 && weighted_fill_large(w, seed, weights);
}

/* ---- programs ---- */

typedef union {
  tflm_patch_conv_params conv;
  tflm_patch_depthwise_params depthwise;
  tflm_patch_fully_connected_params fully_connected;
} weighted_record;

/* Whether no accumulator leaves -2^30 to 2^30; see tflm_patch_requant. */
static inline uint8_t weighted_is_bounded(const golden_weighted* c) {
  int64_t largest = 0;
  for (uint32_t i = 0; i < c->output_shape[2]; ++i) {
    const int64_t bias = c->bias[i];
    largest = bias > largest ? bias : -bias > largest ? -bias : largest;
  }
  return largest + 128 * 128 * (int64_t)c->weights_bytes < (int64_t)1 << 30;
}

/* The requantization of a case, as kernels take it. */
static inline tflm_patch_requant_args weighted_requant(const golden_weighted* c) {
  const tflm_patch_requant_args args = {c->multipliers,         c->shifts,  c->scales > 1,
                                        c->output_zero_point,   c->act_min, c->act_max,
                                        weighted_is_bounded(c), 0};
  return args;
}

/* Adds the constants of a case; returns the size of its record. */
static inline uint32_t weighted_params(builder* b, const golden_weighted* c,
                                       weighted_record* record) {
  const tflm_patch_requant requant = {
      .multiplier_at = builder_constant(b, c->multipliers, 4 * c->scales),
      .shift_at = builder_constant(b, c->shifts, c->scales),
      .output_zero_point = c->output_zero_point,
      .act_min = c->act_min,
      .act_max = c->act_max,
      .per_channel = c->scales > 1 || c->output_shape[2] == 1,
      .sums = weighted_is_bounded(c) ? TFLM_PATCH_SUMS_BOUNDED : TFLM_PATCH_SUMS_INT32,
  };
  const uint32_t weights_at = builder_constant(b, c->weights, c->weights_bytes);
  const uint32_t bias_at = builder_constant(b, c->bias, 4u * c->output_shape[2]);
  memset(record, 0, sizeof(*record));
  if (c->kind == TFLM_PATCH_CONV_2D) {
    record->conv.window = c->window;
    record->conv.requant = requant;
    record->conv.weights_at = weights_at;
    record->conv.bias_at = bias_at;
    record->conv.groups = c->groups;
    return sizeof(record->conv);
  }
  if (c->kind == TFLM_PATCH_DEPTHWISE_CONV_2D) {
    record->depthwise.window = c->window;
    record->depthwise.requant = requant;
    record->depthwise.weights_at = weights_at;
    record->depthwise.bias_at = bias_at;
    record->depthwise.depth_multiplier = c->groups;
    return sizeof(record->depthwise);
  }
  record->fully_connected.requant = requant;
  record->fully_connected.weights_at = weights_at;
  record->fully_connected.bias_at = bias_at;
  record->fully_connected.flatten = 1;
  return sizeof(record->fully_connected);
}

/* The operator of a case. It reads the stage's input, or, with `ring`, a ring of
 * as few rows as its window needs. */
static inline encoded weighted_program(const golden_weighted* c, int ring) {
  static builder b;
  weighted_record record;
  const uint16_t* in = c->shape;
  const uint16_t* out = c->output_shape;
  const int is_vector = c->kind == TFLM_PATCH_FULLY_CONNECTED;
  const uint32_t reach = is_vector ? 1u : (c->window.kernel_h - 1u) * c->window.dilation_h + 1u;
  builder_init(&b);
  uint32_t source =
      builder_tensor_map(&b, TFLM_PATCH_INT8, in[0], in[1], in[2], c->input_zero_point, 0);
  const uint32_t target =
      builder_tensor_map(&b, TFLM_PATCH_INT8, out[0], out[1], out[2], c->output_zero_point, 1);
  if (ring) {
    source = builder_ring(&b, source, reach);
  }
  const uint32_t record_bytes = weighted_params(&b, c, &record);
  builder_op(&b, c->kind, &source, 1, target, is_vector ? in[0] : out[0], &record, record_bytes,
             is_vector && in[0] > 1 ? 4u * out[2] : 0);
  builder_stream(&b);
  return builder_encode(&b);
}

/* A 1 x 1 CONV_2D whose output lies over its input, a map that a LOOKUP of
 * identity fills; another one copies the output. */
static inline encoded weighted_program_in_place(const golden_weighted* c) {
  static builder b;
  weighted_record record;
  const uint16_t* in = c->shape;
  const uint16_t* out = c->output_shape;
  uint8_t identity[256];
  for (uint32_t i = 0; i < 256; ++i) {
    identity[i] = (uint8_t)i;
  }
  builder_init(&b);
  const tflm_patch_lookup_params lookup = {builder_constant(&b, identity, sizeof(identity))};
  const uint32_t source =
      builder_tensor_map(&b, TFLM_PATCH_INT8, in[0], in[1], in[2], c->input_zero_point, 0);
  const uint32_t target =
      builder_tensor_map(&b, TFLM_PATCH_INT8, out[0], out[1], out[2], c->output_zero_point, 1);
  const uint32_t host =
      builder_workspace_map(&b, TFLM_PATCH_INT8, in[0], 1, in[1], in[2], c->input_zero_point);
  const uint32_t guest = builder_map(&b, TFLM_PATCH_REGION_WORKSPACE, b.maps[host].offset,
                                     TFLM_PATCH_INT8, out[0], out[1], out[2], c->output_zero_point);
  b.maps[guest].row_bytes = b.maps[host].row_bytes;
  b.maps[guest].ring_rows = 1;
  builder_op(&b, TFLM_PATCH_LOOKUP, &source, 1, host, in[0], &lookup, sizeof(lookup), 0);
  const uint32_t record_bytes = weighted_params(&b, c, &record);
  builder_op(&b, c->kind, &host, 1, guest, out[0], &record, record_bytes, 0);
  builder_op(&b, TFLM_PATCH_LOOKUP, &guest, 1, target, out[0], &lookup, sizeof(lookup), 0);
  builder_stream(&b);
  return builder_encode(&b);
}

/* Validates and runs a program of a case, and compares. */
static inline void check_weighted_program(const golden_weighted* c, encoded e) {
  static int8_t output[WEIGHTED_VALUES];
  const void* inputs[] = {c->input};
  void* outputs[] = {output};
  const tflm_patch_status status = encoded_validate(&e);
  CHECK_EQUAL(status, TFLM_PATCH_OK);
  if (status == TFLM_PATCH_OK) {
    CHECK_EQUAL(encoded_run(&e, inputs, outputs, 0xA5), TFLM_PATCH_OK);
    CHECK_BYTES(output, c->output, weighted_size(c->output_shape));
  }
  encoded_free(&e);
}

/* Runs a case both ways and compares. */
static inline void check_weighted(const golden_weighted* c) {
  check_weighted_program(c, weighted_program(c, 0));
  check_weighted_program(c, weighted_program(c, 1));
}

/* Runs n random cases, which `draw` makes, or not where one would be too large. */
static inline void check_random_weighted(weighted_case* w, int (*draw)(uint32_t* seed),
                                         uint32_t seed, int n) {
  test_case = "random";
  while (n > 0) {
    if (draw(&seed)) {
      check_weighted(&w->c);
      --n;
    }
  }
}

#endif /* TFLM_PATCH_TESTS_WEIGHTED_H_ */
