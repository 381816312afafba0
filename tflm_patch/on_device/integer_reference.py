# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a chip learns by gradients of integers, in NumPy: the same bytes as the C."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.on_device import integers
from tflm_patch.on_device.backward_graph import BackwardStep, Group
from tflm_patch.on_device.device_reference import DeviceReference, mix32, numbers_from
from tflm_patch.on_device.integers import Gradient
from tflm_patch.on_device.operators import block, clamps
from tflm_patch.on_device.operators.add import Add
from tflm_patch.on_device.operators.conv import Conv
from tflm_patch.on_device.operators.depthwise_conv import DepthwiseConv
from tflm_patch.on_device.operators.mean import Mean
from tflm_patch.on_device.operators.pad import Pad
from tflm_patch.on_device.operators.pool import AveragePool, MaxPool
from tflm_patch.on_device.operators.relu import Relu
from tflm_patch.on_device.operators.reshape import Reshape
from tflm_patch.on_device.operators.weighted import Geometry, Weighted
from tflm_patch.on_device.parameters import LayerParameters

_INT32 = np.iinfo(np.int32)
Tensors = Mapping[int, np.ndarray]


class IntegerReference(DeviceReference):
  """A model that learns by gradients of integers; see `DeviceReference`."""

  def _gradients(self, tensors: Tensors, first: np.ndarray) -> np.ndarray:
    """int64 steps of all parameters, by number."""
    self._tensors = tensors
    self._found = np.zeros(self._work.parameters.count, np.int64)
    self._known = {self._work.network.output: integers.from_floats(first)}
    for group in self._work.groups:
      if len(group) > 1:
        self._block(group)
      else:
        self._single(group[0])
    return self._found

  def _take(self, gradients: np.ndarray) -> None:
    """Adds steps up, and changes parameters with the last sample of an update."""
    if self._options.samples > 1:
      summed = self._sums.astype(np.int64) + gradients
      gradients = np.clip(summed, _INT32.min, _INT32.max)
    self._sums = gradients
    self._samples += 1
    if self._samples < self._options.samples:
      return
    random = mix32(numbers_from(self.counter, self._options.seed, self._sums.size))
    change = integers.changes(self._sums, random)
    for index in self._work.parameters.layers:
      self._move(index, change)
    self.counter = (self.counter + self._sums.size) % (1 << 32)
    self._samples, self._sums = 0, np.zeros_like(self._sums)

  def _move(self, index: int, change: np.ndarray) -> None:
    """The parameters of a layer."""
    layer = self._work.parameters.layers[index]
    operator, channels = layer.operator, layer.operator.geometry.target[2]
    if layer.weights.size:
      at = slice(layer.number, layer.number + layer.weights.size)
      chosen = list(operator.channels or ())
      before = self.weights[index][..., chosen].astype(np.int64)
      by = change[at].reshape(before.shape)
      after = np.where(by == 0, before, np.clip(before + by, -127, 127))
      self.weights[index][..., chosen] = after
      moved = np.zeros(channels, np.int64)
      np.add.at(moved, self._owners(index), (after - before).reshape(-1))
      self._move_bias(index, -operator.input_zero_point * moved)
    if layer.trains_bias:
      at = slice(layer.bias_number, layer.bias_number + channels)
      self._move_bias(index, change[at])

  # Backward, operator by operator.

  def _single(self, step: BackwardStep) -> None:
    operator = step.operator
    gradient = self._known.pop(operator.target)
    if isinstance(operator, Weighted):
      self._weighted(step, operator, gradient)
    elif isinstance(operator, Add):
      passed = self._clamped(operator, np.ones(1, np.float32), integers.FREE_BITS, gradient)
      last = operator.in_place(step.wanted)
      for position in sorted(step.wanted.inputs, key=lambda i: i == last):
        self._spread(operator.view.operator.inputs[position], passed, operator.ratio(position))
    elif isinstance(operator, (Relu, Reshape)):
      if isinstance(operator, Relu):
        gradient = self._clamped(operator, operator.ratios(), integers.FREE_BITS, gradient)
      self._come(operator.source, gradient.mantissas, gradient.exponent)
    elif isinstance(operator, Mean):
      outer, count, inner = operator.sizes()
      part = gradient.mantissas.reshape(outer, 1, inner)
      whole = np.broadcast_to(part, (outer, count, inner))
      self._spread(operator.source, Gradient(whole, gradient.exponent), operator.scale())
    elif isinstance(operator, Pad):
      self._come(operator.source, _without_border(operator, gradient), gradient.exponent)
    elif isinstance(operator, (AveragePool, MaxPool)):
      passed = self._clamped(operator, np.ones(1, np.float32), operator.bits, gradient)
      self._come(operator.source, self._pooled(operator, passed), passed.exponent)
    else:
      raise TflmPatchError(f'{operator.view.name} has no reference for gradients of integers')

  def _weighted(self, step: BackwardStep, operator: Weighted, gradient: Gradient) -> None:
    scales, bits = operator.each_channel(operator.scales()), operator.bits(step.wanted)
    made = self._clamped(operator, scales, bits, gradient)
    shape = operator.geometry
    accumulators = made.mantissas.reshape(*shape.target)
    if 0 in step.wanted.inputs:
      sums = _input_sums(shape, accumulators, self._weights(step.index, operator))
      self._come(operator.source, sums, made.exponent)
    self._learn(step.index, operator, accumulators, made.exponent)

  def _clamped(
    self, operator: object, scales: np.ndarray, bits: int, gradient: Gradient
  ) -> Gradient:
    view = operator.view  # type: ignore[attr-defined]
    clamp = operator.clamp if isinstance(operator, Relu) else clamps.clamp_of(view)
    output = self._tensors[view.operator.outputs[0]].reshape(-1, scales.size).astype(np.int64)
    multipliers, exponent = integers.multipliers(scales)
    made = integers.scaled(gradient.mantissas.reshape(-1, scales.size), multipliers)
    made = np.where((output > clamp[0]) & (output < clamp[1]), made, 0)
    excess = integers.excess(made, bits)
    return Gradient(integers.shifted(made, excess), gradient.exponent + exponent + excess)

  def _come(self, tensor: int, sums: np.ndarray, exponent: int) -> None:
    self._known[tensor] = integers.joined(self._known.get(tensor), sums.reshape(-1), exponent)

  def _spread(self, tensor: int, gradient: Gradient, scale: np.floating) -> None:
    multipliers, exponent = integers.multipliers(np.array([scale]))
    made = integers.scaled(gradient.mantissas, int(multipliers[0]))
    self._come(tensor, made, gradient.exponent + exponent)

  def _pooled(self, operator: AveragePool | MaxPool, passed: Gradient) -> np.ndarray:
    shape = operator.geometry
    one = passed.mantissas.reshape(*shape.target)
    taps = [(r, c) for r in range(shape.kernel[0]) for c in range(shape.kernel[1])]
    counts = np.zeros(shape.target[:2], np.int64)
    for tap in taps:
      counts[shape.overlap(tap)[0][1:]] += 1
    counts = np.maximum(counts, 1)[..., None]
    parts = np.sign(one) * ((np.abs(one) + counts // 2) // counts)
    chosen = None
    if isinstance(operator, MaxPool):
      chosen, parts = _first_greatest(shape, self._tensors[operator.source], taps), one
    result = np.zeros(shape.source, np.int64)
    for number, tap in enumerate(taps):
      outputs, inputs = (each[1:] for each in shape.overlap(tap))
      passes = 1 if chosen is None else chosen[outputs] == number
      result[inputs] += parts[outputs] * passes
    return result

  # What learns.

  def _weights(self, index: int, operator: Weighted) -> np.ndarray:
    """int64, as they are now, [kernel rows, kernel columns, inputs, outputs] or [..., channels]."""
    weights = self.weights.get(index)
    if weights is None:
      weights = operator.view.input(1).array()
    shape = operator.geometry
    if isinstance(operator, DepthwiseConv):
      return weights.reshape(*shape.kernel, shape.target[2]).astype(np.int64)
    found = weights.reshape(shape.target[2], *shape.kernel, shape.source[2])
    return found.transpose(1, 2, 3, 0).astype(np.int64)

  def _learn(
    self,
    index: int,
    operator: Weighted,
    accumulators: np.ndarray,
    exponent: int,
    outputs: np.ndarray | None = None,
  ) -> None:
    """Notes the steps of a layer.

    Args:
      index: Of the operator.
      operator: The layer.
      accumulators: int64 [rows, columns, outputs].
      exponent: Of them.
      outputs: Which channels of the output they are; None for all.
    """
    layer = self._work.parameters.layers.get(index)
    if layer is None:
      return
    every = np.arange(operator.geometry.target[2])
    which = every if outputs is None else outputs
    rate = np.float32(self.rate) / np.float32(self._options.samples)
    inverses, bias_inverses = (
      np.resize(each, every.size) * rate for each in layer.operator.inverses()
    )
    if layer.weights.size:
      self._learn_weights(layer, accumulators, exponent, which, inverses)
    if layer.trains_bias:
      sums = accumulators.sum(axis=(0, 1))
      self._found[layer.bias_number + which] = integers.steps(sums, bias_inverses[which], exponent)

  def _learn_weights(
    self,
    layer: LayerParameters,
    accumulators: np.ndarray,
    exponent: int,
    which: np.ndarray,
    factors: np.ndarray,
  ) -> None:
    operator = layer.operator
    shape, chosen = operator.geometry, np.array(operator.channels or (), np.int64)
    x = self._tensors[operator.source].reshape(*shape.source).astype(np.int64)
    x = x - operator.input_zero_point
    flat = layer.number + np.arange(layer.weights.size)
    is_depthwise = isinstance(operator, DepthwiseConv)
    numbers: np.ndarray
    if is_depthwise:
      numbers = flat.reshape(*shape.kernel, chosen.size)
      _, here, there = np.intersect1d(which, chosen, return_indices=True)
    else:
      numbers = flat.reshape(shape.target[2], *shape.kernel, chosen.size)[which]
    for row in range(shape.kernel[0]):
      for col in range(shape.kernel[1]):
        outputs, inputs = (each[1:] for each in shape.overlap((row, col)))
        a, cells = accumulators[outputs], x[inputs][..., chosen]
        if is_depthwise:
          sums = (a[..., here] * cells[..., there]).sum(axis=(0, 1))
          found = integers.steps(sums, factors[which[here]], exponent)
          self._found[numbers[row, col][there]] = found
        else:
          sums = np.tensordot(a, cells, ((0, 1), (0, 1)))
          self._found[numbers[:, row, col]] = integers.steps(
            sums, factors[which][:, None], exponent
          )

  # Blocks.

  def _block(self, group: Group) -> None:
    """An inverted bottleneck, four channels at a time."""
    project, depthwise = (step.operator for step in group[:2])
    assert isinstance(project, Conv) and isinstance(depthwise, DepthwiseConv)
    gradient = self._known.pop(project.target)
    scales, bits = project.each_channel(project.scales()), project.bits(group[0].wanted)
    made = self._clamped(project, scales, bits, gradient)
    accumulators = made.mantissas.reshape(*project.geometry.target)
    wide = _input_sums(
      project.geometry, accumulators, self._weights(group[0].index, project)
    ).reshape(*depthwise.geometry.target)
    result: Gradient | None = None
    if len(group) == 3 and group[2].wanted.inputs:
      result = self._begun(group[2])
    column_bits = block.column_bits(group)
    for first in range(0, wide.shape[2], block.CHANNELS):
      which = np.arange(first, min(first + block.CHANNELS, wide.shape[2]))
      columns = self._columns(
        group[1], Gradient(wide[..., which], made.exponent), which, column_bits[0]
      )
      self._learn(group[1].index, depthwise, columns.mantissas, columns.exponent, which)
      if len(group) == 3:
        weights = self._weights(group[1].index, depthwise)[..., which]
        sums = _depthwise_sums(depthwise.geometry, columns.mantissas, weights)
        made_of = Gradient(sums, columns.exponent)
        expanded = self._columns(group[2], made_of, which, column_bits[1])
        result = self._expanded(group[2], expanded, which, result)
    self._learn(group[0].index, project, accumulators, made.exponent)
    if len(group) == 3 and group[2].wanted.inputs:
      assert result is not None
      self._known[group[2].operator.source] = Gradient(
        result.mantissas.reshape(-1), result.exponent
      )

  def _begun(self, step: BackwardStep) -> Gradient | None:
    """What another reader of a block's input has begun, with room for as much again."""
    before = self._known.get(step.operator.source)
    if before is None:
      return None
    return Gradient(integers.shifted(before.mantissas, 1), before.exponent + 1)

  def _columns(
    self, step: BackwardStep, gradient: Gradient, which: np.ndarray, bits: int
  ) -> Gradient:
    """Channels of an output's gradient behind the clamp."""
    operator = step.operator
    assert isinstance(operator, Weighted)
    clamp, shape = clamps.clamp_of(operator.view), operator.geometry.target
    output = self._tensors[operator.target].reshape(*shape)[..., which].astype(np.int64)
    multipliers, exponent = integers.multipliers(operator.scales())
    own = np.resize(multipliers, shape[2])[which]
    made = integers.scaled(gradient.mantissas.reshape(*shape[:2], which.size), own)
    made = np.where((output > clamp[0]) & (output < clamp[1]), made, 0)
    excess = integers.excess(made, bits)
    return Gradient(integers.shifted(made, excess), gradient.exponent + exponent + excess)

  def _expanded(
    self, step: BackwardStep, columns: Gradient, which: np.ndarray, result: Gradient | None
  ) -> Gradient | None:
    """The block's input's gradient with that of some channels of the expansion, which learns."""
    operator = step.operator
    assert isinstance(operator, Conv)
    if step.wanted.inputs:
      weights = self._weights(step.index, operator)[..., which]
      frozen, own = _apart(operator, weights)
      parts = [_input_sums(operator.geometry, columns.mantissas, each) for each in (frozen, own)]
      if result is None:
        result = Gradient(np.zeros(parts[0].size, np.int64), columns.exponent)
      common = max(result.exponent, columns.exponent)
      total = integers.shifted(result.mantissas, common - result.exponent)
      for part in parts:
        total = total + integers.shifted(part.reshape(-1), common - columns.exponent)
      result = Gradient(total, common)
    self._learn(step.index, operator, columns.mantissas, columns.exponent, which)
    return result


def _apart(operator: Conv, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Frozen weights, and trained ones where these lie apart."""
  own = np.zeros_like(weights)
  if operator.gathered is None:
    return weights, own
  chosen = list(operator.gathered)
  own[:, :, chosen] = weights[:, :, chosen]
  return weights - own, own


def _input_sums(shape: Geometry, accumulators: np.ndarray, weights: np.ndarray) -> np.ndarray:
  """int64 of the input's gradient; weights as `_weights` gives them."""
  if weights.ndim == 3:
    return _depthwise_sums(shape, accumulators, weights)
  result = np.zeros(shape.source, np.int64)
  for row in range(shape.kernel[0]):
    for col in range(shape.kernel[1]):
      outputs, inputs = (each[1:] for each in shape.overlap((row, col)))
      result[inputs] += accumulators[outputs] @ weights[row, col].T
  return result


def _depthwise_sums(shape: Geometry, accumulators: np.ndarray, weights: np.ndarray) -> np.ndarray:
  result = np.zeros((*shape.source[:2], weights.shape[2]), np.int64)
  for row in range(shape.kernel[0]):
    for col in range(shape.kernel[1]):
      outputs, inputs = (each[1:] for each in shape.overlap((row, col)))
      result[inputs] += accumulators[outputs] * weights[row, col]
  return result


def _without_border(operator: Pad, gradient: Gradient) -> np.ndarray:
  pads = operator.view.integers(1) or []
  rows, cols, _ = operator.view.input().shape[1:]
  padded = gradient.mantissas.reshape(operator.view.output().shape[1:])
  return padded[pads[2] : pads[2] + rows, pads[4] : pads[4] + cols]


def _first_greatest(shape: Geometry, values: np.ndarray, taps: list[tuple[int, int]]) -> np.ndarray:
  """The number of the tap with the first of the greatest values, of every output."""
  x = values.reshape(*shape.source).astype(np.int64)
  best = np.full(shape.target, -1000, np.int64)
  chosen = np.full(shape.target, -1, np.int64)
  for number, tap in enumerate(taps):
    outputs, inputs = (each[1:] for each in shape.overlap(tap))
    value = x[inputs]
    is_more = value > best[outputs]
    best[outputs] = np.where(is_more, value, best[outputs])
    chosen[outputs] = np.where(is_more, number, chosen[outputs])
  return chosen
