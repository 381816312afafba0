# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Scales and zero points of all values, by TFLite's rules.

Operators that move or compare integers (pools, RESHAPE, CONCATENATION, PAD, MAXIMUM ...)
have one scale for all their tensors: such values form a group, whose range is the union.
Some kernels decide the scale of their output (SOFTMAX, LOGISTIC, TANH). Where that, or a
limit that int8 saturation has to keep, excludes a value from a group, a QUANTIZE goes
between.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.graph.builder import per_tensor
from tflm_patch.graph.types import DType, Quantization
from tflm_patch.quantization.network import Network, Node, Value
from tflm_patch.quantization.operators.base import NO_CLAMP, Clamp
from tflm_patch.quantization.operators.requantize import Requantize
from tflm_patch.quantization.ranges import Range

# The narrowest range that is told apart from all zeros: TFLM's SOFTMAX stops the program
# where the scale of its input is not above 2^-26.
MIN_WIDTH = 2.0**-16
_TOLERANCE = 1e-6


@dataclasses.dataclass(eq=False)
class ScaleGroup:
  """Values of one scale.

  Attributes:
    range: Of all of them.
    cap: Limits that the range must keep.
    fixed: Their quantization, where a kernel decides it.
  """

  range: Range
  cap: Clamp
  fixed: Quantization | None
  members: list[Value]

  def holds(self, other: Range) -> bool:
    """Whether a range keeps the limits."""
    slack = _TOLERANCE * (other.high - other.low)
    return other.high <= self.cap.high + slack and other.low >= self.cap.low - slack

  def quantization(self, dtype: DType) -> Quantization:
    """Of its values, with int8 or int16 activations."""
    return quantization_of(self.range, dtype) if self.fixed is None else self.fixed


def assign_scales(
  network: Network, ranges: dict[Value, Range], dtype: DType
) -> dict[Value, Quantization]:
  """The quantization of every value; puts QUANTIZE nodes where scales must differ.

  Args:
    network: After all passes; edited.
    ranges: Of its values, from calibration.
    dtype: INT8 or INT16.
  """
  return {
    value: group.quantization(dtype)
    for group in scale_groups(network, ranges, dtype)
    for value in group.members
  }


def scale_groups(network: Network, ranges: dict[Value, Range], dtype: DType) -> list[ScaleGroup]:
  """The values that share a scale; arguments as of `assign_scales`."""
  return _Assignment(network, ranges, dtype).run()


class _Assignment:
  """One run: groups of values, merged node by node."""

  def __init__(self, network: Network, ranges: dict[Value, Range], dtype: DType) -> None:
    self._network = network
    self._dtype = dtype
    self._group: dict[Value, ScaleGroup] = {}
    producers = {node.output: node for node in network.nodes}
    for value, found in ranges.items():
      self._group[value] = self._alone(value, found, producers.get(value))

  def run(self) -> list[ScaleGroup]:
    for node in list(self._network.nodes):
      if node.operation.shares_scale:
        self._share(node)
    return list({id(group): group for group in self._group.values()}.values())

  def _alone(self, value: Value, found: Range, node: Node | None) -> ScaleGroup:
    limits, fixed = NO_CLAMP, None
    if node is not None:
      operation = node.operation
      limits = operation.limits if operation.limits.by_range else NO_CLAMP
      if operation.fixed_scale is not None:
        is_int16 = self._dtype == DType.INT16
        scale, zero_point = operation.fixed_scale.int8
        fixed = per_tensor(
          operation.fixed_scale.int16 if is_int16 else scale, 0 if is_int16 else zero_point
        )
    return ScaleGroup(found, limits, fixed, [value])

  def _share(self, node: Node) -> None:
    """Gives the tensors of a node one scale."""
    inputs = node.scaled_inputs
    groups = list({id(self._group[value]): self._group[value] for value in inputs}.values())
    if len(groups) > 1 and not _same_fixed(groups):
      free = [group for group in groups if group.fixed is None]
      wanted = self._group[node.output].range
      for group in free:
        wanted = wanted.union(group.range)
      for value in inputs:
        group = self._group[value]
        if group.fixed is not None or not group.holds(wanted):
          self._requantize(node, value)
    for value in node.scaled_inputs:
      self._merge(self._group[node.output], self._group[value])

  def _merge(self, first: ScaleGroup, second: ScaleGroup) -> None:
    if first is second:
      return
    second.range = second.range.union(first.range)
    second.range = Range(
      max(second.range.low, second.cap.low), min(second.range.high, second.cap.high)
    )
    second.cap = second.cap.within(first.cap)
    second.fixed = second.fixed or first.fixed
    second.members += first.members
    for value in first.members:
      self._group[value] = second

  def _requantize(self, node: Node, value: Value) -> None:
    """Lets a node read a value at another scale."""
    result = Value(value.shape, f'{value.name}/requantized')
    self._group[result] = ScaleGroup(self._group[value].range, NO_CLAMP, None, [result])
    inserted = Node(Requantize(), (value,), result, f'{node.name}/requantize')
    self._network.insert_before(node, [inserted])
    node.inputs = tuple(result if each is value else each for each in node.inputs)


def _same_fixed(groups: list[ScaleGroup]) -> bool:
  first = groups[0].fixed
  return first is not None and all(
    group.fixed is not None
    and (group.fixed.scale, group.fixed.zero_point) == (first.scale, first.zero_point)
    for group in groups
  )


def quantization_of(found: Range, dtype: DType) -> Quantization:
  """The quantization that covers a range: asymmetric int8 or symmetric int16.

  0 is exact. As in TFLite the zero point is the one whose rounding moves the ends less.
  """
  low, high = found.low, found.high
  if high - low < MIN_WIDTH:
    high = low + MIN_WIDTH
  if dtype == DType.INT16:
    return per_tensor(max(-low, high) / 32767, 0)
  scale = float(np.float32((high - low) / 255))
  from_low, from_high = -128 - low / scale, 127 - high / scale
  low_error, high_error = 128 + abs(low / scale), 127 + abs(high / scale)
  zero_point = from_low if low_error < high_error else from_high
  return per_tensor(scale, int(np.clip(np.rint(zero_point), -128, 127)))
