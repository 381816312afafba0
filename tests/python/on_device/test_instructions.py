# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Predicted instructions of a training step."""

import shutil

import pytest
from support import learning_models

from tflm_patch.bench import cpus
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import read_model
from tflm_patch.on_device import instructions
from tflm_patch.on_device.component import make_component
from tflm_patch.on_device.measure import measure_inference, measure_step, random_images
from tflm_patch.on_device.memory import TrainingPlanner
from tflm_patch.on_device.options import Arithmetic
from tflm_patch.sample.sample import sample_model_path

EVERY = learning_models.every_operator()


@pytest.mark.parametrize('cpu', instructions.known_cpus())
def test_tables_know_the_names(cpu):
  table = instructions.load(cpu, instructions.default_arithmetic(cpu))
  assert set(table.forward) <= set(instructions.FORWARD)
  assert set(table.backward) <= set(instructions.BACKWARD)
  assert all(value > 0 for value in (*table.forward.values(), *table.backward.values()))


@pytest.mark.parametrize('step', [1, 2])
def test_what_operators_do_is_named(step):
  work = TrainingPlanner(EVERY).work(learning_models.scheme_of(EVERY, 0, step))
  for group in work.groups:
    assert set(instructions.effort_of(group)) <= set(instructions.BACKWARD)
  assert set(instructions.forward_effort(work)) <= set(instructions.FORWARD)


def test_products_and_parameters_are_counted():
  planner = TrainingPlanner(EVERY)
  work = planner.work(learning_models.scheme_of(EVERY, 0, 1))
  found = [instructions.effort_of(group) for group in work.groups]
  learned = sum(each.get('learned', 0) for each in found)
  assert learned == work.parameters.count
  last = found[0]  # a FULLY_CONNECTED of 9 inputs and 5 outputs
  assert last['weight_macs'] == 45 and last['single_macs'] == 45 and last['clamped'] == 5


def test_training_more_takes_longer():
  planner = TrainingPlanner(EVERY)
  schemes = [learning_models.scheme_of(EVERY, first, 1) for first in (6, 4, 2, 0)]
  found = [planner.instructions(scheme) for scheme in schemes]
  assert [each.step for each in found] == sorted(each.step for each in found)
  assert len({each.inference for each in found}) == 1
  assert found[-1].ratio > found[0].ratio > 1


def test_a_core_without_costs():
  with pytest.raises(TflmPatchError, match='unknown CPU "z80"'):
    instructions.load('z80')
  with pytest.raises(TflmPatchError, match='float32 takes on "riscv32" is not known; that of'):
    instructions.load('riscv32', Arithmetic.FLOAT32)


def test_cores_with_the_same_kernels_share_costs():
  assert {'cortex-m4', 'cortex-m7', 'cortex-m33'} <= set(instructions.known_cpus())
  assert instructions.load('cortex-m33').backward == instructions.load('cortex-m4').backward


def test_integers_where_there_is_no_floating_point_unit():
  assert instructions.default_arithmetic('cortex-m4') is Arithmetic.FLOAT32
  assert instructions.default_arithmetic('riscv32') is Arithmetic.INTEGER


@pytest.mark.slow
def test_predicted_is_near_measured():
  core = cpus.find('cortex-m4')
  if None in map(shutil.which, (core.compiler, core.emulator)):
    pytest.skip('needs a compiler and an emulator')
  model = read_model(sample_model_path())
  planner = TrainingPlanner(model)
  scheme = learning_models.scheme_of(model, len(learning_models.layers(model)) - 9, 2)
  predicted = planner.instructions(scheme)
  component = make_component(model, scheme, planner=planner)
  measured = measure_step(component, random_images(component, 2))
  assert predicted.step == pytest.approx(measured.step, rel=0.15)
  assert predicted.inference == pytest.approx(measure_inference(model), rel=0.1)
