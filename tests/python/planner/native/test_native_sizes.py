# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What is found from a stage's arrays alone is what the planner finds on its graph."""

import dataclasses

import numpy as np
import pytest

from tflm_patch.architecture.spaces import MCUNET, Stage
from tflm_patch.conversion.spec_stage import stage_of
from tflm_patch.planner.native import library
from tflm_patch.planner.native.stage_tables import stage_arrays
from tflm_patch.planner.plan import Planner
from tflm_patch.planner.sizes import StageSizes

SPACE = dataclasses.replace(
  MCUNET, resolutions=(32, 48), stages=(Stage(24, 2, (1, 2)), Stage(40, 2, (1, 2)))
)
SPECS = SPACE.samples(4, seed=8)


@pytest.mark.parametrize('spec', SPECS, ids=range(len(SPECS)))
def test_joined_arrays_are_those_of_the_graph(spec):
  stage = stage_of(spec)
  expected = stage_arrays(stage.graph, stage.graph.inputs)
  for name, ours, theirs in zip(expected._fields, stage.arrays, expected, strict=True):
    assert ours.dtype == theirs.dtype, name
    np.testing.assert_array_equal(ours, theirs, err_msg=name)


@pytest.mark.parametrize('native', (True, False))
def test_sizes_are_those_of_plans(native, monkeypatch):
  if native and library.load() is None:
    pytest.skip("needs the planner's library")
  if not native:
    monkeypatch.setattr(library, 'load', lambda: None)
  for spec in SPECS[: 4 if native else 1]:
    stage = stage_of(spec)
    planner = Planner(stage.graph, (0,))
    sizes = StageSizes(stage.arrays, lambda stage=stage: stage.graph)
    size, plan = sizes.smallest_size(), sizes.smallest()
    assert size == planner.smallest_size()
    assert size.workspace_bytes == plan.workspace_bytes
    assert size.steps == sum(len(segment.steps) for segment in plan.segments)
    assert plan.maps == planner.smallest().maps
    assert sizes.peak_op() == planner.peak_op()
    assert sizes.tensor_bytes == planner.tensor_bytes == plan.tensor_bytes
    assert sizes.least_bytes() == planner.least_peak() <= plan.bytes
    assert not sizes.gets_below(sizes.least_bytes() - 1, sizes.tensor_bytes)
    assert sizes.gets_below(sizes.least_bytes(), sizes.tensor_bytes)
    for limit in (size.workspace_bytes // 2, size.workspace_bytes, 2 * size.workspace_bytes):
      assert sizes.size_within(limit) == planner.size_within(limit)
