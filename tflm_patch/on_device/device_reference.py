# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a chip learns, in NumPy: the same bytes as the C, sample by sample.

The forward pass is not here: any exact one will do. `DeviceReference.model` is the model as it
stands, `needed` the tensors whose values `learn` wants.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from tflm_patch.graph.quantize import scale_of, zero_point_of
from tflm_patch.graph.types import Model
from tflm_patch.on_device.options import TrainingOptions
from tflm_patch.on_device.parameters import MOST_BIAS
from tflm_patch.on_device.plan import Work
from tflm_patch.on_device.scheme import Loss

_MOST_CHANGE = float(1 << 24)
_GOLDEN = 0x9E3779B9
_LOG2_E = np.float32(1.44269504)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)


def exp(x: np.ndarray) -> np.ndarray:
  """float32 e^x for x <= 0, as tflm_patch_exp."""
  x = np.asarray(x, np.float32)
  k = np.trunc(np.maximum(x, np.float32(-87)) * _LOG2_E - np.float32(0.5)).astype(np.int32)
  n = k.astype(np.float32)
  r = (x - n * _LN2_HIGH) - n * _LN2_LOW
  total = np.full(x.shape, np.float32(1) / np.float32(5040), np.float32)
  for term in (720, 120, 24, 6, 2, 1, 1):
    total = total * r + np.float32(1) / np.float32(term)
  power = ((k + 127).astype(np.uint32) << np.uint32(23)).view(np.float32)
  return np.where(x < np.float32(-87), np.float32(0), total * power)


def log(x: np.floating) -> np.float32:
  """float32 natural logarithm of x >= 1, as tflm_patch_log."""
  bits = int(np.float32(x).view(np.uint32))
  k = (bits >> 23) - 127
  m = np.uint32((bits & 0x7FFFFF) | 0x3F800000).view(np.float32)
  if m > np.float32(1.41421356):
    m, k = m * np.float32(0.5), k + 1
  one, n = np.float32(1), np.float32(k)
  t = (m - one) / (m + one)
  s = t * t
  total = one / np.float32(9)
  for term in (7, 5, 3, 1):
    total = total * s + one / np.float32(term)
  return np.float32(n * _LN2_HIGH + (n * _LN2_LOW + np.float32(2) * t * total))


def _sum(values: np.ndarray) -> np.float32:
  """One by one."""
  total = np.float32(0)
  for value in values:
    total = total + value
  return np.float32(total)


def cross_entropy(real: np.ndarray, scale: np.float32, label: int) -> tuple[float, np.ndarray]:
  """The loss of real logits, and its gradient with respect to the integers."""
  shifted = real - real.max()
  parts = exp(shifted)
  total = _sum(parts)
  hit = (np.arange(real.size) == label).astype(np.float32)
  return float(log(total) - shifted[label]), (parts / total - hit) * scale


def squared_error(
  real: np.ndarray, scale: np.float32, targets: np.ndarray
) -> tuple[float, np.ndarray]:
  """The loss of real outputs, and its gradient with respect to the integers."""
  count = np.float32(real.size)
  difference = real - targets.astype(np.float32)
  gradient = np.float32(2) / count * difference * scale
  return float(_sum(difference * difference) / count), gradient


def mix32(x: np.ndarray) -> np.ndarray:
  """The finalizer of MurmurHash3, on uint32."""
  x = x ^ (x >> np.uint32(16))
  x = x * np.uint32(0x85EBCA6B)
  x = x ^ (x >> np.uint32(13))
  x = x * np.uint32(0xC2B2AE35)
  return x ^ (x >> np.uint32(16))


def numbers_from(counter: int, seed: int, count: int) -> np.ndarray:
  """uint32[count]: what the chance of each parameter is made of."""
  start = (counter + seed * _GOLDEN) % (1 << 32)
  return np.arange(count, dtype=np.uint32) + np.uint32(start)


def changes(steps: np.ndarray, numbers: np.ndarray) -> np.ndarray:
  """int64: steps rounded up or down by chance, and turned round.

  Args:
    steps: float32.
    numbers: uint32, what the chance of each is made of.
  """
  chance = (mix32(numbers) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
  exact = np.nan_to_num(chance - steps, nan=0.0, posinf=_MOST_CHANGE, neginf=-_MOST_CHANGE)
  return np.floor(np.clip(exact, -_MOST_CHANGE, _MOST_CHANGE)).astype(np.int64)


@dataclasses.dataclass(frozen=True)
class _Now:
  """Values of a forward pass, and weights; see `operators.base.Values`."""

  tensors: Mapping[int, np.ndarray]
  current: np.ndarray | None
  gradients: Mapping[int, np.ndarray]

  def tensor(self, tensor: int) -> np.ndarray:
    return self.tensors[tensor].astype(np.int64)

  def weights(self) -> np.ndarray:
    assert self.current is not None
    return self.current

  def begun(self, tensor: int) -> np.ndarray | None:
    return self.gradients.get(tensor)


class DeviceReference:
  """A model that learns.

  Args:
    work: What is trained, by `TrainingPlanner.work`.
    options: Those of the planner.
    rate: The learning rate.

  Attributes:
    weights: int8 by operator, in the model's shape.
    bias: int32 by operator, folded.
    rate: As given.
    counter: Random numbers drawn for updates.
    loss: Of the last sample.
  """

  def __init__(self, work: Work, options: TrainingOptions, rate: float = 0.01) -> None:
    self._work, self._options, self.rate = work, options, rate
    layers = work.parameters.layers
    self.weights = {i: layer.operator.view.input(1).array().copy() for i, layer in layers.items()}
    self.bias = {i: layer.bias.astype(np.int64) for i, layer in layers.items()}
    self.counter, self.loss = 0, 0.0
    self._samples = 0
    self._sums = np.zeros(work.parameters.count, np.float32)

  @property
  def needed(self) -> tuple[int, ...]:
    """Tensors of the network's model whose values `learn` wants."""
    found = {self._work.network.output}
    for step in self._work.backward:
      found.add(step.operator.target)
      found.update(step.operator.kept(step.wanted).tensors)
      if step.index in self.weights:
        found.add(step.operator.source)
    return tuple(sorted(found))

  @property
  def model(self) -> Model:
    """The network's model with the weights and biases as they are."""
    model = self._work.network.model
    tensors = list(model.main.tensors)
    for index, layer in self._work.parameters.layers.items():
      _, weights_at, bias_at = layer.operator.view.operator.inputs[:3]
      weights = self.weights[index]
      sums = weights.astype(np.int64)
      axes = (0, 1, 2) if layer.operator.view.opcode == 'DEPTHWISE_CONV_2D' else None
      sums = sums.sum(axis=axes or tuple(range(1, weights.ndim)))
      bias = (self.bias[index] + layer.operator.input_zero_point * sums).astype('<i4')
      for at, array in ((weights_at, weights), (bias_at, bias)):
        data = np.frombuffer(array.tobytes(), np.uint8)
        tensors[at] = dataclasses.replace(tensors[at], data=data)
    main = dataclasses.replace(model.main, tensors=tensors)
    return dataclasses.replace(model, subgraphs=[main, *model.subgraphs[1:]])

  @property
  def parameters(self) -> bytes:
    """As they lie in the memory of the chip."""
    image = np.zeros(self._work.parameters.bytes, np.uint8)
    for index, layer in self._work.parameters.layers.items():
      bias = self.bias[index].astype('<i4').view(np.uint8)
      image[layer.bias_at : layer.bias_at + bias.size] = bias
      if layer.operator.channels is not None:
        weights = self.weights[index][..., list(layer.operator.channels)].reshape(-1)
        at = slice(layer.weights_at, layer.weights_at + weights.size)
        image[at] = np.ascontiguousarray(weights).view(np.uint8)
    return image.tobytes()

  def learn(self, tensors: Mapping[int, np.ndarray], label: int | np.ndarray) -> float:
    """Learns from a sample.

    Args:
      tensors: Values of the tensors in `needed`, int8 with a batch of one.
      label: The number of the class, or targets of the real output.

    Returns:
      The loss.
    """
    network = self._work.network
    output = network.model.main.tensors[network.output]
    scale = np.float32(scale_of(output))
    values = tensors[network.output].reshape(-1).astype(np.int32)
    real = (values - zero_point_of(output)).astype(np.float32) * scale
    if network.loss is Loss.CROSS_ENTROPY:
      self.loss, first = cross_entropy(real, scale, int(label))
    else:
      self.loss, first = squared_error(real, scale, np.asarray(label))
    self._take(self._gradients(tensors, first.reshape(1, *output.shape[1:])))
    return self.loss

  def _gradients(self, tensors: Mapping[int, np.ndarray], first: np.ndarray) -> np.ndarray:
    """Of all parameters, by number; nothing changes."""
    found = np.zeros(self._work.parameters.count, np.float32)
    known = {self._work.network.output: first}
    for step in self._work.backward:
      operator, layer = step.operator, self._work.parameters.layers.get(step.index)
      gradient = known.pop(operator.target)
      weights = self.weights.get(step.index)
      if weights is None and len(operator.view.operator.inputs) > 1:
        operand = operator.view.input(1)
        weights = operand.array() if operand.is_constant else None
      values = _Now(tensors, weights, known)
      for position, part in operator.apply(gradient, step.wanted, values).items():
        tensor = operator.view.operator.inputs[position]
        shape = (1, *operator.view.input(position).shape[1:])
        part = part.reshape(shape)
        is_sum = tensor not in known or operator.continues_sums
        known[tensor] = part if is_sum else known[tensor] + part
      if layer is None:
        continue
      accumulators = layer.operator.accumulators(gradient, values)
      if layer.weights.size:
        made = layer.operator.weight_gradient(accumulators, values)
        found[layer.number : layer.number + made.size] = made
      if layer.trains_bias:
        made = layer.operator.bias_gradient(accumulators)
        found[layer.bias_number : layer.bias_number + made.size] = made
    return found

  def _take(self, gradients: np.ndarray) -> None:
    """Adds gradients up, and changes parameters with the last sample of an update."""
    self._sums = self._sums + gradients
    self._samples += 1
    if self._samples < self._options.samples:
      return
    numbers = numbers_from(self.counter, self._options.seed, self._sums.size)
    rate = np.float32(self.rate) / np.float32(self._options.samples)
    for index in self._work.parameters.layers:
      self._change(index, rate, numbers)
    self.counter = (self.counter + self._sums.size) % (1 << 32)
    self._samples, self._sums = 0, np.zeros_like(self._sums)

  def _change(self, index: int, rate: np.float32, numbers: np.ndarray) -> None:
    """The parameters of a layer."""
    layer = self._work.parameters.layers[index]
    operator, channels = layer.operator, layer.operator.geometry.target[2]
    inverses, bias_inverses = operator.inverses()
    if layer.weights.size:
      at = slice(layer.number, layer.number + layer.weights.size)
      owners = self._owners(index)
      factors = inverses[owners] if inverses.size > 1 else inverses
      change = changes(self._sums[at] * factors * rate, numbers[at])
      chosen = list(operator.channels or ())
      before = self.weights[index][..., chosen].astype(np.int64)
      after = np.clip(before + change.reshape(before.shape), -127, 127)
      after = np.where(self._sums[at].reshape(before.shape) == 0, before, after)
      self.weights[index][..., chosen] = after
      moved = np.zeros(channels, np.int64)
      np.add.at(moved, owners, (after - before).reshape(-1))
      self._move_bias(index, -operator.input_zero_point * moved)
    if layer.trains_bias:
      at = slice(layer.bias_number, layer.bias_number + channels)
      step = self._sums[at] * bias_inverses * rate
      self._move_bias(index, np.where(self._sums[at] == 0, 0, changes(step, numbers[at])))

  def _move_bias(self, index: int, change: np.ndarray) -> None:
    self.bias[index] = np.clip(self.bias[index] + change, -MOST_BIAS, MOST_BIAS)

  def _owners(self, index: int) -> np.ndarray:
    """The output channel of every trained weight, in the order of their numbers."""
    operator = self._work.parameters.layers[index].operator
    chosen = np.array(operator.channels or (), np.int64)
    if operator.view.opcode == 'DEPTHWISE_CONV_2D':
      return np.tile(chosen, operator.geometry.taps)
    channels = np.arange(operator.geometry.target[2])
    return np.repeat(channels, operator.geometry.taps * chosen.size)
