# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Stages with smaller kernels, narrower and fewer blocks."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence

from tflm_patch.architecture import blocks as kinds
from tflm_patch.architecture.network import network_of
from tflm_patch.architecture.spec import Block, Padding, Pair, Spec

# So many stages are all tried; of more, one step after the other is taken.
_EXHAUSTIVE = 2048
_POOLS = ('maxpool', 'avgpool')

Choice = tuple[Block | None, ...]  # of each block of the stage; None leaves it out
Measure = Callable[[Choice], float]


def choices(
  spec: Spec, blocks: int, least_kernel: int, expansions: Sequence[float] = ()
) -> list[list[Block | None]]:
  """What each block of the stage may become, itself first.

  A block may go where it keeps the shape of the map. A kernel stays as large as the stride,
  so that no cell goes unseen, and the first block keeps at least 3.
  """
  network = network_of(spec)
  found: list[list[Block | None]] = []
  for number, block in enumerate(spec.blocks[:blocks]):
    fragment = network.fragments[number]
    is_first = number == 0
    sizes = [block, *_smaller(block, max(least_kernel, 3 if is_first else 1))]
    widths = [block.expansion]
    if 'expansion' in kinds.REGISTRY[block.kind].fields:
      widths += sorted((each for each in expansions if each < block.expansion), reverse=True)
    options: list[Block | None] = [
      dataclasses.replace(each, expansion=width) for width in widths for each in sizes
    ]
    if not is_first and fragment.layers and fragment.input.shape == fragment.output.shape:
      options.append(None)
    found.append(options)
  return found


def _smaller(block: Block, least: int) -> list[Block]:
  """The block with smaller kernels, step by step."""
  if block.kind in _POOLS or 'kernel' not in kinds.REGISTRY[block.kind].fields:
    return []
  if block.padding is not Padding.SAME:
    return []
  found: list[Block] = []
  kernel = block.kernel
  while True:
    smaller: Pair = (
      _step(kernel[0], block.stride[0], least),
      _step(kernel[1], block.stride[1], least),
    )
    if smaller == kernel:
      return found
    kernel = smaller
    found.append(dataclasses.replace(block, kernel=kernel))


def _step(size: int, stride: int, least: int) -> int:
  """The next smaller kernel of the same parity that is not below stride and limit."""
  return size - 2 if size - 2 >= max(stride, least) else size


def search(
  options: Sequence[Sequence[Block | None]],
  measure: Measure,
  goal: float | None,
  keep: Measure,
  allowed: Callable[[Choice], bool],
) -> Choice | None:
  """The stage that reaches the goal and keeps the most.

  Args:
    options: What each block may become, itself first.
    measure: What is to become small.
    goal: What will do; None for as small as it gets.
    keep: What is to be kept; the largest of those that will do is taken.
    allowed: Whether a stage is possible at all.

  Returns:
    None when no stage reaches the goal.
  """
  count = 1
  for each in options:
    count *= len(each)
  stages = itertools.product(*options) if count <= _EXHAUSTIVE else _descent(options, measure, keep)
  best: tuple[tuple[float, ...], Choice] | None = None
  for stage in stages:
    value = measure(stage)
    if (goal is not None and value > goal) or not allowed(stage):
      continue
    rank = (-keep(stage), value) if goal is not None else (value, -keep(stage))
    if best is None or rank < best[0]:
      best = rank, stage
  return None if best is None else best[1]


def _descent(
  options: Sequence[Sequence[Block | None]], measure: Measure, keep: Measure
) -> Iterator[Choice]:
  """Stages one step apart, each the step that gains the most for what it loses."""
  at = [0] * len(options)

  def stage(steps: Sequence[int]) -> Choice:
    return tuple(each[k] for each, k in zip(options, steps))

  while True:
    now = stage(at)
    yield now
    value, kept = measure(now), keep(now)
    best = None
    for number, each in enumerate(options):
      for k in range(at[number] + 1, len(each)):
        steps = [*at[:number], k, *at[number + 1 :]]
        gain = value - measure(stage(steps))
        loss = max(kept - keep(stage(steps)), 1e-9)
        if gain > 0 and (best is None or gain / loss > best[0]):
          best = gain / loss, steps
    if best is None:
      return
    at = best[1]
