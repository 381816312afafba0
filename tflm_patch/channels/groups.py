# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Channels that can only go together, as groups with numbers."""

from __future__ import annotations

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
    self._parents = list(range(total))
    for step in forward.steps.values():
      for tie in step.family.ties(step.site):
        a, b = first[tie.first], first[tie.second]
        for one, other in zip(tie.first_channels.tolist(), tie.second_channels.tolist()):
          self._join(a + one, b + other)
    roots = np.array([self._root(k) for k in range(total)], np.int64)
    numbers = np.unique(roots, return_inverse=True)[1].reshape(-1)
    self.count = int(numbers.max(initial=-1)) + 1
    self.of = {
      t: numbers[first[t] : first[t] + ranges.low.size] for t, ranges in forward.ranges.items()
    }

  def _root(self, k: int) -> int:
    parents = self._parents
    while parents[k] != k:
      parents[k] = parents[parents[k]]
      k = parents[k]
    return k

  def _join(self, a: int, b: int) -> None:
    a, b = self._root(a), self._root(b)
    self._parents[max(a, b)] = min(a, b)
