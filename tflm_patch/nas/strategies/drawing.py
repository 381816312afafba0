# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Candidates that fit and are new."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Container

from tflm_patch.nas.space import Picks
from tflm_patch.nas.strategies.base import Problem

_TRIES = 300


class Drawer:
  """Draws candidates, none twice.

  Args:
    problem: What fits.
  """

  def __init__(self, problem: Problem) -> None:
    self._problem = problem
    self.seen: set[Picks] = set()

  def draw(self, propose: Callable[[], Picks], rng: random.Random) -> Picks | None:
    """A candidate that fits and was not drawn before.

    MCUNet's way: proposed again until one fits. Where that takes too long, what was proposed
    is made smaller, decision by decision, until it fits. With a proxy several are drawn, and
    the best of them is taken.

    Args:
      propose: Makes a candidate, another one each time.
      rng: For making it smaller.

    Returns:
      None where no new one was found.
    """
    proxy, found = self._problem.proxy, dict[Picks, None]()
    for _ in range(1 if proxy is None else self._problem.proxied):
      picks = self._one(propose, found, rng)
      if picks is None:
        break
      found[picks] = None
    if not found:
      return None
    chosen = next(iter(found)) if proxy is None else max(found, key=proxy)
    self.seen.add(chosen)
    return chosen

  def _one(
    self, propose: Callable[[], Picks], known: Container[Picks], rng: random.Random
  ) -> Picks | None:
    for make in (propose, lambda: self._shrunk(propose(), rng)):
      for _ in range(_TRIES):
        picks = self._problem.space.canonical(make())
        if picks not in self.seen and picks not in known and self._problem.fits(picks):
          return picks
    return None

  def by_chance(self, rng: random.Random) -> Picks | None:
    """One by chance."""
    return self.draw(lambda: self._problem.space.sample(rng), rng)

  def mutated(self, parent: Picks, chance: float, rng: random.Random) -> Picks | None:
    """A child that differs from its parent in some decisions.

    Args:
      parent: A candidate.
      chance: That a decision is made anew.
      rng: By chance.
    """
    decisions = self._problem.space.decisions

    def propose() -> Picks:
      return tuple(
        rng.randrange(len(decision.options)) if rng.random() < chance else pick
        for pick, decision in zip(parent, decisions)
      )

    return self.draw(propose, rng)

  def crossed(self, mother: Picks, father: Picks, rng: random.Random) -> Picks | None:
    """A child that has every decision of one of its parents."""

    def propose() -> Picks:
      return tuple(rng.choice(pair) for pair in zip(mother, father))

    return self.draw(propose, rng)

  def _shrunk(self, picks: Picks, rng: random.Random) -> Picks:
    """Some decisions replaced by their least option, in an order by chance, until it fits."""
    space = self._problem.space
    inputs = [math.prod(shape) for shape in space.inputs]
    smallest = (inputs.index(min(inputs)), *space.smallest()[1:])
    found = list(picks)
    order = list(range(len(found)))
    rng.shuffle(order)
    for at in order:
      if self._problem.fits(space.canonical(found)):
        break
      found[at] = smallest[at]
    return tuple(found)
