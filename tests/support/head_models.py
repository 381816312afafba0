# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Networks whose heads move, join and reduce maps: detectors, and 1-D ones."""

from __future__ import annotations

import numpy as np

from support.model_builder import ModelBuilder


def _silu(b: ModelBuilder, x: int) -> int:
  return b.mul(x, b.logistic(x))


def _conv(b: ModelBuilder, x: int, channels: int, kernel: int = 3, stride: int = 1) -> int:
  return _silu(b, b.conv(x, channels, kernel, stride))


def _join(b: ModelBuilder, tensors: list[int], axis: int = 3) -> int:
  """Joins tensors, all in the quantization of the first one."""
  first = tensors[0]
  return b.concat([first, *(b.quantize(x, like=first) for x in tensors[1:])], axis)


def _c2f(b: ModelBuilder, x: int, channels: int, shortcut: bool) -> int:
  """YOLOv8's block: a split, a bottleneck, everything joined."""
  first, second = b.split(_conv(b, x, channels, 1), 2)
  y = _conv(b, _conv(b, second, channels // 2), channels // 2)
  return _conv(b, _join(b, [first, second, b.add(y, second) if shortcut else y]), channels, 1)


def _lines(b: ModelBuilder, x: int, values: int) -> int:
  """[1, rows, cols, channels] to [1, anchors, values]."""
  return b.reshape(x, (1, int(np.prod(b.shape(x))) // values, values))


def yolo(size: int = 160, width: int = 16, classes: int = 20) -> bytes:
  """Like YOLOv8n with its whole head: DFL, anchors, and the output [1, 4 + classes, anchors].

  Args:
    size: Height and width of the image, a multiple of 32.
    width: Channels of the first layer.
    classes: Of objects.
  """
  b = ModelBuilder(31)
  x = _conv(b, b.input((1, size, size, 3)), width, 3, 2)
  levels = []
  for factor in (2, 4, 8, 16):
    x = _c2f(b, _conv(b, x, width * factor, 3, 2), width * factor, True)
    levels.append(x)
  middle, wide = levels[2], levels[1]
  p4 = _join(b, [b.resize_nearest(x, *b.shape(middle)[1:3]), middle])
  p4 = _c2f(b, p4, width * 8, False)
  p3 = _join(b, [b.resize_nearest(p4, *b.shape(wide)[1:3]), wide])
  p3 = _c2f(b, p3, width * 4, False)
  n4 = _c2f(b, _join(b, [_conv(b, p3, width * 4, 3, 2), p4]), width * 8, False)
  n5 = _c2f(b, _join(b, [_conv(b, n4, width * 8, 3, 2), x]), width * 16, False)
  heads = []
  for level in (p3, n4, n5):
    boxes = b.conv(_conv(b, level, 64), 64, 1)
    scores = b.conv(_conv(b, level, max(64, classes)), classes, 1)
    heads.append(_lines(b, _join(b, [boxes, scores]), 64 + classes))
  joined = _join(b, heads, 1)
  boxes, scores = b.split_v(joined, [64, classes], 2)
  anchors = b.shape(joined)[1]
  # The expected place of each side among 16 bins.
  sides = b.softmax(b.reshape(boxes, (1, anchors, 4, 16)))
  sides = b.reshape(b.conv(sides, 1, 1, bias=False), (1, anchors, 4))
  corners = b.sub(b.constant_operand((1, anchors, 4)), sides)
  scores = b.logistic(scores)
  b.output(b.transpose(_join(b, [corners, scores], 2), (0, 2, 1)))
  return b.build()


def _double_blaze(b: ModelBuilder, x: int, channels: int, stride: int = 1) -> int:
  y = b.conv(b.depthwise(x, 1, 5, stride), channels, 1)
  if stride == 1 and b.shape(x)[3] == channels:
    return b.relu(b.add(x, y))
  skip = x if stride == 1 else b.max_pool(x, 2, 2, 'SAME')
  missing = channels - b.shape(skip)[3]
  if missing:
    skip = b.pad(skip, [(0, 0), (0, 0), (0, 0), (0, missing)])
  return b.relu(b.add(y, skip))


def blaze_face(size: int = 128) -> bytes:
  """Like BlazeFace: two maps, of each scores and boxes, joined to [1, anchors, 1 and 16]."""
  b = ModelBuilder(32)
  x = b.conv(b.input((1, size, size, 3)), 24, 5, 2, activation='RELU')
  for channels, stride in ((24, 1), (28, 1), (32, 2), (36, 1), (42, 1), (48, 2), (56, 1)):
    x = _double_blaze(b, x, channels, stride)
  for channels in (64, 72, 80, 88):
    x = _double_blaze(b, x, channels)
  fine = x
  x = _double_blaze(b, x, 96, 2)
  for _ in range(3):
    x = _double_blaze(b, x, 96)
  for values in (1, 16):
    heads = [b.conv(fine, 2 * values, 1), b.conv(x, 6 * values, 1)]
    b.output(_join(b, [_lines(b, head, values) for head in heads], 1))
  return b.build()


def line_net(steps: int = 1024, channels: int = 9) -> bytes:
  """A Conv1D network with global max pooling, as Keras makes it."""
  b = ModelBuilder(33)
  x = b.reshape(b.input((1, steps, channels)), (1, 1, steps, channels))
  for filters in (32, 48, 64):
    x = b.conv(x, filters, (1, 7), activation='RELU', padding='SAME')
    x = b.max_pool(x, (1, 2), (1, 2), padding='SAME')
  x = b.conv(x, 96, (1, 3), activation='RELU')
  x = b.reshape(x, (1, b.shape(x)[2], 96))
  x = b.reduce_max(x, (1,), keep_dims=False)
  b.output(b.softmax(b.fully_connected(x, 6)))
  return b.build()


def ssd(size: int = 192, classes: int = 6) -> bytes:
  """Like SSD on a MobileNet: three maps, of each boxes and scores, joined along anchors.

  Args:
    size: Height and width of the image, a multiple of 32.
    classes: Of objects, with the background.
  """
  b = ModelBuilder(34)
  x = b.conv(b.input((1, size, size, 3)), 16, 3, 2, activation='RELU6')
  levels = []
  for channels, stride in ((24, 2), (24, 1), (32, 2), (48, 1), (64, 2), (64, 1), (96, 2)):
    x = b.conv(b.depthwise(x, 1, 3, stride, activation='RELU6'), channels, 1, activation='RELU6')
    levels.append(x)
  maps = [levels[3], levels[5], levels[6]]
  for values in (4, classes):
    heads = [b.conv(b.depthwise(level, 1, 3), 3 * values, 1) for level in maps]
    joined = _join(b, [_lines(b, head, values) for head in heads], 1)
    b.output(joined if values == 4 else b.logistic(joined))
  return b.build()


NETWORKS = {'yolo': yolo, 'blaze_face': blaze_face, 'line_net': line_net, 'ssd': ssd}
