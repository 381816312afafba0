# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a search may choose from, as data.

A space is a list of decisions, each with a few options. A candidate is a number for each
decision, so that every strategy (chance, evolution, a sampler of another library) sees the
same flat table, whatever the architectures look like.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import random
from collections.abc import Sequence
from typing import Any

from tflm_patch.architecture.blocks import REGISTRY
from tflm_patch.architecture.catalogue import divisible
from tflm_patch.architecture.network import network_of
from tflm_patch.architecture.spec import MAX_BLOCKS, Block, Head, Pair, Spec, SpecError

MAX_OPTIONS = 64  # of a decision
MAX_STAGES = 32
MAX_DEPTH = 32
MAX_GROWTH = 64

# For each decision of a space the number of the option.
Picks = tuple[int, ...]
Shape = tuple[int, int, int]
_HEAD = Head()


@dataclasses.dataclass(frozen=True)
class StageChoice:
  """Blocks of one kind; the first has the stride.

  Attributes:
    block: What the blocks have in common; its channels are those at width 1.
    depths: How many blocks there may be.
    kernels: Rows and columns of each block's window.
    expansions: Of each block.
    widths: Of the whole stage, times the width of the network: blocks of a stage are added
      to each other, so they have one width.
    growth: Of the channels of each block, times the stage's; () for one width. Not where blocks
      add their input.
    after: Blocks that follow each block of the stage, like a pool: with it they are a cell.
  """

  block: Block
  depths: tuple[int, ...] = (1,)
  kernels: tuple[Pair, ...] = ((3, 3),)
  expansions: tuple[float, ...] = (1.0,)
  widths: tuple[float, ...] = (1.0,)
  growth: tuple[float, ...] = ()
  after: tuple[Block, ...] = ()

  @property
  def is_cells(self) -> bool:
    """Whether it is more than blocks of one kind and width: no weights are shared there."""
    return bool(self.growth or self.after)


@dataclasses.dataclass(frozen=True)
class Decision:
  """Something that is chosen.

  Attributes:
    name: `input`, `width`, `stage2.depth`, `stage2.width`, `stage2.block1.kernel`, ...
    options: Its values, at least one.
  """

  name: str
  options: tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class SearchSpace:
  """Choices from which specs are made.

  Attributes:
    name: In tables and state files.
    inputs: (rows, columns, channels) of the image or the signal: resolution and colour.
    widths: Multipliers of all channels.
    stem: Blocks before the stages; scaled by the width, else fixed.
    stages: In order.
    tail: Blocks after the stages; scaled by the width, else fixed.
    head: The end.
    divisor: Channels are rounded to multiples of it.
  """

  name: str
  inputs: tuple[Shape, ...]
  widths: tuple[float, ...] = (1.0,)
  stem: tuple[Block, ...] = ()
  stages: tuple[StageChoice, ...] = ()
  tail: tuple[Block, ...] = ()
  head: Head = _HEAD
  divisor: int = 8

  def __post_init__(self) -> None:
    if not self.stages or len(self.stages) > MAX_STAGES:
      raise SpecError(f'space "{self.name}": has not 1 to {MAX_STAGES} stages')
    if self.divisor < 1:
      raise SpecError(f'space "{self.name}": divisor {self.divisor} is below 1')
    for decision in self.decisions:
      _check(decision, self.name)
    for k, stage in enumerate(self.stages):
      if not all(1 <= depth <= MAX_DEPTH for depth in stage.depths):
        raise SpecError(f'space "{self.name}": stage{k}.depth is not 1 to {MAX_DEPTH}')
      if stage.expansions != (1.0,) and 'expansion' not in REGISTRY[stage.block.kind].fields:
        raise SpecError(f'space "{self.name}": stage{k}: {stage.block.kind} has no expansion')
      if stage.growth and (
        len(stage.growth) != max(stage.depths) or not all(0 < g <= MAX_GROWTH for g in stage.growth)
      ):
        raise SpecError(
          f'space "{self.name}": stage{k}.growth is not {max(stage.depths)} numbers above 0 and at '
          f'most {MAX_GROWTH}'
        )
    deepest = sum(max(stage.depths) * (1 + len(stage.after)) for stage in self.stages)
    if len(self.stem) + deepest + len(self.tail) > MAX_BLOCKS:
      raise SpecError(f'space "{self.name}": may have more than {MAX_BLOCKS} blocks')
    for shape in range(len(self.inputs)):
      for edge in (self._edge(shape, smallest=True), self._edge(shape, smallest=False)):
        network_of(self.spec_of(edge))  # raises where an architecture cannot exist

  @functools.cached_property
  def decisions(self) -> tuple[Decision, ...]:
    """What is chosen, in the order of `Picks`."""
    found = [Decision('input', self.inputs), Decision('width', self.widths)]
    for k, stage in enumerate(self.stages):
      found += [
        Decision(f'stage{k}.depth', stage.depths),
        Decision(f'stage{k}.width', stage.widths),
      ]
      for b in range(max(stage.depths, default=0)):
        found += [
          Decision(f'stage{k}.block{b}.kernel', stage.kernels),
          Decision(f'stage{k}.block{b}.expansion', stage.expansions),
        ]
    return tuple(found)

  @property
  def size(self) -> int:
    """How many different candidates there are."""
    count = len(self.inputs) * len(self.widths)
    for stage in self.stages:
      block = len(stage.kernels) * len(stage.expansions)
      count *= len(stage.widths) * sum(block**depth for depth in stage.depths)
    return count

  def sample(self, rng: random.Random) -> Picks:
    """A candidate by chance, each option as likely as the others of its decision."""
    return self.canonical([rng.randrange(len(each.options)) for each in self.decisions])

  def samples(self, count: int, seed: int) -> list[Picks]:
    """`count` candidates by chance; the same for the same seed."""
    rng = random.Random(seed)
    return [self.sample(rng) for _ in range(count)]

  def canonical(self, picks: Sequence[int]) -> Picks:
    """The same architecture with option 0 of each decision that has no effect.

    Raises:
      SpecError: the picks are of another space.
    """
    self._check_picks(picks)
    kept, at = list(picks), 2
    for stage in self.stages:
      depth, deepest = stage.depths[picks[at]], max(stage.depths)
      kept[at + 2 + 2 * depth : at + 2 + 2 * deepest] = [0] * (2 * (deepest - depth))
      at += 2 + 2 * deepest
    return tuple(kept)

  def spec_of(self, picks: Sequence[int]) -> Spec:
    """The architecture of a candidate.

    Raises:
      SpecError: the picks are of another space.
    """
    self._check_picks(picks)
    width, at = self.widths[picks[1]], 2
    blocks = [self.scaled(block, width) for block in self.stem]
    for stage in self.stages:
      times = width * stage.widths[picks[at + 1]]
      for b in range(stage.depths[picks[at]]):
        base = self.scaled(stage.block, times * (stage.growth[b] if stage.growth else 1))
        kernel, expansion = picks[at + 2 + 2 * b], picks[at + 3 + 2 * b]
        blocks.append(
          dataclasses.replace(
            base,
            kernel=stage.kernels[kernel],
            expansion=float(stage.expansions[expansion]),
            stride=base.stride if b == 0 else (1, 1),
          )
        )
        blocks += stage.after
      at += 2 + 2 * max(stage.depths)
    blocks += [self.scaled(block, width) for block in self.tail]
    return Spec(self.inputs[picks[0]], tuple(blocks), self.head)

  def scaled(self, block: Block, width: float) -> Block:
    """A block with its channels times a width, rounded."""
    if not block.channels:
      return block
    return dataclasses.replace(block, channels=divisible(block.channels * width, self.divisor))

  def _check_picks(self, picks: Sequence[int]) -> None:
    decisions = self.decisions
    if len(picks) != len(decisions):
      raise SpecError(f'space "{self.name}": {len(picks)} picks for {len(decisions)} decisions')
    for pick, decision in zip(picks, decisions):
      if not 0 <= pick < len(decision.options):
        raise SpecError(f'space "{self.name}": {decision.name} has no option {pick}')

  def smallest(self, shape: int = 0) -> Picks:
    """The candidate with the least option of each decision, for the input of that number."""
    return self._edge(shape, smallest=True)

  def _edge(self, shape: int, *, smallest: bool) -> Picks:
    """The candidate of an input with the least, or the greatest, option of each decision."""
    choose = min if smallest else max
    picks = [choose(range(len(d.options)), key=d.options.__getitem__) for d in self.decisions]
    return (shape, *picks[1:])


def _check(decision: Decision, space: str) -> None:
  where, options = f'space "{space}": {decision.name}', decision.options
  if not 1 <= len(options) <= MAX_OPTIONS:
    raise SpecError(f'{where} has {len(options)} options, not 1 to {MAX_OPTIONS}')
  if len(set(options)) != len(options):
    raise SpecError(f'{where} has an option twice')
  for option in options:
    for number in option if isinstance(option, tuple) else (option,):
      if not isinstance(number, (int, float)) or not math.isfinite(number) or number <= 0:
        raise SpecError(f'{where}: {number!r} is not above 0')
