# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The stage program's binary format, mirrored from tflm_patch/program.h.

Every structure of the C header stands here as a `Record`: its name, its fields
in order and their types. tests/python/planner/test_program.py compiles the
header and compares sizes and offsets.
"""

from __future__ import annotations

import dataclasses
import enum
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

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


def with_pads(params: bytes, top: int, left: int) -> bytes:
  """A parameter record that begins with a window, with other pads."""
  changed = bytearray(params)
  struct.pack_into('<hh', changed, WINDOW.offset('pad_top'), top, left)
  return bytes(changed)


def bottleneck(parts: bytes, **values: int) -> bytes:
  """A BOTTLENECK's record from those of its three convolutions and its own fields."""
  own = BOTTLENECK.pack(**values)
  return parts + own[len(parts) :]


def checksum(data: bytes) -> int:
  """tflm_patch_checksum: a Fletcher sum modulo 2^16 over the bytes."""
  values = np.frombuffer(data, np.uint8).astype(np.uint64)
  n = values.size
  a = 1 + int(values.sum())
  # b after n bytes is the sum of all prefix values of a.
  b = n + int((values * np.arange(n, 0, -1, dtype=np.uint64)).sum())
  return (b & 0xFFFF) << 16 | (a & 0xFFFF)


def finish(body: bytearray) -> bytes:
  """Fills in size and checksum of a program whose header is packed with zeros there."""
  while len(body) % 4:
    body.append(0)
  struct.pack_into('<I', body, HEADER.offset('program_bytes'), len(body))
  struct.pack_into(
      '<I', body, HEADER.offset('checksum'), checksum(bytes(body[CHECKSUM_FROM:]))
  )
  return bytes(body)


def is_fed_by_bands(data: bytes) -> bool:
  """tflm_patch_is_fed_by_bands; False for what is no program."""
  if len(data) < HEADER.size:
    return False
  header = HEADER.unpack(data)
  end = header['ops'] + OP.size * header['n_ops']
  kinds = data[header['ops'] : end : OP.size] if end <= len(data) else b''
  return Kind.FEED in kinds


@dataclasses.dataclass(frozen=True)
class OpRecord:
  """An operator before encoding; see `encode`."""

  kind: int
  inputs: Sequence[int]
  outputs: Sequence[int]
  steps: int
  params: bytes
  scratch: int = NONE
  scratch_region: int = Region.WORKSPACE
  scratch_bytes: int = 0


@dataclasses.dataclass(frozen=True)
class SegmentRecord:
  """A segment before encoding: its operators are consecutive."""

  first_op: int
  n_ops: int
  steps: Sequence[tuple[int, int, int]]  # operator within the segment, row, count


def encode(
    *,
    n_inputs: int,
    n_outputs: int,
    maps: Sequence[dict[str, int]],
    ops: Sequence[OpRecord],
    segments: Sequence[SegmentRecord],
    constants_bytes: int,
    workspace_bytes: int,
    family: int = FAMILY_PORTABLE,
) -> bytes:
  """Encodes a program.

  Args:
    n_inputs, n_outputs: Tensors of the stage.
    maps: Fields of MAP by name.
    ops: Operators in execution order.
    segments: Consecutive segments covering `ops`.
    constants_bytes: Size of the constants.
    workspace_bytes: Size of the workspace, a multiple of 16.
    family: Kernel family that the constants are packed for.

  Returns:
    The program's bytes, a multiple of 4 long.
  """
  edges: list[int] = []
  op_table = bytearray()
  params = bytearray()
  params_at: dict[bytes, int] = {}
  n_steps = sum(len(segment.steps) for segment in segments)
  n_edges = sum(len(op.inputs) + len(op.outputs) for op in ops)
  maps_at = HEADER.size
  ops_at = maps_at + MAP.size * len(maps)
  edges_at = ops_at + OP.size * len(ops)
  segments_at = edges_at + (2 * n_edges + 3) // 4 * 4
  steps_at = segments_at + SEGMENT.size * len(segments)
  params_base = steps_at + STEP.size * n_steps
  for op in ops:
    first_edge = len(edges)
    edges += [*op.inputs, *op.outputs]
    # Equal records (of equal operators) are stored once.
    if op.params not in params_at:
      params_at[op.params] = params_base + len(params)
      params += op.params + bytes(-len(op.params) % 4)
    op_table += OP.pack(
        kind=op.kind,
        n_inputs=len(op.inputs),
        n_outputs=len(op.outputs),
        first_edge=first_edge,
        steps=op.steps,
        params=params_at[op.params],
        scratch=op.scratch,
        scratch_region=op.scratch_region,
        scratch_bytes=op.scratch_bytes,
    )
  segment_table = bytearray()
  step_table = bytearray()
  first_step = 0
  for segment in segments:
    segment_table += SEGMENT.pack(
        first_op=segment.first_op,
        n_ops=segment.n_ops,
        first_step=first_step,
        n_steps=len(segment.steps),
    )
    first_step += len(segment.steps)
    for op_index, row, count in segment.steps:
      step_table += STEP.pack(op=op_index, count=count, row=row)
  body = bytearray()
  body += HEADER.pack(
      magic=MAGIC,
      version=VERSION,
      family=family,
      constants_bytes=constants_bytes,
      workspace_bytes=workspace_bytes,
      n_inputs=n_inputs,
      n_outputs=n_outputs,
      n_maps=len(maps),
      n_ops=len(ops),
      n_edges=n_edges,
      n_segments=len(segments),
      n_steps=n_steps,
      maps=maps_at,
      ops=ops_at,
      edges=edges_at,
      segments=segments_at,
      steps=steps_at,
  )
  for fields in maps:
    body += MAP.pack(**fields)
  body += op_table
  body += struct.pack(f'<{len(edges)}H', *edges)
  body += bytes(-len(body) % 4)
  body += segment_table
  body += step_table
  assert len(body) == params_base
  body += params
  return finish(body)
