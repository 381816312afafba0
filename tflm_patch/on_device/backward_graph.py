# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which operators go backward, in which order, and whose gradients they make."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tflm_patch.errors import TflmPatchError
from tflm_patch.on_device.network import Network
from tflm_patch.on_device.operators import Backward, backward_of, block
from tflm_patch.on_device.operators.base import Wanted


@dataclasses.dataclass(frozen=True, eq=False)
class BackwardStep:
  """An operator that goes backward.

  Attributes:
    index: Of the operator in the network's model.
    operator: Its backward side.
    wanted: Whose gradients it makes.
  """

  index: int
  operator: Backward
  wanted: Wanted


Group = tuple[BackwardStep, ...]


def grouped(steps: Sequence[BackwardStep]) -> tuple[Group, ...]:
  """Operators that go backward as one: inverted bottlenecks; others by themselves."""
  groups: list[Group] = []
  at = 0
  while at < len(steps):
    size = block.length(steps[at : at + 3])
    groups.append(tuple(steps[at : at + size]))
    at += size
  return tuple(groups)


def backward_steps(network: Network, quantization_aware: bool) -> tuple[BackwardStep, ...]:
  """The operators that go backward, the last one first; no more than the updates need.

  Raises:
    TflmPatchError: an update does not change the output, or a gradient cannot pass an operator.
  """
  operators = network.model.main.operators
  needs = _tensors_with_gradient(network)
  if network.output not in needs:
    raise TflmPatchError('nothing that the scheme updates changes the output of the model')
  begun = {network.output}
  steps = []
  for index in reversed(network.trained):
    if operators[index].outputs[0] not in begun:
      continue
    operator = backward_of(network.view(index), network.updates.get(index), quantization_aware)
    inputs = tuple(i for i, t in enumerate(operators[index].inputs) if t in needs)
    added = frozenset(i for i in inputs if operators[index].inputs[i] in begun)
    begun.update(operators[index].inputs[i] for i in inputs)
    steps.append(BackwardStep(index, operator, Wanted(inputs, added)))
  _check_reached(network, steps)
  return tuple(steps)


def _tensors_with_gradient(network: Network) -> set[int]:
  """Tensors that depend on something trained."""
  needs: set[int] = set()
  for index in network.trained:
    operator = network.model.main.operators[index]
    if index in network.updates or needs.intersection(operator.inputs):
      needs.update(operator.outputs)
  return needs


def _check_reached(network: Network, steps: Sequence[BackwardStep]) -> None:
  missing = set(network.updates) - {step.index for step in steps}
  if missing:
    number = network.updates[min(missing)].operator
    raise TflmPatchError(
      f'the scheme updates operator {number}, which does not change the output of the loss'
    )
