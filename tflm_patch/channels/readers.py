# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which channels the outputs of a graph depend on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tflm_patch.channels.forward import Forward, Step
from tflm_patch.channels.groups import Groups


def live_groups(forward: Forward, groups: Groups) -> np.ndarray:
  """bool[groups]: the groups that must stay.

  The smallest set that holds what no operator is known of, inputs and outputs of the graph, and
  with a channel all that it is made from. Every tensor keeps a channel.
  """
  live = pinned_groups(forward, groups)
  reads = {
    index: found
    for index, step in forward.steps.items()
    if (found := _reads(forward, step)) is not None
  }
  while True:
    _spread(forward, groups, reads, live)
    starved = _starved(forward, groups, live)
    if not starved:
      return live
    live[starved] = True


def pinned_groups(forward: Forward, groups: Groups) -> np.ndarray:
  """bool[groups]: with a channel that no rewrite may touch."""
  pinned = np.zeros(groups.count, bool)
  for tensor, channels in _pinned(forward):
    pinned[groups.of[tensor][channels]] = True
  return pinned


def _reads(forward: Forward, step: Step) -> np.ndarray | None:
  source = forward.ranges[step.sources[0]]
  return step.family.reads(step.site, source, forward.ranges[step.site.target])


def _pinned(forward: Forward) -> Iterator[tuple[int, np.ndarray]]:
  graph = forward.graph
  whole = {*graph.inputs, *graph.outputs}
  made: set[int] = set(graph.inputs)
  for index, operator in enumerate(graph.operators):
    made.update(operator.outputs)
    step = forward.steps.get(index)
    if step is None:
      whole.update((*operator.inputs, *operator.outputs))
    else:
      yield from step.family.pinned(step.site)
  for tensor in forward.ranges:
    if tensor in whole or tensor not in made:
      yield tensor, np.arange(forward.ranges[tensor].low.size)


def _spread(
  forward: Forward, groups: Groups, reads: dict[int, np.ndarray], live: np.ndarray
) -> None:
  """What live channels are made from is live."""
  while True:
    before = int(live.sum())
    for index in sorted(reads, reverse=True):
      step = forward.steps[index]
      needed = reads[index][live[groups.of[step.site.target]]].any(axis=0)
      live[groups.of[step.sources[0]][needed]] = True
    if int(live.sum()) == before:
      return


def _starved(forward: Forward, groups: Groups, live: np.ndarray) -> list[int]:
  """Groups that stay because a tensor must not lose all its channels."""
  least = {
    step.site.target: step.family.least_channels(step.site) for step in forward.steps.values()
  }
  for tensor, numbers in groups.of.items():
    wanted = min(least.get(tensor, 1), numbers.size)
    missing = wanted - int(live[numbers].sum())
    if missing > 0:
      return [int(group) for group in numbers[~live[numbers]][:missing]]
  return []
