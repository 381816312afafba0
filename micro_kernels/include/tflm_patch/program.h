/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The stage program: the encoded plan of one stage, read in place from flash.
 *
 * A program is a header followed by five tables (maps, operators, edges,
 * segments, steps) and the parameter records of the operators. Everything is
 * little-endian and every table starts on a multiple of 4 bytes from the start
 * of the program, which itself is 16-byte aligned. Offsets are in bytes from
 * the start of the program, except where a comment says otherwise.
 *
 * tflm_patch/program/records.py mirrors this file; tests/python/planner/test_program.py
 * proves that the two agree.
 */
#ifndef TFLM_PATCH_PROGRAM_H_
#define TFLM_PATCH_PROGRAM_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TFLM_PATCH_MAGIC 0x48435054u /* "TPCH" */
#define TFLM_PATCH_VERSION 2u
#define TFLM_PATCH_ALIGNMENT 16u
#define TFLM_PATCH_TENSOR_ALIGNMENT 4u /* of the tensors' memory */
#define TFLM_PATCH_MAX_TENSORS 16u /* inputs plus outputs of a stage */
#define TFLM_PATCH_MAX_OPS 255u    /* operators of one segment */
#define TFLM_PATCH_PAUSE 255u      /* op of a step that waits for the next band */
#define TFLM_PATCH_CONV_IN_PLACE_CHANNELS 112u /* see CONV_2D */
#define TFLM_PATCH_NONE 0xFFFFFFFFu
#define TFLM_PATCH_CHECKSUM_FROM 16u /* what follows the checksum's field */

/* How the constants are packed. */
enum { TFLM_PATCH_FAMILY_PORTABLE = 0 };

enum {
  TFLM_PATCH_INT8 = 0,
  TFLM_PATCH_UINT8 = 1,
  TFLM_PATCH_FLOAT32 = 2,
  TFLM_PATCH_INT16 = 3,
  TFLM_PATCH_INT32 = 4
};

/* Where a map's rows lie. Regions from TFLM_PATCH_REGION_TENSOR on are the
 * stage's inputs, then its outputs. */
enum {
  TFLM_PATCH_REGION_WORKSPACE = 0,
  TFLM_PATCH_REGION_CONSTANTS = 1,
  TFLM_PATCH_REGION_TENSOR = 2
};

enum {
  TFLM_PATCH_CONV_2D = 1,
  TFLM_PATCH_DEPTHWISE_CONV_2D = 2,
  TFLM_PATCH_FULLY_CONNECTED = 3,
  TFLM_PATCH_AVERAGE_POOL_2D = 4,
  TFLM_PATCH_MAX_POOL_2D = 5,
  TFLM_PATCH_ADD = 6,
  TFLM_PATCH_MUL = 7,
  TFLM_PATCH_MEAN = 8,
  TFLM_PATCH_SOFTMAX = 9,
  TFLM_PATCH_QUANTIZE = 10,   /* float32 to int8 or uint8 */
  TFLM_PATCH_DEQUANTIZE = 11, /* int8 or uint8 to float32 */
  TFLM_PATCH_LOOKUP = 12,     /* 8-bit to 8-bit by a table of 256 */
  TFLM_PATCH_PAD = 13,
  TFLM_PATCH_TRANSPOSE = 14, /* NCHW to NHWC */
  TFLM_PATCH_RESIZE_NEAREST = 15,
  TFLM_PATCH_CONCATENATION = 16, /* along channels */
  TFLM_PATCH_SUB = 17,
  TFLM_PATCH_MAXIMUM = 18,
  TFLM_PATCH_MINIMUM = 19,
  TFLM_PATCH_SPLIT = 20, /* along columns or channels */
  TFLM_PATCH_STRIDED_SLICE = 21,
  TFLM_PATCH_SPACE_TO_DEPTH = 22,
  TFLM_PATCH_DEPTH_TO_SPACE = 23,
  TFLM_PATCH_PRELU = 24,
  TFLM_PATCH_RESIZE_BILINEAR = 26,
  TFLM_PATCH_TRANSPOSE_CONV = 27,
  TFLM_PATCH_BOTTLENECK = 28, /* three convolutions, some columns at a time */
  /* of int16 maps, with the records of the 8-bit kinds */
  TFLM_PATCH_CONV_2D_S16 = 31,
  TFLM_PATCH_DEPTHWISE_CONV_2D_S16 = 32,
  TFLM_PATCH_FULLY_CONNECTED_S16 = 33,
  TFLM_PATCH_AVERAGE_POOL_2D_S16 = 34,
  TFLM_PATCH_MAX_POOL_2D_S16 = 35,
  TFLM_PATCH_ADD_S16 = 36,
  TFLM_PATCH_RESHAPE = 37, /* into other rows, of the same values in all */
  TFLM_PATCH_FEED = 39, /* rows of a frame from its bands */
  TFLM_PATCH_CROP = 40, /* a part of a map, in its memory */
  TFLM_PATCH_JOIN = 41, /* a map whose parts were made one by one, in its memory */
  TFLM_PATCH_KIND_COUNT = 42
};

/* 60 bytes. */
typedef struct {
  uint32_t magic;
  uint16_t version;
  uint16_t family;
  uint32_t program_bytes;   /* of the whole program, a multiple of 4 */
  uint32_t checksum;        /* of all bytes from TFLM_PATCH_CHECKSUM_FROM */
  uint32_t constants_bytes; /* that the constants tensor must hold at least */
  uint32_t workspace_bytes; /* a multiple of 16; 0 when none is needed */
  uint16_t n_inputs;        /* tensors of the stage */
  uint16_t n_outputs;
  uint16_t n_maps;
  uint16_t n_ops;
  uint16_t n_edges;
  uint16_t n_segments;
  uint32_t n_steps;
  uint32_t maps;     /* offsets of the tables */
  uint32_t ops;
  uint32_t edges;    /* uint16_t map indices */
  uint32_t segments;
  uint32_t steps;
} tflm_patch_header;

/* A feature map of rows x cols x channels values, or a ring of its last rows.
 * Row r has slot s = r % ring_rows. It lies at base(region) + offset + s *
 * row_bytes when s < split, else at base(split_region) + split_offset + (s -
 * split) * row_bytes. A ring is read only in the segment that makes it. Every tensor of the stage has one
 * whole, dense map at offset 0: without a producer for an input, with one for an
 * output. Other maps may lie in the tensors' memory, too, and over rows that no
 * later step reads. 32 bytes. */
typedef struct {
  uint32_t offset;
  int32_t row_bytes; /* from a slot to the next, up or down: at least cols *
                        channels * size of the type */
  uint16_t rows;
  uint16_t ring_rows; /* 1..rows; rows when the whole map is kept */
  uint16_t cols;
  uint16_t channels;
  uint8_t region;
  uint8_t type;
  int16_t zero_point;
  uint32_t producer; /* the operator that makes it; TFLM_PATCH_NONE for
                        constants and for tensors that the stage reads */
  uint32_t split_offset;
  uint16_t split; /* 1..ring_rows; ring_rows when the map is in one piece */
  uint8_t split_region;
  uint8_t reserved;
} tflm_patch_map;

/* An operator instance. A step makes one output row, except for the operators
 * that accumulate (see the parameter records): there a step consumes one input
 * row, and the last step makes the only output row. 28 bytes. */
typedef struct {
  uint8_t kind;
  uint8_t n_inputs;
  uint8_t n_outputs;
  uint8_t scratch_region; /* not the constants */
  uint16_t first_edge; /* input maps, then output maps, in the edge table */
  uint16_t steps;
  uint32_t params;        /* offset of the parameter record, 4-byte aligned */
  uint32_t scratch;       /* offset of private memory, 16-byte aligned, or NONE */
  uint32_t scratch_bytes; /* kept from the first step to the last; CONV_2D and
                             DEPTHWISE_CONV_2D are faster with some */
  uint32_t reserved2;
  uint32_t reserved3;
} tflm_patch_op;

/* Operators [first_op, first_op + n_ops) run by steps [first_step, ...). 12 bytes. */
typedef struct {
  uint16_t first_op;
  uint16_t n_ops;
  uint32_t first_step;
  uint32_t n_steps;
} tflm_patch_segment;

/* Run operator first_op + op of the segment for rows [row, row + count), one
 * after the other. op TFLM_PATCH_PAUSE: the bands of the input (see FEED) are
 * used up; row and count are 0. 4 bytes. */
typedef struct {
  uint8_t op;
  uint8_t count;
  uint16_t row;
} tflm_patch_step;

/* ---- parameter records; offsets named *_at are in bytes from the start of
 * the constants; int32 arrays there are 4-byte aligned ---- */

/* A sliding window over rows and columns. 16 bytes. Output row r reads input
 * rows r * stride_h - pad_top + i * dilation_h for 0 <= i < kernel_h; rows and
 * columns outside the map count as its zero point (pools leave them out). The
 * schedule counts all rows between the first and the last of them, clamped to
 * the map, as read. pad_top and pad_left are not negative. */
typedef struct {
  uint8_t kernel_h;
  uint8_t kernel_w;
  uint8_t stride_h;
  uint8_t stride_w;
  uint8_t dilation_h;
  uint8_t dilation_w;
  uint16_t reserved;
  int16_t pad_top;
  int16_t pad_left;
  uint32_t reserved2;
} tflm_patch_window;

/* Requantization of an accumulator. 20 bytes.
 * Exactly TFLM's MultiplyByQuantizedMultiplier, then + output_zero_point, then
 * the clamp. wide 0: of an int32 (two roundings). wide 1, for int16 maps alone:
 * of an int64 (a multiplier of 15 bits, one rounding); shifts are at most 7. */
typedef struct {
  uint32_t multiplier_at; /* int32[n], n = output channels when per_channel else 1 */
  uint32_t shift_at;      /* int8[n]; positive is left */
  int32_t output_zero_point;
  int16_t act_min;
  int16_t act_max;
  uint8_t per_channel;
  uint8_t bounded; /* 1: every accumulator is between -2^30 and 2^30 for any
                      input, which lets a kernel take a shorter way to the same
                      bytes */
  uint8_t wide;
  uint8_t reserved;
} tflm_patch_requant;

/* The kinds of int16 maps with weights: zero points are 0, and the bias is
 * tflm_patch_int64[out_channels]. Sums have 64 bits; unless `wide`, they are
 * taken modulo 2^32. */

#define TFLM_PATCH_MAX_WIDE_SHIFT 7

/* An int64 at a multiple of 4 bytes. */
typedef struct {
  uint32_t low;
  uint32_t high;
} tflm_patch_int64;

/* CONV_2D. Weights int8[out_channels][kernel_h][kernel_w][in_channels / groups].
 * bias int32[out_channels] already holds -input_zero_point * sum(weights).
 * An output row that begins where the input row of the same number does lies
 * over it: the kernel is 1 x 1 with stride 1 and without padding, and there are
 * at most TFLM_PATCH_CONV_IN_PLACE_CHANNELS input channels and no more output
 * channels. */
typedef struct {
  tflm_patch_window window;
  tflm_patch_requant requant;
  uint32_t weights_at;
  uint32_t bias_at;
  uint16_t groups;
  uint16_t reserved;
} tflm_patch_conv_params;

/* DEPTHWISE_CONV_2D. Weights int8[kernel_h][kernel_w][out_channels], output
 * channel = input channel * depth_multiplier + m; bias folded as above. */
typedef struct {
  tflm_patch_window window;
  tflm_patch_requant requant;
  uint32_t weights_at;
  uint32_t bias_at;
  uint16_t depth_multiplier;
  uint16_t reserved;
} tflm_patch_depthwise_params;

/* BOTTLENECK: a CONV_2D, a DEPTHWISE_CONV_2D and a 1 x 1 CONV_2D. The map
 * between the first two, the wide one, does not exist: for an output row, its
 * cells are made for tile_cols output columns at a time. A row of it that the
 * next output row reads, too, is kept in its first held_cols columns; behind
 * them it is made again. The scratch holds, of the wide map's cells,
 * reach_h * ((tile_cols - 1) * stride_w + reach_w) and (reach_h - stride_h) *
 * held_cols, and tile_cols cells of the depthwise convolution's output, where
 * reach = (kernel - 1) * dilation + 1. */
typedef struct {
  tflm_patch_conv_params expand;
  tflm_patch_depthwise_params depthwise;
  tflm_patch_conv_params project;
  uint16_t wide_rows;
  uint16_t wide_cols;
  uint16_t wide_channels;
  int16_t wide_zero_point;
  uint16_t tile_cols; /* of the output, at least 1 */
  uint16_t held_cols; /* of the wide map */
} tflm_patch_bottleneck_params;

/* TRANSPOSE_CONV. Tap i of an input row reaches output row input row * stride_h -
 * pad_top + i; columns alike; dilation is 1. Weights
 * int8[kernel_h][kernel_w][out_channels][in_channels]. offsets
 * int32[kernel_h][kernel_w][out_channels] is what a tap adds to the sum:
 * -input_zero_point * sum(its weights). */
typedef struct {
  tflm_patch_window window;
  tflm_patch_requant requant;
  uint32_t weights_at;
  uint32_t bias_at; /* int32[out_channels], not folded */
  uint32_t offsets_at;
} tflm_patch_transpose_conv_params;

/* FULLY_CONNECTED. flatten 0: every input row is a vector of cols * channels
 * and gives an output row (steps = rows). flatten 1: the whole input map is one
 * vector; a step consumes one input row into int32[out] accumulators in the
 * scratch, for int16 maps tflm_patch_int64[out] (none are needed when the map has
 * a single row).
 * Weights int8[out][in]; bias folded as above. */
typedef struct {
  tflm_patch_requant requant;
  uint32_t weights_at;
  uint32_t bias_at;
  uint8_t flatten;
  uint8_t reserved[3];
} tflm_patch_fully_connected_params;

/* AVERAGE_POOL_2D, MAX_POOL_2D; dilation 1. Cells outside the map are left out,
 * of the average's count, too; every window of an average has a cell inside.
 * accumulate 1 (average only, one output row): a step consumes input row
 * first_row + step into int32[out_cols * channels] accumulators in the scratch;
 * first_row is 0 and there are min(rows, kernel_h - pad_top) steps. */
typedef struct {
  tflm_patch_window window;
  int16_t act_min;
  int16_t act_max;
  uint8_t accumulate;
  uint8_t reserved;
  uint16_t first_row;
} tflm_patch_pool_params;

/* ADD (TFLM's Add, left_shift 20, for int16 maps 15): both inputs are scaled to a
 * common scale. An input of 1 row, column or channel is broadcast. */
typedef struct {
  int32_t input_multiplier[2];
  int32_t output_multiplier;
  int8_t input_shift[2];
  int8_t output_shift;
  int8_t left_shift;
  int32_t output_zero_point;
  int16_t act_min;
  int16_t act_max;
} tflm_patch_add_params;

/* SUB, with the record of ADD: the second input's term is taken from the
 * first's. */

/* MUL, broadcast like ADD. The multiplier and shift are those of
 * input_scale[0] * input_scale[1] / output_scale. */
typedef struct {
  int32_t output_multiplier;
  int32_t output_shift;
  int32_t output_zero_point;
  int16_t act_min;
  int16_t act_max;
} tflm_patch_mul_params;

/* MAXIMUM and MINIMUM of the quantized values, broadcast like ADD. No
 * parameters. */

/* PRELU. The first input's values from its zero point on are scaled by
 * multiplier[0]; those below it are multiplied by the second input, broadcast
 * like ADD, and scaled by multiplier[1]. */
typedef struct {
  int32_t multiplier[2];
  int8_t shift[2];
  int16_t output_zero_point;
} tflm_patch_prelu_params;

/* MEAN over columns (over_rows 0: a row operator) or over rows, with or
 * without columns (over_rows 1: a step consumes one input row into int32
 * accumulators, [channels] or [cols * channels], in the scratch).
 * The arithmetic is that of TFLM's int8 MEAN: with n the number of values in a
 * mean (at most 2^23) and
 *   (m, s) = QuantizeMultiplier((double)input_scale / (double)output_scale)
 *   k = min(floor(log2(n)), 32, 31 + s)
 * the record holds multiplier = (m << k) / n, rounded down, and shift = s - k. */
typedef struct {
  int32_t multiplier;
  int32_t shift;
  int32_t output_zero_point;
  uint8_t over_rows;
  uint8_t over_cols;
  uint8_t variant; /* 0, the formula above */
  uint8_t reserved;
} tflm_patch_mean_params;

/* SOFTMAX over channels, int8 to int8 (output scale 1/256, zero point -128).
 * exp_table_at: int32[256], TFLM's fixed-point exp of -i * beta * scale. */
typedef struct {
  uint32_t exp_table_at;
  int32_t diff_min; /* smaller differences count as zero */
} tflm_patch_softmax_params;

/* QUANTIZE, DEQUANTIZE between float32 and 8 bits, or int16 with zero point 0. */
typedef struct {
  float scale;
  int32_t zero_point;
} tflm_patch_quantize_params;

/* LOOKUP. uint8[256], indexed by the value's bits. */
typedef struct {
  uint32_t table_at;
} tflm_patch_lookup_params;

/* PAD in rows, columns and channels. */
typedef struct {
  uint16_t top;
  uint16_t left;
  uint16_t front; /* channels before */
  int16_t value;
} tflm_patch_pad_params;

/* TRANSPOSE NCHW to NHWC: the input map's rows are the C planes, its cols H,
 * its channels W; every step reads all input rows. No parameters. */

/* RESIZE_NEAREST_NEIGHBOR. row_at uint16[out rows], col_at uint16[out cols]:
 * the input row and column each output row and column copies. */
typedef struct {
  uint32_t row_at;
  uint32_t col_at;
} tflm_patch_resize_params;

/* A position between two neighbours: index + weight / 1024, with weight below
 * 1024. With weight 0 only the value at index is read. 4 bytes. */
#define TFLM_PATCH_BETWEEN_BITS 10
typedef struct {
  uint16_t index;
  uint16_t weight;
} tflm_patch_between;

/* RESIZE_BILINEAR, int8. The same record, with positions instead of indices:
 * row_at tflm_patch_between[out rows], col_at tflm_patch_between[out cols]. */

/* CONCATENATION along channels: inputs of equal scale are copied side by side.
 * No parameters. */

/* SPLIT along channels, or along columns when the first output has not all of
 * them: the outputs lie side by side in the input. No parameters. */

/* STRIDED_SLICE, with SLICE and SPLIT along rows. Output row r is cut from input
 * row begin_row + r * row_stride; its cell c is input cell begin_col + c *
 * col_stride, likewise for channels. Strides are not 0, and 1 where the output
 * has size 1; those of columns and channels may be negative. */
typedef struct {
  uint16_t begin_row;
  uint16_t begin_col;
  uint16_t begin_channel;
  uint16_t row_stride;
  int32_t col_stride;
  int32_t channel_stride;
} tflm_patch_strided_slice_params;

/* SPACE_TO_DEPTH, DEPTH_TO_SPACE: block x block cells of the one map, row by
 * row, are the channels of a cell of the other. */
typedef struct {
  uint16_t block;
  uint16_t reserved;
} tflm_patch_block_params;

/* FEED. The input is a tensor of the stage, a band of B rows; the output is the
 * frame, whose rows are a multiple of B. Step t copies band row t % B; it must
 * come after exactly t / B pauses. A program has at most one, and pauses only
 * with one. No parameters. */

/* CROP. The output lies in the input's memory: its row t is row top + t of the
 * input, from some column on. Nothing is copied. */
typedef struct {
  uint16_t top;
  uint16_t reserved;
} tflm_patch_crop_params;

/* JOIN. The inputs lie in the output's memory and make it up together; it is
 * there when all of them are whole. Nothing is copied. No parameters. */

/* Checksum of n bytes (Fletcher-32 over bytes, cheap on a Cortex-M0):
 * a and b start at 1 and 0; per byte a += byte, b += a, both modulo 2^16;
 * the result is b << 16 | a. */
uint32_t tflm_patch_checksum(const uint8_t* bytes, uint32_t n);

#ifdef __cplusplus
}
#endif

#endif /* TFLM_PATCH_PROGRAM_H_ */
