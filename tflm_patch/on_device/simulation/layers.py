# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Layers whose weights a chip may train: CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph import quantize
from tflm_patch.graph.quantize import scale_of, zero_point_of
from tflm_patch.graph.types import DType
from tflm_patch.on_device.simulation.requantization import Requantization
from tflm_patch.on_device.simulation.windows import Windows
from tflm_patch.planner.lowering.operators import OpView
from tflm_patch.planner.lowering.operators.conv import clamp_of

_EXACT_FLOAT32 = 1 << 24


@dataclasses.dataclass(frozen=True, eq=False)
class Parameters:
  """Weights and biases of a layer at some step.

  Attributes:
    weights: int8, in the tensor's shape.
    bias: int32[output channels].
  """

  weights: np.ndarray
  bias: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Gradients:
  """Of a loss with respect to a layer's integers; None for what was not asked for.

  Attributes:
    weights: float32, in the tensor's shape.
    bias: float32[output channels].
    input: float32[batch, ...].
  """

  weights: np.ndarray | None
  bias: np.ndarray | None
  input: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Wanted:
  """Which gradients are asked for.

  Attributes:
    channels: Input channels whose weights are trained, of a depthwise convolution its
      channels; empty for no weights.
    bias: Of the biases.
    input: Of the layer's input.
  """

  channels: tuple[int, ...] = ()
  bias: bool = False
  input: bool = True


@dataclasses.dataclass(frozen=True, eq=False)
class Kept:
  """What the way back needs of the way forth: the input less its zero point, and the mask."""

  input: np.ndarray
  inside: np.ndarray


class Layer(abc.ABC):
  """A layer of int8 weights.

  Attributes:
    view: The operator.
    inputs: The one tensor that it reads and that is computed.
    output: The tensor that it makes.
    initial: Its weights and biases in the file; zeros where it has no biases.
    weight_scales: float64[output channels].
    input_scale, output_scale: Of its activations.
  """

  out_axis = 0  # of the weights
  channel_axis = -1  # of the weights: what `Wanted.channels` counts

  def __init__(self, view: OpView) -> None:
    self.view = view
    self.inputs = (view.operator.inputs[0],)
    self.output = view.operator.outputs[0]
    weights = view.input(1).array()
    self.channels_out = weights.shape[self.out_axis]
    has_bias = view.has_input(2)
    bias = view.input(2).array().reshape(-1) if has_bias else np.zeros(self.channels_out, np.int32)
    self.initial = Parameters(weights.astype(np.int8), bias.astype(np.int32))
    quantization = view.input(1).quantization
    assert quantization is not None
    self.weight_scales = np.broadcast_to(
      quantization.scales.astype(np.float64), (self.channels_out,)
    )
    self.input_scale, self.output_scale = scale_of(view.input()), scale_of(view.output())
    multipliers, shifts = quantize.convolution_multipliers(
      self.input_scale, quantization.scales, self.output_scale
    )
    self._zero_point = np.float32(zero_point_of(view.input()))
    self._requantization = Requantization(
      multipliers, shifts, zero_point_of(view.output()), *clamp_of(view)
    )
    self._slope = (self.input_scale * self.weight_scales / self.output_scale).astype(np.float32)

  @property
  def channels(self) -> int:
    """How many channels `Wanted.channels` can name."""
    return self.initial.weights.shape[self.channel_axis]

  @property
  def has_bias(self) -> bool:
    """Whether there are biases to train."""
    return self.view.has_input(2)

  def channel_norms(self) -> np.ndarray:
    """float64[channels]: the length of each channel's real weights."""
    shape = [1] * self.initial.weights.ndim
    shape[self.out_axis] = -1
    real = self.initial.weights * self.weight_scales.reshape(shape)
    other = tuple(k for k in range(real.ndim) if k != self.channel_axis % real.ndim)
    return np.sqrt((real**2).sum(axis=other))

  def forward(self, value: np.ndarray, parameters: Parameters) -> tuple[np.ndarray, Kept]:
    """Output values float32[batch, ...] and what the way back needs."""
    x = value - self._zero_point
    sums = self._sums(x, self._exact(parameters.weights))
    result, inside = self._requantization.apply(sums + parameters.bias)
    return result.reshape(-1, *self.view.output().shape[1:]), Kept(x, inside)

  def backward(
    self, gradient: np.ndarray, kept: Kept, parameters: Parameters, wanted: Wanted
  ) -> Gradients:
    """Gradients, summed over the batch for weights and biases.

    Args:
      gradient: With respect to the output's integers, float32[batch, ...].
      kept: Of the same batch's `forward`.
      parameters: Those of `forward`.
      wanted: What is asked for.
    """
    of_sums = gradient.reshape(kept.inside.shape) * kept.inside * self._slope
    bias = of_sums.reshape(-1, self.channels_out).sum(axis=0) if wanted.bias else None
    weights = None
    if wanted.channels:
      weights = self._weights(of_sums, kept.input, list(wanted.channels))
    before = self._input(of_sums, parameters.weights) if wanted.input else None
    return Gradients(weights, bias, before)

  def _exact(self, weights: np.ndarray) -> np.ndarray:
    """Weights in a float type whose sums of products are exact."""
    axes = tuple(k for k in range(weights.ndim) if k != self.out_axis % weights.ndim)
    largest = 255 * int(np.abs(weights.astype(np.int64)).sum(axis=axes).max(initial=0))
    return weights.astype(np.float32 if largest < _EXACT_FLOAT32 else np.float64)

  @abc.abstractmethod
  def _sums(self, x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[batch, ..., output channels] without biases, float64 or to become it."""

  @abc.abstractmethod
  def _weights(self, of_sums: np.ndarray, x: np.ndarray, channels: list[int]) -> np.ndarray:
    """The gradient of the weights; zeros for other channels."""

  @abc.abstractmethod
  def _input(self, of_sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The gradient of the input."""


class FullyConnected(Layer):
  """Weights [out, in]."""

  def _sums(self, x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return x.reshape(-1, weights.shape[1]).astype(weights.dtype, copy=False) @ weights.T

  def _weights(self, of_sums: np.ndarray, x: np.ndarray, channels: list[int]) -> np.ndarray:
    flat = x.reshape(-1, self.channels)
    found = np.zeros(self.initial.weights.shape, np.float32)
    found[:, channels] = of_sums.reshape(-1, self.channels_out).T @ flat[:, channels]
    return found

  def _input(self, of_sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
    before = of_sums.reshape(-1, self.channels_out) @ weights.astype(np.float32)
    return before.reshape(-1, *self.view.input().shape[1:])


class Convolution(Layer):
  """Weights [out, rows, columns, in]."""

  def __init__(self, view: OpView) -> None:
    super().__init__(view)
    shape = self.initial.weights.shape
    if shape[3] != view.input().shape[-1]:
      raise TflmPatchError(f'{view.name} has groups; only layers behind it can be trained')
    self._windows = Windows(view, (shape[1], shape[2]))

  def _columns(self, x: np.ndarray) -> np.ndarray:
    """[cells, rows * columns * channels]: what every window holds."""
    if self._windows.is_pointwise:
      return x.reshape(-1, x.shape[-1])
    cells = [part for _, _, part in self._windows.taps(self._windows.padded(x))]
    return np.concatenate(cells, axis=-1).reshape(-1, len(cells) * x.shape[-1])

  def _sums(self, x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    columns = self._columns(x).astype(weights.dtype, copy=False)
    sums = columns @ weights.reshape(self.channels_out, -1).T
    return sums.reshape(len(x), *self._windows.output_shape)

  def _weights(self, of_sums: np.ndarray, x: np.ndarray, channels: list[int]) -> np.ndarray:
    part = x if len(channels) == self.channels else x[..., channels]
    product = of_sums.reshape(-1, self.channels_out).T @ self._columns(part)
    shape = self.initial.weights.shape
    found = np.zeros(shape, np.float32)
    found[..., channels] = product.reshape(*shape[:3], len(channels))
    return found

  def _input(self, of_sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
    flat = of_sums.reshape(-1, self.channels_out)
    columns = flat @ weights.reshape(self.channels_out, -1).astype(np.float32)
    if self._windows.is_pointwise:
      return columns.reshape(len(of_sums), *self._windows.input_shape)
    rows, cols = self._windows.kernel
    parts = columns.reshape(*of_sums.shape[:3], rows, cols, self.channels)
    target = self._windows.empty(len(of_sums))
    for i, j, cells in self._windows.taps(target):
      cells += parts[:, :, :, i, j]
    return self._windows.cropped(target)


class Depthwise(Layer):
  """Weights [1, rows, columns, out]; a channel is trained with all its taps."""

  out_axis = 3

  def __init__(self, view: OpView) -> None:
    super().__init__(view)
    shape = self.initial.weights.shape
    self._repeats = shape[3] // view.input().shape[-1]
    self._windows = Windows(view, (shape[1], shape[2]))

  def _spread(self, x: np.ndarray) -> np.ndarray:
    x = self._windows.padded(x)
    return x if self._repeats == 1 else np.repeat(x, self._repeats, axis=3)

  def _sums(self, x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total: Any = 0
    for i, j, part in self._windows.taps(self._spread(x)):
      total = total + part * weights[0, i, j]
    return total

  def _weights(self, of_sums: np.ndarray, x: np.ndarray, channels: list[int]) -> np.ndarray:
    found = np.zeros(self.initial.weights.shape, np.float32)
    spread = self._spread(x)
    chosen = of_sums
    if len(channels) < self.channels:
      spread, chosen = spread[..., channels], of_sums[..., channels]
    for i, j, part in self._windows.taps(spread):
      found[0, i, j, channels] = np.einsum('brcx,brcx->x', part, chosen)
    return found

  def _input(self, of_sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
    target = self._windows.empty(len(of_sums))
    for i, j, part in self._windows.taps(target):
      product = of_sums * weights[0, i, j].astype(np.float32)
      if self._repeats > 1:
        product = product.reshape(*product.shape[:3], -1, self._repeats).sum(axis=-1)
      part += product
    return self._windows.cropped(target)


LAYERS: dict[str, type[Layer]] = {
  'CONV_2D': Convolution,
  'DEPTHWISE_CONV_2D': Depthwise,
  'FULLY_CONNECTED': FullyConnected,
}


def is_trainable(view: OpView) -> bool:
  """Whether an operator is a layer of constant int8 weights, on int8 activations."""
  if view.opcode not in LAYERS or not view.has_input(1):
    return False
  weights, constants = view.input(1), view.operator.inputs[1:]
  is_int8 = view.input().dtype == weights.dtype == view.output().dtype == DType.INT8
  tensors = view.subgraph.tensors
  return is_int8 and all(tensors[each].is_constant for each in constants if each >= 0)
