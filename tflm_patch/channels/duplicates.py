# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Channels that always equal others of their tensor, and can be read as those."""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.channels.forward import Forward, Step, equal_channels
from tflm_patch.channels.groups import Groups
from tflm_patch.channels.readers import pinned_groups


@dataclasses.dataclass(frozen=True, eq=False)
class Merges:
  """Groups that go because others equal them.

  Attributes:
    stays: bool[groups].
    stands_for: Tensor -> int[channels]: the channel that each is read as.
  """

  stays: np.ndarray
  stands_for: dict[int, np.ndarray]


def merges_of(forward: Forward, groups: Groups) -> Merges | None:
  """The merges that the weights behind the channels have room for; None for none."""
  first = {t: _first_of_class(numbers) for t, numbers in equal_channels(forward).items()}
  members = _repeated(groups, first, pinned_groups(forward, groups))
  stays, used = np.ones(groups.count, bool), np.zeros(groups.count, bool)
  stands_for = {t: np.arange(numbers.size) for t, numbers in groups.of.items()}
  readers = _readers(forward)
  for group, channels in members.items():
    others = [int(groups.of[t][first[t][c]]) for t, c in channels]
    if used[group] or group in others or not stays[others].all():
      continue
    tried = {t: stands_for[t].copy() for t, _ in channels}
    for t, c in channels:
      tried[t][c] = first[t][c]
    if all(step.family.merge(step.site, tried[t]) for t in tried for step in readers.get(t, ())):
      stays[group], used[others] = False, True
      stands_for.update(tried)
  return None if stays.all() else Merges(stays, stands_for)


def _first_of_class(classes: np.ndarray) -> np.ndarray:
  """int[channels]: the first channel of the same class."""
  _, first, inverse = np.unique(classes, return_index=True, return_inverse=True)
  return first[inverse.reshape(-1)]


def _repeated(
  groups: Groups, first: dict[int, np.ndarray], pinned: np.ndarray
) -> dict[int, list[tuple[int, int]]]:
  """Groups all of whose channels repeat earlier ones -> (tensor, channel) of each."""
  candidates = ~pinned
  for t, numbers in groups.of.items():
    candidates[numbers[first[t] == np.arange(numbers.size)]] = False
  members: dict[int, list[tuple[int, int]]] = {int(g): [] for g in np.flatnonzero(candidates)}
  for t, numbers in groups.of.items():
    for channel in np.flatnonzero(candidates[numbers]):
      members[int(numbers[channel])].append((t, int(channel)))
  return members


def _readers(forward: Forward) -> dict[int, list[Step]]:
  """Tensor -> operators that read it."""
  found: dict[int, list[Step]] = {}
  for step in forward.steps.values():
    for t in step.sources:
      found.setdefault(t, []).append(step)
  return found
