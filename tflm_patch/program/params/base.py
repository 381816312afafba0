# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the parameters of operators have in common: windows, requantization."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from tflm_patch.graph.axis_window import AxisWindow, CellWindow
from tflm_patch.program.fields import Array, Deferred, constant, i16, structure, u8, u16


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
