# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Learned masks: costs are those of the networks, what is masked is what a choice leaves out."""

import dataclasses
import random

import numpy as np
import pytest

from tflm_patch import nas
from tflm_patch.architecture import network_of
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.checker import Checker
from tflm_patch.nas.data import SearchData, adapted
from tflm_patch.nas.masks.plan import plain_costs, plan_masks
from tflm_patch.nas.proxies.flops import macs_of
from tflm_patch.nas.proxies.parameters import taps_of
from tflm_patch.nas.strategies import Problem, strategy_of
from tflm_patch.training import TrainOptions
from tflm_patch.training.data.augmentation import NONE

WIDE = {
  'name': 'wide',
  'inputs': [[8, 8, 1]],
  'stem': ['conv3_s2_c8'],
  'stages': [
    {
      'block': 'ir_c16',
      'depths': [1, 2, 3],
      'kernels': [3, 5],
      'expansions': [2, 4],
      'widths': [0.5, 1],
    },
    {'block': 'ds_c32', 'depths': [1, 2], 'widths': [0.5, 1]},
  ],
  'head': 'fc2',
}


@pytest.fixture(scope='module')
def wide():
  return nas.space_from_json(WIDE)


def test_what_is_learned(wide):
  plan = plan_masks(wide, 0)
  names = [wide.decisions[choice.decision].name for choice in plan.choices]
  assert names == [
    'stage0.width',
    'stage0.depth',
    *(f'stage0.block{b}.{what}' for b in range(3) for what in ('kernel', 'expansion')),
    'stage1.width',
  ]
  # Blocks of the second stage skip nothing: their number is not learned.
  assert len(plan.spec.blocks) == 1 + 3 + 2
  assert [block.kernel for block in plan.spec.blocks] == [(3, 3)] + 3 * [(5, 5)] + 2 * [(3, 3)]
  assert plan.choices[0].values == (8, 16) and plan.choices[2].values == (9, 25)
  assert plan.choices[3].values == (16, 32)
  assert [window.sizes for window in plan.windows.values()] == 3 * [((3, 3), (5, 5))]


@pytest.mark.parametrize(
  'change',
  [{'kernels': [3, 4]}, {'kernels': [[3, 5], [5, 3]]}, {'block': 'ir_s2_c16', 'kernels': [1, 3]}],
)
def test_windows_that_do_not_lie_in_one_another_are_not_learned(change):
  stages = [{**WIDE['stages'][0], **change}, WIDE['stages'][1]]
  space = nas.space_from_json({**WIDE, 'stages': stages})
  plan = plan_masks(space, 0)
  assert not plan.windows
  assert not any(space.decisions[each.decision].name.endswith('kernel') for each in plan.choices)


def test_costs_are_those_of_the_candidates_networks(wide):
  plan = plan_masks(wide, 0)
  rng = random.Random(1)
  for _ in range(20):
    options = [rng.randrange(len(choice.values)) for choice in plan.choices]
    spec = wide.spec_of(plan.candidate(wide, options))
    network = network_of(spec)
    values = network.values()
    weights, peak = 0, 0
    for layer in network.layers():
      source = values[layer.inputs[0]]
      weights += taps_of(layer, source) * layer.output.channels
      read = sum(np.prod(values[value].shape) for value in layer.inputs)
      peak = max(peak, read + np.prod(layer.output.shape))
    found = plain_costs(plan, options)
    if _expansions_are_of_the_whole_width(plan, options):
      assert found == (peak, weights)
    else:  # a narrower stage expands to fewer channels than its masks leave
      assert found[0] >= peak and found[1] >= weights


def _expansions_are_of_the_whole_width(plan, options):
  return plan.choices[0].values[options[0]] == 16


def test_masks_leave_out_what_a_choice_leaves_out(keras, wide):
  """With all weight on one option the network computes what it computes without the channels."""
  from tflm_patch.nas.masks.network import CostLimits, expected_costs, masked_network

  plan = plan_masks(wide, 0)
  model, chooser = masked_network(plan, CostLimits(None, None, None), 1.0)
  assert len(chooser.trainable_variables) == len(plan.choices)
  mine = [each for each in model.trainable_variables if each.name.startswith('logits')]
  assert len(mine) == len(plan.choices)
  options = [0, 0, 0, 0, 0, 1, 1, 0, 1]
  for logits, option in zip(chooser.logits, options):
    logits.assign(np.where(np.arange(logits.shape[0]) == option, 100.0, 0.0))
  costs = [float(each) for each in expected_costs(chooser, plan.layers)]
  assert costs[:2] == pytest.approx(list(plain_costs(plan, options)))
  assert costs[2] <= macs_of(plan.spec)
  inputs = np.random.default_rng(1).uniform(-1, 1, (4, 8, 8, 1)).astype(np.float32)
  before = np.asarray(model(inputs))
  for layer in model.layers:  # channels that are masked have no say
    if isinstance(layer, keras.layers.BatchNormalization) and layer.gamma.shape == (16,):
      if layer.name.startswith('conv_2d'):
        gamma = np.asarray(layer.gamma).copy()
        gamma[8:] = 7.0
        layer.gamma.assign(gamma)
  np.testing.assert_allclose(np.asarray(model(inputs)), before, atol=1e-5)
  chooser.logits[1].assign(np.array([0.0, 0.0, 100.0]))  # the deepest
  assert not np.allclose(np.asarray(model(inputs)), before, atol=1e-6)


@pytest.mark.parametrize('kind', ['ir', 'conv'])
@pytest.mark.parametrize('side', [8, 9])
def test_a_masked_window_is_the_smaller_one(keras, kind, side):
  """With stride 2, too, whose padding depends on the window and the side."""
  from tflm_patch.models.builder import build
  from tflm_patch.nas.masks.network import CostLimits, masked_network

  stage = {'block': f'{kind}_s2_c8', 'depths': [1], 'kernels': [3, 5, 7]}
  space = nas.space_from_json(
    {'name': 'w', 'inputs': [[side, side, 2]], 'stem': [], 'stages': [stage], 'head': 'fc2'}
  )
  plan = plan_masks(space, 0)
  (choice,) = plan.choices
  assert choice.values == (9, 25, 49)
  model, chooser = masked_network(plan, CostLimits(None, None, None), 1.0)
  inputs = np.random.default_rng(1).uniform(-1, 1, (4, side, side, 2)).astype(np.float32)
  for option, size in enumerate((3, 5, 7)):
    chooser.logits[0].assign(np.where(np.arange(3) == option, 100.0, 0.0))
    spec = space.spec_of(plan.candidate(space, [option]))
    spec = dataclasses.replace(spec, head=dataclasses.replace(spec.head, softmax=False))
    small = build(spec)
    for layer in small.layers:
      source = model.get_layer(layer.name)
      values = [np.asarray(each) for each in source.get_weights()]
      for k, weight in enumerate(layer.weights):
        if tuple(weight.shape) != values[k].shape:
          cut = (7 - size) // 2
          values[k] = values[k][cut : cut + size, cut : cut + size]
      if layer.weights:
        layer.set_weights(values[: len(layer.weights)])
    expected = np.asarray(small(inputs))
    np.testing.assert_allclose(np.asarray(model(inputs)), expected, atol=1e-5)


def test_limits_make_networks_smaller(keras, wide, dataset):
  plain = TrainOptions(augmentation=NONE)
  effort = nas.Effort(epochs=2, batch_size=16, training=plain, threads=None)
  data = SearchData(dataset)
  space = adapted(wide, data)

  def found(**limits):
    goals = nas.Objectives.of(**limits)
    checker = Checker(space, goals)
    problem = Problem(space, goals, checker.fits, checker.needs, data, effort)
    strategy = strategy_of('differentiable', problem, epochs=6)
    (picks,) = strategy.ask(random.Random(3))
    assert checker.fits(picks)
    return picks, checker.needs(picks)

  free, whole = found()
  tight, small = found(flash=6_000)
  assert small.flash <= 6_000 < whole.flash
  assert found(flash=6_000)[0] == tight and free != tight


def test_it_needs_examples(wide):
  with pytest.raises(TflmPatchError, match='it needs the examples'):
    strategy_of('differentiable', Problem(wide, nas.Objectives(), lambda picks: True))
