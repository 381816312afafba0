# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the plugin has counted."""

from __future__ import annotations

import dataclasses
from collections import defaultdict


@dataclasses.dataclass(frozen=True)
class Block:
  """Instructions that follow each other without a branch.

  Attributes:
    address: Of the first one.
    bytes: Of all of them.
  """

  address: int
  bytes: int


@dataclasses.dataclass(frozen=True)
class SectionCounts:
  """What a section does to memory.

  Attributes:
    misaligned: Further accesses that words and halfwords at odd places need.
    code_misses, next_misses: Words of flash with code that were not in the cache, and
      those behind the one before.
    data_misses: Words of flash with constants that were not in the cache.
  """

  misaligned: int = 0
  code_misses: int = 0
  next_misses: int = 0
  data_misses: int = 0


@dataclasses.dataclass(frozen=True)
class Trace:
  """How often one block follows another.

  Attributes:
    blocks: As they were translated.
    edges: (from, to, how often) by section; indices of blocks.
    counts: By section; what is not there is 0.
  """

  blocks: tuple[Block, ...]
  edges: dict[int, list[tuple[int, int, int]]]
  counts: dict[int, SectionCounts]

  def counts_of(self, section: int) -> SectionCounts:
    return self.counts.get(section, SectionCounts())


def parse(text: str) -> Trace:
  """A trace from the plugin's file."""
  blocks: list[Block] = []
  edges: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
  counts: dict[int, SectionCounts] = {}
  for line in text.splitlines():
    name, *words = line.split()
    numbers = [int(word, 16) for word in words]
    if name == 'block':
      blocks.append(Block(*numbers[1:]))
    elif name == 'edge':
      edges[numbers[0]].append((numbers[1], numbers[2], numbers[3]))
    else:
      counts[numbers[0]] = SectionCounts(*numbers[1:])
  return Trace(tuple(blocks), dict(edges), counts)
