# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Networks shaped like detectors that users bring: large inputs and outputs, many operators."""

from __future__ import annotations

from support.model_builder import ModelBuilder
from tflm_patch.graph.types import DType


def pose_network(size: int = 192, dtype: DType = DType.INT8) -> bytes:
  """Like MoveNet: a MobileNet, a feature pyramid up to a quarter of the image, three heads.

  Args:
    size: Height and width of the image, a multiple of 32.
    dtype: Of the image; other than INT8, a QUANTIZE follows it.
  """
  b = ModelBuilder(21)
  x = b.input((1, size, size, 3), dtype)
  if dtype != DType.INT8:
    x = b.quantize(x)
  x = b.conv(x, 16, 3, 2, activation='RELU6')
  levels = []
  for channels, wide, stride in ((16, 48, 2), (24, 96, 2), (32, 144, 2), (64, 192, 2)):
    x = b.conv(x, wide, 1, activation='RELU6')
    x = b.conv(b.depthwise(x, 1, 3, stride, activation='RELU6'), channels, 1)
    levels.append(x)
  x = b.conv(levels.pop(), 24, 1)
  while levels:
    level = b.conv(levels.pop(), 24, 1)
    _, rows, cols, _ = b.shape(level)
    x = b.add(b.resize_nearest(x, rows, cols), level)
    x = b.conv(b.depthwise(x, 1, 3), 24, 1, activation='RELU6')
  for channels in (17, 34, 17):
    y = b.conv(b.depthwise(x, 1, 3), 48, 1, activation='RELU6')
    b.output(b.conv(y, channels, 1))
  return b.build()


def _silu(b: ModelBuilder, x: int) -> int:
  return b.mul(x, b.logistic(x))


def _conv(b: ModelBuilder, x: int, channels: int, kernel: int = 3, stride: int = 1) -> int:
  return _silu(b, b.conv(x, channels, kernel, stride))


def _join(b: ModelBuilder, tensors: list[int]) -> int:
  """Joins channels, all in the quantization of the first tensor."""
  first = tensors[0]
  return b.concat([first, *(b.quantize(x, like=first) for x in tensors[1:])])


def _c2f(b: ModelBuilder, x: int, channels: int, count: int, shortcut: bool) -> int:
  """YOLOv8's block: a split, bottlenecks in a row, everything joined."""
  first, second = b.split(_conv(b, x, channels, 1), 2)
  parts = [first, second]
  for _ in range(count):
    y = _conv(b, _conv(b, parts[-1], channels // 2), channels // 2)
    parts.append(b.add(y, parts[-1]) if shortcut else y)
  return _conv(b, _join(b, parts), channels, 1)


def yolo_network(size: int = 160, width: int = 16) -> bytes:
  """Like YOLOv8n: about 250 operators, three scales, six outputs.

  Args:
    size: Height and width of the image, a multiple of 32.
    width: Channels of the first layer.
  """
  b = ModelBuilder(22)
  x = _conv(b, b.input((1, size, size, 3)), width, 3, 2)
  levels = []
  for factor, count in ((2, 1), (4, 2), (8, 2), (16, 1)):
    x = _c2f(b, _conv(b, x, width * factor, 3, 2), width * factor, count, True)
    levels.append(x)
  y = _conv(b, x, width * 8, 1)
  pools = [y]
  for _ in range(3):
    pools.append(b.max_pool(pools[-1], 5, 1, 'SAME'))
  deep = _conv(b, _join(b, pools), width * 16, 1)
  middle, wide = levels[2], levels[1]
  joined = _join(b, [b.resize_nearest(deep, *b.shape(middle)[1:3]), middle])
  p4 = _c2f(b, joined, width * 8, 1, False)
  joined = _join(b, [b.resize_nearest(p4, *b.shape(wide)[1:3]), wide])
  p3 = _c2f(b, joined, width * 4, 1, False)
  n4 = _c2f(b, _join(b, [_conv(b, p3, width * 4, 3, 2), p4]), width * 8, 1, False)
  n5 = _c2f(b, _join(b, [_conv(b, n4, width * 8, 3, 2), deep]), width * 16, 1, False)
  for level in (p3, n4, n5):
    for channels, last in ((64, 64), (80, 80)):
      y = _conv(b, _conv(b, level, channels), channels)
      b.output(b.conv(y, last, 1))
  return b.build()
