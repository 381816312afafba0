# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The parameters of a stage's operators: typed for the planner, records in a program.

Every class is a structure of program.h (see `fields.py`): its docstring and the comments of
its fields are the comments there.
"""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from tflm_patch.graph.axis_window import AxisWindow, CellWindow
from tflm_patch.program.fields import (
  Array,
  Deferred,
  array_of,
  constant,
  f32,
  i8,
  i16,
  i32,
  nested,
  structure,
  u8,
  u16,
  u32,
)


class Params:
  """Base of the parameter records."""


@structure('tflm_patch_window')
@dataclasses.dataclass(frozen=True, eq=False)
class Window:
  """A sliding window over rows and columns.

  Output row r reads input rows r * stride_h - pad_top + i * dilation_h for
  0 <= i < kernel_h; rows and columns outside the map count as its zero point (pools leave
  them out). The schedule counts all rows between the first and the last of them, clamped to
  the map, as read. pad_top and pad_left are not negative.
  """

  kernel_h: int = u8(default=1)
  kernel_w: int = u8(default=1)
  stride_h: int = u8(default=1)
  stride_w: int = u8(default=1)
  dilation_h: int = u16(default=1)
  dilation_w: int = u16(default=1)
  pad_top: int = i16()
  pad_left: int = i16()


@structure('tflm_patch_requant')
@dataclasses.dataclass(frozen=True, eq=False)
class Requant:
  """Requantization of an accumulator.

  Exactly TFLM's MultiplyByQuantizedMultiplier, then + output_zero_point, then the clamp: of an
  int32 (two roundings), or of a wide sum, an int64 (a multiplier of 15 bits, one rounding;
  shifts are at most TFLM_PATCH_MAX_WIDE_SHIFT). Operators on int16 maps have zero points 0 and
  a bias of tflm_patch_int64[out_channels]; their sums have 64 bits and, unless they are wide,
  are taken modulo 2^32.
  """

  multipliers: Array | None = constant(
    'multiplier_at', '<i4', 'int32[n], n = output channels when per_channel else 1'
  )
  shifts: Array | None = constant('shift_at', 'i1', 'int8[n]; positive is left', alignment=1)
  act_min: int = i16()
  act_max: int = i16()
  output_zero_point: int = i16()
  per_channel: int = u8()
  sums: int | Deferred[int] = u8('one of TFLM_PATCH_SUMS_*')


@structure('tflm_patch_conv_params')
@dataclasses.dataclass(frozen=True, eq=False)
class ConvParams(Params):
  """CONV_2D. The bias already holds -input_zero_point * sum(weights).

  An output row that begins where the input row of the same number does lies over it: the
  kernel is 1 x 1 with stride 1 and without padding, and there are at most
  TFLM_PATCH_CONV_IN_PLACE_CHANNELS input channels and no more output channels.
  """

  window: Window = nested(Window)
  requant: Requant = nested(Requant)
  weights: Array | None = constant(
    'weights_at', 'i1', 'int8[out_channels][kernel_h][kernel_w][in_channels / groups]', 16
  )
  bias: Array | None = constant('bias_at', '', 'int32[out_channels]')
  groups: int = u32()


@structure('tflm_patch_depthwise_params')
@dataclasses.dataclass(frozen=True, eq=False)
class DepthwiseParams(Params):
  """DEPTHWISE_CONV_2D. Output channel = input channel * depth_multiplier + m; bias folded."""

  window: Window = nested(Window)
  requant: Requant = nested(Requant)
  weights: Array | None = constant('weights_at', 'i1', 'int8[kernel_h][kernel_w][out_channels]', 16)
  bias: Array | None = constant('bias_at', '', 'int32[out_channels]')
  depth_multiplier: int = u32()


@structure('tflm_patch_bottleneck_params')
@dataclasses.dataclass(frozen=True, eq=False)
class BottleneckParams(Params):
  """BOTTLENECK: a CONV_2D, a DEPTHWISE_CONV_2D and a 1 x 1 CONV_2D.

  The map between the first two, the wide one, does not exist: for an output row, its cells
  are computed for tile_cols output columns at a time. A row of it that the next output row
  reads, too, is kept in its first held_cols columns; after them it is recomputed. The
  scratch holds, of the wide map's cells, reach_h * ((tile_cols - 1) * stride_w + reach_w) and
  (reach_h - stride_h) * held_cols, and tile_cols cells of the depthwise convolution's output,
  where reach = (kernel - 1) * dilation + 1.
  """

  expand: ConvParams = nested(ConvParams)
  depthwise: DepthwiseParams = nested(DepthwiseParams)
  project: ConvParams = nested(ConvParams)
  wide_rows: int = u16()
  wide_cols: int = u16()
  wide_channels: int = u16()
  wide_zero_point: int = i16()
  tile_cols: int = u16('of the output, at least 1')
  held_cols: int = u16('of the wide map')


@structure('tflm_patch_transpose_conv_params')
@dataclasses.dataclass(frozen=True, eq=False)
class TransposeConvParams(Params):
  """TRANSPOSE_CONV. Tap i of an input row reaches output row input row * stride_h - pad_top + i.

  Columns alike; dilation is 1.
  """

  window: Window = nested(Window)
  requant: Requant = nested(Requant)
  weights: Array | None = constant(
    'weights_at', 'i1', 'int8[kernel_h][kernel_w][out_channels][in_channels]', 16
  )
  bias: Array | None = constant('bias_at', '', 'int32[out_channels], not folded')
  offsets: Array | None = constant(
    'offsets_at',
    '<i4',
    'int32[kernel_h][kernel_w][out_channels]: what a tap adds to the sum, '
    '-input_zero_point * sum(its weights)',
  )


@structure('tflm_patch_fully_connected_params')
@dataclasses.dataclass(frozen=True, eq=False)
class FullyConnectedParams(Params):
  """FULLY_CONNECTED.

  flatten 0: every input row is a vector of cols * channels and gives an output row (steps =
  rows). flatten 1: the whole input map is one vector; a step consumes one input row into
  int32[out] accumulators in the scratch, for int16 maps tflm_patch_int64[out] (none are needed
  when the map has a single row). Bias folded as above.
  """

  requant: Requant = nested(Requant)
  weights: Array | None = constant('weights_at', 'i1', 'int8[out][in]', 16)
  bias: Array | None = constant('bias_at', '', 'int32[out]')
  flatten: int = u32()


@structure('tflm_patch_pool_params')
@dataclasses.dataclass(frozen=True, eq=False)
class PoolParams(Params):
  """AVERAGE_POOL_2D, MAX_POOL_2D; dilation 1.

  Cells outside the map are left out, of the average's count, too; every window of an average
  has a cell inside. accumulate 1 (average only, one output row): a step consumes input row
  first_row + step into int32[out_cols * channels] accumulators in the scratch; first_row is 0
  and there are min(rows, kernel_h - pad_top) steps.
  """

  window: Window = nested(Window)
  act_min: int = i16()
  act_max: int = i16()
  accumulate: int = u16()
  first_row: int = u16()


@structure('tflm_patch_add_params')
@dataclasses.dataclass(frozen=True, eq=False)
class AddParams(Params):
  """ADD (TFLM's Add, left_shift 20, for int16 maps 15): both inputs are scaled to a common scale.

  An input of 1 row, column or channel is broadcast. SUB, with the record of ADD: the second
  input's term is taken from the first's.
  """

  input_multiplier: tuple[int, int] = array_of('i', 2)
  output_multiplier: int = i32()
  input_shift: tuple[int, int] = array_of('b', 2)
  output_shift: int = i8()
  left_shift: int = i8()
  output_zero_point: int = i32()
  act_min: int = i16()
  act_max: int = i16()


@structure('tflm_patch_mul_params')
@dataclasses.dataclass(frozen=True, eq=False)
class MulParams(Params):
  """MUL, broadcast like ADD.

  The multiplier and shift are those of input_scale[0] * input_scale[1] / output_scale.
  """

  output_multiplier: int = i32()
  output_shift: int = i32()
  output_zero_point: int = i32()
  act_min: int = i16()
  act_max: int = i16()


@structure('tflm_patch_batch_matmul_params')
@dataclasses.dataclass(frozen=True, eq=False)
class BatchMatmulParams(Params):
  """BATCH_MATMUL: each cell of the first input is a vector that a matrix of the second multiplies.

  Row r of the output is made from row r of both inputs, of one that has a single row from
  that: the cells of the second input's row are the rows of the matrix. With `whole` 1 all rows
  of the second input, of one cell each, are the rows of one matrix; with 2 cell h of them makes up
  the matrix that multiplies cell h of the first input. The multiplier and shift
  are those of input_scale[0] * input_scale[1] / output_scale.
  """

  output_multiplier: int = i32()
  output_shift: int = i32()
  output_zero_point: int = i16()
  transposed: int = u8("the rows of the matrix are the output's channels")
  whole: int = u8()


@structure('tflm_patch_prelu_params')
@dataclasses.dataclass(frozen=True, eq=False)
class PreluParams(Params):
  """PRELU.

  The first input's values from its zero point on are scaled by multiplier[0]; those below it
  are multiplied by the second input, broadcast like ADD, and scaled by multiplier[1].
  """

  multiplier: tuple[int, int] = array_of('i', 2)
  shift: tuple[int, int] = array_of('b', 2)
  output_zero_point: int = i16()


@structure('tflm_patch_mean_params')
@dataclasses.dataclass(frozen=True, eq=False)
class MeanParams(Params):
  """MEAN over rows, columns and channels; with over_rows 0 it is a row operator.

  over_rows 1: a step consumes one input row into int32 accumulators, as many as an output row
  has values, in the scratch. The arithmetic is that of TFLM's int8 MEAN: with n the number of
  values in a mean (at most 2^23) and
    (m, s) = QuantizeMultiplier((double)input_scale / (double)output_scale)
    k = min(floor(log2(n)), 32, 31 + s)
  the record holds multiplier = (m << k) / n, rounded down, and shift = s - k. Of SUM it holds
  m and s.
  """

  multiplier: int = i32()
  shift: int = i32()
  output_zero_point: int = i32()
  over_rows: int = u16()
  over_cols: int = u8()
  over_channels: int = u8()


@structure('tflm_patch_reduce_params')
@dataclasses.dataclass(frozen=True, eq=False)
class ReduceParams(Params):
  """REDUCE_MAX, REDUCE_MIN over rows, columns and channels; over_rows 0: a row operator.

  over_rows 1: a step consumes one input row into int8 results, as many as an output row has
  values, in the scratch.
  """

  over_rows: int = u16()
  over_cols: int = u8()
  over_channels: int = u8()


@structure('tflm_patch_cumsum_params')
@dataclasses.dataclass(frozen=True, eq=False)
class CumsumParams(Params):
  """CUMSUM: sums in units of 2^-19 of the input's scale, and what brings them to the output's."""

  output_multiplier: int = i32()
  output_shift: int = i32()
  output_zero_point: int = i32()
  axis: int = u16('0 rows, 1 columns, 2 channels')
  exclusive: int = u8('a value is not in its own sum')
  reverse: int = u8('from the last column or channel on')


@structure('tflm_patch_arg_max_params')
@dataclasses.dataclass(frozen=True, eq=False)
class ArgMaxParams(Params):
  """ARG_MAX: of each cell of an int8 map the first channel with the largest value, int32."""

  sign: int = i32('-1: with the least value')


@structure('tflm_patch_permute_params')
@dataclasses.dataclass(frozen=True, eq=False)
class PermuteParams(Params):
  """PERMUTE. Unless the rows stay (order[0] is 0), every step reads all input rows."""

  order: tuple[int, int, int] = array_of(
    'B', 3, "0 rows, 1 columns, 2 channels of the input: the output's rows, columns, channels"
  )


@structure('tflm_patch_gather_params')
@dataclasses.dataclass(frozen=True, eq=False)
class GatherParams(Params):
  """GATHER: every output row, column and channel is one of the input's.

  The tables are uint16[out rows][3], the input row and the first and the last of those that
  the step counts as read, of which neither decreases; uint16[out cols]; uint16[out channels].
  One that is TFLM_PATCH_NONE says that all stay.
  """

  rows: Array | None = constant('row_at', '<u2', optional=True)
  cols: Array | None = constant('col_at', '<u2', optional=True)
  channels: Array | None = constant('channel_at', '<u2', optional=True)


@structure('tflm_patch_neighbours_params')
@dataclasses.dataclass(frozen=True, eq=False)
class NeighboursParams(Params):
  """NEIGHBOURS: output row r is a weighted sum of some input rows, value by value.

  They are those of entries starts[r] .. starts[r + 1] - 1; nodes[i] is the input row, and
  weights[i] - weights_zero_point what it is multiplied by. The bias of row r already holds
  -input_zero_point * sum(weights[i] - weights_zero_point). The requantization's channels are
  the output's rows. spans[r] are the first and the last row that step r counts as read, of
  which neither decreases.
  """

  requant: Requant = nested(Requant)
  bias: Array | None = constant('bias_at', '<i4', 'int32[rows]')
  starts: Array | None = constant('starts_at', '<u4', 'uint32[rows + 1]')
  nodes: Array | None = constant('nodes_at', '<u2', 'uint16[connections]')
  weights: Array | None = constant('weights_at', 'i1', 'int8[connections]', 1)
  spans: Array | None = constant('spans_at', '<u2', 'uint16[rows][2]')
  connections: int = u32()
  weights_zero_point: int = i32()


@structure('tflm_patch_node_order_params')
@dataclasses.dataclass(frozen=True, eq=False)
class NodeOrderParams(Params):
  """NODE_ORDER: the same rows in another order, by exchanges in the memory of a whole map.

  Step r without `back` makes output row r of input row exchanges[r] >= r, whose place input row r
  then takes: the input is used up. With `back` it puts input row r to output row
  exchanges[r] <= r; what was there becomes output row r, and only the last step leaves all rows
  at their places.
  """

  exchanges: Array | None = constant('exchanges_at', '<u2', 'uint16[rows]')
  back: int = u32()


@structure('tflm_patch_softmax_params')
@dataclasses.dataclass(frozen=True, eq=False)
class SoftmaxParams(Params):
  """SOFTMAX over channels of int8 maps (output scale 1/256, zero point -128)."""

  exp_table: Array | None = constant(
    'exp_table_at', '<i4', "int32[256], TFLM's fixed-point exp of -i * beta * scale"
  )
  diff_min: int = i32('smaller differences count as zero')


@structure('tflm_patch_log_softmax_params')
@dataclasses.dataclass(frozen=True, eq=False)
class LogSoftmaxParams(Params):
  """LOG_SOFTMAX over channels, int8 to int8 (output scale 1/16, zero point 127).

  The multiplier and shift bring a difference to Q5.26, the inverse ones back.
  """

  exp_table: Array | None = constant(
    'exp_table_at', '<i4', "int32[256], TFLM's fixed-point exp of -i * scale"
  )
  diff_min: int = i32('smaller differences give the least value')
  multiplier: int = i32()
  shift: int = i32()
  inverse_multiplier: int = i32()
  inverse_shift: int = i32()


@structure('tflm_patch_softmax_s16_params')
@dataclasses.dataclass(frozen=True, eq=False)
class SoftmaxInt16Params(Params):
  """SOFTMAX over channels of int16 maps (output scale 2^-15).

  The multiplier and shift bring a difference to steps of 10 / 65535.
  """

  exp_table: Array | None = constant(
    'exp_table_at', '<i2', 'int16[513], exp from -10 to 0, in 2^-15'
  )
  reciprocal: Array | None = constant(
    'reciprocal_at', '<i2', 'int16[513], 1 / (1 + x) from 0 to 1, in 2^-15'
  )
  multiplier: int = i32()
  shift: int = i32()


@structure('tflm_patch_sigmoid_params')
@dataclasses.dataclass(frozen=True, eq=False)
class SigmoidParams(Params):
  """LOGISTIC and TANH of int16 maps (output scale 2^-15)."""

  table: Array | None = constant('table_at', '<u2', 'uint16[256], 1 / (1 + exp(-i / 24)) in 2^-16')
  multiplier: int = i32('of a value;')
  shift: int = i32('to the right after it, rounded: steps of 1 / 12288')


@structure('tflm_patch_lstm_params')
@dataclasses.dataclass(frozen=True, eq=False)
class LstmParams(Params):
  """LSTM. Arrays of four are of the input, forget, cell and output gates.

  Products with the input, and those with the hidden state, come to Q3.12 each with their gate's
  multiplier and shift. Biases hold -zero_point * sum(weights) of what they are added to.
  """

  input_weights: Array | None = constant('input_weights_at', 'i1', 'int8[4][units][inputs]', 16)
  recurrent_weights: Array | None = constant(
    'recurrent_weights_at', 'i1', 'int8[4][units][units]', 16
  )
  input_bias: Array | None = constant('input_bias_at', '<i4', 'int32[4][units]')
  recurrent_bias: Array | None = constant('recurrent_bias_at', '<i4', 'int32[4][units]')
  table: Array | None = constant('table_at', '<u2', 'see tflm_patch_sigmoid_params')
  input_multiplier: tuple[int, ...] = array_of('i', 4)
  recurrent_multiplier: tuple[int, ...] = array_of('i', 4)
  hidden_multiplier: int = i32('of tanh(cell) times the output gate, both Q0.15')
  tanh_multiplier: int = i32('of the cell state; see tflm_patch_sigmoid_params')
  cell_clip: int = i32('of the cell state, either way; 32768 for none')
  input_shift: tuple[int, ...] = array_of('b', 4)
  recurrent_shift: tuple[int, ...] = array_of('b', 4)
  hidden_shift: int = i8()
  cell_shift: int = i8('of the cell gate times the input gate, with the multiplier 2^30')
  hidden_zero_point: int = i8()
  tanh_shift: int = u8('to the right')


@structure('tflm_patch_svdf_params')
@dataclasses.dataclass(frozen=True, eq=False)
class SvdfParams(Params):
  """SVDF. Unit u has the filters u * rank and following ones.

  A filter's product with the input, brought to the state's scale, is the newest of its `memory`
  numbers. Biases hold -zero_point * sum(weights) of what they are added to.
  """

  weights: Array | None = constant('weights_at', 'i1', 'int8[units * rank][inputs]', 16)
  feature_bias: Array | None = constant('feature_bias_at', '<i4', 'int32[units * rank]')
  time_weights: Array | None = constant(
    'time_weights_at', '', "[units * rank][memory] of the state's type"
  )
  bias: Array | None = constant('bias_at', '<i4', 'int32[units]')
  state_multiplier: int = i32()
  output_multiplier: int = i32()
  memory: int = u16()
  rank: int = u16()
  state_shift: int = i8()
  output_shift: int = i8()
  output_zero_point: int = i16()


@structure('tflm_patch_rescale_params')
@dataclasses.dataclass(frozen=True, eq=False)
class RescaleParams(Params):
  """RESCALE of int16 maps: a multiplier and shift for values from 0 on, and one for those below.

  magnitude 1: of the latter their magnitude is taken first.
  """

  multiplier: tuple[int, int] = array_of('i', 2)
  shift: tuple[int, int] = array_of('b', 2)
  act_min: int = i16()
  act_max: int = i16()
  magnitude: int = u16()


@structure('tflm_patch_requantize_params')
@dataclasses.dataclass(frozen=True, eq=False)
class RequantizeParams(Params):
  """REQUANTIZE: a value less a zero point, scaled, from another zero point on."""

  multiplier: int = i32()
  shift: int = i32()
  input_zero_point: int = i32('0 of int32')
  output_zero_point: int = i32('likewise')


@structure('tflm_patch_quantize_params')
@dataclasses.dataclass(frozen=True, eq=False)
class QuantizeParams(Params):
  """QUANTIZE, DEQUANTIZE between float32 and 8 bits, or int16 with zero point 0."""

  scale: float = f32()
  zero_point: int = i32()


@structure('tflm_patch_lookup_params')
@dataclasses.dataclass(frozen=True, eq=False)
class LookupParams(Params):
  """LOOKUP, of 8-bit values."""

  table: Array | None = constant('table_at', 'u1', "uint8[256], indexed by the value's bits")


@structure('tflm_patch_pad_params')
@dataclasses.dataclass(frozen=True, eq=False)
class PadParams(Params):
  """PAD in rows, columns and channels."""

  top: int = u16()
  left: int = u16()
  front: int = u16('channels before')
  value: int = i16()


@structure('tflm_patch_resize_params')
@dataclasses.dataclass(frozen=True, eq=False)
class ResizeParams(Params):
  """RESIZE_NEAREST_NEIGHBOR, RESIZE_BILINEAR: what each output row and column is made from.

  Of RESIZE_NEAREST_NEIGHBOR uint16[out rows] and uint16[out cols], the input row and column
  that it copies; of RESIZE_BILINEAR (int8) tflm_patch_between[out rows] and [out cols].
  """

  rows: Array | None = constant('row_at', '<u2')
  cols: Array | None = constant('col_at', '<u2')


@structure('tflm_patch_between')
@dataclasses.dataclass(frozen=True, eq=False)
class Between:
  """A position between two neighbours: index + weight / 1024, with weight below 1024.

  With weight 0 only the value at index is read.
  """

  index: int = u16()
  weight: int = u16()


@structure('tflm_patch_strided_slice_params')
@dataclasses.dataclass(frozen=True, eq=False)
class StridedSliceParams(Params):
  """STRIDED_SLICE, with SLICE and SPLIT along rows.

  Output row r is cut from input row begin_row + r * row_stride; its cell c is input cell
  begin_col + c * col_stride, likewise for channels. Strides are not 0, and 1 where the output
  has size 1; those of columns and channels may be negative.
  """

  begin_row: int = u16()
  begin_col: int = u16()
  begin_channel: int = u16()
  row_stride: int = u16()
  col_stride: int = i32()
  channel_stride: int = i32()


@structure('tflm_patch_block_params')
@dataclasses.dataclass(frozen=True, eq=False)
class BlockParams(Params):
  """SPACE_TO_DEPTH, DEPTH_TO_SPACE.

  block x block cells of the one map, row by row, are the channels of a cell of the other.
  """

  block: int = u32()


@structure('tflm_patch_crop_params')
@dataclasses.dataclass(frozen=True, eq=False)
class CropParams(Params):
  """CROP. The output lies in the input's memory: its row t is row top + t of the input.

  It begins at some column. Nothing is copied.
  """

  top: int = u32()


@structure('tflm_patch_hop_params')
@dataclasses.dataclass(frozen=True, eq=False)
class HopParams(Params):
  """HOP."""

  invocations: int = u16('whose rows fill the window, at least 1')


@structure('tflm_patch_append_params')
@dataclasses.dataclass(frozen=True, eq=False)
class AppendParams(Params):
  """APPEND. Before the first row `bytes` bytes of the state move down to `at`, by `distance`."""

  at: int = u32()
  bytes: int = u32('0 to move none')
  distance: int = u32()


_P = TypeVar('_P')


def window_of(params: Params | None) -> CellWindow:
  """The window of an operator that has one, along rows and along columns."""
  window: Window = params.window  # type: ignore[union-attr]
  return (
    AxisWindow(window.kernel_h, window.stride_h, window.dilation_h, window.pad_top),
    AxisWindow(window.kernel_w, window.stride_w, window.dilation_w, window.pad_left),
  )


def with_pads(params: _P, top: int, left: int) -> _P:
  """Parameters of an operator with a window, with other pads."""
  window = dataclasses.replace(params.window, pad_top=top, pad_left=left)  # type: ignore[attr-defined]
  return dataclasses.replace(params, window=window)  # type: ignore[type-var]
