# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Trainings of supernets: they learn, survive a kill, and judge networks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.supernet import SupernetOptions
from tflm_patch.training import Augmentation, Part, TrainOptions

PLAIN = Augmentation(flip=False, shift=0)
SHORT = SupernetOptions(
  TrainOptions(
    epochs=3, batch_size=32, average=0.5, augmentation=PLAIN, checkpoint_seconds=0, seed=4
  ),
  random=1,
)


def trained(keras, space, dataset, options, folder=None, progress=lambda text: None):
  from tflm_patch.nas.supernet import Supernet, train_supernet

  keras.utils.set_random_seed(options.training.seed)
  made = Supernet(space)
  return made, train_supernet(made, dataset, options, folder, progress)


def values(supernet):
  return [np.array(each) for each in supernet.network.weights]


class Killed(Exception):
  pass


def test_a_killed_training_goes_on_as_if_it_had_not_been(
  keras, tiny_space, quarters, tmp_path, monkeypatch
):
  from tflm_patch.nas.supernet import training

  wanted, took = trained(keras, tiny_space, quarters, SHORT)
  assert took.epochs == 3
  learn = training.Learner.train_on_batch
  for kill_at in (1, 2, 3, 2):  # in both phases, and between them
    left = [kill_at]

    def until(self, inputs, targets, left=left):
      if not left[0]:
        raise Killed
      left[0] -= 1
      return learn(self, inputs, targets)

    monkeypatch.setattr(training.Learner, 'train_on_batch', until)
    with pytest.raises(Killed):
      trained(keras, tiny_space, quarters, SHORT, tmp_path)
  monkeypatch.setattr(training.Learner, 'train_on_batch', learn)
  found, _ = trained(keras, tiny_space, quarters, SHORT, tmp_path)
  for ours, theirs in zip(values(found), values(wanted)):
    np.testing.assert_array_equal(ours, theirs)
  # A training that is done is not done again; another one is not gone on with.
  monkeypatch.setattr(training.Learner, 'train_on_batch', None)
  again, _ = trained(keras, tiny_space, quarters, SHORT, tmp_path)
  np.testing.assert_array_equal(values(again)[0], values(wanted)[0])
  with pytest.raises(TflmPatchError, match='had random 1, not 2'):
    trained(keras, tiny_space, quarters, dataclasses.replace(SHORT, random=2), tmp_path)
  assert sorted(each.name for each in tmp_path.iterdir()) == [
    'all.npz',
    'largest.npz',
    'supernet.npz',
  ]


def test_a_step_is_a_sandwich(keras, tiny_space, quarters, monkeypatch):
  """The largest network teaches the others; the smallest is always there, others change."""
  from tflm_patch.nas.supernet import Supernet, train_supernet

  steps = [[]]

  class Engine:
    def gradients(self, images, targets, table, size, teacher, soft):
      steps[-1].append((table.tobytes(), size, None if teacher is None else teacher[0, 0], soft))
      return 0.5, np.full_like(targets, 7)

    def step(self, optimizer, count):
      assert count == len(steps[-1])
      optimizer.iterations.assign(int(optimizer.iterations) + 1)
      steps.append([])

    def run(self, images, table, size, statistics):
      return np.zeros((len(images), 4), np.float32)

  made = Supernet(tiny_space)
  made.engine = Engine()
  training = dataclasses.replace(SHORT.training, epochs=4)
  train_supernet(made, quarters, SupernetOptions(training, largest_share=0.25, random=2, soft=0.4))
  shared = made.shared
  large, small = (
    (each.table.tobytes(), each.size)
    for each in (shared.largest_candidate, shared.smallest_candidate)
  )
  first, rest = steps[:3], steps[3:12]
  assert all([each[:2] for each in step] == [large] for step in first)
  for step in rest:
    assert len(step) == 4 and step[0] == (*large, None, 0.4)
    assert step[-1][:2] == small and all(each[2:] == (7, 0.4) for each in step[1:])
  assert len({step[1][:2] for step in rest}) > 3


def test_networks_inherit_what_was_learned(keras, space, quarters):
  from tflm_patch.nas.supernet import InheritedAccuracy

  training = dataclasses.replace(SHORT.training, epochs=24, average=0.0, learning_rate=0.05)
  lines = []
  made, _ = trained(
    keras, space, quarters, dataclasses.replace(SHORT, training=training), progress=lines.append
  )
  assert any('Epoch of all' in line and ' left' in line for line in lines)
  fitness = InheritedAccuracy(made, quarters)
  specs = [made.shared.largest, made.shared.smallest_candidate.spec]
  specs += [space.spec_of(picks) for picks in space.samples(2, seed=1)]
  found = fitness.evaluate([*specs, specs[0]])
  assert found[0] == found[-1] and min(found) > 60, found  # by chance 25
  # A network's number does not depend on which were judged before, nor on the batch.
  alone = InheritedAccuracy(made, quarters)
  assert alone.evaluate([specs[2]]) == [found[2]]
  # Alone it is as good as it was judged, in float and in int8.
  model = made.extract(specs[1], quarters.to_model(quarters.train.inputs))
  inputs = made.resized(specs[1], quarters.to_model(quarters.test.inputs))
  right = np.asarray(model(inputs)).argmax(axis=1) == quarters.test.targets
  assert 100 * right.mean() == pytest.approx(found[1], abs=5)
  few = InheritedAccuracy(made, quarters, images=8)
  assert (few.evaluate([specs[0]])[0] * 8 / 100).is_integer()
  with pytest.raises(TflmPatchError, match='by 0 images'):
    InheritedAccuracy(made, quarters, images=0)
  exact = InheritedAccuracy(made, quarters, exact=True).evaluate([specs[1]])
  assert exact[0] == pytest.approx(found[1], abs=10)


def test_it_is_measured_as_it_will_be_judged(keras, tiny_space, quarters, monkeypatch):
  """Whatever the order of the held-out examples: here they come class by class."""
  from tflm_patch.nas.supernet import InheritedAccuracy
  from tflm_patch.training import loop

  monkeypatch.setattr(loop, '_MEASURING_SHARE', 1e9)
  order = np.argsort(quarters.test.targets, kind='stable')
  test = Part(quarters.test.inputs[order], quarters.test.targets[order])
  data = dataclasses.replace(quarters, test=test)
  training = dataclasses.replace(SHORT.training, epochs=12, average=0.0, learning_rate=0.05)
  lines = []
  made, _ = trained(
    keras, tiny_space, data, dataclasses.replace(SHORT, training=training), progress=lines.append
  )
  (judged,) = InheritedAccuracy(made, data).evaluate([made.shared.largest])
  assert judged > 50 and f'held-out {judged:.4g} %' in lines[-1], lines[-1]


def test_data_of_another_shape_are_refused(keras, space, quarters):
  small = dataclasses.replace(
    quarters, train=dataclasses.replace(quarters.train, inputs=quarters.train.inputs[:, :8, :8])
  )
  with pytest.raises(TflmPatchError, match=r'takes \[12, 12, 1\]'):
    trained(keras, space, small, SHORT)
  with pytest.raises(TflmPatchError, match='3 outputs'):
    trained(keras, space, dataclasses.replace(quarters, classes=('a', 'b', 'c')), SHORT)


@pytest.mark.parametrize(
  'changes, message',
  [
    ({'largest_share': 1.0}, 'smaller networks'),
    ({'soft': 1.5}, 'soft is 1.5'),
    ({'random': -1}, 'random'),
    ({'temperature': 0.0}, 'temperature'),
    ({'training': TrainOptions(start_scale=0.5)}, 'start_scale'),
    ({'training': TrainOptions(dropout=0.1)}, 'dropout'),
  ],
)
def test_options_that_mean_nothing_are_refused(changes, message):
  with pytest.raises(TflmPatchError, match=message):
    SupernetOptions(**changes)


def test_options_reach_the_loss(keras, tiny_space, quarters):
  from tflm_patch.nas.supernet import Supernet
  from tflm_patch.nas.supernet.training import loss_for

  made = Supernet(tiny_space)
  options = SupernetOptions(TrainOptions(label_smoothing=0.2), temperature=3.0)
  loss = loss_for(made, quarters, options)
  assert (loss.smoothing, loss.temperature, loss.classes, loss.probability) == (0.2, 3, True, False)
  engine = made.engine
  made.learn_from(made.loss)
  assert made.engine is engine
  made.learn_from(loss)
  assert made.engine is not engine and made.loss == loss
  targets, outputs = np.eye(4, dtype=np.float32)[:2], np.float32([[4, 0, 0, 0], [0, 1, 0, 0]])
  smoothed = 0.8 * targets + 0.05
  logs = outputs - np.log(np.exp(outputs).sum(axis=1, keepdims=True))
  assert float(loss.hard(targets, outputs)) == pytest.approx(-(smoothed * logs).sum(axis=1).mean())
  assert float(loss.soft(outputs, outputs)) == pytest.approx(0, abs=1e-6)
  assert float(dataclasses.replace(loss, classes=False).hard(targets, outputs)) == pytest.approx(
    np.square(targets - outputs).mean()
  )


def test_budgets_are_divided():
  first, rest = SupernetOptions(TrainOptions(cpu_minutes=10), largest_share=0.25).phases()
  assert (first.cpu_minutes, rest.cpu_minutes) == (2.5, 7.5)
  first, rest = SupernetOptions(TrainOptions(epochs=10)).phases()
  assert (first.epochs, rest.epochs) == (3, 7)
  assert SupernetOptions(TrainOptions(epochs=1), largest_share=0).phases()[0] is None
  with pytest.raises(TflmPatchError, match='cannot be divided'):
    SupernetOptions(TrainOptions(epochs=1)).phases()
