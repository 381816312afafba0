# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Greedy growth as in NanoNAS and ColabNAS: deeper while that helps, then wider, and again.

Their networks are cells of one kind: the space `nanonas`. In other spaces what grows are the
decisions, stage by stage.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Generator, Iterator, Sequence

from tflm_patch.nas.space import Picks, SearchSpace
from tflm_patch.nas.strategies.base import Problem
from tflm_patch.nas.trial import Trial

_Grow = Callable[[Picks], Picks | None]


class Greedy:
  """Begins with the smallest network and keeps every step that raises the score.

  For every width it goes deeper while that helps; then it widens while that helps; then it
  tries more expansion, larger windows and larger inputs, each while that helps. It ends by itself.

  Args:
    problem: What is searched.
  """

  def __init__(self, problem: Problem) -> None:
    self._problem = problem
    self._scores: dict[Picks, float] = {}
    self._steps = self._grow()
    self._next: Picks | None = next(self._steps, None)

  def ask(self, rng: random.Random) -> list[Picks]:
    """One candidate; see `Strategy`."""
    del rng  # nothing is by chance
    return [] if self._next is None else [self._next]

  def tell(self, trials: Sequence[Trial]) -> None:
    """See `Strategy`."""
    self._scores.update((trial.picks, trial.score) for trial in trials)
    self._next = next(self._steps, None)

  def _grow(self) -> Iterator[Picks]:
    """Candidates, each when its score is wanted; it is known when the next is asked for."""
    space = self._problem.space
    best = self._first()
    if best is None:
      return
    yield best
    best = yield from self._climb(best, _deepened(space))
    widen = _grown(space, 'width')
    while True:
      wider = widen(best)
      if wider is None or not self._problem.fits(wider):
        break
      if wider not in self._scores:
        yield wider
      wider = yield from self._climb(wider, _deepened(space))
      if self._scores[wider] <= self._scores[best]:
        break
      best = wider
    for kind in ('expansion', 'kernel', 'input'):
      best = yield from self._climb(best, _grown(space, kind))

  def _climb(self, best: Picks, grow: _Grow) -> Generator[Picks, None, Picks]:
    """Grows while the score does; gives what it ended with."""
    while True:
      found = grow(best)
      if found is None or not self._problem.fits(found):
        return best
      if found not in self._scores:
        yield found
      if self._scores[found] <= self._scores[best]:
        return best
      best = found

  def _first(self) -> Picks | None:
    """The smallest network, of the smallest input with which it fits."""
    space = self._problem.space
    order = sorted(range(len(space.inputs)), key=lambda k: math.prod(space.inputs[k]))
    found = (space.smallest(number) for number in order)
    return next((picks for picks in found if self._problem.fits(picks)), None)


def _deepened(space: SearchSpace) -> _Grow:
  """Adds a block to the stage that has the fewest, of those that may have more."""

  def grow(picks: Picks) -> Picks | None:
    found = []
    for at, decision in enumerate(space.decisions):
      if decision.name.endswith('.depth'):
        larger = _larger(decision.options, picks[at])
        if larger is not None:
          found.append((decision.options[picks[at]], at, larger))
    return None if not found else _with(space, picks, {min(found)[1]: min(found)[2]})

  return grow


def _grown(space: SearchSpace, kind: str) -> _Grow:
  """Takes the next larger option of all decisions of a kind that have one."""

  def grow(picks: Picks) -> Picks | None:
    changes = {}
    for at, decision in enumerate(space.decisions):
      if decision.name.rpartition('.')[2] == kind:
        larger = _larger(decision.options, picks[at])
        if larger is not None:
          changes[at] = larger
    found = _with(space, picks, changes)
    return None if found == picks else found

  return grow


def _larger(options: Sequence[float], pick: int) -> int | None:
  above = [k for k in range(len(options)) if options[k] > options[pick]]
  return min(above, key=options.__getitem__) if above else None


def _with(space: SearchSpace, picks: Picks, changes: dict[int, int]) -> Picks:
  return space.canonical([changes.get(at, pick) for at, pick in enumerate(picks)])
