# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Spearman's correlation, beside SciPy's."""

import numpy as np
import pytest

from tflm_patch.nas.correlation import spearman


def test_it_is_that_of_scipy():
  stats = pytest.importorskip('scipy.stats')
  rng = np.random.default_rng(1)
  for count in (2, 5, 30):
    first, second = rng.permutation(count), rng.integers(0, 4, count)
    second[:2] = 0, 1
    expected = stats.spearmanr(first, second).statistic
    assert spearman(first, second) == pytest.approx(expected)


def test_orders():
  assert spearman([1, 5, 9], [2, 3, 1e9]) == 1
  assert spearman([1, 5, 9], [3, 2, -1]) == -1
  assert spearman([1, 1, 1], [3, 2, -1]) is None
  assert spearman([], []) is None
