# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What operators with weights share: geometry, accumulators, what is trained of them."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence

import numpy as np

from tflm_patch.codegen.c_text import Value
from tflm_patch.graph import quantize
from tflm_patch.graph.quantize import scale_of, zero_point_of
from tflm_patch.on_device import integers
from tflm_patch.on_device.operators import base, clamps
from tflm_patch.on_device.operators.base import Backward, Effort, Kept, Places, Values, Wanted
from tflm_patch.planner.lowering.operators import OpView
from tflm_patch.planner.lowering.operators.windows import window_of

Slices = tuple[slice, slice, slice]


@dataclasses.dataclass(frozen=True)
class Geometry:
  """Shapes of an operator with a window; those of a vector are 1 x 1.

  Attributes:
    source, target: Rows, columns, channels.
    kernel, stride, dilation, pad: Along rows and columns.
  """

  source: tuple[int, int, int]
  target: tuple[int, int, int]
  kernel: tuple[int, int] = (1, 1)
  stride: tuple[int, int] = (1, 1)
  dilation: tuple[int, int] = (1, 1)
  pad: tuple[int, int] = (0, 0)

  @property
  def cells(self) -> int:
    """Of the output."""
    return self.target[0] * self.target[1]

  @property
  def source_cells(self) -> int:
    """Of the input."""
    return self.source[0] * self.source[1]

  @property
  def taps(self) -> int:
    """Of the window."""
    return self.kernel[0] * self.kernel[1]

  def fields(self, zero_point: int) -> dict[str, Value]:
    """Of tflm_patch_backward_geometry."""
    names = ('h', 'w')
    window: dict[str, Value] = {}
    for what, pair in (
      ('kernel', self.kernel),
      ('stride', self.stride),
      ('dilation', self.dilation),
    ):
      window |= {f'{what}_{name}': value for name, value in zip(names, pair)}
    window |= {'pad_top': self.pad[0], 'pad_left': self.pad[1]}
    return {
      'window': window,
      'rows': self.source[0],
      'cols': self.source[1],
      'channels': self.source[2],
      'output_rows': self.target[0],
      'output_cols': self.target[1],
      'output_channels': self.target[2],
      'input_zero_point': zero_point,
    }

  def overlap(self, tap: tuple[int, int]) -> tuple[Slices, Slices]:
    """Outputs and inputs [batch, rows, columns] that a tap joins, as slices.

    Cells outside the map are left out.
    """
    outputs, inputs = [], []
    for axis in (0, 1):
      shift = tap[axis] * self.dilation[axis] - self.pad[axis]
      stride, size = self.stride[axis], self.source[axis]
      first = (stride - 1 - shift) // stride if shift < 0 else 0
      last = min(self.target[axis] - 1, (size - 1 - shift) // stride)
      count = max(0, last - first + 1)
      start = first * stride + shift
      outputs.append(slice(first, first + count))
      inputs.append(
        slice(start, start + (count - 1) * stride + 1, stride) if count else slice(0, 0)
      )
    every = slice(None)
    return (every, outputs[0], outputs[1]), (every, inputs[0], inputs[1])


def windowed(view: OpView, kernel: tuple[int, int]) -> Geometry:
  """The geometry of an operator with a window of these rows and columns."""
  rows, cols = window_of(view, kernel)
  return Geometry(
    base.map_shape(view.input()),
    base.map_shape(view.output()),
    (rows.kernel, cols.kernel),
    (rows.stride, cols.stride),
    (rows.dilation, cols.dilation),
    (rows.pad, cols.pad),
  )


class Weighted(Backward):
  """An operator with weights, and with biases that may be trained."""

  def kept(self, wanted: Wanted) -> Kept:
    del wanted
    chosen = self.channels
    whole = chosen is not None and len(chosen) == self.trainable_channels
    return Kept(tensors=(self.source,) if whole else (), mask=True)

  @property
  def trainable_channels(self) -> int:
    """How many channels a scheme chooses from."""
    return int(self.view.input(1).shape[-1])

  @property
  def channels(self) -> tuple[int, ...] | None:
    """Those whose weights are trained, None without any."""
    if self.update is None or not self.update.input_channels:
      return None
    return self.update.input_channels

  @property
  def gathered(self) -> tuple[int, ...] | None:
    """The trained channels where they are not all of them: kept apart, weights too."""
    channels = self.channels
    return None if channels is None or len(channels) == self.trainable_channels else channels

  @property
  @abc.abstractmethod
  def geometry(self) -> Geometry:
    """Shapes and window."""

  @property
  @abc.abstractmethod
  def trained_weights(self) -> int:
    """How many weights are trained."""

  @property
  def input_zero_point(self) -> int:
    """Of the first input."""
    return zero_point_of(self.view.input())

  def scales(self) -> np.ndarray:
    """s_x * s_w / s_y, float32 [channels] or [1]."""
    source, target = (scale_of(t) for t in (self.view.input(), self.view.output()))
    return (np.float64(source) * self._weight_scales() / np.float64(target)).astype(np.float32)

  def inverses(self) -> tuple[np.ndarray, np.ndarray]:
    """What gradients of weights and biases are multiplied by, float32, one a channel or one."""
    scales = self._weight_scales()
    if not self.quantization_aware:
      ones = np.ones(scales.size, np.float32)
      return ones, ones
    source = np.float64(scale_of(self.view.input()))
    return (1 / scales**2).astype(np.float32), (1 / (scales * source) ** 2).astype(np.float32)

  def _weight_scales(self) -> np.ndarray:
    quantization = self.view.input(1).quantization
    assert quantization is not None
    return quantization.scales.astype(np.float64)

  @property
  def is_pointwise(self) -> bool:
    """Whether a cell of the output is made of the same cell of the input."""
    shape = self.geometry
    return shape.kernel == shape.stride == (1, 1) and shape.pad == (0, 0)

  @property
  def learned(self) -> Effort:
    """What taking gradients in needs."""
    if self.update is None:
      return {}
    outputs = self.geometry.target[2] if self.update.bias else 0
    return {'learned': self.trained_weights + outputs, 'bias_values': outputs * self.geometry.cells}

  def emit_accumulators(self, at: Places) -> str:
    """The output's gradient becomes that of the accumulators."""
    return clamps.emit_scaled(self.view, self.each_channel(self.scales()), at)

  def emit_integer_accumulators(self, wanted: Wanted, at: Places) -> str:
    """The same for gradients of integers."""
    return clamps.emit_integer(self.view, self.each_channel(self.scales()), self.bits(wanted), at)

  def bits(self, wanted: Wanted) -> int:
    """Of gradients of integers behind the clamp: sums of their products stay within int32."""
    shape = self.geometry
    update = self.update
    return integers.bits_of(
      products=self.products if 0 in wanted.inputs else 0,
      values=shape.cells if self.channels is not None else 0,
      plain=shape.cells if update is not None and update.bias else 0,
    )

  @property
  @abc.abstractmethod
  def products(self) -> int:
    """How many products with weights make a gradient of the input."""

  def emit_integer_biases(self, at: Places) -> list[str]:
    """Statements that train the biases by gradients of integers, if they are."""
    if self.update is None or not self.update.bias:
      return []
    shape = self.geometry
    return [
      f'tflm_patch_integer_bias({shape.cells}, {shape.target[2]}, {at.gradient(self.target)}, '
      f'*{at.exponent(self.target)}, {self.emit_layer(at)}, update);'
    ]

  def each_channel(self, scales: np.ndarray) -> np.ndarray:
    """As many as divide the values of the output."""
    channels = self.geometry.target[2]
    return scales if scales.size in (1, channels) else np.resize(scales, channels)

  def accumulators(self, gradient: np.ndarray, values: Values) -> np.ndarray:
    """The gradient of the accumulators, [batch, rows, columns, channels]."""
    clamp = clamps.clamp_of(self.view)
    made = clamps.scaled(self.view, clamp, self.each_channel(self.scales()), gradient, values)
    return made.reshape(gradient.shape[0], *self.geometry.target)

  def begun(self, gradient: np.ndarray, values: Values) -> np.ndarray:
    """What the sums of the input's gradient begin with, [batch, rows, columns, channels]."""
    shape = (gradient.shape[0], *self.geometry.source)
    before = values.begun(self.source)
    return np.zeros(shape, np.float32) if before is None else before.reshape(shape).copy()

  def emit_geometry(self, at: Places) -> str:
    """The address of the constant geometry."""
    return at.structure(
      'tflm_patch_backward_geometry', 'geometry', self.geometry.fields(self.input_zero_point)
    )

  def emit_channels(self, at: Places) -> str:
    """The name of the array of trained channels, kept apart; NULL for all."""
    if self.gathered is None:
      return 'NULL'
    return at.constant('uint16_t', np.array(self.gathered, np.uint16), 'channels')

  def emit_layer(self, at: Places) -> str:
    """The address of the constant tflm_patch_trained_layer."""
    weights, biases = self.inverses()
    number, bias_number = at.numbers()
    return at.structure(
      'tflm_patch_trained_layer',
      'layer',
      {
        **at.parameters(),
        'weight_inverses': at.constant('float', weights, 'weight_inverses'),
        'bias_inverses': at.constant('float', biases, 'bias_inverses'),
        'inverse_step': int(weights.size > 1),
        'number': number,
        'bias_number': bias_number,
        'input_zero_point': self.input_zero_point,
      },
    )

  def emit_biases(self, at: Places) -> list[str]:
    """Statements that train the biases, if they are."""
    if self.update is None or not self.update.bias:
      return []
    shape = self.geometry
    return [
      f'tflm_patch_backward_bias({shape.cells}, {shape.target[2]}, {at.gradient(self.target)}, '
      f'{self.emit_layer(at)}, update);'
    ]

  @abc.abstractmethod
  def weight_gradient(self, accumulators: np.ndarray, values: Values) -> np.ndarray:
    """Of the trained weights, summed over a batch one by one, in the order of their numbers."""

  def bias_gradient(self, accumulators: np.ndarray) -> np.ndarray:
    """float32[channels], summed over cells in rows; of one sample."""
    flat = accumulators.reshape(-1, self.geometry.target[2])
    total = np.zeros(flat.shape[1], np.float32)
    for cell in flat:
      total = total + cell
    return total

  def inputs(self, values: Values) -> np.ndarray:
    """The first input less its zero point, float32 [batch, rows, columns, channels]."""
    array = values.tensor(self.source)
    shifted = (array.astype(np.int32) - self.input_zero_point).astype(np.float32)
    return shifted.reshape(array.shape[0], *self.geometry.source)


def multipliers_of(operator: Weighted) -> tuple[np.ndarray, np.ndarray]:
  """Of any weights: a conversion may have others where those of a channel are zero."""
  source, scales = operator.view.input().quantization, operator.view.input(1).quantization
  target = operator.view.output().quantization
  assert source is not None and scales is not None and target is not None
  channels = operator.geometry.target[2]
  found = quantize.convolution_multipliers(source.scale, scales.scales, target.scale)
  multipliers, shifts = (np.asarray(array) for array in found)
  return (
    np.resize(multipliers, channels).astype(np.int32),
    np.resize(shifts, channels).astype(np.int8),
  )


def folded_bias(operator: Weighted) -> np.ndarray:
  """int32[channels]: bias - input zero point * sum of weights."""
  weights = operator.view.input(1).array().astype(np.int64)
  axes: Sequence[int] = tuple(range(1, weights.ndim))
  if operator.view.opcode == 'DEPTHWISE_CONV_2D':
    axes = (0, 1, 2)
  bias = operator.view.input(2).array().reshape(-1).astype(np.int64)
  folded = bias - operator.input_zero_point * weights.sum(axis=tuple(axes))
  return folded.astype(np.int32)
