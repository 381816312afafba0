# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Convolutions, one- and two-dimensional. A line is a map of one column."""

from __future__ import annotations

from typing import Any

import numpy as np

from tflm_patch.quantization.layers.activation import activate
from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.registry import layer
from tflm_patch.quantization.network import Value
from tflm_patch.quantization.operators.base import Operation
from tflm_patch.quantization.operators.conv import Conv2D
from tflm_patch.quantization.operators.depthwise_conv import DepthwiseConv2D
from tflm_patch.quantization.operators.pad import Pad
from tflm_patch.quantization.operators.transpose_conv import TransposeConv
from tflm_patch.quantization.operators.window import Pair, Window


@layer('Conv1D', 'Conv2D')
def conv(call: Call) -> Value:
  """CONV_2D."""
  kernel = _as_map_kernel(call.weights('kernel'))
  x = _input_map(call)
  y = call.add(Conv2D(_window(call), kernel, call.bias(kernel.shape[3])), x)
  return _finish(call, y)


@layer('DepthwiseConv1D', 'DepthwiseConv2D')
def depthwise(call: Call) -> Value:
  """DEPTHWISE_CONV_2D."""
  kernel = _as_map_kernel(call.weights('kernel'))
  x = _input_map(call)
  bias = call.bias(kernel.shape[2] * kernel.shape[3])
  return _finish(call, call.add(DepthwiseConv2D(_window(call), kernel, bias), x))


@layer('SeparableConv1D', 'SeparableConv2D')
def separable(call: Call) -> Value:
  """DEPTHWISE_CONV_2D, then CONV_2D of one cell."""
  kernel = _as_map_kernel(call.weights('depthwise_kernel'))
  points = _as_map_kernel(call.weights('pointwise_kernel'))
  zeros = np.zeros(kernel.shape[2] * kernel.shape[3], np.float32)
  x = _input_map(call)
  depth = call.add(DepthwiseConv2D(_window(call), kernel, zeros), x, part='depthwise')
  y = call.add(Conv2D(Window((1, 1)), points, call.bias(points.shape[3])), depth)
  return _finish(call, y)


@layer('Conv1DTranspose', 'Conv2DTranspose')
def transpose(call: Call) -> Value:
  """TRANSPOSE_CONV."""
  if getattr(call.layer, 'output_padding', None) is not None:
    raise call.error('output_padding is given; leave it to the padding')
  window = _window(call)
  if window.dilation != (1, 1):
    raise call.error(f'dilation_rate is {window.dilation}, TFLM has 1')
  kernel = _as_map_kernel(call.weights('kernel'))
  operation: Operation = TransposeConv(window, kernel, call.bias(kernel.shape[2]))
  return _finish(call, call.add(operation, _input_map(call)))


def _as_map_kernel(kernel: np.ndarray) -> np.ndarray:
  """[length, in, out] of a line as [length, 1, in, out]."""
  return kernel[:, None] if kernel.ndim == 3 else kernel


def _pair(size: Any) -> Pair:
  """Of rows and columns; a line has one column."""
  values = (size,) if isinstance(size, int) else tuple(int(each) for each in size)
  return (values[0], values[1] if len(values) == 2 else 1)


def _window(call: Call) -> Window:
  layer = call.layer
  return Window(
    _pair(layer.kernel_size),
    _pair(layer.strides),
    _pair(getattr(layer, 'dilation_rate', (1, 1))),
    same=layer.padding == 'same',
  )


def _input_map(call: Call) -> Value:
  """The input as a map, with the zeros of causal padding."""
  call.need_channels_last()
  x = call.as_map(call.input)
  if call.layer.padding == 'causal':
    before = _window(call).extent(0) - 1
    if before:
      x = call.add(Pad(((0, 0), (before, 0), (0, 0), (0, 0))), x, part='causal')
  return x


def _finish(call: Call, y: Value) -> Value:
  """The activation, and a line where the input was one."""
  if call.input.rank == 3:
    y = call.as_line(y)
  return activate(call, y, call.layer.activation)
