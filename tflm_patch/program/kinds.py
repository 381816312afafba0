# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What is known of the kinds of operators beside their records: one entry a kind.

The planner, the cost model and the reports ask `spec_of`; who adds a kind adds its entry to
`_SPECS`, or nothing where it only computes, without weights, from cells in no simple order.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable, Mapping
from typing import Any

from tflm_patch.graph.axis_window import AxisWindow
from tflm_patch.program.records import Kind

Shape = tuple[int, int, int]
Fields = Mapping[str, Any]  # the plain fields of a parameter record, by name
Macs = Callable[[Fields, Shape, Shape], int]
Cellwise = Callable[[Fields, Shape, Shape], bool]


class Role(enum.Enum):
  """What an operator does beside computing."""

  COMPUTE = 'compute'  # nothing else
  FEED = 'feed'  # it makes the frame from the bands of the stage's input
  SLIDE = 'slide'  # it brings a kept map up to date, once an invocation
  PART = 'part'  # its output is a part of its input and lies in its memory
  WHOLE = 'whole'  # its inputs lie in its output's memory and make it up together


def _never(fields: Fields, source: Shape, made: Shape) -> bool:
  del fields, source, made
  return False


def _always(fields: Fields, source: Shape, made: Shape) -> bool:
  del fields, source, made
  return True


def _takes_all_cells(fields: Fields, source: Shape, made: Shape) -> bool:
  """A slice of channels."""
  names = 'begin_row', 'begin_col', 'row_stride', 'col_stride'
  return source[:2] == made[:2] and tuple(fields[name] for name in names) == (0, 0, 1, 1)


@dataclasses.dataclass(frozen=True)
class KindSpec:
  """What is known of a kind.

  Attributes:
    kind: The kind.
    arithmetic: The 8-bit kind that computes alike; the kind itself but for int16 maps.
    role: What it does beside computing.
    windowed: It has a window that slides over its first input.
    cellwise: Whether an output cell is made from the same cell of every input that is not
      broadcast, from the fields and the shapes (rows, cols, channels) of input and output.
    macs: Multiply-accumulates of an inference, from the same; None without weights.
  """

  kind: Kind
  arithmetic: Kind
  role: Role = Role.COMPUTE
  windowed: bool = False
  cellwise: Cellwise = _never
  macs: Macs | None = None

  @property
  def is_view(self) -> bool:
    """Whether it says where rows lie, and computes none."""
    return self.role in (Role.PART, Role.WHOLE)


def spec_of(kind: Kind) -> KindSpec:
  """What is known of a kind."""
  return _BY_KIND[kind]


def _taps(fields: Fields, part: str = '') -> int:
  return fields[f'{part}window.kernel_h'] * fields[f'{part}window.kernel_w']


def _conv_macs(fields: Fields, source: Shape, made: Shape) -> int:
  return math.prod(made) * _taps(fields) * source[2] // fields['groups']


def _depthwise_macs(fields: Fields, source: Shape, made: Shape) -> int:
  del source
  return math.prod(made) * _taps(fields)


def _fully_connected_macs(fields: Fields, source: Shape, made: Shape) -> int:
  del fields
  return math.prod(made) * math.prod(source) // made[0]


def _batch_matmul_macs(fields: Fields, source: Shape, made: Shape) -> int:
  del fields
  return math.prod(made) * source[2]


def _lstm_macs(fields: Fields, source: Shape, made: Shape) -> int:
  del fields
  return 4 * math.prod(made) * (source[1] * source[2] + made[1] * made[2])


def _svdf_macs(fields: Fields, source: Shape, made: Shape) -> int:
  return math.prod(made) * fields['rank'] * (source[1] * source[2] + fields['memory'])


def _neighbours_macs(fields: Fields, source: Shape, made: Shape) -> int:
  del made
  return fields['connections'] * source[1] * source[2]


def _transpose_conv_macs(fields: Fields, source: Shape, made: Shape) -> int:
  return math.prod(source) * _taps(fields) * made[2]


def _bottleneck_macs(fields: Fields, source: Shape, made: Shape) -> int:
  cells = fields['wide_rows'] * fields['wide_cols']
  cells += _rows_again(fields, made[0]) * (fields['wide_cols'] - fields['held_cols'])
  wide = _taps(fields, 'expand.') * source[2] // fields['expand.groups'] * cells
  narrow = made[0] * made[1] * (_taps(fields, 'depthwise.') + made[2])
  return fields['wide_channels'] * (wide + narrow)


def _rows_again(fields: Fields, rows: int) -> int:
  """Rows of a BOTTLENECK's wide map that more than one output row makes."""
  names = ('kernel_h', 'stride_h', 'dilation_h', 'pad_top')
  window = AxisWindow(*(fields[f'depthwise.window.{name}'] for name in names))
  again = 0
  for row in range(1, rows):
    last = min(window.reads(row - 1, row - 1)[1], fields['wide_rows'] - 1)
    again += max(0, last + 1 - max(0, window.reads(row, row)[0]))
  return again


def _spec(kind: Kind, int16: Kind | None = None, **known: Any) -> tuple[KindSpec, ...]:
  """A kind, and the one that computes alike on int16 maps."""
  kinds = (kind,) if int16 is None else (kind, int16)
  return tuple(KindSpec(each, kind, **known) for each in kinds)


_SPECS = (
  *_spec(Kind.CONV_2D, Kind.CONV_2D_S16, windowed=True, macs=_conv_macs),
  *_spec(Kind.DEPTHWISE_CONV_2D, Kind.DEPTHWISE_CONV_2D_S16, windowed=True, macs=_depthwise_macs),
  *_spec(Kind.FULLY_CONNECTED, Kind.FULLY_CONNECTED_S16, macs=_fully_connected_macs),
  *_spec(Kind.TRANSPOSE_CONV, Kind.TRANSPOSE_CONV_S16, macs=_transpose_conv_macs),
  *_spec(Kind.BATCH_MATMUL, macs=_batch_matmul_macs),
  *_spec(Kind.LSTM, macs=_lstm_macs),
  *_spec(Kind.SVDF, macs=_svdf_macs),
  *_spec(Kind.NEIGHBOURS, macs=_neighbours_macs),
  *_spec(Kind.BOTTLENECK, macs=_bottleneck_macs),
  *_spec(Kind.AVERAGE_POOL_2D, Kind.AVERAGE_POOL_2D_S16, windowed=True),
  *_spec(Kind.MAX_POOL_2D, Kind.MAX_POOL_2D_S16, windowed=True),
  *_spec(Kind.ADD, Kind.ADD_S16, cellwise=_always),
  *_spec(Kind.SUB, Kind.SUB_S16, cellwise=_always),
  *_spec(Kind.MUL, Kind.MUL_S16, cellwise=_always),
  *_spec(Kind.MAXIMUM, Kind.MAXIMUM_S16, cellwise=_always),
  *_spec(Kind.MINIMUM, Kind.MINIMUM_S16, cellwise=_always),
  *_spec(Kind.PRELU, cellwise=_always),
  *_spec(Kind.SQUARED_DIFFERENCE, Kind.SQUARED_DIFFERENCE_S16, cellwise=_always),
  *_spec(Kind.ADD_N, cellwise=_always),
  *_spec(Kind.ARG_MAX, cellwise=_always),
  *_spec(Kind.L2_NORMALIZATION, cellwise=_always),
  *_spec(Kind.LOG_SOFTMAX, cellwise=_always),
  *_spec(Kind.CAST, cellwise=_always),
  *_spec(Kind.LOOKUP, cellwise=_always),
  *_spec(Kind.SOFTMAX, Kind.SOFTMAX_S16),
  KindSpec(Kind.SOFTMAX_S8_S16, Kind.SOFTMAX),
  *_spec(Kind.MEAN, Kind.MEAN_S16),
  *_spec(Kind.LOGISTIC_S16, cellwise=_always),
  *_spec(Kind.TANH_S16, cellwise=_always),
  *_spec(Kind.RESCALE_S16, cellwise=_always),
  *_spec(Kind.QUANTIZE, cellwise=_always),
  *_spec(Kind.REQUANTIZE, cellwise=_always),
  *_spec(Kind.DEQUANTIZE, cellwise=_always),
  *_spec(Kind.STRIDED_SLICE, cellwise=_takes_all_cells),
  *_spec(Kind.FEED, role=Role.FEED),
  *_spec(Kind.SLIDE, role=Role.SLIDE),
  *_spec(Kind.HOP, role=Role.SLIDE),
  *_spec(Kind.APPEND, role=Role.SLIDE),
  *_spec(Kind.CROP, role=Role.PART),
  *_spec(Kind.JOIN, role=Role.WHOLE),
)
_BY_KIND = {kind: KindSpec(kind, kind) for kind in Kind} | {spec.kind: spec for spec in _SPECS}
