# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The records of the stage program's binary format, mirrored from tflm_patch/program.h.

Every structure of the C header stands here as a `Record`: its name, its fields
in order and their types. tests/python/planner/test_program.py compiles the
header and compares sizes and offsets.
"""

from __future__ import annotations

import dataclasses
import enum
import struct
from typing import Any

from tflm_patch.graph.types import DType

MAGIC = 0x48435054
VERSION = 2
ALIGNMENT = 16
MAX_TENSORS = 16
MAX_OPS = 255
MAX_STEP_ROWS = 255
CONV_IN_PLACE_CHANNELS = 112  # at most, of the input of a CONV_2D that lies over it
PAUSE = 255  # op of a step that waits for the next band of the input
NONE = 0xFFFFFFFF
FAMILY_PORTABLE = 0


class Region(enum.IntEnum):
  """Where a map's rows lie."""

  WORKSPACE = 0
  CONSTANTS = 1
  TENSOR = 2  # plus the index among inputs, then outputs


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


TYPE_CODES = {
    DType.INT8: 0,
    DType.UINT8: 1,
    DType.FLOAT32: 2,
    DType.INT16: 3,
    DType.INT32: 4,
}


@dataclasses.dataclass(frozen=True)
class Record:
  """A C structure: `fields` are (name, struct format code), no hidden padding."""

  name: str
  fields: tuple[tuple[str, str], ...]

  @property
  def format(self) -> str:
    return '<' + ''.join(code for _, code in self.fields)

  @property
  def size(self) -> int:
    return struct.calcsize(self.format)

  def offset(self, field: str) -> int:
    names = [name for name, _ in self.fields]
    return struct.calcsize('<' + ''.join(code for _, code in self.fields[: names.index(field)]))

  def pack(self, **values: Any) -> bytes:
    """The record's bytes; fields not given are zero."""
    unknown = set(values) - {name for name, _ in self.fields}
    if unknown:
      raise KeyError(f'{self.name} has no field {sorted(unknown)}')
    flat: list[Any] = []
    for name, code in self.fields:
      value = values.get(name, 0)
      if code[:-1].isdigit():
        count = int(code[:-1])
        flat.extend(value if isinstance(value, (list, tuple)) else [0] * count)
      else:
        flat.append(value)
    return struct.pack(self.format, *flat)

  def unpack(self, data: bytes, at: int = 0) -> dict[str, Any]:
    flat = list(struct.unpack_from(self.format, data, at))
    values: dict[str, Any] = {}
    for name, code in self.fields:
      if code[:-1].isdigit():
        count = int(code[:-1])
        values[name] = flat[:count]
        del flat[:count]
      else:
        values[name] = flat.pop(0)
    return values


def _record(name: str, *fields: tuple[str, str]) -> Record:
  return Record(name, fields)


def _nested(prefix: str, record: Record) -> tuple[tuple[str, str], ...]:
  return tuple((f'{prefix}.{name}', code) for name, code in record.fields)


HEADER = _record(
    'tflm_patch_header',
    ('magic', 'I'),
    ('version', 'H'),
    ('family', 'H'),
    ('program_bytes', 'I'),
    ('checksum', 'I'),
    ('constants_bytes', 'I'),
    ('workspace_bytes', 'I'),
    ('n_inputs', 'H'),
    ('n_outputs', 'H'),
    ('n_maps', 'H'),
    ('n_ops', 'H'),
    ('n_edges', 'H'),
    ('n_segments', 'H'),
    ('n_steps', 'I'),
    ('maps', 'I'),
    ('ops', 'I'),
    ('edges', 'I'),
    ('segments', 'I'),
    ('steps', 'I'),
)
CHECKSUM_FROM = 16

MAP = _record(
    'tflm_patch_map',
    ('offset', 'I'),
    ('row_bytes', 'i'),
    ('rows', 'H'),
    ('ring_rows', 'H'),
    ('cols', 'H'),
    ('channels', 'H'),
    ('region', 'B'),
    ('type', 'B'),
    ('zero_point', 'h'),
    ('producer', 'I'),
    ('split_offset', 'I'),
    ('split', 'H'),
    ('split_region', 'B'),
    ('reserved', 'B'),
)

OP = _record(
    'tflm_patch_op',
    ('kind', 'B'),
    ('n_inputs', 'B'),
    ('n_outputs', 'B'),
    ('scratch_region', 'B'),
    ('first_edge', 'H'),
    ('steps', 'H'),
    ('params', 'I'),
    ('scratch', 'I'),
    ('scratch_bytes', 'I'),
    ('reserved2', 'I'),
    ('reserved3', 'I'),
)

SEGMENT = _record(
    'tflm_patch_segment',
    ('first_op', 'H'),
    ('n_ops', 'H'),
    ('first_step', 'I'),
    ('n_steps', 'I'),
)

STEP = _record('tflm_patch_step', ('op', 'B'), ('count', 'B'), ('row', 'H'))

WINDOW = _record(
    'tflm_patch_window',
    ('kernel_h', 'B'),
    ('kernel_w', 'B'),
    ('stride_h', 'B'),
    ('stride_w', 'B'),
    ('dilation_h', 'B'),
    ('dilation_w', 'B'),
    ('reserved', 'H'),
    ('pad_top', 'h'),
    ('pad_left', 'h'),
    ('reserved2', 'I'),
)

REQUANT = _record(
    'tflm_patch_requant',
    ('multiplier_at', 'I'),
    ('shift_at', 'I'),
    ('output_zero_point', 'i'),
    ('act_min', 'h'),
    ('act_max', 'h'),
    ('per_channel', 'B'),
    ('bounded', 'B'),
    ('wide', 'B'),
    ('reserved', 'B'),
)

INT64 = _record('tflm_patch_int64', ('low', 'I'), ('high', 'I'))

CONV = _record(
    'tflm_patch_conv_params',
    *_nested('window', WINDOW),
    *_nested('requant', REQUANT),
    ('weights_at', 'I'),
    ('bias_at', 'I'),
    ('groups', 'H'),
    ('reserved', 'H'),
)

DEPTHWISE = _record(
    'tflm_patch_depthwise_params',
    *_nested('window', WINDOW),
    *_nested('requant', REQUANT),
    ('weights_at', 'I'),
    ('bias_at', 'I'),
    ('depth_multiplier', 'H'),
    ('reserved', 'H'),
)

BOTTLENECK = _record(
    'tflm_patch_bottleneck_params',
    *_nested('expand', CONV),
    *_nested('depthwise', DEPTHWISE),
    *_nested('project', CONV),
    ('wide_rows', 'H'),
    ('wide_cols', 'H'),
    ('wide_channels', 'H'),
    ('wide_zero_point', 'h'),
    ('tile_cols', 'H'),
    ('held_cols', 'H'),
)

TRANSPOSE_CONV = _record(
    'tflm_patch_transpose_conv_params',
    *_nested('window', WINDOW),
    *_nested('requant', REQUANT),
    ('weights_at', 'I'),
    ('bias_at', 'I'),
    ('offsets_at', 'I'),
)

FULLY_CONNECTED = _record(
    'tflm_patch_fully_connected_params',
    *_nested('requant', REQUANT),
    ('weights_at', 'I'),
    ('bias_at', 'I'),
    ('flatten', 'B'),
    ('reserved', '3B'),
)

POOL = _record(
    'tflm_patch_pool_params',
    *_nested('window', WINDOW),
    ('act_min', 'h'),
    ('act_max', 'h'),
    ('accumulate', 'B'),
    ('reserved', 'B'),
    ('first_row', 'H'),
)

ADD = _record(
    'tflm_patch_add_params',
    ('input_multiplier', '2i'),
    ('output_multiplier', 'i'),
    ('input_shift', '2b'),
    ('output_shift', 'b'),
    ('left_shift', 'b'),
    ('output_zero_point', 'i'),
    ('act_min', 'h'),
    ('act_max', 'h'),
)

MUL = _record(
    'tflm_patch_mul_params',
    ('output_multiplier', 'i'),
    ('output_shift', 'i'),
    ('output_zero_point', 'i'),
    ('act_min', 'h'),
    ('act_max', 'h'),
)

PRELU = _record(
    'tflm_patch_prelu_params',
    ('multiplier', '2i'),
    ('shift', '2b'),
    ('output_zero_point', 'h'),
)

MEAN = _record(
    'tflm_patch_mean_params',
    ('multiplier', 'i'),
    ('shift', 'i'),
    ('output_zero_point', 'i'),
    ('over_rows', 'B'),
    ('over_cols', 'B'),
    ('variant', 'B'),
    ('reserved', 'B'),
)

SOFTMAX = _record('tflm_patch_softmax_params', ('exp_table_at', 'I'), ('diff_min', 'i'))

QUANTIZE = _record('tflm_patch_quantize_params', ('scale', 'f'), ('zero_point', 'i'))

LOOKUP = _record('tflm_patch_lookup_params', ('table_at', 'I'))

PAD = _record('tflm_patch_pad_params', ('top', 'H'), ('left', 'H'), ('front', 'H'), ('value', 'h'))

RESIZE = _record('tflm_patch_resize_params', ('row_at', 'I'), ('col_at', 'I'))

STRIDED_SLICE = _record(
    'tflm_patch_strided_slice_params',
    ('begin_row', 'H'),
    ('begin_col', 'H'),
    ('begin_channel', 'H'),
    ('row_stride', 'H'),
    ('col_stride', 'i'),
    ('channel_stride', 'i'),
)

BLOCK = _record('tflm_patch_block_params', ('block', 'H'), ('reserved', 'H'))

BETWEEN = _record('tflm_patch_between', ('index', 'H'), ('weight', 'H'))

CROP = _record('tflm_patch_crop_params', ('top', 'H'), ('reserved', 'H'))

RECORDS = (
    HEADER, MAP, OP, SEGMENT, STEP, WINDOW, REQUANT, INT64, CONV, DEPTHWISE, BOTTLENECK,
    TRANSPOSE_CONV, FULLY_CONNECTED, POOL, ADD, MUL, PRELU, MEAN, SOFTMAX, QUANTIZE, LOOKUP, PAD,
    RESIZE, BETWEEN, STRIDED_SLICE, BLOCK, CROP,
)  # fmt: skip

# The parameter records of the kinds that have one.
PARAMETERS: dict[Kind, Record] = {
    Kind.CONV_2D: CONV,
    Kind.DEPTHWISE_CONV_2D: DEPTHWISE,
    Kind.FULLY_CONNECTED: FULLY_CONNECTED,
    Kind.AVERAGE_POOL_2D: POOL,
    Kind.MAX_POOL_2D: POOL,
    Kind.ADD: ADD,
    Kind.MUL: MUL,
    Kind.MEAN: MEAN,
    Kind.SOFTMAX: SOFTMAX,
    Kind.QUANTIZE: QUANTIZE,
    Kind.DEQUANTIZE: QUANTIZE,
    Kind.LOOKUP: LOOKUP,
    Kind.PAD: PAD,
    Kind.RESIZE_NEAREST: RESIZE,
    Kind.SUB: ADD,
    Kind.STRIDED_SLICE: STRIDED_SLICE,
    Kind.SPACE_TO_DEPTH: BLOCK,
    Kind.DEPTH_TO_SPACE: BLOCK,
    Kind.PRELU: PRELU,
    Kind.RESIZE_BILINEAR: RESIZE,
    Kind.TRANSPOSE_CONV: TRANSPOSE_CONV,
    Kind.BOTTLENECK: BOTTLENECK,
    Kind.CONV_2D_S16: CONV,
    Kind.DEPTHWISE_CONV_2D_S16: DEPTHWISE,
    Kind.FULLY_CONNECTED_S16: FULLY_CONNECTED,
    Kind.AVERAGE_POOL_2D_S16: POOL,
    Kind.MAX_POOL_2D_S16: POOL,
    Kind.ADD_S16: ADD,
    Kind.CROP: CROP,
}


def with_pads(params: bytes, top: int, left: int) -> bytes:
  """A parameter record that begins with a window, with other pads."""
  changed = bytearray(params)
  struct.pack_into('<hh', changed, WINDOW.offset('pad_top'), top, left)
  return bytes(changed)


def bottleneck(parts: bytes, **values: int) -> bytes:
  """A BOTTLENECK's record from those of its three convolutions and its own fields."""
  own = BOTTLENECK.pack(**values)
  return parts + own[len(parts) :]
