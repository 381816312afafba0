/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * TRANSPOSE, RESIZE_NEAREST, STRIDED_SLICE, SPACE_TO_DEPTH, DEPTH_TO_SPACE, PAD.
 */
#include "copies.h"
#include "weighted.h"

static builder b;

/* ---- where output values come from ---- */

static int32_t transposed(const copy_case* c, int32_t row, int32_t col, int32_t channel) {
  return copy_index(c->from, channel, row, col);
}

static int32_t sliced(const copy_case* c, int32_t row, int32_t col, int32_t channel) {
  const tflm_patch_strided_slice_params* p = (const tflm_patch_strided_slice_params*)c->params;
  return copy_index(c->from, p->begin_row + row * p->row_stride, p->begin_col + col * p->col_stride,
                    p->begin_channel + channel * p->channel_stride);
}

static int32_t to_depth(const copy_case* c, int32_t row, int32_t col, int32_t channel) {
  const int32_t block = ((const tflm_patch_block_params*)c->params)->block;
  const int32_t part = channel / c->from[2];
  return copy_index(c->from, row * block + part / block, col * block + part % block,
                    channel % c->from[2]);
}

static int32_t to_space(const copy_case* c, int32_t row, int32_t col, int32_t channel) {
  const int32_t block = ((const tflm_patch_block_params*)c->params)->block;
  const int32_t part = row % block * block + col % block;
  return copy_index(c->from, row / block, col / block, part * c->to[2] + channel);
}

static int32_t padded(const copy_case* c, int32_t row, int32_t col, int32_t channel) {
  const tflm_patch_pad_params* p = (const tflm_patch_pad_params*)c->params;
  row -= p->top;
  col -= p->left;
  channel -= p->front;
  const int is_inside = row >= 0 && row < c->from[0] && col >= 0 && col < c->from[1] &&
                        channel >= 0 && channel < c->from[2];
  return is_inside ? copy_index(c->from, row, col, channel) : COPY_CONSTANT;
}

static const uint16_t kRowIndex[] = {0, 0, 1, 1, 2, 2};
static const uint16_t kColIndex[] = {0, 0, 1, 1, 2, 2, 3};

static int32_t resized(const copy_case* c, int32_t row, int32_t col, int32_t channel) {
  return copy_index(c->from, kRowIndex[row], kColIndex[col], channel);
}

/* ---- cases ---- */

#define PARAMS(type, ...) &(const type){__VA_ARGS__}, sizeof(type)
#define TRANSPOSE(...) \
  { "transpose", TFLM_PATCH_TRANSPOSE, __VA_ARGS__, COPY_ALL, "", 0, transposed, 0 }
#define SLICE(name, to, ...)                                            \
  {                                                                     \
    name, TFLM_PATCH_STRIDED_SLICE, {7, 6, 5}, to, COPY_ALL,            \
        PARAMS(tflm_patch_strided_slice_params, __VA_ARGS__), sliced, 0 \
  }
#define SHAPE(rows, cols, channels) \
  { rows, cols, channels }
#define DEPTH(n) SHAPE(6 / (n), 12 / (n), 2 * (n) * (n))
#define BLOCKS(n)                                                                     \
  {"to depth, block " #n,                                                             \
   TFLM_PATCH_SPACE_TO_DEPTH,                                                         \
   {6, 12, 2},                                                                        \
   DEPTH(n),                                                                          \
   COPY_ALL,                                                                          \
   PARAMS(tflm_patch_block_params, n),                                                \
   to_depth,                                                                          \
   0},                                                                                \
  {                                                                                   \
    "to space, block " #n, TFLM_PATCH_DEPTH_TO_SPACE, DEPTH(n), {6, 12, 2}, COPY_ALL, \
        PARAMS(tflm_patch_block_params, n), to_space, 0                               \
  }

static const copy_case kCases[] = {
    TRANSPOSE({3, 5, 7}, {5, 7, 3}),
    TRANSPOSE({1, 4, 6}, {4, 6, 1}),
    SLICE("all", SHAPE(7, 6, 5), 0, 0, 0, 1, 1, 1),
    SLICE("channels", SHAPE(7, 6, 3), 0, 0, 1, 1, 1, 1),
    SLICE("every other channel", SHAPE(7, 6, 2), 0, 0, 1, 1, 1, 2),
    SLICE("channels backward", SHAPE(7, 6, 3), 0, 0, 4, 1, 1, -2),
    SLICE("columns", SHAPE(7, 4, 5), 0, 2, 0, 1, 1, 1),
    SLICE("every other column", SHAPE(7, 3, 5), 0, 1, 0, 1, 2, 1),
    SLICE("columns backward", SHAPE(7, 2, 4), 0, 5, 1, 1, -5, 1),
    SLICE("rows", SHAPE(3, 6, 5), 2, 0, 0, 1, 1, 1),
    SLICE("every axis", SHAPE(2, 2, 2), 1, 1, 4, 3, 2, -4),
    SLICE("a value", SHAPE(1, 1, 1), 6, 5, 4, 1, 1, 1),
    BLOCKS(1),
    BLOCKS(2),
    BLOCKS(3),
    BLOCKS(6),
};
static const copy_case kResize = {
    "resize", TFLM_PATCH_RESIZE_NEAREST, {3, 4, 5}, {6, 7, 5}, COPY_ALL, NULL, 0, resized, 0};
static const copy_case kPad = {"pad",     TFLM_PATCH_PAD,
                               {3, 4, 2}, {5, 6, 4},
                               COPY_INT8, PARAMS(tflm_patch_pad_params, 2, 1, 2, -128),
                               padded,    -128};

static void test_table(void) {
  builder_init(&b);
  for (size_t i = 0; i < sizeof(kCases) / sizeof(kCases[0]); ++i) {
    check_copy(&b, &kCases[i]);
  }
}

/* The case with its tables among the constants. */
static copy_case resize_case(tflm_patch_resize_params* params) {
  copy_case c = kResize;
  builder_init(&b);
  params->row_at = builder_constant(&b, kRowIndex, sizeof(kRowIndex));
  params->col_at = builder_constant(&b, kColIndex, sizeof(kColIndex));
  c.params = params;
  c.params_bytes = sizeof(*params);
  return c;
}

static void test_resize(void) {
  tflm_patch_resize_params params;
  const copy_case c = resize_case(&params);
  check_copy(&b, &c);
}

static void test_pads(void) {
  uint32_t seed = 6;
  builder_init(&b);
  for (int i = 0; i < 300; ++i) {
    const uint32_t more = i % 2 == 0 ? 0 : 3; /* channels */
    const int is_negative = i % 3 == 0;
    const int16_t value = (int16_t)random_between(&seed, 0, 127);
    const tflm_patch_pad_params params = {
        .top = (uint16_t)random_between(&seed, 0, 3),
        .left = (uint16_t)random_between(&seed, 0, 3),
        .front = (uint16_t)random_between(&seed, 0, more),
        .value = (int16_t)(is_negative ? -1 - value : value),
    };
    copy_case c = kPad;
    c.params = &params;
    c.constant = params.value;
    c.types = is_negative ? COPY_INT8 | COPY_INT16 : COPY_INT8 | COPY_UINT8 | COPY_INT16;
    const uint32_t before[3] = {params.top, params.left, params.front};
    for (int axis = 0; axis < 3; ++axis) {
      c.from[axis] = (uint16_t)random_between(&seed, 1, 5);
      const uint32_t after = random_between(&seed, 0, axis == 2 ? more : 3);
      c.to[axis] = (uint16_t)(c.from[axis] + before[axis] + after);
    }
    check_copy(&b, &c);
  }
}

/* The rows that a PAD reads never go back, so that a ring of one row will do. */
static void test_pad_of_a_ring(void) {
  const tflm_patch_pad_params nothing = {0, 0, 0, 0};
  const tflm_patch_pad_params params = {.top = 2, .left = 1, .value = 5};
  copy_case c = {"ring",  TFLM_PATCH_PAD, {3, 4, 2}, {7, 6, 2}, COPY_INT8,
                 &params, sizeof(params), padded,    5};
  uint8_t input[3 * 4 * 2];
  uint8_t expected[7 * 6 * 2];
  const void* inputs[] = {input};
  uint32_t seed = 7;
  test_case = "ring";
  test_fill(&seed, input, sizeof(input));
  builder_init(&b);
  const uint32_t source = builder_tensor_map(&b, TFLM_PATCH_INT8, 3, 4, 2, 0, 0);
  const uint32_t target = builder_tensor_map(&b, TFLM_PATCH_INT8, 7, 6, 2, 0, 1);
  const uint32_t ring = builder_workspace_map(&b, TFLM_PATCH_INT8, 3, 1, 4, 2, 0);
  builder_op(&b, TFLM_PATCH_PAD, &source, 1, ring, 3, &nothing, sizeof(nothing), 0);
  builder_op(&b, TFLM_PATCH_PAD, &ring, 1, target, 7, &params, sizeof(params), 0);
  builder_stream(&b);
  copy_by_definition(&c, 1, input, expected);
  encoded e = builder_encode(&b);
  check_program(&e, inputs, expected);
  encoded_free(&e);
}

/* With positive strides, a row may replace the one that it is cut from. */
static void test_slice_in_place(void) {
  static const uint8_t kCells[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  static const uint8_t kExpected[] = {5, 7, 9, 11};
  const tflm_patch_strided_slice_params params = {0, 1, 1, 1, 1, 2};
  uint8_t values[sizeof(kCells)];
  test_case = "in place";
  memcpy(values, kCells, sizeof(kCells));
  tflm_patch_strided_slice_row(&params, values, 4, 1, values, 2, 2);
  CHECK_BYTES(values, kExpected, sizeof(kExpected));
}

/* ---- rejections ---- */

/* The program of a case of a table, which is a good one. */
static encoded good_program(const copy_case* c) {
  encoded good = copy_program(&b, c, TFLM_PATCH_INT8);
  test_case = c->name;
  CHECK_EQUAL(encoded_validate(&good), TFLM_PATCH_OK);
  return good;
}

static const copy_case* find_case(const char* name) {
  const copy_case* c = kCases;
  while (strcmp(c->name, name) != 0) {
    ++c;
  }
  builder_init(&b);
  return c;
}

static void test_transpose_rejections(void) {
  static const uint16_t kWrong[][3] = {{7, 5, 3}, {5, 3, 7}, {5, 7, 2}, {6, 7, 3}};
  for (size_t i = 0; i < sizeof(kWrong) / sizeof(kWrong[0]); ++i) {
    copy_case c = *find_case("transpose");
    memcpy(c.to, kWrong[i], sizeof(c.to));
    encoded e = copy_program(&b, &c, TFLM_PATCH_INT8);
    test_case = "shapes";
    CHECK_EQUAL(encoded_validate(&e), TFLM_PATCH_BAD_OP);
    encoded_free(&e);
  }
  encoded good = good_program(find_case("transpose"));
  CHECK_REJECTED(&good, void, bad.tensors[1].type = encoded_map(&bad, 1)->type = TFLM_PATCH_UINT8,
                 TFLM_PATCH_BAD_OP);
  encoded_free(&good);
}

static void test_resize_rejections(void) {
  tflm_patch_resize_params resize;
  const copy_case c = resize_case(&resize);
  encoded good = good_program(&c);
#define REJECT(change, status) CHECK_REJECTED(&good, tflm_patch_resize_params, change, status)
  REJECT(params->row_at = 1, TFLM_PATCH_BAD_ALIGNMENT);
  REJECT(params->col_at = 3, TFLM_PATCH_BAD_ALIGNMENT);
  REJECT(params->row_at = 0xFFFFFFFE, TFLM_PATCH_BAD_SIZE);
  REJECT(params->col_at += 2, TFLM_PATCH_BAD_SIZE);
  REJECT(bad.constants[params->row_at + 10] = 3, TFLM_PATCH_BAD_OP);
  REJECT(bad.constants[params->col_at + 12] = 4, TFLM_PATCH_BAD_OP);
  REJECT(bad.constants[params->row_at + 2] = 2, TFLM_PATCH_BAD_OP);
#undef REJECT
  encoded_free(&good);
}

static void test_slice_rejections(void) {
  encoded e = good_program(find_case("every axis"));
  encoded one = good_program(find_case("a value"));
#define REJECT(good, change) \
  CHECK_REJECTED(good, tflm_patch_strided_slice_params, change, TFLM_PATCH_BAD_OP)
  REJECT(&e, params->begin_row = 4);
  REJECT(&e, params->row_stride = 6);
  REJECT(&e, params->row_stride = 0xFFFF);
  REJECT(&e, params->row_stride = 0);
  REJECT(&e, params->begin_col = 6);
  REJECT(&e, params->col_stride = 5);
  REJECT(&e, params->col_stride = -2);
  REJECT(&e, params->col_stride = 0);
  REJECT(&e, params->begin_channel = 5);
  REJECT(&e, params->channel_stride = -5);
  REJECT(&e, params->channel_stride = INT32_MIN);
  REJECT(&e, params->channel_stride = INT32_MAX);
  REJECT(&one, params->row_stride = 0);
  REJECT(&one, params->col_stride = INT32_MAX);
  REJECT(&one, params->channel_stride = INT32_MIN);
  REJECT(&e,
         (encoded_map(&bad, 0)->type = TFLM_PATCH_UINT8, bad.tensors[0].type = TFLM_PATCH_UINT8));
#undef REJECT
  encoded_free(&e);
  encoded_free(&one);
}

static void test_block_rejections(const char* name) {
  encoded good = good_program(find_case(name));
#define REJECT(change) CHECK_REJECTED(&good, tflm_patch_block_params, change, TFLM_PATCH_BAD_OP)
  REJECT(params->block = 0);
  REJECT(params->block = 1);
  REJECT(params->block = 3);
  REJECT(params->block = 0xFFFF);
  REJECT((encoded_map(&bad, 0)->type = TFLM_PATCH_UINT8, bad.tensors[0].type = TFLM_PATCH_UINT8));
  for (uint32_t i = 0; i < 2; ++i) { /* the same bytes in another shape */
    REJECT((encoded_map(&bad, i)->cols /= 2, encoded_map(&bad, i)->channels *= 2));
  }
  REJECT(encoded_op(&bad, 0)->n_inputs = 0);
#undef REJECT
  encoded_free(&good);
}

static void test_pad_rejections(void) {
  builder_init(&b);
  encoded good = good_program(&kPad);
#define REJECT(change) CHECK_REJECTED(&good, tflm_patch_pad_params, change, TFLM_PATCH_BAD_OP)
  REJECT(params->top = 3);
  REJECT(params->top = 0xFFFF);
  REJECT(params->left = 3);
  REJECT(params->front = 3);
  REJECT(params->front = 0xFFFF);
  REJECT(params->value = -129);
  REJECT(params->value = 128);
#undef REJECT
  encoded_free(&good);
}

int main(void) {
  test_table();
  test_resize();
  test_pads();
  test_pad_of_a_ring();
  test_slice_in_place();
  test_transpose_rejections();
  test_resize_rejections();
  test_slice_rejections();
  test_block_rejections("to depth, block 2");
  test_block_rejections("to space, block 2");
  test_pad_rejections();
  return TEST_RESULT();
}
