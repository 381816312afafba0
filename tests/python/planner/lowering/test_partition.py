# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which operators become regions, and which do not."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from support.effort import examples
from support.model_builder import ModelBuilder

from tflm_patch.graph.reader import parse_model
from tflm_patch.planner import limits
from tflm_patch.planner.lowering.partition import partition

SHAPE = (1, 4, 4, 2)


def stock(b: ModelBuilder, x: int) -> int:
  """An operator that no stage holds."""
  return b.leaky_relu(x, -0.5)


def parts(b: ModelBuilder):
  model = parse_model(b.build())
  return partition(model, model.main)


def test_operators_that_a_stage_cannot_hold_part_the_model():
  b = ModelBuilder(1)
  x = b.abs(b.abs(b.input(SHAPE)))
  b.output(b.abs(stock(b, x)))
  found = parts(b)
  assert found.regions == ((0, 1), (3,))
  assert list(found.violations) == [2] and found.violations[2].message


def test_branches_that_are_not_connected_are_regions_of_their_own():
  b = ModelBuilder(1)
  x, y = b.input(SHAPE), b.input(SHAPE)
  b.output(b.abs(b.abs(x)), b.abs(y))
  assert parts(b).regions == ((0, 1), (2,))


def test_branches_that_meet_are_one_region():
  b = ModelBuilder(1)
  x, y = b.input(SHAPE), b.input(SHAPE)
  b.output(b.add(b.abs(x), b.abs(y)))
  assert parts(b).regions == ((0, 1, 2),)


def test_a_common_input_connects_and_a_common_constant_does_not():
  b = ModelBuilder(1)
  x = b.input(SHAPE)
  b.output(b.abs(x), b.relu(x))
  assert parts(b).regions == ((0, 1),)


def test_a_stock_operator_between_branches_parts_them():
  """A region is an uninterrupted run: it stays convex."""
  b = ModelBuilder(1)
  x = b.abs(b.input(SHAPE))
  left = b.abs(x)
  b.output(b.add(left, stock(b, x)))
  assert parts(b).regions == ((0, 1), (3,))


def test_long_runs_are_cut():
  b = ModelBuilder(1)
  x = b.input(SHAPE)
  for _ in range(limits.MAX_OPS_OF_REGION + 3):
    x = b.abs(x)
  b.output(x)
  first, second = parts(b).regions
  assert (len(first), len(second)) == (limits.MAX_OPS_OF_REGION, 3)


@settings(max_examples=examples(40))
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=16))
def test_regions_partition_the_operators(choices):
  """Every operator is in one region or breaks a rule; regions are in order and connected."""
  b = ModelBuilder(1)
  tensors = [b.input(SHAPE), b.input(SHAPE)]
  for held, back in choices:
    source = tensors[max(0, len(tensors) - 1 - back)]
    tensors.append(b.abs(source) if held else stock(b, source))
  b.output(*tensors[2:])
  model = parse_model(b.build())
  found = partition(model, model.main)
  staged = [index for region in found.regions for index in region]
  assert sorted([*staged, *found.violations]) == list(range(len(choices)))
  assert set(found.violations) == {k for k, (held, _) in enumerate(choices) if not held}
  for region in found.regions:
    assert list(region) == sorted(region)
    assert not any(k in found.violations for k in range(region[0], region[-1]))
    touched = [{*model.main.operators[k].inputs, *model.main.operators[k].outputs} for k in region]
    reached, rest = touched[0], touched[1:]
    while near := [tensors for tensors in rest if tensors & reached]:
      reached = reached.union(*near)
      rest = [tensors for tensors in rest if not tensors & reached]
    assert not rest
