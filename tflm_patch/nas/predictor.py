# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Scores of candidates from those of a few hundred others, by ridge regression.

Once-for-all (arXiv 1908.09791) searches by an accuracy predictor, too; so few examples are
enough for a linear one.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.correlation import spearman
from tflm_patch.nas.proxies.flops import macs_of
from tflm_patch.nas.space import Picks, SearchSpace

LEAST = 20  # examples
# Penalties that are tried, as parts of the number of examples.
_PENALTIES = tuple(10.0**power for power in (-4, -3, -2, -1.5, -1, -0.5, 0))


class Predictor:
  """Predicts the scores of a space's candidates.

  What it sees of one are its options, each as 0 or 1, and the logarithm of its
  multiply-accumulates and its square. The penalty is the one with the least error on examples
  that are left out, one at a time.

  Args:
    space: Of candidates.
    picks: Examples.
    scores: Theirs.

  Attributes:
    error: Root of the mean squared error of examples left out, in the unit of the scores.
    spearman: Rank correlation of predictions for examples left out with their scores; None where
      all scores are equal.

  Raises:
    TflmPatchError: there are fewer than 20 examples.
  """

  def __init__(self, space: SearchSpace, picks: Sequence[Picks], scores: Sequence[float]) -> None:
    if len(picks) < LEAST:
      raise TflmPatchError(f'a predictor needs {LEAST} examples or more, not {len(picks)}')
    self._space = space
    seen = self._seen(picks)
    self._centre = seen.mean(axis=0)
    deviation = seen.std(axis=0)
    self._scale = np.where(deviation > 1e-9, deviation, np.inf)  # says nothing
    wanted = np.asarray(scores, np.float64)
    self._mean = float(wanted.mean())
    found = min(
      (_ridge(self._scaled(seen), wanted - self._mean, len(picks) * part) for part in _PENALTIES),
      key=lambda ridge: ridge.error,
    )
    self._weights, self.error = found.weights, found.error
    self.spearman = spearman((wanted - self._mean - found.missed).tolist(), wanted.tolist())

  def __call__(self, picks: Sequence[Picks]) -> list[float]:
    """The score of each candidate."""
    if not picks:
      return []
    made = self._scaled(self._seen(picks)) @ self._weights + self._mean
    return [float(each) for each in made]

  def _scaled(self, seen: np.ndarray) -> np.ndarray:
    return (seen - self._centre) / self._scale

  def _seen(self, picks: Sequence[Picks]) -> np.ndarray:
    return np.array([self._of(self._space.canonical(each)) for each in picks], np.float64)

  def _of(self, picks: Picks) -> list[float]:
    space = self._space
    used = _used(space, picks)
    found = [
      float(is_used and pick == option)
      for pick, is_used, decision in zip(picks, used, space.decisions)
      for option in range(len(decision.options))
    ]
    work = math.log(max(1, macs_of(space.spec_of(picks))))
    return [*found, work, work * work]


def _used(space: SearchSpace, picks: Picks) -> list[bool]:
  """Whether each decision has an effect: those of blocks that are not there have none."""
  found, at = [True, True], 2
  for stage in space.stages:
    depth, deepest = stage.depths[picks[at]], max(stage.depths)
    found += [True, True, *[True] * (2 * depth), *[False] * (2 * (deepest - depth))]
    at += 2 + 2 * deepest
  return found


@dataclasses.dataclass(frozen=True)
class _Ridge:
  """A solution: weights, what is missed of examples left out, and the root of its mean square."""

  weights: np.ndarray
  missed: np.ndarray
  error: float


def _ridge(seen: np.ndarray, wanted: np.ndarray, penalty: float) -> _Ridge:
  """Ridge regression; errors left out by the leverages, without solving again (Allen, 1974)."""
  inner = seen.T @ seen + penalty * np.eye(seen.shape[1])
  solved = np.linalg.solve(inner, seen.T)
  weights = solved @ wanted
  # The mean was taken away before: 1/n is its leverage.
  leverage = np.einsum('ij,ji->i', seen, solved) + 1 / len(seen)
  missed = (wanted - seen @ weights) / np.maximum(1 - leverage, 1e-9)
  return _Ridge(weights, missed, float(np.sqrt(np.mean(missed**2))))
