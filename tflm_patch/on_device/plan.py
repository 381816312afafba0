# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The memory of a training step: every buffer with the steps that need it, and its place.

Steps are the frozen stages, the other operators forward, the loss, and operators backward.
The places are found as those of tensors between stages are (`arena.packing`).
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence

from tflm_patch.arena import greedy, packing
from tflm_patch.on_device.backward_graph import BackwardStep, Group
from tflm_patch.on_device.forward import ForwardStage, Frozen
from tflm_patch.on_device.network import Network
from tflm_patch.on_device.operators import block
from tflm_patch.on_device.operators.base import FLOAT_BYTES, mask_bytes
from tflm_patch.on_device.operators.weighted import Weighted
from tflm_patch.on_device.options import Arithmetic
from tflm_patch.on_device.parameters import Parameters

ALIGNMENT = 16
EXPONENT_BYTES = 4
CONTROL_BYTES = 32  # tflm_patch_training_state in training.h


class Part(enum.Enum):
  """What memory is for."""

  PARAMETERS = 'trained weights and biases'
  SUMS = 'sums of gradients'
  CONTROL = 'state of the training'
  FROZEN = 'input, and maps between frozen stages'
  MAP = 'maps'
  SCRATCH = 'scratch of the forward pass'
  MASK = 'clamp masks'
  GATHERED = 'trained channels of inputs'
  GRADIENT = 'gradients'
  EXPONENT = 'exponents of gradients'
  BACKWARD_SCRATCH = 'scratch of the backward pass'


PERSISTENT = (Part.PARAMETERS, Part.SUMS, Part.CONTROL)
Key = tuple[Part, int]  # the number is a tensor's, a stage's or an operator's


@dataclasses.dataclass(frozen=True)
class Buffer:
  """Memory of a training step.

  Attributes:
    size: Bytes, a multiple of 16.
    first, last: The steps that need it, both included.
    place_of: The buffer that ends with this one's first step and whose place it takes.
  """

  size: int
  first: int
  last: int
  place_of: Key | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingPlan:
  """Buffers of a training step and where they lie.

  Attributes:
    buffers: By key.
    offsets: Likewise.
    bytes: Of all.
    steps: What each step does, for people.
  """

  buffers: Mapping[Key, Buffer]
  offsets: Mapping[Key, int]
  bytes: int
  steps: tuple[str, ...]

  def live(self, step: int) -> dict[Key, int]:
    """Bytes that a step needs; of two buffers in one place, those of the larger."""
    found = {}
    for key, buffer in self.buffers.items():
      if buffer.first <= step <= buffer.last:
        found[key] = buffer.size
        before = buffer.place_of
        if before in found:
          found[key] = max(buffer.size, found.pop(before))
    return found


@dataclasses.dataclass(frozen=True, eq=False)
class Work:
  """What a training step computes.

  Attributes:
    network: The model and what is trained.
    frozen: The operators before the first trained one.
    forward: The others, in order.
    backward: In order, the last operator first.
    groups: The same; what goes backward as one together.
    parameters: What is trained.
    keeps_sums: Gradients of several samples are added up.
    arithmetic: Of gradients.
    recomputed: Operators whose clamps are computed again, not kept: expansions and depthwise
      convolutions of blocks.
  """

  network: Network
  frozen: Frozen
  forward: tuple[ForwardStage, ...]
  backward: tuple[BackwardStep, ...]
  groups: tuple[Group, ...]
  parameters: Parameters
  keeps_sums: bool
  arithmetic: Arithmetic = Arithmetic.FLOAT32
  recomputed: frozenset[int] = frozenset()

  def keeps_mask(self, step: BackwardStep) -> bool:
    """Whether an operator keeps a bit for each output."""
    return step.operator.kept(step.wanted).mask and step.index not in self.recomputed

  def recomputable(self) -> list[Group]:
    """Blocks whose clamps can be computed again: those that run forward as one."""
    as_one = {stage.indices for stage in self.forward}
    return [
      group
      for group in self.groups
      if tuple(step.index for step in reversed(group)) in as_one and block.is_recomputable(group)
    ]

  @property
  def exponents(self) -> Mapping[int, int]:
    """The numbers of tensors with a gradient, where each has an exponent of its own."""
    if self.arithmetic is Arithmetic.FLOAT32:
      return {}
    tensors = [self.network.output]
    for step in self.backward:
      tensors += (step.operator.view.operator.inputs[i] for i in step.wanted.inputs)
    return {tensor: number for number, tensor in enumerate(dict.fromkeys(tensors))}

  @property
  def steps(self) -> tuple[str, ...]:
    """What each step does."""
    view = self.network.view
    return (
      *(f'frozen operators, stage {i}' for i in range(len(self.frozen.stages))),
      *(f'{_range([view(i).name for i in stage.indices])} forward' for stage in self.forward),
      'loss',
      *(
        f'{_range([step.operator.view.name for step in reversed(group)])} backward'
        for group in self.groups
      ),
    )

  @property
  def loss_step(self) -> int:
    """Its number."""
    return len(self.frozen.stages) + len(self.forward)


def _range(names: Sequence[str]) -> str:
  return names[0] if len(names) == 1 else f'{names[0]} to {names[-1]}'


def scratch_bytes_of(group: Group, recomputes: bool = False) -> int:
  """Private memory of the backward step of operators that go as one.

  Args:
    group: The operators.
    recomputes: Whether clamps are computed again.
  """
  if len(group) == 1:
    return group[0].operator.scratch_bytes(group[0].wanted)
  depthwise = group[1].operator
  assert isinstance(depthwise, Weighted)
  return block.scratch_bytes(depthwise) + (block.recomputing_bytes(depthwise) if recomputes else 0)


def kept_bytes(group: Group) -> int:
  """Of the masks of a block's wide maps."""
  return sum(mask_bytes(step.operator.view.output().elements) for step in group[1:])


def aligned(size: int) -> int:
  """The next multiple of 16."""
  return -(-size // ALIGNMENT) * ALIGNMENT


def buffers_of(work: Work) -> dict[Key, Buffer]:
  """Every buffer of a training step."""
  return _Collector(work).collect()


def lower_bound(buffers: Mapping[Key, Buffer]) -> int:
  """What no placement can go below; sooner known than a placement."""
  return _packer(buffers)[1].bound


def place(work: Work) -> TrainingPlan:
  """Finds places for the buffers of a training step."""
  buffers = buffers_of(work)
  wanted, packer = _packer(buffers)
  offsets = packer.search(lambda found: greedy.peak(wanted, found))
  return TrainingPlan(
    buffers, dict(zip(buffers, offsets)), greedy.peak(wanted, offsets), work.steps
  )


def _packer(buffers: Mapping[Key, Buffer]) -> tuple[Sequence[greedy.Requirement], packing.Packer]:
  keys = list(buffers)
  sizes = {key: buffer.size for key, buffer in buffers.items()}
  for key in reversed(keys):  # what takes a place comes after what had it
    before = buffers[key].place_of
    if before is not None:
      sizes[before] = max(sizes[before], sizes[key])
  wanted = [greedy.Requirement(sizes[k], buffers[k].first, buffers[k].last) for k in keys]
  numbers = {key: number for number, key in enumerate(keys)}
  shared = {
    numbers[key]: numbers[buffer.place_of]
    for key, buffer in buffers.items()
    if buffer.place_of is not None
  }
  return wanted, packing.Packer(wanted, shared)


class _Collector:
  """Collects buffers in the order of their first steps."""

  def __init__(self, work: Work) -> None:
    self._work = work
    self._found: dict[Key, Buffer] = {}
    self._tensors = work.network.model.main.tensors
    self._backward_at = {
      step.index: work.loss_step + 1 + i for i, group in enumerate(work.groups) for step in group
    }
    self._forward_at = {
      index: len(work.frozen.stages) + number
      for number, stage in enumerate(work.forward)
      for index in stage.indices
    }
    self._end = work.loss_step + len(work.groups)

  def collect(self) -> dict[Key, Buffer]:
    """All of them."""
    work = self._work
    persistent = {
      Part.PARAMETERS: work.parameters.bytes,
      Part.SUMS: work.parameters.sums_bytes if work.keeps_sums else 0,
      Part.CONTROL: CONTROL_BYTES,
    }
    for part, size in persistent.items():
      self._add((part, 0), size, 0, self._end)
    self._add_frozen()
    self._add_maps()
    for number, stage in enumerate(work.forward):
      at = len(work.frozen.stages) + number
      self._add((Part.SCRATCH, number), stage.stage.workspace_bytes, at, at)
    for step in work.backward:
      self._add_kept(step)
    for group in work.groups:
      self._add_backward_scratch(group)
    self._add_gradients()
    size = EXPONENT_BYTES * len(work.exponents)
    self._add((Part.EXPONENT, 0), size, work.loss_step, self._end)
    return self._found

  def _add(self, key: Key, size: int, first: int, last: int, place_of: Key | None = None) -> None:
    if size > 0:
      self._found[key] = Buffer(aligned(size), first, last, place_of)

  def _add_frozen(self) -> None:
    """The input, and what frozen stages read, make and work in; not what others read."""
    frozen = self._work.frozen
    main = frozen.model.main
    read_later = {frozen.tensors[t] for t in self._work.network.boundary}
    ranges: dict[int, tuple[int, int]] = dict.fromkeys(main.inputs, (0, 0)) if frozen.stages else {}
    for number, stage in enumerate(frozen.stages):
      for t in (*stage.operator.inputs[:-2], *stage.operator.outputs):
        ranges[t] = ranges.get(t, (number, number))[0], number
      self._add((Part.FROZEN, -1 - number), stage.stage.workspace_bytes, number, number)
    for t, (first, last) in ranges.items():
      if t not in read_later:
        self._add((Part.FROZEN, t), main.tensors[t].bytes, first, last)

  def _add_maps(self) -> None:
    """Maps that operators from the first trained one on read or make."""
    work = self._work
    first, last = {}, {}
    for t in work.network.boundary:
      first[t] = self._made_at(t)
    for number, stage in enumerate(work.forward):
      at = len(work.frozen.stages) + number
      for t in stage.operator.outputs:
        first[t] = last[t] = at
      for t in stage.operator.inputs[:-2]:
        last[t] = at
    for t in (*work.network.model.main.outputs, work.network.output):
      last[t] = max(last[t], work.loss_step)
    for step in work.backward:
      kept = step.operator.kept(step.wanted).tensors
      if step.index in work.recomputed:
        kept = (*kept, block.recomputed_from(step))
      for t in kept:
        if t in last:
          last[t] = max(last[t], self._backward_at[step.index])
    for t in first:
      self._add((Part.MAP, t), self._tensors[t].bytes, first[t], last[t])

  def _made_at(self, tensor: int) -> int:
    """The step that makes a tensor of the boundary; inputs are there from the beginning."""
    frozen = self._work.frozen
    name = frozen.tensors[tensor]
    for number, stage in enumerate(frozen.stages):
      if name in stage.operator.outputs:
        return number
    return 0

  def _add_kept(self, step: BackwardStep) -> None:
    """What an operator keeps of the forward pass, and its scratch."""
    at = self._backward_at[step.index]
    operator = step.operator
    made = self._forward_at[step.index]
    if self._work.keeps_mask(step):
      bits = mask_bytes(self._tensors[operator.target].elements)
      self._add((Part.MASK, step.index), bits, made, at)
    if isinstance(operator, Weighted) and operator.gathered is not None:
      size = operator.geometry.source_cells * len(operator.gathered)
      self._add((Part.GATHERED, step.index), size, made, at)

  def _add_backward_scratch(self, group: Group) -> None:
    at = self._backward_at[group[0].index]
    size = scratch_bytes_of(group, group[-1].index in self._work.recomputed)
    self._add((Part.BACKWARD_SCRATCH, group[0].index), size, at, at)

  def _add_gradients(self) -> None:
    """From the reader that comes last to the operator that made the tensor."""
    work = self._work
    made_by = {step.operator.target: step.index for step in work.backward}
    output = work.network.output
    self._add_gradient(output, work.loss_step, self._backward_at[made_by[output]], None)
    for group in work.groups:
      step = group[-1]
      at = self._backward_at[step.index]
      in_place = step.operator.in_place(step.wanted) if len(group) == 1 else None
      for position in step.wanted.inputs:
        if position in step.wanted.added:
          continue
        tensor = step.operator.view.operator.inputs[position]
        before = (Part.GRADIENT, step.operator.target) if position == in_place else None
        self._add_gradient(tensor, at, self._backward_at[made_by[tensor]], before)

  def _add_gradient(self, tensor: int, first: int, last: int, place_of: Key | None) -> None:
    size = FLOAT_BYTES * self._tensors[tensor].elements
    self._add((Part.GRADIENT, tensor), size, first, last, place_of)
