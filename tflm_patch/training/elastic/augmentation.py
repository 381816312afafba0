# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""NetAug's space: a network, and wider ones that contain it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tflm_patch.architecture.spec import Block, Spec
from tflm_patch.architecture.text import format_block
from tflm_patch.errors import TflmPatchError
from tflm_patch.training.elastic.space import (
  BOTTLENECK,
  Cell,
  Column,
  Group,
  Space,
  exact_expansion,
  numbers_of,
  stages,
)

# Of these, channels that are 0 stay 0, or are masked.
_KINDS = (BOTTLENECK, 'conv', 'maxpool', 'avgpool')
_HEADS = ('fc', 'poolfc')


def augmented_space(spec: Spec, widths: Sequence[float], expansions: Sequence[float]) -> Space:
  """The network of a spec, and those with more channels.

  `uniform(0)` is the network itself. Outputs of blocks, those that are added to each other
  together, become wider by one of the widths; inner channels of bottlenecks by one of the
  expansions.

  Args:
    spec: Convolutions, inverted bottlenecks, pools.
    widths, expansions: Factors, the first one 1, ascending.

  Raises:
    SpecError: the spec cannot exist.
    TflmPatchError: the factors are others, or a block or the head cannot be wider.
  """
  _check(spec, widths, expansions)
  network, base = numbers_of(spec)
  chains = _chains(spec, stages(spec, network))
  chained: list[list[Cell]] = [[] for _ in chains]
  groups = []
  source = None  # the chain that a block reads
  of_block = {block: number for number, chain in enumerate(chains) for block in chain}
  for number, (block, row) in enumerate(zip(spec.blocks, base)):

    def cell(column: Column, factors: Sequence[float], number: int = number) -> Cell:
      own = base[number, column]
      values = tuple(float(max(1, round(own * factor))) for factor in factors)
      return Cell(number, column, values)

    if block.kind == BOTTLENECK:
      if block.expansion != 1:
        groups.append(Group(Column.INNER, (cell(Column.INNER, expansions),)))
      elif source is not None:
        chained[source].append(cell(Column.INNER, widths))
      if row[Column.SQUEEZE] and source is not None:
        chained[source].append(cell(Column.SQUEEZE, widths))
    if number in of_block:
      source = of_block[number]
      chained[source].append(cell(Column.CHANNELS, widths))
  groups += [Group(Column.CHANNELS, tuple(cells)) for cells in chained]
  space = Space(spec, base, tuple(groups))
  return dataclasses.replace(space, largest=_widest(spec, space))


def _check(spec: Spec, widths: Sequence[float], expansions: Sequence[float]) -> None:
  for factors in (widths, expansions):
    if not factors or factors[0] != 1 or list(factors) != sorted(factors):
      raise TflmPatchError('factors of augmentation begin with 1 and ascend')
  for block in spec.blocks:
    if block.kind not in _KINDS:
      raise TflmPatchError(
        f'"{format_block(block)}": NetAug widens blocks of {", ".join(_KINDS)} alone'
      )
  if spec.head.kind not in _HEADS:
    raise TflmPatchError(f'NetAug needs a head of {" or ".join(_HEADS)}')


def _chains(spec: Spec, found: Sequence[tuple[int, int]]) -> list[list[int]]:
  """Blocks whose outputs have the same channels because they are added to each other."""
  chains = [list(range(first, first + count)) for first, count in found]
  for number, block in enumerate(spec.blocks):
    if block.kind == 'conv':
      chains.append([number])
  merged: list[list[int]] = []
  for chain in sorted(chains):
    # The first bottleneck of a stage adds its input where it can.
    first = spec.blocks[chain[0]]
    if merged and first.kind == BOTTLENECK and _adds(spec, chain[0]):
      merged[-1] += chain
    else:
      merged.append(chain)
  return merged


def _adds(spec: Spec, number: int) -> bool:
  network, _ = numbers_of(spec)
  fragment = network.fragments[number]
  return spec.blocks[number].skip and fragment.input.shape == fragment.output.shape


def _widest(spec: Spec, space: Space) -> Spec:
  """The spec that has room for all."""
  rows = space.rows(space.uniform(max(group.count for group in space.groups)))
  blocks: list[Block] = []
  channels = spec.input_shape[2]
  for block, row in zip(spec.blocks, rows):
    changed = {}
    if block.kind == BOTTLENECK:
      if block.expansion != 1:
        changed['expansion'] = exact_expansion(int(row[Column.INNER]), channels)
      if block.squeeze:
        changed['squeeze'] = int(row[Column.SQUEEZE]) / channels
    if block.channels:
      channels = int(row[Column.CHANNELS])
      changed['channels'] = channels
    blocks.append(dataclasses.replace(block, **changed))  # type: ignore[arg-type]
  return dataclasses.replace(spec, blocks=tuple(blocks))
