# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How well one number orders what another one orders, too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
  """Spearman's rank correlation; equal numbers share the mean of their ranks.

  Args:
    first, second: As many numbers.

  Returns:
    -1 to 1; None where all numbers of one of them are the same, or there are none.
  """
  ranks = [_ranks(np.asarray(each, np.float64)) for each in (first, second)]
  if any(len(each) < 2 or each.min() == each.max() for each in ranks):
    return None
  return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
  _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
  ends = np.cumsum(counts)
  return (ends - (counts + 1) / 2)[group]
