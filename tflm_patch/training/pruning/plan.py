# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How many channels of each group go: finite differences over widths.

Of all groups a few channels go from that one whose going lowers what is above its limit the
most for the norm that is lost; the planner says how much that is. What no single group
lowers, because several need as much at different moments, all lower together. In the end
channels that did not have to go come back. (Widths against peak memory, by gradients of a
differentiable stand-in: arXiv 2110.08350. Here the planner itself is asked.)
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from tflm_patch.conversion.fit_types import Fit
from tflm_patch.errors import TflmPatchError
from tflm_patch.training.channels.model_channels import ModelChannels
from tflm_patch.training.channels.shrink import shrunk
from tflm_patch.training.limits import Limits
from tflm_patch.training.measure import footprint

Counts = tuple[int, ...]
Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class PruningPlan:
  """What goes.

  Attributes:
    counts: Channels of each group.
    before, after: What the model needs.
  """

  counts: Counts
  before: Fit
  after: Fit


def weakest_first(channels: ModelChannels) -> list[list[int]]:
  """The atoms of each group, those with the smallest filters first."""
  norms = channels.norms()
  return [sorted(group.atoms, key=lambda atom: norms[atom]) for group in channels.groups]


def plan_pruning(
  channels: ModelChannels,
  limits: Limits,
  step: float = 0.125,
  least: int = 1,
  progress: Progress = lambda text: None,
) -> PruningPlan:
  """Widths with which a model keeps its limits.

  Args:
    channels: Of the model, with its weights.
    limits: To be kept.
    step: Part of a group's channels that goes at a time.
    least: Channels that stay in every group.
    progress: Called with a line of text as the work proceeds.

  Raises:
    TflmPatchError: the limits cannot be kept; by how much not.
  """
  return _Search(channels, limits, step, least, progress).run()


class _Search:
  """One search."""

  def __init__(
    self, channels: ModelChannels, limits: Limits, step: float, least: int, progress: Progress
  ) -> None:
    self._channels = channels
    self._limits = limits
    self._progress = progress
    self._order = weakest_first(channels)
    norms = channels.norms()
    self._most = [max(0, len(atoms) - least) for atoms in self._order]
    self._steps = [max(1, round(step * len(atoms))) for atoms in self._order]
    self._losses = [_losses([norms[atom] for atom in atoms]) for atoms in self._order]
    self._known: dict[Counts, Fit] = {}
    self._worth = [math.inf] * len(self._order)  # of a step of each group, when last tried

  def run(self) -> PruningPlan:
    counts: Counts = (0,) * len(self._order)
    before = self._fit(counts)
    if self._pressure(counts) > 0:
      self._check_possible()
    while self._pressure(counts) > 0:
      counts = self._best_step(counts) or self._all_step(counts)
      self._progress(f'Pruning: {sum(counts)} channels, {self._fit(counts).arena:,} bytes of arena')
    counts = self._restored(counts)
    return PruningPlan(counts, before, self._fit(counts))

  def _fit(self, counts: Counts) -> Fit:
    if counts not in self._known:
      gone = {atom for atoms, k in zip(self._order, counts) for atom in atoms[:k]}
      self._known[counts] = footprint(shrunk(self._channels, gone), self._limits.cpu)
    return self._known[counts]

  def _pressure(self, counts: Counts) -> float:
    return self._limits.pressure(self._fit(counts))

  def _check_possible(self) -> None:
    excesses = self._limits.excesses(self._fit(tuple(self._most)))
    if excesses:
      raise TflmPatchError(
        f'pruning cannot keep the limits: with the fewest channels still {excesses[0]}; allow '
        'more, or begin with a smaller input or fewer layers'
      )

  def _moved(self, counts: Counts, group: int) -> Counts:
    more = min(counts[group] + self._steps[group], self._most[group])
    return (*counts[:group], more, *counts[group + 1 :])

  def _best_step(self, counts: Counts) -> Counts | None:
    """The step that is worth the most; None when none is worth anything.

    What a step was worth before is a guess of what it is worth now: the best guess is
    looked at again until it stays the best.
    """
    fresh: set[int] = set()
    movable = [g for g in range(len(counts)) if counts[g] < self._most[g]]
    while True:
      best = max(movable, key=lambda g: self._worth[g], default=None)
      if best is None:
        return None
      if self._worth[best] <= 0:
        stale = [g for g in movable if g not in fresh]
        if not stale:
          return None
        best = stale[0]
      elif best in fresh:
        return self._moved(counts, best)
      self._worth[best] = self._worth_of(counts, best)
      fresh.add(best)

  def _worth_of(self, counts: Counts, group: int) -> float:
    moved = self._moved(counts, group)
    gain = self._pressure(counts) - self._pressure(moved)
    losses = self._losses[group]
    return gain / max(losses[moved[group]] - losses[counts[group]], 1e-9)

  def _all_step(self, counts: Counts) -> Counts:
    moved = counts
    for group in range(len(counts)):
      moved = self._moved(moved, group)
    return moved

  def _restored(self, counts: Counts) -> Counts:
    """With as many channels back as the limits allow, those of the largest loss first."""
    lost = sorted(range(len(counts)), key=lambda g: -self._losses[g][counts[g]])
    for group in lost:
      low, high = 0, counts[group]
      while low < high:
        middle = (low + high) // 2
        tried = (*counts[:group], middle, *counts[group + 1 :])
        if self._pressure(tried) > 0:
          low = middle + 1
        else:
          high = middle
      counts = (*counts[:group], high, *counts[group + 1 :])
    return counts


def _losses(norms: list[float]) -> list[float]:
  """What 0, 1, 2 ... channels cost: minus the logarithm of the part of the norm that stays."""
  total = max(sum(norms), 1e-12)
  gone = np.concatenate([[0.0], np.cumsum(norms)]) / total
  found: list[float] = (-np.log(np.maximum(1 - gone, 1e-9))).tolist()
  return found
