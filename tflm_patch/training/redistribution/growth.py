# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Blocks added after the stage, so that the network computes as much as before."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tflm_patch.architecture.network import network_of
from tflm_patch.architecture.spec import Activation, Block, Spec
from tflm_patch.training.redistribution.figures import macs_of

_SKIPPING = ('ir', 'er')
_PLAIN = ('ds', 'conv', 'dw', 'basic')  # identities when they follow a RELU of their kind
_IDEMPOTENT = (Activation.RELU, Activation.RELU6)
_MOST_SUMS = 20_000


@dataclasses.dataclass(frozen=True)
class Growth:
  """A block that can be added, and begins as an identity.

  Attributes:
    after: The block of the spec that it follows.
    block: The block.
    macs: Its MACs.
  """

  after: int
  block: Block
  macs: int


def growths(spec: Spec, first: int) -> list[Growth]:
  """Blocks that can be added after the block number `first` - 1, the last places first."""
  network = network_of(spec)
  whole = macs_of(spec)
  found: dict[tuple[Block, tuple[int, ...]], Growth] = {}
  for number in range(len(spec.blocks) - 1, max(first, 1) - 1, -1):
    block, fragment = spec.blocks[number], network.fragments[number]
    same_shape = fragment.input.shape == fragment.output.shape
    like = block if same_shape else _repeated(block)
    if not _is_identity(like) or len(fragment.output.shape) != 4:
      continue
    for each in _variants(like):
      key = each, fragment.output.shape
      if key not in found:
        added = with_added(spec, [Growth(number, each, 0)])
        found[key] = Growth(number, each, macs_of(added) - whole)
  return list(found.values())


def _repeated(block: Block) -> Block:
  """A block that keeps the shape of what this one makes."""
  return dataclasses.replace(block, stride=(1, 1))


def _variants(block: Block) -> list[Block]:
  """The block, and one of half its expansion, for MACs in between."""
  if block.kind in _SKIPPING and block.expansion >= 4:
    return [block, dataclasses.replace(block, expansion=block.expansion / 2)]
  return [block]


def _is_identity(block: Block) -> bool:
  """Whether the block can be initialized to give its input."""
  if block.kind in _SKIPPING:
    return block.skip
  return block.kind in _PLAIN and block.activation in _IDEMPOTENT


def choose(options: Sequence[Growth], missing: int, most: int, tolerance: int) -> list[Growth]:
  """The additions whose MACs come closest to what is missing; few of them, late ones.

  Args:
    options: May each be taken several times.
    missing: MACs; nothing is added when that is nothing.
    most: Blocks.
    tolerance: MACs; of sums within it the fewest blocks are taken.
  """
  best: list[Growth] = []
  sums: dict[int, list[Growth]] = {0: []}
  for _ in range(most):
    if abs(missing - sum(each.macs for each in best)) <= tolerance / 2:
      break
    grown: dict[int, list[Growth]] = {}
    for total, chosen in sums.items():
      for option in options:
        made = total + option.macs
        if made <= missing + tolerance and made not in sums and len(grown) < _MOST_SUMS:
          grown.setdefault(made, [*chosen, option])
    if not grown:
      break
    nearest = min(grown, key=lambda total: abs(missing - total))
    if abs(missing - nearest) < abs(missing - sum(each.macs for each in best)):
      best = grown[nearest]
    sums = grown
  return best


def with_added(spec: Spec, chosen: Sequence[Growth]) -> Spec:
  """The spec with blocks added; several after one place follow each other."""
  blocks: list[Block] = []
  for number, block in enumerate(spec.blocks):
    blocks.append(block)
    blocks += (each.block for each in chosen if each.after == number)
  return dataclasses.replace(spec, blocks=tuple(blocks))


def origins(spec: Spec, chosen: Sequence[Growth]) -> list[int | None]:
  """For each block of `with_added(spec, chosen)` its number in the spec; None for new ones."""
  found: list[int | None] = []
  for number in range(len(spec.blocks)):
    found.append(number)
    found += [None] * sum(each.after == number for each in chosen)
  return found
