# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which search space suits a chip: the work of those of its specs that fit.

A space whose fitting specs do more multiply-accumulates is likely to hold more accurate
ones (TinyNAS, arXiv 2007.10319, section 3.1).
"""

from __future__ import annotations

import bisect
import dataclasses
import math
from collections.abc import Sequence
from typing import Generic, TypeVar

from tflm_patch.architecture.spaces import Space
from tflm_patch.conversion.fit_batch import fits_many
from tflm_patch.conversion.fit_types import Budget
from tflm_patch.targets import Target

S = TypeVar('S')


@dataclasses.dataclass(frozen=True)
class Distribution(Generic[S]):
  """Random specs of a space under a budget.

  Attributes:
    space: The space, of whatever kind.
    tried: How many specs were drawn.
    macs: Multiply-accumulates of those that fit, in ascending order.
  """

  space: S
  tried: int
  macs: tuple[int, ...]

  @property
  def fitting(self) -> float:
    """The part that fits, 0 to 1."""
    return len(self.macs) / self.tried

  @property
  def mean(self) -> float:
    """Mean multiply-accumulates of those that fit; 0 when none does."""
    return sum(self.macs) / len(self.macs) if self.macs else 0.0

  def cdf(self, macs: float) -> float:
    """The part of those that fit with at most so many multiply-accumulates."""
    return bisect.bisect_right(self.macs, macs) / len(self.macs) if self.macs else 0.0

  def quantile(self, part: float) -> int:
    """Multiply-accumulates that this part of those that fit does not exceed; 0 without any."""
    if not self.macs:
      return 0
    return self.macs[min(len(self.macs) - 1, max(0, math.ceil(part * len(self.macs)) - 1))]


def distributions(
  spaces: Sequence[Space],
  target: Target | Budget | str,
  *,
  count: int = 1000,
  seed: int = 0,
  processes: int = 1,
) -> list[Distribution[Space]]:
  """The distributions of spaces.

  Args:
    spaces: Of which specs are drawn.
    target: A chip, its name, or a budget.
    count: Specs of each space, at least 1.
    seed: Of the specs; the same seed gives the same specs.
    processes: That work at the same time.

  Raises:
    TflmPatchError: unknown target; a process ended.
    ValueError: count is below 1.
  """
  if count < 1:
    raise ValueError(f'{count} specs of a space say nothing; draw 1 or more')
  specs = [spec for space in spaces for spec in space.samples(count, seed)]
  answers = fits_many(specs, target, processes=processes)
  found = []
  for k, space in enumerate(spaces):
    part = answers[k * count : (k + 1) * count]
    macs = tuple(sorted(answer.macs for answer in part if answer.fits))
    found.append(Distribution(space, count, macs))
  return found
