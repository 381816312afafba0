# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The memory of training steps."""

import itertools

import pytest

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import read_model
from tflm_patch.on_device.memory import TrainingPlanner
from tflm_patch.on_device.options import TrainingOptions
from tflm_patch.on_device.plan import Part
from tflm_patch.on_device.scheme import LayerUpdate, Scheme
from tflm_patch.sample.sample import sample_model_path

CHANNELS = (0, 3, 4)


@pytest.fixture(scope='module')
def model():
  return read_model(sample_model_path())


def weighted(model):
  """Indices of operators with weights, and how many input channels they have."""
  main = model.main
  return [
    (index, main.tensors[operator.inputs[1]].shape[-1])
    for index, operator in enumerate(main.operators)
    if operator.opcode in ('CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED')
  ]


def last_layers(model, count):
  updates = [
    LayerUpdate(index, True, tuple(range(channels))) for index, channels in weighted(model)[-count:]
  ]
  return Scheme(tuple(updates))


@pytest.mark.parametrize('count', [1, 3, 5])
def test_buffers_needed_at_once_lie_apart(model, count):
  plan = TrainingPlanner(model).plan(last_layers(model, count))
  assert plan.bytes == max(plan.offsets[k] + b.size for k, b in plan.buffers.items())
  for step in range(len(plan.steps)):
    live = sorted((plan.offsets[key], size, key) for key, size in plan.live(step).items())
    for (at, size, key), (after, _, other) in itertools.pairwise(live):
      assert at + size <= after, (plan.steps[step], key, other)


def test_more_layers_need_more(model):
  planner = TrainingPlanner(model)
  totals = [planner.memory(last_layers(model, count)).total for count in (1, 3, 5)]
  assert planner.inference_bytes() < totals[0] < totals[1] < totals[2]


def test_parts_add_up(model):
  memory = TrainingPlanner(model).memory(last_layers(model, 3))
  peak = max(step.live for step in memory.steps)
  assert sum(part.at_peak for part in memory.parts) == peak <= memory.total
  assert memory.over_inference == memory.total - memory.inference
  assert memory.to_json()['parts'][0]['name'] == Part.PARAMETERS.value


def test_few_channels_are_kept_apart(model):
  index, channels = weighted(model)[-2]
  planner = TrainingPlanner(model)
  some = planner.memory(Scheme((LayerUpdate(index, False, CHANNELS),)))
  whole = planner.memory(Scheme((LayerUpdate(index, False, tuple(range(channels))),)))
  assert some.parameters * channels == whole.parameters * len(CHANNELS)
  assert some.total < whole.total


def test_sums_of_gradients_take_a_float_each(model):
  scheme = last_layers(model, 1)
  one = TrainingPlanner(model).memory(scheme)
  many = TrainingPlanner(model, TrainingOptions(samples=8)).memory(scheme)
  assert many.total - one.total == -(-4 * one.parameters // 16) * 16


@pytest.mark.parametrize(
  ('update', 'text'),
  [(LayerUpdate(999, True), 'the model has'), (LayerUpdate(0, True, (9999,)), 'channel 9999')],
)
def test_refusals(model, update, text):
  index = weighted(model)[0][0] if update.operator == 0 else update.operator
  scheme = Scheme((LayerUpdate(index, update.bias, update.input_channels),))
  with pytest.raises(TflmPatchError, match=text):
    TrainingPlanner(model).memory(scheme)


def test_operators_without_weights_are_refused(model):
  found = next(i for i, op in enumerate(model.main.operators) if op.opcode == 'SOFTMAX')
  with pytest.raises(TflmPatchError, match='have weights to train'):
    TrainingPlanner(model).memory(Scheme((LayerUpdate(found, True),)))


def test_wide_maps_are_never_whole(model):
  """Of blocks whose biases alone are trained, neither forward nor backward."""
  planner = TrainingPlanner(model)
  scheme = Scheme(tuple(LayerUpdate(index, True) for index, _ in weighted(model)[-11:]))
  plan = planner.plan(scheme)
  wide = {
    operator.outputs[0]
    for operator in planner.rewritten.main.operators
    if operator.opcode == 'DEPTHWISE_CONV_2D'
  }
  kept = {number for part, number in plan.buffers if part in (Part.MAP, Part.GRADIENT)}
  assert not wide & kept
  assert any('to' in step and 'backward' in step for step in plan.steps)
