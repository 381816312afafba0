# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The stage program's binary format: kinds, regions, tables.

`params/` has the parameter records of the operators. tflm_patch/program.h is generated
from both by `c_header.py`.
"""

from __future__ import annotations

import dataclasses
import enum

from tflm_patch.graph.types import DType
from tflm_patch.program import params
from tflm_patch.program.fields import (
  NO_ARRAY,
  STRUCTURES,
  i16,
  i32,
  record_of,
  structure,
  u8,
  u16,
  u32,
)
from tflm_patch.program.fields import Record as Record

MAGIC = 0x48435054
VERSION = 3
ALIGNMENT = 16
MAX_TENSORS = 16
MAX_OPS = 255
MAX_STEP_ROWS = 255
CONV_IN_PLACE_CHANNELS = 112  # at most, of the input of a CONV_2D that lies over it
PAUSE = 255  # op of a step that waits for the next band of the input
NONE = NO_ARRAY
CHECKSUM_FROM = 16
MAX_WIDE_SHIFT = 7
BETWEEN_BITS = 10
SIGMOID_ENTRIES = 256
FAMILY_PORTABLE = 0

# The constants of the C header: value and comment.
CONSTANTS = {
  'MAGIC': (MAGIC, '"TPCH"'),
  'VERSION': (VERSION, ''),
  'ALIGNMENT': (ALIGNMENT, ''),
  'TENSOR_ALIGNMENT': (4, "of the tensors' memory"),
  'MAX_TENSORS': (MAX_TENSORS, 'inputs plus outputs of a stage'),
  'MAX_OPS': (MAX_OPS, 'operators of one segment'),
  'PAUSE': (PAUSE, 'op of a step that waits for the next band'),
  'CONV_IN_PLACE_CHANNELS': (CONV_IN_PLACE_CHANNELS, 'see CONV_2D'),
  'MAX_WIDE_SHIFT': (MAX_WIDE_SHIFT, 'of wide sums'),
  'BETWEEN_BITS': (BETWEEN_BITS, 'of the weight between two neighbours'),
  'SIGMOID_ENTRIES': (SIGMOID_ENTRIES, 'of the table of the logistic function'),
  'NONE': (NONE, ''),
  'CHECKSUM_FROM': (CHECKSUM_FROM, "what follows the checksum's field"),
}


class Region(enum.IntEnum):
  """Where a map's rows lie."""

  WORKSPACE = 0
  CONSTANTS = 1
  STATE = 2
  FAST = 3
  TENSOR = 4  # plus the index among inputs, then outputs


REGION_COMMENTS = {
  Region.WORKSPACE: 'of this invocation',
  Region.CONSTANTS: 'read only',
  Region.STATE: 'outlives an invocation; zero points after Prepare and Reset',
  Region.FAST: 'of this invocation, memory that the application hands over',
  Region.TENSOR: "and from here on: the stage's inputs, then its outputs",
}


class Sums(enum.IntEnum):
  """The accumulators of an operator with weights."""

  INT32 = 0
  BOUNDED = 1
  WIDE = 2


SUMS_COMMENTS = {
  Sums.INT32: 'any int32',
  Sums.BOUNDED: 'between -2^30 and 2^30 for any input: a kernel may take a shorter way',
  Sums.WIDE: 'int64, of int16 maps alone',
}


class Kind(enum.IntEnum):
  """Kinds of operators."""

  CONV_2D = 1
  DEPTHWISE_CONV_2D = 2
  FULLY_CONNECTED = 3
  AVERAGE_POOL_2D = 4
  MAX_POOL_2D = 5
  ADD = 6
  MUL = 7
  MEAN = 8
  SOFTMAX = 9
  QUANTIZE = 10
  DEQUANTIZE = 11
  LOOKUP = 12
  PAD = 13
  TRANSPOSE = 14
  RESIZE_NEAREST = 15
  CONCATENATION = 16
  SUB = 17
  MAXIMUM = 18
  MINIMUM = 19
  SPLIT = 20
  STRIDED_SLICE = 21
  SPACE_TO_DEPTH = 22
  DEPTH_TO_SPACE = 23
  PRELU = 24
  RESIZE_BILINEAR = 26
  TRANSPOSE_CONV = 27
  BOTTLENECK = 28
  CONV_2D_S16 = 31
  DEPTHWISE_CONV_2D_S16 = 32
  FULLY_CONNECTED_S16 = 33
  AVERAGE_POOL_2D_S16 = 34
  MAX_POOL_2D_S16 = 35
  ADD_S16 = 36
  RESHAPE = 37
  FEED = 39
  CROP = 40
  JOIN = 41
  LOGISTIC_S16 = 42
  TANH_S16 = 43
  RESCALE_S16 = 44
  MUL_S16 = 45
  SUB_S16 = 46
  MAXIMUM_S16 = 47
  MINIMUM_S16 = 48
  SOFTMAX_S16 = 49
  MEAN_S16 = 50
  TRANSPOSE_CONV_S16 = 51
  PERMUTE = 52
  GATHER = 53
  REDUCE_MAX = 54
  REDUCE_MIN = 55
  SQUARED_DIFFERENCE = 56
  ARG_MAX = 57
  L2_NORMALIZATION = 58
  CAST = 59
  SLIDE = 60
  BATCH_MATMUL = 61
  SQUARED_DIFFERENCE_S16 = 62
  ADD_N = 63
  HOP = 64
  APPEND = 65
  LSTM = 66
  SVDF = 67
  NEIGHBOURS = 68
  NODE_ORDER = 69
  LOG_SOFTMAX = 70
  CUMSUM = 71
  REQUANTIZE = 72
  SOFTMAX_S8_S16 = 73


# Numbers that older formats used; never given again.
RETIRED_KINDS = (25, 29, 30, 38)

KIND_COMMENTS = {
  Kind.SUB: 'parameters of ADD',
  Kind.QUANTIZE: 'float32 to int8, uint8 or int16',
  Kind.DEQUANTIZE: 'int8, uint8 or int16 to float32',
  Kind.LOOKUP: '8-bit to 8-bit by a table of 256',
  Kind.TRANSPOSE: (
    "NCHW to NHWC: the input map's rows are the C planes, its cols H, its channels W; every "
    'step reads all input rows'
  ),
  Kind.CONCATENATION: (
    'along channels, or along columns when the first input has not all of them: inputs of '
    'equal scale are copied side by side; along rows when the first input has not all of '
    'them: other maps one below the other'
  ),
  Kind.MAXIMUM: 'of the quantized values, broadcast like ADD',
  Kind.MINIMUM: 'likewise',
  Kind.SPLIT: (
    'along channels, or along columns when the first output has not all of them: the '
    'outputs lie side by side in the input'
  ),
  Kind.BOTTLENECK: 'three convolutions, some columns at a time',
  Kind.CONV_2D_S16: 'these are of int16 maps, with the records of the 8-bit kinds',
  Kind.RESHAPE: 'into other rows, of the same values in all',
  Kind.FEED: (
    'rows of a frame from its bands. The input is a tensor of the stage, a band of B rows; '
    'the output is the frame, whose rows are a multiple of B. Step t copies band row t % B; '
    'it must come after exactly t / B pauses. A program has at most one, and pauses only '
    'with one'
  ),
  Kind.CROP: 'a part of a map, in its memory',
  Kind.LOGISTIC_S16: 'and from here on more of int16 maps',
  Kind.SQUARED_DIFFERENCE: 'with the record of ADD',
  Kind.ADD_N: 'of any number of maps of one scale and shape, with the record of MUL',
  Kind.LSTM: (
    'int8 with a cell state of int16; the outputs are the output, of a row a step, the hidden '
    'state and the cell state, both kept'
  ),
  Kind.SVDF: 'the outputs are the output and the state, kept, of int8 or int16',
  Kind.NEIGHBOURS: 'of a graph: sums over some rows, a sparse constant matrix times the input',
  Kind.REQUANTIZE: 'of int8, int16 and int32 to another of these types, or int16 to int16',
  Kind.SOFTMAX_S8_S16: 'SOFTMAX of int8 maps whose output is int16 (scale 2^-16, zero point -2^15)',
  Kind.NODE_ORDER: "rows in the order of the plan, or back in the model's",
  Kind.SLIDE: (
    'a kept map: its last rows of the invocation before move to the front, and the rows of the '
    'input come behind them'
  ),
  Kind.HOP: (
    'SLIDE of a tensor of the stage, the new rows of a window: until the window is full the '
    'invocations end with TFLM_PATCH_ABORT. A program has at most one, and none with FEED'
  ),
  Kind.APPEND: (
    'a kept map: the rows of the input come behind those that are there. One of several that lie '
    'one behind the other moves all of them first'
  ),
  Kind.JOIN: (
    "a map whose parts were made one by one: the inputs lie in the output's memory and make "
    'it up together; nothing is copied'
  ),
}


TYPE_CODES = {DType.INT8: 0, DType.UINT8: 1, DType.FLOAT32: 2, DType.INT16: 3, DType.INT32: 4}


@structure('tflm_patch_header')
@dataclasses.dataclass(frozen=True, eq=False)
class Header:
  """The program's first bytes."""

  magic: int = u32()
  version: int = u8()
  family: int = u8()
  n_inputs: int = u8('tensors of the stage')
  n_outputs: int = u8()
  program_bytes: int = u32('of the whole program, a multiple of 4')
  checksum: int = u32('of all bytes from TFLM_PATCH_CHECKSUM_FROM')
  constants_bytes: int = u32('that the constants tensor must hold at least')
  workspace_bytes: int = u32('a multiple of 16; 0 when none is needed')
  state_bytes: int = u32('a multiple of 16; 0 for a stage without state')
  fast_bytes: int = u32('a multiple of 16; 0 for a stage of one memory')
  n_maps: int = u16()
  n_ops: int = u16()
  n_edges: int = u16()
  n_segments: int = u16()
  n_steps: int = u32()
  maps: int = u32('offsets of the tables')
  ops: int = u32()
  edges: int = u32('uint16_t map indices')
  segments: int = u32()
  steps: int = u32()


@structure('tflm_patch_map')
@dataclasses.dataclass(frozen=True, eq=False)
class MapEntry:
  """A feature map of rows x cols x channels values, or a ring of its last rows.

  Row r has slot s = r % ring_rows. It lies at base(region) + offset + s * row_bytes when s <
  split, else at base(split_region) + split_offset + (s - split) * row_bytes. A ring is read
  only in the segment that makes it. Every tensor of the stage has one whole, contiguous map
  at offset 0: without a producer for an input, with one for an output. Other maps may lie in
  the tensors' memory, too, and over rows that no later step reads.
  """

  offset: int = u32()
  row_bytes: int = i32(
    'from a slot to the next, up or down: at least cols * channels * size of the type'
  )
  rows: int = u16()
  ring_rows: int = u16('1..rows; rows when the whole map is kept')
  cols: int = u16()
  channels: int = u16()
  region: int = u8()
  type: int = u8()
  zero_point: int = i16()
  producer: int = u32(
    'the operator that makes it; TFLM_PATCH_NONE for constants and for tensors that the stage reads'
  )
  split_offset: int = u32()
  split: int = u16('1..ring_rows; ring_rows when the map is in one piece')
  split_region: int = u8()
  kept: int = u8('1: it lies in the state, and its rows of the last invocation are there')


@structure('tflm_patch_op')
@dataclasses.dataclass(frozen=True, eq=False)
class OpEntry:
  """An operator instance.

  A step makes one output row, except for the operators that accumulate (see the parameter
  records): there a step consumes one input row, and the last step makes the only output row.
  """

  kind: int = u8()
  n_inputs: int = u8()
  n_outputs: int = u8()
  scratch_region: int = u8('not the constants')
  first_edge: int = u16('input maps, then output maps, in the edge table')
  steps: int = u16()
  params: int = u32('offset of the parameter record, 4-byte aligned')
  scratch: int = u32('offset of private memory, 16-byte aligned, or NONE')
  scratch_bytes: int = u32(
    'kept from the first step to the last; CONV_2D and DEPTHWISE_CONV_2D are faster with some'
  )


@structure('tflm_patch_segment')
@dataclasses.dataclass(frozen=True, eq=False)
class SegmentEntry:
  """Operators [first_op, first_op + n_ops) run by steps [first_step, ...)."""

  first_op: int = u16()
  n_ops: int = u16()
  first_step: int = u32()
  n_steps: int = u32()


@structure('tflm_patch_step')
@dataclasses.dataclass(frozen=True, eq=False)
class StepEntry:
  """Run operator first_op + op of the segment for rows [row, row + count), one after the other.

  op TFLM_PATCH_PAUSE: the bands of the input (see FEED) are used up; row and count are 0.
  """

  op: int = u8()
  count: int = u8()
  row: int = u16()


@structure('tflm_patch_int64')
@dataclasses.dataclass(frozen=True, eq=False)
class Int64:
  """An int64 at a multiple of 4 bytes."""

  low: int = u32()
  high: int = u32()


HEADER = record_of(Header)
MAP = record_of(MapEntry)
OP = record_of(OpEntry)
SEGMENT = record_of(SegmentEntry)
STEP = record_of(StepEntry)
RECORDS = tuple(STRUCTURES.values())


# The parameters of the kinds that have some.
PARAMS: dict[Kind, type[params.Params]] = {
  Kind.CONV_2D: params.ConvParams,
  Kind.DEPTHWISE_CONV_2D: params.DepthwiseParams,
  Kind.FULLY_CONNECTED: params.FullyConnectedParams,
  Kind.AVERAGE_POOL_2D: params.PoolParams,
  Kind.MAX_POOL_2D: params.PoolParams,
  Kind.ADD: params.AddParams,
  Kind.MUL: params.MulParams,
  Kind.MEAN: params.MeanParams,
  Kind.SOFTMAX: params.SoftmaxParams,
  Kind.QUANTIZE: params.QuantizeParams,
  Kind.DEQUANTIZE: params.QuantizeParams,
  Kind.LOOKUP: params.LookupParams,
  Kind.PAD: params.PadParams,
  Kind.RESIZE_NEAREST: params.ResizeParams,
  Kind.SUB: params.AddParams,
  Kind.STRIDED_SLICE: params.StridedSliceParams,
  Kind.SPACE_TO_DEPTH: params.BlockParams,
  Kind.DEPTH_TO_SPACE: params.BlockParams,
  Kind.PRELU: params.PreluParams,
  Kind.RESIZE_BILINEAR: params.ResizeParams,
  Kind.TRANSPOSE_CONV: params.TransposeConvParams,
  Kind.BOTTLENECK: params.BottleneckParams,
  Kind.CONV_2D_S16: params.ConvParams,
  Kind.DEPTHWISE_CONV_2D_S16: params.DepthwiseParams,
  Kind.FULLY_CONNECTED_S16: params.FullyConnectedParams,
  Kind.AVERAGE_POOL_2D_S16: params.PoolParams,
  Kind.MAX_POOL_2D_S16: params.PoolParams,
  Kind.ADD_S16: params.AddParams,
  Kind.CROP: params.CropParams,
  Kind.HOP: params.HopParams,
  Kind.APPEND: params.AppendParams,
  Kind.LOGISTIC_S16: params.SigmoidParams,
  Kind.TANH_S16: params.SigmoidParams,
  Kind.RESCALE_S16: params.RescaleParams,
  Kind.MUL_S16: params.MulParams,
  Kind.SUB_S16: params.AddParams,
  Kind.SOFTMAX_S16: params.SoftmaxInt16Params,
  Kind.MEAN_S16: params.MeanParams,
  Kind.TRANSPOSE_CONV_S16: params.TransposeConvParams,
  Kind.PERMUTE: params.PermuteParams,
  Kind.GATHER: params.GatherParams,
  Kind.BATCH_MATMUL: params.BatchMatmulParams,
  Kind.SQUARED_DIFFERENCE_S16: params.AddParams,
  Kind.ADD_N: params.MulParams,
  Kind.LSTM: params.LstmParams,
  Kind.SVDF: params.SvdfParams,
  Kind.NEIGHBOURS: params.NeighboursParams,
  Kind.NODE_ORDER: params.NodeOrderParams,
  Kind.REQUANTIZE: params.RequantizeParams,
  Kind.SOFTMAX_S8_S16: params.SoftmaxParams,
  Kind.REDUCE_MAX: params.ReduceParams,
  Kind.REDUCE_MIN: params.ReduceParams,
  Kind.SQUARED_DIFFERENCE: params.AddParams,
  Kind.ARG_MAX: params.ArgMaxParams,
  Kind.LOG_SOFTMAX: params.LogSoftmaxParams,
  Kind.CUMSUM: params.CumsumParams,
}

# Their records.
PARAMETERS: dict[Kind, Record] = {kind: record_of(cls) for kind, cls in PARAMS.items()}
