# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Small changes of an architecture: a step of one decision."""

from __future__ import annotations

import random

from tflm_patch.nas.space import Decision, Picks, SearchSpace, StageChoice


def morphed(space: SearchSpace, picks: Picks, rng: random.Random) -> Picks:
  """A candidate one step away: one block more or less, the next kernel, width, input, ...

  A block that is added is a copy of the one before it.

  Args:
    space: Of the candidate.
    picks: It.
    rng: By chance.
  """
  found = list(picks)
  decisions = space.decisions
  moving = [at for at in _in_effect(space, picks) if len(decisions[at].options) > 1]
  if not moving:
    return picks
  at = rng.choice(moving)
  found[at] = _neighbour(decisions[at], picks[at], rng)
  if decisions[at].name.endswith('.depth'):
    _copy_last_block(space, picks, found, at)
  return space.canonical(found)


def _in_effect(space: SearchSpace, picks: Picks) -> list[int]:
  """Numbers of the decisions that the architecture depends on."""
  found, at = [0, 1], 2
  for stage in space.stages:
    depth, deepest = stage.depths[picks[at]], max(stage.depths)
    found += range(at, at + 2 + 2 * depth)
    at += 2 + 2 * deepest
  return found


def _neighbour(decision: Decision, pick: int, rng: random.Random) -> int:
  """The option with the next smaller or larger value."""
  order = sorted(range(len(decision.options)), key=decision.options.__getitem__)
  place = order.index(pick)
  near = [k for k in (place - 1, place + 1) if 0 <= k < len(order)]
  return order[rng.choice(near)]


def _copy_last_block(space: SearchSpace, before: Picks, found: list[int], at: int) -> None:
  stage = next(each for each, start in _starts(space) if start == at)
  old, new = stage.depths[before[at]], stage.depths[found[at]]
  last = at + 2 * old  # kernel and expansion of the last block
  for block in range(old, new):
    found[at + 2 + 2 * block : at + 4 + 2 * block] = before[last : last + 2]


def _starts(space: SearchSpace) -> list[tuple[StageChoice, int]]:
  found: list[tuple[StageChoice, int]] = []
  at = 2
  for stage in space.stages:
    found.append((stage, at))
    at += 2 + 2 * max(stage.depths)
  return found
