# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A search space whose networks share the weights of one that contains them all."""

from __future__ import annotations

import dataclasses
import functools
import random
from collections.abc import Sequence

import numpy as np

from tflm_patch.architecture.spec import Block, Pair, Spec
from tflm_patch.architecture.text import format_spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.space import Picks, SearchSpace, Shape, StageChoice
from tflm_patch.training.elastic.table import table_of


@dataclasses.dataclass(frozen=True, eq=False)
class Candidate:
  """A network of the space.

  Attributes:
    picks: Its options.
    spec: Its architecture.
    origin: For each of its blocks the number of the largest network's.
    table: What the largest network is told to run it, see `table_of`.
  """

  picks: Picks
  spec: Spec
  origin: tuple[int, ...]
  table: np.ndarray

  @property
  def size(self) -> Pair:
    """Rows and columns of its input."""
    return self.spec.input_shape[:2]

  def __str__(self) -> str:
    return format_spec(self.spec)


class SharedSpace:
  """What is common to the networks of a search space.

  The largest network has the largest option of every decision. A smaller one has the centres
  of its kernels, the first channels of its layers, and the first blocks of its stages.

  Args:
    space: The search space.

  Attributes:
    largest: The spec of the network that has all weights.
    optional: Numbers of its blocks that some networks leave out.
    loose: Numbers of its blocks that add their input in some networks only.

  Raises:
    TflmPatchError: an option cannot share weights with the largest: names it.
  """

  def __init__(self, space: SearchSpace) -> None:
    self.space = space
    if len({channels for _, _, channels in space.inputs}) > 1:
      raise TflmPatchError(
        f'space "{space.name}": inputs of different numbers of channels cannot share weights; '
        'train a supernet for each'
      )
    if any(stage.is_cells for stage in space.stages):
      raise TflmPatchError(
        f'space "{space.name}": cells (growth, after) share no weights; judge them by another '
        'fitness than supernet'
      )
    self.largest = largest_of(space)
    self._starts = _starts(space)
    staged = {
      number
      for start, stage in zip(self._starts, space.stages)
      for number in range(start + 1, start + max(stage.depths))
    }
    self.optional = frozenset(
      start + k
      for start, stage in zip(self._starts, space.stages)
      for k in range(min(stage.depths), max(stage.depths))
    )
    self.loose = frozenset(range(len(self.largest.blocks))) - staged
    self._check()

  @property
  def sizes(self) -> tuple[Pair, ...]:
    """Rows and columns of inputs, in the order of the space."""
    return tuple(shape[:2] for shape in self.space.inputs)

  @functools.cached_property
  def largest_candidate(self) -> Candidate:
    """The network that has all weights."""
    found = self.largest
    origin = tuple(range(len(found.blocks)))
    return Candidate((), found, origin, table_of(found, found, origin))

  def largest_for(self, shape: Shape) -> Candidate:
    """The network with the largest option of every decision, but for its input.

    Raises:
      TflmPatchError: no network takes such an input.
    """
    if shape not in self.space.inputs:
      raise TflmPatchError(f'{list(shape)}: no input of the space "{self.space.name}"')
    decisions = self.space.decisions[1:]
    picks = [max(range(len(each.options)), key=each.options.__getitem__) for each in decisions]
    return self.candidate([self.space.inputs.index(shape), *picks])

  @functools.cached_property
  def smallest_candidate(self) -> Candidate:
    """The network with the least option of every decision."""
    decisions = self.space.decisions
    return self.candidate(
      [min(range(len(each.options)), key=each.options.__getitem__) for each in decisions]
    )

  def candidate(self, picks: Sequence[int]) -> Candidate:
    """A network by its options.

    Raises:
      SpecError: the options are of another space.
    """
    found = self.space.canonical(picks)
    spec = self.space.spec_of(found)
    depths, at = [], 2
    for stage in self.space.stages:
      depths.append(stage.depths[found[at]])
      at += 2 + 2 * max(stage.depths)
    origin = self._origin(depths)
    return Candidate(found, spec, origin, table_of(self.largest, spec, origin))

  def sample(self, rng: random.Random) -> Candidate:
    """A network by chance."""
    return self.candidate(self.space.sample(rng))

  def find(self, spec: Spec) -> Candidate:
    """The network of a spec; of several with the same spec the first.

    Raises:
      TflmPatchError: the space has no such network.
    """
    picks = self._picks(spec)
    if picks is None:
      raise TflmPatchError(f'"{format_spec(spec)}": no network of the space "{self.space.name}"')
    return self.candidate(picks)

  def __contains__(self, spec: Spec) -> bool:
    return self._picks(spec) is not None

  def _picks(self, spec: Spec) -> Picks | None:
    space = self.space
    if spec.head == space.head and spec.input_shape in space.inputs:
      for width in range(len(space.widths)):
        picks = self._found(spec.blocks, width)
        if picks is not None:
          return (space.inputs.index(spec.input_shape), width, *picks)
    return None

  def _origin(self, depths: Sequence[int]) -> tuple[int, ...]:
    space = self.space
    found = list(range(len(space.stem)))
    for start, depth in zip(self._starts, depths):
      found += range(start, start + depth)
    count = len(self.largest.blocks)
    return (*found, *range(count - len(space.tail), count))

  def _found(self, blocks: Sequence[Block], width: int) -> list[int] | None:
    """The options of the stages that give these blocks."""
    space, factor = self.space, self.space.widths[width]
    stem = [space.scaled(block, factor) for block in space.stem]
    tail = [space.scaled(block, factor) for block in space.tail]
    middle = blocks[len(stem) : len(blocks) - len(tail)]
    if [*stem, *middle, *tail] != list(blocks):
      return None
    return self._stages(middle, 0, factor)

  def _stages(self, blocks: Sequence[Block], number: int, factor: float) -> list[int] | None:
    if number == len(self.space.stages):
      return [] if not blocks else None
    stage = self.space.stages[number]
    for depth, count in enumerate(stage.depths):
      for width, own in enumerate(stage.widths):
        base = self.space.scaled(stage.block, factor * own)
        first = _options(stage, base, blocks[:count]) if len(blocks) >= count else None
        rest = None if first is None else self._stages(blocks[count:], number + 1, factor)
        if first is not None and rest is not None:
          padding = [0] * (2 * (max(stage.depths) - count))
          return [depth, width, *first, *padding, *rest]
    return None

  def _check(self) -> None:
    """Tries every option, beside the largest of the other decisions."""
    decisions = self.space.decisions
    picks = [max(range(len(each.options)), key=each.options.__getitem__) for each in decisions]
    for number, decision in enumerate(decisions):
      for option in range(len(decision.options)):
        tried = [*picks[:number], option, *picks[number + 1 :]]
        try:
          self.candidate(tried)
        except TflmPatchError as error:
          raise TflmPatchError(
            f'space "{self.space.name}": {decision.name} {decision.options[option]}: {error}'
          ) from None


def largest_of(space: SearchSpace) -> Spec:
  """The network with the largest option of every decision."""
  stages = tuple(
    dataclasses.replace(
      stage,
      depths=(max(stage.depths),),
      kernels=((max(rows for rows, _ in stage.kernels), max(cols for _, cols in stage.kernels)),),
      expansions=(max(stage.expansions),),
      widths=(max(stage.widths),),
    )
    for stage in space.stages
  )
  shape = max(space.inputs, key=lambda each: (each[0] * each[1], each))
  whole = dataclasses.replace(space, inputs=(shape,), widths=(max(space.widths),), stages=stages)
  return whole.spec_of([0] * len(whole.decisions))


def _starts(space: SearchSpace) -> list[int]:
  """The number of the first block of each stage of the largest network."""
  found, at = [], len(space.stem)
  for stage in space.stages:
    found.append(at)
    at += max(stage.depths)
  return found


def _options(stage: StageChoice, base: Block, blocks: Sequence[Block]) -> list[int] | None:
  """The kernels and expansions of the blocks of a stage; None where it is another's."""
  found = []
  for number, block in enumerate(blocks):
    stride = base.stride if number == 0 else (1, 1)
    wanted = dataclasses.replace(
      base, stride=stride, kernel=block.kernel, expansion=block.expansion
    )
    if block != wanted or block.kernel not in stage.kernels:
      return None
    expansions = [float(each) for each in stage.expansions]
    if block.expansion not in expansions:
      return None
    found += [stage.kernels.index(block.kernel), expansions.index(block.expansion)]
  return found
