# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategy for small random networks of int16 activations."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from support.graphs import (
  ACTIVATIONS,
  MAX_BLOCKS,
  MAX_CHANNELS,
  MAX_VALUES,
  Block,
  Draw,
  Network,
  Sketch,
  inverted_residual,
  line_mean,
  pads,
  pool,
  reshape,
  residual,
  sliced,
  split,
  strided_slice,
)
from tflm_patch.graph.types import DType


def _weighted(s: Sketch, biases: tuple[bool | str, ...]) -> dict[str, Any]:
  return {
    'activation': s.draw(ACTIVATIONS),
    'per_channel': s.draw(st.booleans()),
    'bias': s.draw(st.sampled_from(biases)),
  }


_BIASES = (True, 'int32', False, 'absent int32')


def _conv(s: Sketch, x: int) -> int:
  return s.conv(x, s.channels(), **s.window(x, 5, dilated=True), **_weighted(s, _BIASES))


def _pointwise(s: Sketch, x: int) -> int:
  return s.conv(x, s.channels(), 1, **_weighted(s, _BIASES))


def _grouped(s: Sketch, x: int) -> int:
  channels = s.shape(x)[3]
  groups = s.draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))
  out = groups * s.draw(st.integers(1, 3))
  return s.conv(x, out, **s.window(x, 3, dilated=True), groups=groups, **_weighted(s, _BIASES))


def _depthwise(s: Sketch, x: int) -> int:
  multiplier = s.draw(st.integers(1, 3)) if s.shape(x)[3] <= MAX_CHANNELS // 3 else 1
  return s.depthwise(x, multiplier, **s.window(x, 5, dilated=True), **_weighted(s, (True, False)))


def _padded_conv(s: Sketch, x: int) -> int:
  """An explicit PAD, sometimes with a VALID window behind it."""
  padded = s.pad_spatial(x, *pads(s))
  if min(s.shape(padded)[1:3]) < 3 or s.draw(st.booleans()):
    return padded
  return s.depthwise(padded, 1, 3, 1, padding='VALID', **_weighted(s, (True, False)))


def _pad_channels(s: Sketch, x: int) -> int:
  widths = [(0, 0), *(s.draw(st.tuples(st.integers(0, 2), st.integers(0, 2))) for _ in range(3))]
  return s.pad(x, widths, value=s.draw(st.sampled_from([None, 7, -30000])))


def _operand(s: Sketch, x: int) -> int:
  """An operator on a constant, or on another input, that may be broadcast."""
  _, rows, cols, channels = s.shape(x)
  shapes = [(1, 1, 1, channels), (1, rows, cols, channels), (1, 1, 1, 1), (1, rows, 1, 1)]
  shape = s.draw(st.sampled_from(shapes))
  if s.draw(st.booleans()):
    other = s.input(shape, DType.INT16)
  else:
    other = s.constant_operand(shape, dtype=DType.INT16)
  return _pair(s, x, other)


def _pair(s: Sketch, x: int, other: int) -> int:
  """ADD, SUB, MUL, MAXIMUM or MINIMUM, either way round."""
  opcodes = ['add', 'mul', 'sub', 'maximum', 'minimum', 'squared_difference']
  opcode = s.draw(st.sampled_from(opcodes))
  fused = {} if opcode in opcodes[3:] else {'activation': s.draw(ACTIVATIONS)}
  return getattr(s, opcode)(*s.draw(st.permutations([x, other])), **fused)


def _two_maps(s: Sketch, x: int) -> int:
  """An operator on an earlier map of the same shape, or on a convolution of this one."""
  others = [t for t in s.maps if t != x and s.shape(t) == s.shape(x)]
  other = s.draw(st.sampled_from([None, *others]))
  return _pair(s, x, s.conv(x, s.shape(x)[3], 1) if other is None else other)


def _unary(s: Sketch, x: int) -> int:
  names = ['logistic', 'tanh', 'relu', 'relu6', 'leaky_relu', 'abs', 'softmax', 'quantize']
  name = s.draw(st.sampled_from(names))
  return s.quantize(x, DType.INT16) if name == 'quantize' else getattr(s, name)(x)


def _swish(s: Sketch, x: int) -> int:
  return s.mul(*s.draw(st.permutations([x, s.logistic(x)])))


def _moved(s: Sketch, x: int) -> int:
  """REVERSE_V2, or a mean broadcast again."""
  if s.draw(st.booleans()):
    return s.reverse(x, s.draw(st.sampled_from([1, 2, 3])))
  return s.broadcast_to(s.mean(x, s.draw(st.sampled_from([(1,), (2,), (1, 2)]))), s.shape(x))


def _sum(s: Sketch, x: int) -> int:
  return s.sum(x, s.draw(st.sampled_from([(1,), (2,), (1, 2)])))


def _squeeze_excite(s: Sketch, x: int) -> int:
  channels = s.shape(x)[3]
  y = s.conv(s.mean(x, keep_dims=True), max(1, channels // 2), 1, activation='RELU')
  y = s.logistic(s.conv(y, channels, 1))
  return s.mul(*s.draw(st.permutations([x, y])))


def _up_and_joined(s: Sketch, x: int) -> int:
  """Twice the rows and columns, beside the map of before: what a U-Net does on its way up."""
  _, rows, cols, channels = s.shape(x)
  down = s.conv(s.max_pool(s.pad_spatial(x, 0, rows % 2, 0, cols % 2)), channels, 3)
  if s.draw(st.booleans()):
    up = s.resize_nearest(down, rows, cols)
  else:
    size = (rows, cols)
    up = s.transpose_conv(down, s.channels(), 3, 2, **_weighted(s, (True, False)), size=size)
  if not s.same_quantization(x, up):
    up = s.quantize(up, DType.INT16, like=x)
  return s.concat([x, up])


def _resize(s: Sketch, x: int) -> int:
  _, rows, cols, _ = s.shape(x)
  flags = s.draw(st.sampled_from([(False, False), (True, False), (False, True)]))
  rows, cols = s.draw(st.sampled_from([(2 * rows, 2 * cols), (rows + 1, cols), (rows, cols + 3)]))
  return s.resize_nearest(x, rows, cols, *flags)


def _transpose_conv(s: Sketch, x: int) -> int:
  window = s.window(x, 4, dilated=False)
  _, rows, cols, _ = s.shape(x)
  if rows * cols * window['stride'][0] * window['stride'][1] * MAX_CHANNELS > 4 * MAX_VALUES:
    window['stride'] = (1, 1)
  return s.transpose_conv(x, s.channels(), **window, **_weighted(s, (True, False)))


def _concat(s: Sketch, x: int) -> int:
  return s.concat([x, s.max_pool(x, 3, 1, 'SAME')])


def _fully_connected(s: Sketch, x: int) -> int:
  return s.fully_connected(
    x, s.channels(), flatten=False, keep_num_dims=True, **_weighted(s, _BIASES)
  )


BLOCKS: tuple[Block, ...] = (
  _pointwise,
  _conv,
  _depthwise,
  _conv,
  _depthwise,
  residual,
  pool,
  inverted_residual,
  _padded_conv,
  _grouped,
  _operand,
  _pad_channels,
  _fully_connected,
  _concat,
  split,
  strided_slice,
  reshape,
  sliced,
  line_mean,
  _unary,
  _two_maps,
  _swish,
  _squeeze_excite,
  _sum,
  _moved,
  _up_and_joined,
  _resize,
  _transpose_conv,
)


@st.composite
def int16_networks(draw: Draw) -> Network:
  """Convolutional networks of int16 activations; float32 at the ends, now and then."""
  s = Sketch(draw)
  shape = (1, draw(st.integers(1, 13)), draw(st.integers(1, 13)), draw(st.integers(1, 6)))
  if draw(st.booleans()):
    x = s.quantize(s.input(shape, DType.FLOAT32), DType.INT16)
  else:
    x = s.input(shape, DType.INT16)
  for _ in range(draw(st.integers(1, MAX_BLOCKS))):
    s.maps.append(x)
    _, rows, cols, channels = s.shape(x)
    if rows * cols * channels > MAX_VALUES // 2 or channels > MAX_CHANNELS:
      x = s.conv(x, 4, 3, 3)
    x = draw(st.sampled_from(BLOCKS))(s, x)
  return _finish(s, x)


def _finish(s: Sketch, x: int) -> Network:
  taps = [t for t in s.maps if t != x]
  if taps and s.draw(st.sampled_from([False, False, True])):
    s.output(s.draw(st.sampled_from(taps)))
  _, rows, cols, channels = s.shape(x)
  tail = s.draw(st.sampled_from(['none', 'dense', 'flat dense', 'pool', 'mean', 'softmax']))
  if tail == 'pool':
    x = s.reshape(s.average_pool(x, (rows, cols), 1), (1, channels))
  elif tail == 'mean':
    x = s.mean(x, keep_dims=False)
  elif tail == 'softmax':
    x = s.softmax(x, beta=s.draw(st.sampled_from([1.0, 0.5])))
  elif tail != 'none':
    if tail == 'flat dense':
      x = s.reshape(x, (1, rows * cols * channels))
    x = s.fully_connected(x, s.channels(), **_weighted(s, _BIASES))
  s.output(s.dequantize(x) if s.draw(st.booleans()) else x)
  return Network(s.build(), tuple(s.calls))
