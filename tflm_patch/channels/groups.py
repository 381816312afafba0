# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Channels that can only go together, as groups with numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tflm_patch.channels.forward import Forward


class Groups:
  """The channels of all followed tensors, joined by ties.

  Args:
    forward: The operators and the ranges.

  Attributes:
    of: Tensor -> int[channels], the numbers of their groups.
    count: Of groups.
  """

  def __init__(self, forward: Forward) -> None:
    first, total = {}, 0
    for t, ranges in forward.ranges.items():
      first[t] = total
      total += ranges.low.size
    ties = [
      (first[tie.first] + tie.first_channels, first[tie.second] + tie.second_channels)
      for step in forward.steps.values()
      for tie in step.family.ties(step.site)
    ]
    numbers = np.unique(_joined(total, ties), return_inverse=True)[1].reshape(-1)
    self.count = int(numbers.max(initial=-1)) + 1
    self.of = {
      t: numbers[first[t] : first[t] + ranges.low.size] for t, ranges in forward.ranges.items()
    }


def _joined(total: int, ties: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
  """int[total]: the least that each of so many things is tied to, over any number of ties."""
  least = np.arange(total)
  if not ties:
    return least
  first, second = (np.concatenate(ends) for ends in zip(*ties))
  while True:
    before = least
    lower = np.minimum(least[first], least[second])
    least = least.copy()
    for ends in (first, second):
      np.minimum.at(least, ends, lower)
      # Also what the ends stood for: a tie joins all that is tied already.
      np.minimum.at(least, before[ends], lower)
    least = least[least]
    if np.array_equal(least, before):
      return least
