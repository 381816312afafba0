# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Spends multiply-accumulates on memory: what is held of every block, and what is split.

How much of the rows that a block shares is held decides for all blocks of a stream together:
less held of one lets the stream go on instead of ending in a whole map, but only if less is
held of the others, too. So it is begun with as little as possible of everything, and each
block's part is varied for itself until nothing gets better: first in bytes, with a price for
work above the budget, then in bytes within the budget, then in work where bytes stay.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence

from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.rewrites.bottleneck import Bottleneck, find_bottlenecks
from tflm_patch.planner.rewrites.by_channels import find_splits
from tflm_patch.planner.rewrites.combined import Rewrites

Measure = Callable[[Rewrites], tuple[int, int]]  # bytes at the peak, multiply-accumulates

# Parts of the shared rows: what is tried of every block, and how finely in the end.
_FINE, _COARSE = 32, 8
_SPLITS = (1, 2, 4, 8)
# Memory that is given up where multiply-accumulates are saved by it.
_WORTH = 0.005


@dataclasses.dataclass(frozen=True)
class _Way:
  """How a block runs.

  Attributes:
    held: The part of its shared rows that is held; None for three operators.
    narrow: It is made a column at a time.
  """

  held: float | None
  narrow: bool = False


# From the least memory of a block alone to the least work.
_WAYS = (_Way(0.0, narrow=True), *(_Way(k / _FINE) for k in range(_FINE + 1)), _Way(None))
_TRIED = (0, *range(1, _FINE + 2, _COARSE), len(_WAYS) - 1)
_NEAR = (-2, -1, 1, 2)
# Bytes for a multiply-accumulate above the budget, in those that all blocks cost on average.
_PRICES = (2.0, 4.0, 1.0, 0.5)
_State = tuple[int, ...]  # of each block its way, of each split its number of parts


class Spending:
  """Looks for the rewrites of a stage that need the least memory within a budget.

  Args:
    graph: The stage.
    base: Rewrites that are done before.
    budget: Of multiply-accumulates.
    measure: What rewrites need.
    evaluations: How often that is asked at most.
  """

  def __init__(
    self, graph: StageGraph, base: Rewrites, budget: float, measure: Measure, evaluations: int
  ) -> None:
    rewritten = dataclasses.replace(base, bottlenecks=(), narrow=frozenset()).apply(graph)
    self._blocks: Sequence[Bottleneck] = find_bottlenecks(rewritten, nothing_held=True)
    self._splits = [split.name for split in find_splits(rewritten)]
    self._base = base
    self._budget = budget
    self._measure = measure
    self._left = evaluations
    self._known: dict[_State, tuple[int, int]] = {}

  def search(self) -> Rewrites | None:
    """The best that was found; None where there is nothing to vary."""
    if not self._blocks and not self._splits:
      return None
    low = (*(0 for _ in self._blocks), *(len(_SPLITS) - 1 for _ in self._splits))
    found = [self._descended(start, self._excess_then_bytes) for start in self._starts(low)]
    state = min(found, key=self._excess_then_bytes)
    most = (1 + _WORTH) * self._needs(state)[0]
    return self._rewrites(self._descended(state, lambda each: self._work_below(each, most)))

  def _starts(self, low: _State) -> Iterator[_State]:
    """What is bought back from the least memory, at several prices of work above the budget."""
    if self._needs(low)[1] <= self._budget:
      yield low
      return
    high = (*(len(_WAYS) - 2 for _ in self._blocks), *low[len(self._blocks) :])
    (least, most_work), (most, least_work) = self._needs(low), self._needs(high)
    price = max(1, most - least) / max(1, most_work - least_work)
    for factor in _PRICES:
      yield self._descended(low, functools.partial(self._with_price, factor * price))

  def _with_price(self, price: float, state: _State) -> tuple[float, ...]:
    peak, macs = self._needs(state)
    return peak + price * max(0.0, macs - self._budget), macs

  def _descended(self, state: _State, key: Callable[[_State], tuple[float, ...]]) -> _State:
    """Each block and split varied for itself until that helps no more."""
    is_better = True
    while is_better and self._left > 0:
      is_better = False
      for k in range(len(state)):
        best = min((self._changed(state, k, way) for way in self._choices(state, k)), key=key)
        if key(best) < key(state):
          state, is_better = best, True
    return state

  def _choices(self, state: _State, k: int) -> Sequence[int]:
    if k >= len(self._blocks):
      return range(len(_SPLITS))
    near = (state[k] + step for step in _NEAR)
    return sorted({*_TRIED, *(way for way in near if 0 <= way < len(_WAYS))})

  def _excess_then_bytes(self, state: _State) -> tuple[float, ...]:
    peak, macs = self._needs(state)
    return max(0.0, macs - self._budget), peak, macs

  def _work_below(self, state: _State, most: float) -> tuple[float, ...]:
    """The work, then how much is rewritten, of what stays below a peak."""
    peak, macs = self._needs(state)
    rewritten = sum(way < len(_WAYS) - 1 for way in state[: len(self._blocks)])
    narrow = state[: len(self._blocks)].count(0)
    return max(0.0, peak - most), macs, rewritten + narrow, sum(state[len(self._blocks) :])

  def _changed(self, state: _State, k: int, value: int) -> _State:
    return (*state[:k], value, *state[k + 1 :])

  def _needs(self, state: _State) -> tuple[int, int]:
    if state not in self._known:
      self._left -= 1
      self._known[state] = self._measure(self._rewrites(state))
    return self._known[state]

  def _rewrites(self, state: _State) -> Rewrites:
    ways = [(block, _WAYS[way]) for block, way in zip(self._blocks, state)]
    parts = zip(self._splits, state[len(self._blocks) :])
    return dataclasses.replace(
      self._base,
      bottlenecks=tuple((block, way.held) for block, way in ways if way.held is not None),
      narrow=frozenset(block.name for block, way in ways if way.narrow),
      splits=tuple((name, _SPLITS[k]) for name, k in parts if k),
    )
