/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Row kernels: the arithmetic of the operators on rows in memory, without the
 * executor. The executor's kernels and ahead-of-time compiled models call them;
 * a Cortex-M build may put other implementations in their place.
 *
 * All values are quantized as the parameter records of program.h say. Pointers
 * must not overlap unless a comment allows it. Nothing is checked here: the
 * validator, or the planner, has done so.
 */
#ifndef TFLM_PATCH_KERNELS_H_
#define TFLM_PATCH_KERNELS_H_

#include <stdint.h>

#include "tflm_patch/program.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A feature map to read, of int8 but for the s16 kernels: row r has slot s = r %
 * ring_rows, which lies at base + s * row_bytes when s < split, else at
 * split_base + (s - split) * row_bytes. ring_rows is rows when the whole map is
 * there, split is ring_rows when it is in one piece. */
typedef struct {
  const int8_t* base;
  int32_t row_bytes; /* negative when the slots go down in memory */
  uint32_t ring_rows;
  uint32_t rows;
  uint32_t cols;
  uint32_t channels;
  const int8_t* split_base;
  uint32_t split;
} tflm_patch_rows;

/* The row in a slot of a map. */
static inline const int8_t* tflm_patch_slot_row(const tflm_patch_rows* map, uint32_t slot) {
  return slot < map->split ? map->base + (int32_t)slot * map->row_bytes
                           : map->split_base + (int32_t)(slot - map->split) * map->row_bytes;
}

/* tflm_patch_requant with its arrays at hand; element c * channel_step belongs
 * to output channel c. */
typedef struct {
  const int32_t* multipliers;
  const int8_t* shifts;
  uint32_t channel_step; /* 1 per channel, 0 when all share element 0 */
  int32_t output_zero_point;
  int32_t act_min;
  int32_t act_max;
  uint32_t bounded; /* as in tflm_patch_requant */
  uint32_t wide;    /* for int16 outputs; see tflm_patch_requant */
} tflm_patch_requant_args;

/* ---- convolutions of all kinds ---- */

typedef struct {
  tflm_patch_window window;
  tflm_patch_requant_args requant;
  const int8_t* weights;    /* as in the kind's parameter record */
  const int32_t* bias;      /* of int16 maps: the words of tflm_patch_int64s */
  int32_t input_zero_point; /* 0 for int16 maps, and for TRANSPOSE_CONV any */
  union {
    uint32_t groups;           /* divides the input's and the output's channels */
    uint32_t depth_multiplier; /* output channels of an input channel */
  };
  uint32_t output_cols;
  uint32_t output_channels;
  /* For int8 CONV_2D and DEPTHWISE_CONV_2D. */
  void* scratch;          /* memory to use instead of the stack, or NULL */
  uint32_t scratch_bytes; /* aligned to 4; any number will do */
} tflm_patch_conv_args;

typedef tflm_patch_conv_args tflm_patch_depthwise_conv_args;

/* ---- conv.c ---- */

/* Output row `row`, [output_cols][output_channels]. */
void tflm_patch_conv_s8(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                        uint32_t row, int8_t* output);

/* Output rows [row, row + count), one after the other, or at once where they and
 * what they are made of lie apart. `output` is the map that is written. */
void tflm_patch_conv_rows_s8(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                             const tflm_patch_rows* output, uint32_t row, uint32_t count);

/* ---- depthwise_conv.c ---- */

/* Output row `row`, [output_cols][input channels * depth_multiplier]. */
void tflm_patch_depthwise_conv_s8(const tflm_patch_depthwise_conv_args* args,
                                  const tflm_patch_rows* input, uint32_t row, int8_t* output);

/* Output rows [row, row + count), one after the other, or several at once where that gives
 * the same. `output` is the map that is written; it may lie over input rows that no later row
 * is made of. */
void tflm_patch_depthwise_conv_rows_s8(const tflm_patch_depthwise_conv_args* args,
                                       const tflm_patch_rows* input, const tflm_patch_rows* output,
                                       uint32_t row, uint32_t count);

/* ---- bottleneck.c ---- */

/* output_cols of `expand` and `depthwise` are those of the wide map and of the
 * output; the convolutions have no scratch of their own. */
typedef struct {
  tflm_patch_conv_args expand;
  tflm_patch_depthwise_conv_args depthwise;
  tflm_patch_conv_args project;
  uint32_t wide_rows;
  uint32_t tile_cols; /* as in tflm_patch_bottleneck_params */
  uint32_t held_cols;
  int8_t* scratch; /* keeps what the next row reads; of the size given there */
} tflm_patch_bottleneck_args;

/* Output row `row`, [output_cols][project.output_channels]; rows are made in
 * order, from the first on. */
void tflm_patch_bottleneck_s8(const tflm_patch_bottleneck_args* args, const tflm_patch_rows* input,
                              uint32_t row, int8_t* output);

/* ---- conv_s16.c ---- */

/* Output row `row`, [output_cols][output_channels], of an int16 map. */
void tflm_patch_conv_s16(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                         uint32_t row, int16_t* output);

/* ---- depthwise_conv_s16.c ---- */

/* Output row `row`, [output_cols][input channels * depth_multiplier], of an
 * int16 map. output may be the input row that the window reads first when it
 * begins at least max(0, pad_left - stride_w + 1) columns before it. */
void tflm_patch_depthwise_conv_s16(const tflm_patch_depthwise_conv_args* args,
                                   const tflm_patch_rows* input, uint32_t row, int16_t* output);

/* ---- transpose_conv.c ---- */

/* Output row `row`, [output_cols][output_channels]. offsets as in
 * tflm_patch_transpose_conv_params. */
void tflm_patch_transpose_conv_s8(const tflm_patch_conv_args* args, const int32_t* offsets,
                                  const tflm_patch_rows* input, uint32_t row, int8_t* output);

/* ---- fully_connected.c ---- */

typedef struct {
  tflm_patch_requant_args requant;
  const int8_t* weights; /* [outputs][inputs] */
  const int32_t* bias;   /* of int16 maps: the words of tflm_patch_int64s */
  uint32_t inputs;
  uint32_t outputs;
} tflm_patch_fully_connected_args;

/* A vector of `inputs` values to one of `outputs`. */
void tflm_patch_fully_connected_s8(const tflm_patch_fully_connected_args* args, const int8_t* input,
                                   int8_t* output);

/* The same with an input in parts: sums[outputs] start as a copy of the bias;
 * each part, input values [first, first + n), is added to them; finish makes
 * the outputs. */
void tflm_patch_fully_connected_accumulate_s8(const tflm_patch_fully_connected_args* args,
                                              const int8_t* input, uint32_t first, uint32_t n,
                                              int32_t* sums);
void tflm_patch_fully_connected_finish_s8(const tflm_patch_fully_connected_args* args,
                                          const int32_t* sums, int8_t* output);

/* ---- fully_connected_s16.c ---- */

/* As those of fully_connected.c, of int16 values. */
void tflm_patch_fully_connected_s16(const tflm_patch_fully_connected_args* args,
                                    const int16_t* input, int16_t* output);
void tflm_patch_fully_connected_accumulate_s16(const tflm_patch_fully_connected_args* args,
                                               const int16_t* input, uint32_t first, uint32_t n,
                                               tflm_patch_int64* sums);
void tflm_patch_fully_connected_finish_s16(const tflm_patch_fully_connected_args* args,
                                           const tflm_patch_int64* sums, int16_t* output);

/* ---- pool.c ---- */

/* Output row `row`, [output_cols][channels], of a pool of some kind,
 * TFLM_PATCH_AVERAGE_POOL_2D for instance, that does not accumulate. */
void tflm_patch_pool(uint32_t kind, const tflm_patch_pool_params* params,
                     const tflm_patch_rows* input, uint32_t row, void* output,
                     uint32_t output_cols);

/* Adds an input row [cols][channels] of values of 1 or 2 bytes to
 * sums[output_cols][channels]. */
void tflm_patch_average_pool_accumulate(const tflm_patch_pool_params* params, const void* input,
                                        uint32_t cols, uint32_t channels, int32_t* sums,
                                        uint32_t output_cols, uint32_t value_bytes);

/* The output row of sums over `rows` input rows. */
void tflm_patch_average_pool_finish(const tflm_patch_pool_params* params, const int32_t* sums,
                                    uint32_t rows, uint32_t cols, uint32_t channels, void* output,
                                    uint32_t output_cols, uint32_t value_bytes);

/* The same of int8 maps alone; for families with loops of their own, which the
 * functions above call. */
void tflm_patch_average_pool_s8(const tflm_patch_pool_params* params, const tflm_patch_rows* input,
                                uint32_t row, int8_t* output, uint32_t output_cols);
void tflm_patch_max_pool_s8(const tflm_patch_pool_params* params, const tflm_patch_rows* input,
                            uint32_t row, int8_t* output, uint32_t output_cols);
void tflm_patch_average_pool_accumulate_s8(const tflm_patch_pool_params* params,
                                           const int8_t* input, uint32_t cols, uint32_t channels,
                                           int32_t* sums, uint32_t output_cols);
void tflm_patch_average_pool_finish_s8(const tflm_patch_pool_params* params, const int32_t* sums,
                                       uint32_t rows, uint32_t cols, uint32_t channels,
                                       int8_t* output, uint32_t output_cols);

/* ---- add.c ---- */

/* output[i] = a[i * a_step] + b[i * b_step], steps 1, or 0 to broadcast one
 * value. output may be a or b. */
void tflm_patch_add_s8(const tflm_patch_add_params* params, int32_t a_zero_point,
                       int32_t b_zero_point, const int8_t* a, uint32_t a_step, const int8_t* b,
                       uint32_t b_step, int8_t* output, uint32_t n);

/* ---- add_s16.c ---- */

/* As that of add.c, of int16 values. */
void tflm_patch_add_s16(const tflm_patch_add_params* params, const int16_t* a, uint32_t a_step,
                        const int16_t* b, uint32_t b_step, int16_t* output, uint32_t n);

/* ---- sub.c ---- */

/* output[i] = a[i * a_step] - b[i * b_step]; see tflm_patch_add_s8. */
void tflm_patch_sub_s8(const tflm_patch_add_params* params, int32_t a_zero_point,
                       int32_t b_zero_point, const int8_t* a, uint32_t a_step, const int8_t* b,
                       uint32_t b_step, int8_t* output, uint32_t n);

/* ---- squared_difference.c ---- */

void tflm_patch_squared_difference_s8(const tflm_patch_add_params* params, int32_t a_zero_point,
                                      int32_t b_zero_point, const int8_t* a, uint32_t a_step,
                                      const int8_t* b, uint32_t b_step, int8_t* output, uint32_t n);

void tflm_patch_squared_difference_s16(const tflm_patch_add_params* params, const int16_t* a,
                                       uint32_t a_step, const int16_t* b, uint32_t b_step,
                                       int16_t* output, uint32_t n);

/* ---- add_n.c ---- */

/* output[i] = the sum of inputs[k][i], of `count` maps, and of a zero more, as in TFLM. */
void tflm_patch_add_n_s8(const tflm_patch_mul_params* params, int32_t input_zero_point,
                         const int8_t* const* inputs, uint32_t count, int8_t* output, uint32_t n);

/* ---- batch_matmul.c ---- */

typedef struct {
  const int8_t* a; /* vectors x depth */
  /* The matrix: row b_row holds it, depth x outputs, or outputs x depth where it is transposed;
   * with params->whole the rows of the map are those of the matrix, or of one a vector. */
  const tflm_patch_rows* b;
  uint32_t b_row;
  int32_t a_zero_point;
  int32_t b_zero_point;
  uint32_t vectors;
  uint32_t depth;
  uint32_t outputs;
} tflm_patch_batch_matmul_args;

/* output: vectors x outputs. */
void tflm_patch_batch_matmul_s8(const tflm_patch_batch_matmul_params* params,
                                const tflm_patch_batch_matmul_args* args, int8_t* output);

/* ---- mul.c ---- */

/* output[i] = a[i * a_step] * b[i * b_step]; see tflm_patch_add_s8. */
void tflm_patch_mul_s8(const tflm_patch_mul_params* params, int32_t a_zero_point,
                       int32_t b_zero_point, const int8_t* a, uint32_t a_step, const int8_t* b,
                       uint32_t b_step, int8_t* output, uint32_t n);

/* ---- maximum_minimum.c ---- */

/* output[i] = the larger or smaller of a[i * a_step] and b[i * b_step]; see
 * tflm_patch_add_s8. */
void tflm_patch_maximum_s8(const int8_t* a, uint32_t a_step, const int8_t* b, uint32_t b_step,
                           int8_t* output, uint32_t n);
void tflm_patch_minimum_s8(const int8_t* a, uint32_t a_step, const int8_t* b, uint32_t b_step,
                           int8_t* output, uint32_t n);

/* ---- prelu.c ---- */

/* output[i] = a[i * a_step], times b[i * b_step] where that is negative; see
 * tflm_patch_add_s8. */
void tflm_patch_prelu_s8(const tflm_patch_prelu_params* params, int32_t a_zero_point,
                         int32_t b_zero_point, const int8_t* a, uint32_t a_step, const int8_t* b,
                         uint32_t b_step, int8_t* output, uint32_t n);

/* ---- mean.c ---- */

/* The mean over the columns of an input row [cols][channels]: [channels]. */
void tflm_patch_mean_cols_s8(const tflm_patch_mean_params* params, int32_t input_zero_point,
                             const int8_t* input, uint32_t cols, uint32_t channels, int8_t* output);

/* Adds an input row [cols][channels] to sums[channels] when the columns are
 * reduced, too, else to sums[cols][channels]. */
void tflm_patch_mean_accumulate_s8(const tflm_patch_mean_params* params, const int8_t* input,
                                   uint32_t cols, uint32_t channels, int32_t* sums);

/* n outputs from n sums of `count` values each. */
void tflm_patch_mean_finish_s8(const tflm_patch_mean_params* params, int32_t input_zero_point,
                               const int32_t* sums, uint32_t count, int8_t* output, uint32_t n);

/* ---- reduce.c ---- */

/* Takes an input row [cols][channels] into results, of which there are as many as an output
 * row has: the larger, or the smaller, of each value and its result. */
void tflm_patch_reduce_max_s8(const tflm_patch_reduce_params* params, const int8_t* input,
                              uint32_t cols, uint32_t channels, int8_t* results);
void tflm_patch_reduce_min_s8(const tflm_patch_reduce_params* params, const int8_t* input,
                              uint32_t cols, uint32_t channels, int8_t* results);

/* ---- arg_max.c ---- */

/* Of each cell of an input row the first channel with the largest value (sign 1) or the least
 * (sign -1): [cols]. */
void tflm_patch_arg_max_s8(const int8_t* input, uint32_t cols, uint32_t channels, int sign,
                           int32_t* output);

/* ---- l2_normalization.c ---- */

/* Each cell of an input row over its length, in steps of 1/128. */
void tflm_patch_l2_normalization_s8(int32_t input_zero_point, const int8_t* input, uint32_t cols,
                                    uint32_t channels, int8_t* output);

/* ---- cast.c ---- */

/* n values of type `from`, an integer, to type `to`, an integer or float32 (tflm_patch_type). */
void tflm_patch_cast_row(const void* input, uint32_t from, void* output, uint32_t to, uint32_t n);

/* ---- softmax.c ---- */

/* A row of n values. exp_table and diff_min as in tflm_patch_softmax_params. */
void tflm_patch_softmax_s8(const int32_t* exp_table, int32_t diff_min, const int8_t* input,
                           int8_t* output, uint32_t n);
void tflm_patch_softmax_s8_s16(const int32_t* exp_table, int32_t diff_min, const int8_t* input,
                               int16_t* output, uint32_t n);

/* ---- log_softmax.c ---- */

/* A row of n values; the table as in the parameters. */
void tflm_patch_log_softmax_s8(const tflm_patch_log_softmax_params* params,
                               const int32_t* exp_table, const int8_t* input, int8_t* output,
                               uint32_t n);

/* ---- cumsum.c ---- */

/* Adds n positions of `width` values, each at `step` values behind the one before, to the sums, and
 * writes the sums of each position (without it where params->exclusive). */
void tflm_patch_cumsum_s8(const tflm_patch_cumsum_params* params, int32_t input_zero_point,
                          const int8_t* input, int8_t* output, uint32_t n, uint32_t width,
                          int32_t step, int32_t* sums);

/* Begins width sums. */
void tflm_patch_cumsum_begin_s8(int32_t input_zero_point, int32_t* sums, uint32_t width);

/* ---- int16 maps: mul_s16.c, sub_s16.c, maximum_minimum_s16.c ---- */

/* As their int8 kernels; zero points are 0. */
void tflm_patch_mul_s16(const tflm_patch_mul_params* params, const int16_t* a, uint32_t a_step,
                        const int16_t* b, uint32_t b_step, int16_t* output, uint32_t n);
void tflm_patch_sub_s16(const tflm_patch_add_params* params, const int16_t* a, uint32_t a_step,
                        const int16_t* b, uint32_t b_step, int16_t* output, uint32_t n);
void tflm_patch_maximum_s16(const int16_t* a, uint32_t a_step, const int16_t* b, uint32_t b_step,
                            int16_t* output, uint32_t n);
void tflm_patch_minimum_s16(const int16_t* a, uint32_t a_step, const int16_t* b, uint32_t b_step,
                            int16_t* output, uint32_t n);

/* ---- sigmoid_s16.c ---- */

/* n values; table as in tflm_patch_sigmoid_params. output may be input. */
void tflm_patch_logistic_s16(const tflm_patch_sigmoid_params* params, const uint16_t* table,
                             const int16_t* input, int16_t* output, uint32_t n);
void tflm_patch_tanh_s16(const tflm_patch_sigmoid_params* params, const uint16_t* table,
                         const int16_t* input, int16_t* output, uint32_t n);

/* ---- rescale_s16.c ---- */

/* n values. output may be input. */
void tflm_patch_rescale_s16(const tflm_patch_rescale_params* params, const int16_t* input,
                            int16_t* output, uint32_t n);

/* ---- softmax_s16.c ---- */

/* A row of n values; tables as in tflm_patch_softmax_s16_params. */
void tflm_patch_softmax_s16(const tflm_patch_softmax_s16_params* params, const int16_t* exp_table,
                            const int16_t* reciprocal_table, const int16_t* input, int16_t* output,
                            uint32_t n);

/* ---- mean_s16.c ---- */

/* As those of mean.c, of int16 values of zero point 0. */
void tflm_patch_mean_cols_s16(const tflm_patch_mean_params* params, const int16_t* input,
                              uint32_t cols, uint32_t channels, int16_t* output);
void tflm_patch_mean_accumulate_s16(const tflm_patch_mean_params* params, const int16_t* input,
                                    uint32_t cols, uint32_t channels, int32_t* sums);
void tflm_patch_mean_finish_s16(const tflm_patch_mean_params* params, const int32_t* sums,
                                int16_t* output, uint32_t n);

/* ---- transpose_conv_s16.c ---- */

/* Output row `row`, [output_cols][output_channels], of an int16 map. */
void tflm_patch_transpose_conv_s16(const tflm_patch_conv_args* args, const tflm_patch_rows* input,
                                   uint32_t row, int16_t* output);

/* ---- quantize.c ---- */

/* n values of TFLM_PATCH_INT8, TFLM_PATCH_UINT8 or TFLM_PATCH_INT16. */
void tflm_patch_quantize(const tflm_patch_quantize_params* params, const float* input, void* output,
                         uint8_t type, uint32_t n);
void tflm_patch_dequantize(const tflm_patch_quantize_params* params, const void* input,
                           uint8_t type, float* output, uint32_t n);

/* ---- requantize_maps.c ---- */

/* n values of TFLM_PATCH_INT8, TFLM_PATCH_INT16 or TFLM_PATCH_INT32, both types. */
void tflm_patch_requantize_row(const tflm_patch_requantize_params* params, const void* input,
                               uint32_t from, void* output, uint32_t to, uint32_t n);

/* ---- lookup.c ---- */

/* output[i] = table[input[i]], int8 or uint8 by their bits; output may be
 * input. */
void tflm_patch_lookup_x8(const uint8_t* table, const uint8_t* input, uint8_t* output, uint32_t n);

/* ---- pad.c ---- */

/* An output row [output_cols][output_channels] of values of 1 or 2 bytes from an
 * input row [cols][channels], or from NULL for a row of padding only. */
void tflm_patch_pad(const tflm_patch_pad_params* params, const void* input, uint32_t cols,
                    uint32_t channels, void* output, uint32_t output_cols, uint32_t output_channels,
                    uint32_t value_bytes);

/* ---- resize_nearest.c ---- */

/* n cells of cell_bytes: output cell i is input cell index[i]. */
void tflm_patch_resize_nearest_row(const uint16_t* index, const uint8_t* input, uint32_t cell_bytes,
                                   uint8_t* output, uint32_t n);

/* ---- copy_cells.c ---- */

/* n cells of cell_bytes: cell i goes from input + i * input_step to output + i *
 * output_step, one after the other. What CONCATENATION, SPLIT, STRIDED_SLICE,
 * TRANSPOSE, PERMUTE, SPACE_TO_DEPTH and DEPTH_TO_SPACE do to a row. output may be in the input
 * where no cell is written over one that is copied later. */
void tflm_patch_copy_cells(const uint8_t* input, int32_t input_step, uint8_t* output,
                           int32_t output_step, uint32_t cell_bytes, uint32_t n);

/* ---- gather.c ---- */

/* An output row from an input row: column i is the input's cols[i], of it channel k the input's
 * channels[k]; NULL for those of the same number. */
void tflm_patch_gather_row(const uint16_t* cols, const uint16_t* channels, const uint8_t* input,
                           uint32_t input_channels, uint32_t value_bytes, uint8_t* output,
                           uint32_t output_cols, uint32_t output_channels);

/* ---- neighbours.c ---- */

/* The arrays of tflm_patch_neighbours_params. */
typedef struct {
  tflm_patch_requant_args requant; /* of the output's rows */
  const int32_t* bias;
  const uint32_t* starts;
  const uint16_t* nodes;
  const int8_t* weights;
  int32_t weights_zero_point;
} tflm_patch_neighbours_args;

/* Row `row` of the output, of the input's cols x channels values. */
void tflm_patch_neighbours_s8(const tflm_patch_neighbours_args* args, const tflm_patch_rows* input,
                              uint32_t row, int8_t* output);

/* ---- node_order.c ---- */

/* What is at a place goes to another one, a row comes there instead. `to` may be the place, or
 * the row; rows do not overlap otherwise. */
void tflm_patch_displace_row(uint8_t* place, const uint8_t* row, uint8_t* to, uint32_t bytes);

/* ---- lstm.c ---- */

/* The arrays of tflm_patch_lstm_params. */
typedef struct {
  const int8_t* input_weights;
  const int8_t* recurrent_weights;
  const int32_t* input_bias;
  const int32_t* recurrent_bias;
  const uint16_t* table;
  uint32_t inputs;
  uint32_t units;
} tflm_patch_lstm_args;

/* A step: an output row of an input row and the states, which are brought up to date. output is
 * not hidden. */
void tflm_patch_lstm_s8(const tflm_patch_lstm_params* params, const tflm_patch_lstm_args* args,
                        const int8_t* input, int8_t* hidden, int16_t* cell, int8_t* output);

/* ---- svdf.c ---- */

/* The arrays of tflm_patch_svdf_params. */
typedef struct {
  const int8_t* weights;
  const int32_t* feature_bias;
  const void* time_weights; /* of the state's type */
  const int32_t* bias;
  uint32_t inputs;
  uint32_t units;
  int32_t state_zero_point;
  uint32_t is_int16; /* the state; else it is int8 */
} tflm_patch_svdf_args;

/* A step: an output row of an input row and the state, which is brought up to date:
 * [units * rank][memory], the oldest first. */
void tflm_patch_svdf_s8(const tflm_patch_svdf_params* params, const tflm_patch_svdf_args* args,
                        const int8_t* input, void* state, int8_t* output);

/* ---- strided_slice.c ---- */

/* An output row [output_cols][output_channels] of values of value_bytes from an
 * input row whose cells have `channels` values. output may be input when both
 * strides are positive. */
void tflm_patch_strided_slice_row(const tflm_patch_strided_slice_params* params,
                                  const uint8_t* input, uint32_t channels, uint32_t value_bytes,
                                  uint8_t* output, uint32_t output_cols, uint32_t output_channels);

/* ---- resize_bilinear.c ---- */

/* An output row of n columns from the two input rows that it lies between (twice
 * the same one when below_weight is 0). */
void tflm_patch_resize_bilinear_s8(const tflm_patch_between* cols, uint32_t n, const int8_t* above,
                                   const int8_t* below, uint32_t below_weight, uint32_t channels,
                                   int8_t* output);

#ifdef __cplusplus
}
#endif

#endif /* TFLM_PATCH_KERNELS_H_ */
