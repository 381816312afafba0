# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The work of a space's specs that fit."""

from __future__ import annotations

import dataclasses

import pytest

from tflm_patch.architecture import to_graph
from tflm_patch.architecture.spaces import MCUNET
from tflm_patch.conversion.fit_types import Budget
from tflm_patch.conversion.space_fit import distributions
from tflm_patch.conversion.spec_engine import requirements_of
from tflm_patch.planner.lowering.operators.macs import subgraph_macs

SPACES = [
  dataclasses.replace(MCUNET, resolutions=(side,), widths=(0.35,)) for side in (64, 96, 128)
]


@pytest.mark.slow
def test_those_that_fit_are_counted():
  budget = Budget(28_000, 500_000)
  found = distributions(SPACES, budget, count=10, seed=3)
  for space, each in zip(SPACES, found, strict=True):
    specs = space.samples(10, seed=3)
    needs = [(requirements_of(spec), spec) for spec in specs]
    macs = sorted(
      subgraph_macs(to_graph(spec).main)
      for need, spec in needs
      if need.arena.required <= budget.arena_bytes and need.flash <= budget.flash_bytes
    )
    assert list(each.macs) == macs and each.tried == 10
    assert each.fitting == len(macs) / 10
    if macs:
      assert each.mean == pytest.approx(sum(macs) / len(macs))
      assert each.cdf(macs[0] - 1) == 0 and each.cdf(macs[-1]) == 1
      assert 0 < each.cdf(macs[len(macs) // 2]) <= 1
  parts = [each.fitting for each in found]
  assert parts[0] > 0 and parts[-1] == 0 and found[-1].mean == found[-1].cdf(1e9) == 0


def test_a_space_of_nothing():
  with pytest.raises(ValueError, match='0 specs'):
    distributions(SPACES, Budget(1), count=0)
