# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Where tensors, the stages' workspaces and their state lie in the memory of a compiled model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tflm_patch.arena import greedy, packing
from tflm_patch.graph.types import Operator, Subgraph

ALIGNMENT = 16


@dataclasses.dataclass(frozen=True)
class Memory:
  """Offsets in bytes.

  Attributes:
    bytes: Of the whole workspace.
    tensors: Offset of every tensor that is no constant, by its index.
    workspaces, states: Offsets of each stage's workspace and state.
    fast_bytes: Of the array beside it, which stages use one after the other.
  """

  bytes: int
  tensors: dict[int, int]
  workspaces: tuple[int, ...]
  states: tuple[int, ...]
  fast_bytes: int = 0


def place(
  subgraph: Subgraph, stages: Sequence[Operator], workspaces: Sequence[int], states: Sequence[int]
) -> Memory:
  """Places everything by live_ranges, as TFLM does.

  Args:
    subgraph: Of stage operators only.
    stages: Its operators; the last two inputs of each are constants.
    workspaces, states: Their sizes.
  """
  first: dict[int, int] = dict.fromkeys(subgraph.inputs, 0)
  last: dict[int, int] = dict(first)
  for number, stage in enumerate(stages):
    for i in (*stage.inputs[:-2], *stage.outputs):
      first.setdefault(i, number)
      last[i] = number
  for i in subgraph.outputs:
    first.setdefault(i, len(stages))
    last[i] = len(stages)
  for i in subgraph.inputs:
    if subgraph.tensors[i].is_variable:  # kept, with --keep-input
      last[i] = len(stages)
  tensors = sorted(first)
  wanted = [
    *(greedy.Requirement(_aligned(subgraph.tensors[i].bytes), first[i], last[i]) for i in tensors),
    *(greedy.Requirement(_aligned(size), number, number) for number, size in enumerate(workspaces)),
    *(greedy.Requirement(_aligned(size), 0, len(stages)) for size in states),
  ]
  offsets = packing.Packer(wanted).search(lambda found: greedy.peak(wanted, found))
  of_stages = offsets[len(tensors) :]
  return Memory(
    greedy.peak(wanted, offsets),
    dict(zip(tensors, offsets)),
    tuple(of_stages[: len(stages)]),
    tuple(of_stages[len(stages) :]),
  )


def _aligned(size: int) -> int:
  return -(-size // ALIGNMENT) * ALIGNMENT
