# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A space of sub-networks that share the weights of one network.

The network is that of the space's largest spec. A sub-network is a row of numbers for each
block: which part of the block it has. What a cell of these rows may be is drawn in groups: the
cells of a group change together, as the widths of blocks whose outputs are added do.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence

import numpy as np

from tflm_patch.architecture.network import Network
from tflm_patch.architecture.spec import Block, Spec
from tflm_patch.architecture.text import format_spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.training.elastic.table import shared_network, table_of

BOTTLENECK = 'ir'


class Column(enum.IntEnum):
  """The numbers of a block."""

  KERNEL = 0  # rows of the depthwise kernel: the centre of the largest
  INNER = 1  # channels inside a bottleneck: the first ones
  SQUEEZE = 2  # channels of squeeze-and-excite: the first ones
  CHANNELS = 3  # of the output: the first ones
  ACTIVE = 4  # 0: the block gives what it reads


@dataclasses.dataclass(frozen=True)
class Cell:
  """A number of the table that varies.

  Attributes:
    block: Its row.
    column: What it says.
    values: One for each option.
  """

  block: int
  column: Column
  values: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Group:
  """Cells that are drawn together; they have equally many values.

  Attributes:
    column: What the group is about.
    cells: At least one.
  """

  column: Column
  cells: tuple[Cell, ...]

  @property
  def count(self) -> int:
    """How many options there are."""
    return len(self.cells[0].values)


@dataclasses.dataclass(frozen=True)
class SubNetwork:
  """One of a space.

  Attributes:
    picks: For each group of the space the number of the option.
  """

  picks: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Space:
  """Sub-networks of one network.

  Attributes:
    largest: The spec of the network that has all weights.
    base: The numbers of the network itself; float32[blocks, len(Column)].
    groups: What may be drawn.
  """

  largest: Spec
  base: np.ndarray
  groups: tuple[Group, ...]

  @property
  def counts(self) -> np.ndarray:
    """How many options each group has; int32[groups]."""
    return np.array([group.count for group in self.groups], np.int32)

  def uniform(self, option: int) -> SubNetwork:
    """The sub-network with the same option of every group, or its last one where it has fewer."""
    return SubNetwork(tuple(min(option, group.count - 1) for group in self.groups))

  def sample(self, rng: np.random.Generator) -> SubNetwork:
    """A sub-network by chance, each option as likely as the others of its group."""
    return SubNetwork(tuple(int(rng.integers(group.count)) for group in self.groups))

  @property
  def optional(self) -> frozenset[int]:
    """Numbers of the blocks that some sub-networks leave out."""
    cells = (cell for group in self.groups for cell in group.cells)
    return frozenset(cell.block for cell in cells if cell.column is Column.ACTIVE)

  def table(self, sub: SubNetwork) -> np.ndarray:
    """What a network of the largest spec is told to run a sub-network, see `table_of`.

    Raises:
      TflmPatchError: it is of another space.
    """
    return table_of(self.largest, self.spec_of(sub), self.origin(sub))

  def rows(self, sub: SubNetwork) -> np.ndarray:
    """The numbers of a sub-network's blocks; float32[blocks, len(Column)].

    Raises:
      TflmPatchError: it is of another space.
    """
    if len(sub.picks) != len(self.groups):
      raise TflmPatchError(
        f'a sub-network of {len(sub.picks)} picks in a space of {len(self.groups)} groups'
      )
    found = self.base.copy()
    for group, pick in zip(self.groups, sub.picks):
      if not 0 <= pick < group.count:
        raise TflmPatchError(f'option {pick} of a group that has {group.count}')
      for cell in group.cells:
        found[cell.block, cell.column] = cell.values[pick]
    return found

  def spec_of(self, sub: SubNetwork) -> Spec:
    """The architecture of a sub-network alone."""
    rows = self.rows(sub)
    blocks = []
    channels = self.largest.input_shape[2]
    for block, row in zip(self.largest.blocks, rows):
      if row[Column.ACTIVE]:
        blocks.append(_alone(block, row, channels))
        channels = int(row[Column.CHANNELS]) or channels
    return dataclasses.replace(self.largest, blocks=tuple(blocks))

  def origin(self, sub: SubNetwork) -> list[int]:
    """For each block of the sub-network's spec the number of the space's."""
    return [int(number) for number in np.flatnonzero(self.rows(sub)[:, Column.ACTIVE])]


def _alone(block: Block, row: np.ndarray, channels: int) -> Block:
  changed: dict[str, object] = {}
  if block.channels:
    changed['channels'] = int(row[Column.CHANNELS])
  if block.kind == BOTTLENECK:
    kernel = int(row[Column.KERNEL])
    if kernel != block.kernel[0]:
      changed['kernel'] = (kernel, kernel)
    if block.expansion != 1:
      changed['expansion'] = exact_expansion(int(row[Column.INNER]), channels)
    if block.squeeze:
      changed['squeeze'] = int(row[Column.SQUEEZE]) / channels
  return dataclasses.replace(block, **changed)  # type: ignore[arg-type]


def exact_expansion(inner: int, channels: int) -> float:
  """The expansion that gives so many inner channels, and is not 1, which leaves a layer out."""
  expansion = inner / channels
  return expansion if expansion != 1 else 1 + 1 / (4 * channels)


def numbers_of(spec: Spec) -> tuple[Network, np.ndarray]:
  """The layers of a spec, and its table of numbers.

  Raises:
    SpecError: the spec cannot exist.
    TflmPatchError: its head looks at several maps.
  """
  network = shared_network(spec)
  rows = np.zeros((len(spec.blocks), len(Column)), np.float32)
  for row, block, fragment in zip(rows, spec.blocks, network.fragments):
    channels = fragment.input.channels
    row[Column.KERNEL] = block.kernel[0]
    row[Column.INNER] = max(1, round(block.expansion * channels))
    row[Column.SQUEEZE] = max(1, round(block.squeeze * channels)) if block.squeeze else 0
    row[Column.CHANNELS] = fragment.output.channels
    row[Column.ACTIVE] = 1
  return network, rows


@dataclasses.dataclass(frozen=True)
class Elasticity:
  """What sub-networks may have less of than the whole one; largest first, if at all.

  Attributes:
    kernels: Sides of depthwise kernels.
    expansions: Of bottlenecks.
    least_depth: A stage keeps at least so many blocks. A stage is a block and those after it
      that add their input.
  """

  kernels: tuple[int, ...] = (7, 5, 3)
  expansions: tuple[float, ...] = (6.0, 4.0, 3.0)
  least_depth: int = 2

  def __post_init__(self) -> None:
    if any(kernel < 1 or kernel % 2 == 0 for kernel in self.kernels):
      raise TflmPatchError('kernels that share a centre have odd sides')
    if any(expansion <= 1 for expansion in self.expansions):
      raise TflmPatchError('an expansion of 1 has a layer less; choose others')
    if self.least_depth < 1:
      raise TflmPatchError('a stage keeps at least one block')


def elastic_space(spec: Spec, elasticity: Elasticity = Elasticity()) -> Space:
  """The sub-networks of a spec of inverted bottlenecks.

  Every bottleneck has the kernels and expansions up to its own, every stage the depths down
  to the least. Options are ordered from the largest: the whole network is `uniform(0)`.

  Raises:
    SpecError: the spec cannot exist.
    TflmPatchError: nothing of it can be smaller.
  """
  network, base = numbers_of(spec)
  groups = []
  for number, block in enumerate(spec.blocks):
    if block.kind != BOTTLENECK:
      continue
    kernels = _kernels(block, elasticity.kernels)
    if len(kernels) > 1:
      groups.append(Group(Column.KERNEL, (Cell(number, Column.KERNEL, kernels),)))
    inner = _inner(block, network.fragments[number].input.channels, elasticity.expansions)
    if len(inner) > 1:
      groups.append(Group(Column.INNER, (Cell(number, Column.INNER, inner),)))
  for first, count in stages(spec, network):
    depths = range(count, elasticity.least_depth - 1, -1)
    if len(depths) > 1:
      cells = tuple(
        Cell(first + k, Column.ACTIVE, tuple(float(k < depth) for depth in depths))
        for k in range(elasticity.least_depth, count)
      )
      groups.append(Group(Column.ACTIVE, cells))
  if not groups:
    raise TflmPatchError(
      f'"{format_spec(spec)}": no bottleneck has a kernel, an expansion or a stage that can be '
      'smaller'
    )
  return Space(spec, base, tuple(groups))


def _kernels(block: Block, options: Sequence[int]) -> tuple[float, ...]:
  own = block.kernel[0]
  if block.kernel[0] != block.kernel[1] or own % 2 == 0 or block.padding.value != 'same':
    return (float(own),)
  smaller = {float(kernel) for kernel in options if max(block.stride) <= kernel < own}
  return (float(own), *sorted(smaller, reverse=True))


def _inner(block: Block, channels: int, options: Sequence[float]) -> tuple[float, ...]:
  own = max(1, round(block.expansion * channels))
  if block.expansion == 1:
    return (float(own),)
  smaller = {
    float(max(1, round(each * channels))) for each in options if each < block.expansion
  } - {float(own)}
  return (float(own), *sorted(smaller, reverse=True))


def stages(spec: Spec, network: Network) -> list[tuple[int, int]]:
  """(first block, number of blocks) of each run of bottlenecks that add their input."""
  found: list[tuple[int, int]] = []
  for number, block in enumerate(spec.blocks):
    if block.kind != BOTTLENECK:
      continue
    fragment = network.fragments[number]
    adds = block.skip and fragment.input.shape == fragment.output.shape
    first, count = found[-1] if found else (0, 0)
    if adds and found and first + count == number:
      found[-1] = (first, count + 1)
    else:
      found.append((number, 1))
  return found
