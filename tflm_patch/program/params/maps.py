# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Parameters of what pads, cuts, resizes or moves maps."""

from __future__ import annotations

import dataclasses

from tflm_patch.program.fields import Array, constant, i16, i32, structure, u16, u32
from tflm_patch.program.params.base import Params


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
