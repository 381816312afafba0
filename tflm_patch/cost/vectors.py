# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What kernels for vectors of 16 int8 values have to do; see src/mve/.

Vectors are whole: 17 values take two, so multiply-accumulates alone do not tell the work.
Which way a kernel takes depends on how many values a sum has, and on how many pixels there are.
"""

from __future__ import annotations

import math

from tflm_patch.cost.work import OperatorWork
from tflm_patch.program.records import Kind

FEATURES = (
  'vectors',
  'unvectored_outputs',
  'cell_vectors',
  'tap_vectors',
  'narrow_vectors',
  'block_rows',
  'block_groups',
  'strips',
  'strip_fours',
  'short_fours',
  'resident_products',
  'resident_pairs',
  'pixel_products',
  'pixel_fours',
  'tile_products',
  'tile_runs',
  'tiles_of_6',
  'edge_products',
)
LANES = 16  # int8 values of a vector
_LEAST = 8  # channels of a cell in a vector, see depthwise_conv.c
_LEAST_REST = 10  # channels behind whole blocks that are worth one, see depthwise_block.c
_ROWS = 4  # made at once, see depthwise_conv.c
_NARROW = 8  # columns that are copied at once, see depthwise_3x3.c
_GATHERED = 64  # values of a window that is gathered, see conv.c
_GATHER_BYTES = 576
_LONGEST_PIXEL = 96  # values of a pixel that stays in registers, see gemm_1x4.c
_RESIDENT = 48, 8  # values and pixels, see gemm_resident.c


def features_of(work: OperatorWork) -> dict[str, float]:
  """By name, 0 for operators without such kernels.

  `vectors` hold 16 channels of a cell, or all channels of cells side by side; other
  outputs are `unvectored`. `cell_vectors` hold the 8 to 15 channels of a cell.
  """
  found = dict.fromkeys(FEATURES, 0.0)
  rows, cols, channels = work.output
  if _in_vectors(work):
    found['vectors'] = rows * _vectors(work)
  else:
    found['unvectored_outputs'] = rows * cols * channels
  if work.base_kind == Kind.DEPTHWISE_CONV_2D:
    found.update(_depthwise(work))
  elif work.base_kind == Kind.CONV_2D:
    found.update(_conv(work))
  return found


def _in_vectors(work: OperatorWork) -> bool:
  """Whether a depthwise kernel for vectors makes an output in each lane."""
  return work.output[2] >= LANES or _is_flat(work)


def _is_flat(work: OperatorWork) -> bool:
  """Whether cells side by side share a vector."""
  channels = work.output[2]
  return channels < LANES and LANES % channels == 0 and work.stride[1] == 1


def _vectors(work: OperatorWork) -> int:
  """Vectors that hold a row's values."""
  _, cols, channels = work.output
  if _is_flat(work):
    return -(-cols * channels // LANES)
  return cols * -(-channels // LANES)


def _rows_inside(work: OperatorWork) -> int:
  """Kernel rows in the map, of all output rows; padding as TensorFlow's SAME has it."""
  rows, stride, dilation = work.output[0], work.stride[0], work.dilation[0]
  reach = (work.kernel[0] - 1) * dilation + 1
  above = max(0, (rows - 1) * stride + reach - work.input[0]) // 2
  return sum(
    0 <= row * stride - above + tap * dilation < work.input[0]
    for row in range(rows)
    for tap in range(work.kernel[0])
  )


def _cols_inside(work: OperatorWork) -> int:
  """Output columns whose windows lie in the map."""
  cols, stride = work.output[1], work.stride[1]
  reach = (work.kernel[1] - 1) * work.dilation[1] + 1
  left = max(0, (cols - 1) * stride + reach - work.input[1]) // 2
  return sum(
    col * stride >= left and col * stride - left + reach <= work.input[1] for col in range(cols)
  )


def _depthwise(work: OperatorWork) -> dict[str, float]:
  rows, cols, channels = work.output
  is_3x3 = work.kernel == (3, 3) and work.stride[1] <= 2
  is_cell = is_3x3 and _LEAST <= channels < LANES and not _is_flat(work)
  whole, rest = divmod(channels, LANES)
  blocks = whole + (rest > 0 if is_3x3 else whole > 0 and rest >= _LEAST_REST)
  single = 0 if is_3x3 else rest if blocks == whole else 0
  if channels < LANES:
    blocks, single = (1, 0) if is_cell or (is_3x3 and _is_flat(work)) else (0, channels)
  calls = max(work.calls, 1)
  groups = calls * math.ceil(rows / calls / _ROWS) if is_3x3 else rows
  reach = (cols - 1) * work.stride[1] + 3
  is_narrow = is_3x3 and channels >= _LEAST and not _is_flat(work) and reach <= _NARROW
  taps = _rows_inside(work) * work.kernel[1]
  return {
    'cell_vectors': rows * cols if is_cell else 0,
    'tap_vectors': 0 if is_3x3 else blocks * cols * taps,
    'narrow_vectors': rows * blocks * cols if is_narrow else 0,
    'block_rows': rows * blocks,
    'block_groups': groups * blocks,
    'strips': rows * single,
    'strip_fours': rows * single * math.ceil(cols / 4),
  }


def _conv(work: OperatorWork) -> dict[str, float]:
  (kernel_h, kernel_w), (rows, cols, channels) = work.kernel, work.output
  depth = work.input[2]
  taps = kernel_h * kernel_w * depth
  if work.kernel == (1, 1):
    calls = max(work.calls, 1)
    return _tiles(depth, 1, calls, rows * cols / calls, channels)
  if taps <= _GATHERED:
    pixels = min(cols, _GATHER_BYTES // (LANES * math.ceil(taps / LANES)))
    return _tiles(taps, 1, rows * math.ceil(cols / pixels), pixels, channels)
  inside = _cols_inside(work)
  found = _tiles(kernel_w * depth, _rows_inside(work) / rows, rows, inside, channels)
  edges = rows * (cols - inside) * math.ceil(channels / 4)
  found['edge_products'] = edges * math.ceil(taps / LANES)
  return found


def _tiles(run: int, pieces: float, times: int, pixels: float, channels: int) -> dict[str, float]:
  """Pixels by channels, `times` over: sums of `pieces` runs of values."""
  vectors = math.ceil(run / LANES)
  fours, pairs = math.ceil(channels / 4), math.ceil(channels / 2)
  if not pixels:
    return {}
  if pieces == 1 and vectors == 1:
    return {'short_fours': times * pixels * fours}
  if pieces == 1 and run <= _RESIDENT[0] and pixels >= _RESIDENT[1]:
    count = times * pairs * math.ceil(pixels / 2)
    return {'resident_products': count * vectors, 'resident_pairs': count}
  if pieces == 1 and run <= _LONGEST_PIXEL:
    made = times * pixels * fours
    return {'pixel_products': made * vectors, 'pixel_fours': made}
  is_pair = pixels <= 2 or pixels == 4
  count = times * pairs * math.ceil(pixels / (2 if is_pair else 3))
  runs = count * pieces
  return {
    'tile_products': runs * vectors * (2 / 3 if is_pair else 1),
    'tile_runs': runs,
    'tiles_of_6': count,
  }
