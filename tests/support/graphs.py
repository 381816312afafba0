# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies for small random networks.

A network is a head (how the input comes in), some blocks and a tail. Every choice
is a draw whose simplest value comes first, so that a failing network shrinks to a
few operators; its `repr` is the list of builder calls that makes it again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from support.model_builder import ModelBuilder
from support.moving_blocks import MOVING_BLOCKS
from support.weighted_ops import window_size
from tflm_patch.graph.types import DType

Draw = Callable[[st.SearchStrategy[Any]], Any]

ACTIVATIONS = st.sampled_from(['NONE', 'RELU6', 'RELU', 'RELU_N1_TO_1'])
PADDINGS = st.sampled_from(['SAME', 'VALID'])
MAX_VALUES = 6000  # of a feature map: TFLM's reference kernels then take milliseconds
MAX_CHANNELS = 24
MAX_BLOCKS = 7


@dataclasses.dataclass(frozen=True)
class Network:
  """A generated model.

  Attributes:
    data: The .tflite file.
    calls: The builder calls that made it.
  """

  data: bytes
  calls: tuple[str, ...]

  def __repr__(self) -> str:
    return '\n  '.join(('', *self.calls))

  def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
    """What hypothesis prints of a failing example."""
    printer.text(repr(self))


class Sketch:
  """A network under construction: a builder that notes its calls, and draws."""

  def __init__(self, draw: Draw):
    self.draw = draw
    seed = draw(st.integers(0, 9999))
    wild = draw(st.sampled_from([False, False, False, True]))
    self._builder = ModelBuilder(seed, wild)
    self.calls = [f'b = ModelBuilder({seed}, {wild})']
    self.maps: list[int] = []  # feature maps that later blocks may read again

  def __getattr__(self, name: str) -> Any:
    method = getattr(self._builder, name)

    def call(*args: Any, **kwargs: Any) -> Any:
      result = method(*args, **kwargs)
      words = [*map(_text, args), *(f'{key}={_text(value)}' for key, value in kwargs.items())]
      target = '' if result is None else f'{result} = '
      self.calls.append(f'{target}b.{name}({", ".join(words)})')
      return result

    return call

  def shape(self, x: int) -> tuple[int, ...]:
    return self._builder.shape(x)

  def build(self) -> bytes:
    return self._builder.build()

  def same_quantization(self, a: int, b: int) -> bool:
    first, second = self._builder.quantization(a), self._builder.quantization(b)
    return (first.scale, first.zero_point) == (second.scale, second.zero_point)

  def window(self, x: int, max_kernel: int, dilated: bool) -> dict[str, Any]:
    """Kernel, stride, dilation and padding of a window that fits into x."""
    _, rows, cols, _ = self.shape(x)
    kernel, stride, dilation = [], [], []
    for _ in (rows, cols):
      kernel.append(self.draw(st.integers(1, max_kernel)))
      stride.append(self.draw(st.integers(1, 3)))
      dilation.append(self.draw(st.integers(1, 3)) if dilated and stride[-1] == 1 else 1)
    padding = self.draw(PADDINGS)
    sizes = [window_size(*each, padding) for each in zip((rows, cols), kernel, stride, dilation)]
    if min(sizes) < 1:
      padding = 'SAME'
    fields = {'kernel': tuple(kernel), 'stride': tuple(stride), 'padding': padding}
    return {**fields, 'dilation': tuple(dilation)} if dilated else fields

  def weighted(self) -> dict[str, Any]:
    """What all operators with weights have."""
    return {
      'activation': self.draw(ACTIVATIONS),
      'per_channel': self.draw(st.booleans()),
      'bias': self.draw(st.sampled_from([True, True, True, False])),
    }

  def channels(self) -> int:
    return self.draw(st.integers(1, 12))

  def int4(self) -> dict[str, Any]:
    """The same, with weights of 4 bits now and then."""
    return {**self.weighted(), 'int4': self.draw(st.sampled_from([False, False, False, True]))}


def _text(value: Any) -> str:
  return f'DType.{value.name}' if isinstance(value, DType) else repr(value)


Block = Callable[[Sketch, int], int]


def _conv(s: Sketch, x: int) -> int:
  return s.conv(x, s.channels(), **s.window(x, 5, dilated=True), **s.int4())


def _pointwise(s: Sketch, x: int) -> int:
  return s.conv(x, s.channels(), 1, **s.int4())


def _grouped(s: Sketch, x: int) -> int:
  channels = s.shape(x)[3]
  groups = s.draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))
  out = groups * s.draw(st.integers(1, 3))
  return s.conv(x, out, **s.window(x, 3, dilated=True), groups=groups, **s.int4())


def _depthwise(s: Sketch, x: int) -> int:
  multiplier = s.draw(st.integers(1, 3)) if s.shape(x)[3] <= MAX_CHANNELS // 3 else 1
  return s.depthwise(x, multiplier, **s.window(x, 5, dilated=True), **s.int4())


def pool(s: Sketch, x: int) -> int:
  pool = s.draw(st.sampled_from([s.average_pool, s.max_pool]))
  return pool(x, **s.window(x, 4, dilated=False), activation=s.draw(ACTIVATIONS))


def pads(s: Sketch) -> tuple[int, ...]:
  return tuple(s.draw(st.tuples(*[st.integers(0, 2)] * 4)))


def _padded_conv(s: Sketch, x: int) -> int:
  """An explicit PAD before a VALID window, as PyTorch exporters make it."""
  padded = s.pad_spatial(x, *pads(s))
  stride = s.draw(st.integers(1, 2))
  if min(s.shape(padded)[1:3]) < 3 or s.draw(st.booleans()):
    return padded
  if s.draw(st.booleans()):
    return s.conv(padded, s.channels(), 3, stride, padding='VALID', **s.weighted())
  return s.depthwise(padded, 1, 3, stride, padding='VALID', **s.weighted())


def _pad_channels(s: Sketch, x: int) -> int:
  pads = [(0, 0), s.draw(st.tuples(st.integers(0, 2), st.integers(0, 2))), (0, 0)]
  pads.append(s.draw(st.tuples(st.integers(0, 2), st.integers(0, 2))))
  return s.pad(x, pads, value=s.draw(st.sampled_from([None, 7, -128])))


def inverted_residual(s: Sketch, x: int) -> int:
  channels = s.shape(x)[3]
  expanded = min(channels * s.draw(st.integers(2, 4)), MAX_CHANNELS)
  y = s.conv(x, expanded, 1, activation='RELU6')
  y = s.depthwise(y, 1, s.draw(st.sampled_from([3, 5])), activation='RELU6')
  return s.add(x, s.conv(y, channels, 1))


def residual(s: Sketch, x: int) -> int:
  """An addition of any earlier map of the same shape; a convolution makes it one."""
  others = [t for t in s.maps if t != x and s.shape(t)[:3] == s.shape(x)[:3]]
  if not others:
    return s.add(x, s.conv(x, s.shape(x)[3]), activation=s.draw(ACTIVATIONS))
  other = s.draw(st.sampled_from(others))
  if s.shape(other) != s.shape(x):
    other = s.conv(other, s.shape(x)[3], 1)
  return s.add(*s.draw(st.permutations([x, other])), activation=s.draw(ACTIVATIONS))


def _squeeze_excite(s: Sketch, x: int) -> int:
  channels = s.shape(x)[3]
  y = s.conv(s.mean(x, keep_dims=True), max(1, channels // 2), 1, activation='RELU')
  y = s.conv(y, channels, 1)
  gate = s.draw(st.sampled_from(['relu6', 'none', 'logistic', 'hard_swish']))
  if gate != 'none':
    y = getattr(s, gate)(y)
  combine = s.draw(st.sampled_from([s.mul, s.mul, s.add, s.sub]))
  return combine(*s.draw(st.permutations([x, y])))


def _constant_operand(s: Sketch, x: int) -> int:
  _, rows, cols, channels = s.shape(x)
  shapes = [(1, 1, 1, channels), (), (1, 1, 1, 1), (1, rows, cols, channels), (1, rows, 1, 1)]
  shapes += [(1, 1, channels), (cols, 1)]
  other = s.constant_operand(s.draw(st.sampled_from(shapes)))
  operands = s.draw(st.permutations([x, other]))
  opcode = s.draw(st.sampled_from(['add', 'mul', 'sub', 'maximum', 'minimum']))
  fused = {} if opcode in ('maximum', 'minimum') else {'activation': s.draw(ACTIVATIONS)}
  return getattr(s, opcode)(*operands, **fused)


def _prelu(s: Sketch, x: int) -> int:
  _, rows, cols, channels = s.shape(x)
  shapes = [(1, 1, channels), (rows, cols, channels), (1,)]
  return s.prelu(x, s.constant_operand(s.draw(st.sampled_from(shapes))))


def _concat(s: Sketch, x: int) -> int:
  first = s.conv(x, s.channels(), s.draw(st.sampled_from([1, 3])))
  second = s.draw(st.sampled_from([x, None]))
  if second is None:
    second = s.depthwise(x)
  if not s.same_quantization(first, second):
    second = s.quantize(second, like=first)
  return s.concat(s.draw(st.permutations([first, second])))


def _unary(s: Sketch, x: int) -> int:
  names = ['relu', 'relu6', 'quantize', 'logistic', 'tanh', 'hard_swish', 'leaky_relu', 'elu']
  name = s.draw(st.sampled_from([*names, 'abs', 'rsqrt']))
  if name == 'rsqrt':
    x = s.logistic(x)  # without negative values
  return getattr(s, name)(x)


def _resize(s: Sketch, x: int) -> int:
  _, rows, cols, _ = s.shape(x)
  flags = s.draw(st.sampled_from([(False, False), (True, False), (False, True)]))
  rows, cols = s.draw(st.sampled_from([(2 * rows, 2 * cols), (rows + 1, cols), (rows, cols + 3)]))
  resize = s.draw(st.sampled_from([s.resize_nearest, s.resize_bilinear]))
  return resize(x, rows, cols, *flags)


def _transpose_conv(s: Sketch, x: int) -> int:
  window = s.window(x, 4, dilated=False)
  _, rows, cols, _ = s.shape(x)
  if rows * cols * window['stride'][0] * window['stride'][1] * MAX_CHANNELS > 4 * MAX_VALUES:
    window['stride'] = (1, 1)
  return s.transpose_conv(x, s.channels(), **window, **s.weighted())


def strided_slice(s: Sketch, x: int) -> int:
  """Some of the rows, columns and channels."""
  begin, end, strides = [0], [1], [1]
  for axis, size in enumerate(s.shape(x)[1:]):
    first = s.draw(st.integers(0, size - 1))
    last = s.draw(st.integers(first + 1, size))
    stride = s.draw(st.integers(1, 3))
    if axis > 0 and s.draw(st.sampled_from([False, False, True])):
      first, last, stride = last - 1, first - 1 - size, -stride
    begin.append(first)
    end.append(last)
    strides.append(stride)
  return s.strided_slice(x, begin, end, strides)


def sliced(s: Sketch, x: int) -> int:
  """SLICE: some rows, columns and channels side by side."""
  begin, size = [0], [1]
  for whole in s.shape(x)[1:]:
    begin.append(s.draw(st.integers(0, whole - 1)))
    most = whole - begin[-1]
    size.append(s.draw(st.sampled_from([-1, most, (most + 1) // 2, 1])))
  return s.slice(x, begin, size)


def split(s: Sketch, x: int) -> int:
  """Two parts; both go on, or one of them."""
  axis = s.draw(st.sampled_from([3, 3, 2, 1]))
  size = s.shape(x)[axis]
  if size < 2:
    return s.split(x, 1, axis)[0]
  first = s.draw(st.integers(1, size - 1))
  if 2 * first == size and s.draw(st.booleans()):
    parts = s.split(x, 2, axis)
  else:
    parts = s.split_v(x, [first, size - first], axis)
  if axis == 3 and s.draw(st.booleans()):
    s.maps.append(parts[0])
    return s.concat([s.max_pool(parts[0], 3, 1, 'SAME'), parts[1]])
  return s.draw(st.sampled_from(parts))


def _blocks(s: Sketch, x: int) -> int:
  """SPACE_TO_DEPTH or DEPTH_TO_SPACE, whichever fits."""
  block = s.draw(st.sampled_from([2, 3, 1]))
  _, rows, cols, channels = s.shape(x)
  if channels % (block * block) == 0:
    return s.depth_to_space(x, block)
  if rows % block or cols % block:
    x = s.pad_spatial(x, 0, -rows % block, -cols % block, 0)
  return s.space_to_depth(x, block)


def reshape(s: Sketch, x: int) -> int:
  """Into other rows, columns and channels."""
  _, rows, cols, channels = s.shape(x)
  shapes = [(cols, rows, channels), (1, rows * cols, channels), (rows * cols, 1, channels)]
  if channels % 2 == 0:
    shapes.append((rows, 2 * cols, channels // 2))
  elif rows % 2 == 0:
    shapes.append((rows // 2, cols, 2 * channels))
  return s.reshape(x, (1, *s.draw(st.sampled_from(shapes))))


def _axes(s: Sketch, x: int) -> int:
  """SQUEEZE of an axis of size 1, and EXPAND_DIMS of another one."""
  axis = s.draw(st.sampled_from([1, 2]))
  if s.shape(x)[axis] != 1:
    x = s.mean(x, (axis,), keep_dims=True)
  return s.expand_dims(s.squeeze(x, [axis]), s.draw(st.sampled_from([1, 2, 3])))


def line_mean(s: Sketch, x: int) -> int:
  return s.mean(x, s.draw(st.sampled_from([(1,), (2,), (1, 2)])))


def _fully_connected(s: Sketch, x: int) -> int:
  """A dense layer on every pixel."""
  return s.fully_connected(
    x,
    s.channels(),
    flatten=False,
    keep_num_dims=True,
    activation=s.draw(ACTIVATIONS),
    int4=s.draw(st.sampled_from([False, False, True])),
  )


def _stock(s: Sketch, x: int) -> int:
  """An operator that no stage holds."""
  return s.leaky_relu(x, -0.5)


def _extra_input(s: Sketch, x: int) -> int:
  _, rows, cols, channels = s.shape(x)
  shapes = [(1, rows, cols, channels), (1, 1, 1, channels)]
  return s.add(x, s.input(s.draw(st.sampled_from(shapes))))


# Frequent blocks are listed twice.
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
  _unary,
  _squeeze_excite,
  _constant_operand,
  _concat,
  _grouped,
  _resize,
  _resize,
  _transpose_conv,
  _pad_channels,
  line_mean,
  _fully_connected,
  _stock,
  _extra_input,
  _prelu,
  strided_slice,
  split,
  _blocks,
  reshape,
  sliced,
  _axes,
  *MOVING_BLOCKS,
)


def _image(s: Sketch) -> int:
  sizes = st.one_of(st.integers(1, 6), st.integers(1, 17))
  rows, cols, channels = s.draw(sizes), s.draw(sizes), s.draw(st.integers(1, 6))
  head = s.draw(st.sampled_from(['int8', 'float32', 'uint8', 'nchw', 'int8', 'float32_nchw']))
  shape = (1, rows, cols, channels)
  if head == 'int8':
    return s.input(shape)
  if head == 'nchw':
    return s.transpose(s.input((1, channels, rows, cols)), (0, 2, 3, 1))
  if head == 'float32_nchw':
    x = s.input((1, channels, rows, cols), DType.FLOAT32)
    return s.quantize(s.transpose(x, (0, 2, 3, 1)))
  return s.quantize(s.input(shape, DType.UINT8 if head == 'uint8' else DType.FLOAT32))


def _tail(s: Sketch, x: int) -> int:
  kind = s.draw(st.sampled_from(['none', 'mean', 'dense', 'pool', 'softmax', 'arg_max']))
  if kind == 'none':
    return x
  if kind == 'arg_max':
    s.output(s.arg_max(x, s.draw(st.sampled_from(['ARG_MAX', 'ARG_MIN']))))
    return x
  if kind == 'softmax':
    return s.softmax(x, beta=s.draw(st.sampled_from([1.0, 0.5])))
  _, rows, cols, channels = s.shape(x)
  if kind == 'mean':
    x = s.mean(x, keep_dims=False)
  elif kind == 'pool':
    x = s.reshape(s.average_pool(x, (rows, cols), 1), (1, channels))
  elif s.draw(st.booleans()):
    x = s.reshape(x, (1, rows * cols * channels))
  if s.draw(st.booleans()):
    x = s.fully_connected(x, s.channels(), **s.weighted())
    if s.draw(st.booleans()):
      x = s.softmax(x)
  return x


def _finish(s: Sketch, x: int) -> Network:
  """Outputs: the last tensor, sometimes as float32 or uint8, and some maps on the way."""
  taps = [t for t in s.maps if t != x]
  if taps and s.draw(st.sampled_from([False, False, True])):
    s.output(s.draw(st.sampled_from(taps)))
  boundary = s.draw(st.sampled_from(['int8', 'int8', 'float32', 'uint8']))
  if boundary == 'float32':
    x = s.dequantize(x)
  elif boundary == 'uint8':
    x = s.quantize(x, DType.UINT8)
  s.output(x)
  return Network(s.build(), tuple(s.calls))


@st.composite
def small_networks(draw: Draw, moving: bool = False) -> Network:
  """Convolutional networks with at most MAX_BLOCKS blocks; `moving`: many that move values."""
  s = Sketch(draw)
  x = _image(s)
  for _ in range(draw(st.integers(1, MAX_BLOCKS))):
    s.maps.append(x)
    _, rows, cols, channels = s.shape(x)
    if rows * cols * channels > MAX_VALUES or channels > MAX_CHANNELS:
      x = s.conv(x, 4, 3, 3)
    blocks = MOVING_BLOCKS if moving and draw(st.booleans()) else BLOCKS
    x = draw(st.sampled_from(blocks))(s, x)
  return _finish(s, _tail(s, x))


@st.composite
def dense_networks(draw: Draw) -> Network:
  """Chains of dense layers on a batch of vectors."""
  s = Sketch(draw)
  x = s.input((draw(st.integers(1, 5)), draw(st.integers(1, 40))))
  for _ in range(draw(st.integers(1, 4))):
    s.maps.append(x)
    x = s.fully_connected(x, draw(st.integers(1, 40)), flatten=False, **s.weighted())
  return _finish(s, s.softmax(x) if draw(st.booleans()) else x)
