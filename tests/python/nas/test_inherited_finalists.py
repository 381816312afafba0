# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Finalists begin with the weights that they were judged with."""

import dataclasses
import json

import numpy as np
import pytest

from tflm_patch import nas
from tflm_patch.architecture import format_spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.data import SearchData, adapted
from tflm_patch.nas.engines import shipping, tasks
from tflm_patch.nas.inherited import Inherited
from tflm_patch.nas.surroundings import Surroundings
from tflm_patch.training import TrainOptions
from tflm_patch.training.data.augmentation import NONE
from tflm_patch.training.evaluation import score_of
from tflm_patch.training.inheritance import Inheritance
from tflm_patch.training.portion import train_portion
from tflm_patch.training.run import network
from tflm_patch.version import __version__

EFFORT = nas.Effort(epochs=1, batch_size=16, training=TrainOptions(augmentation=NONE))
LIMITS = nas.Objectives.of(arena=3_000, flash=12_000)
SEARCH = nas.SearchOptions(
  fitness='supernet',
  settings={'population': 2, 'parents': 1},
  effort=EFFORT,
  trials=2,
  training=TrainOptions(epochs=1, batch_size=16, augmentation=NONE, average=0.0),
)


@pytest.fixture(scope='module')
def judged(keras, space, dataset):
  """A judge that has trained its supernet, and networks of the largest images."""
  if keras.backend.backend() != 'tensorflow':
    pytest.skip('slices are for TensorFlow')
  data = SearchData(dataset, seed=1)
  found = adapted(space, data)
  judge = Inherited(Surroundings(data, found, nas.SearchOptions(effort=EFFORT)))
  specs = [found.spec_of((1, *picks[1:])) for picks in found.samples(3, seed=2)]
  judge.evaluate(specs[:1], EFFORT)
  return judge, data, specs


def test_a_network_begins_as_accurate_as_it_was_judged(judged):
  judge, data, specs = judged
  examples = data.divided((16, 16, 1))
  for spec in specs:
    model = network(spec, TrainOptions())
    by_chance = score_of(model, examples, examples.test.inputs, examples.test.targets)
    Inheritance(judge.weights_of(spec, EFFORT)).begin(model, 'x')
    found = score_of(model, examples, examples.test.inputs, examples.test.targets)
    assert [found] == judge.evaluate([spec], EFFORT) and found != by_chance
    again = judge.weights_of(spec, EFFORT)
    assert all(np.array_equal(a, b) for a, b in zip(again, model.get_weights()))


def test_weights_of_another_network_are_refused(judged):
  judge, _, specs = judged
  weights = judge.weights_of(specs[0], EFFORT)
  model = network(specs[0], TrainOptions())
  with pytest.raises(TflmPatchError, match='x: the weights to begin with are those of another'):
    Inheritance(weights[:-1]).begin(model, 'x')
  with pytest.raises(TflmPatchError, match='of another network'):
    Inheritance([*weights[:-1], weights[-1][:-1]]).begin(model, 'x')


def test_workers_begin_with_the_same(judged, tmp_path):
  """A portion on another machine gives the checkpoint that one gives here."""
  judge, data, specs = judged
  spec, options = specs[0], TrainOptions(epochs=1, batch_size=32, augmentation=NONE)
  weights = judge.weights_of(spec, EFFORT)
  examples = data.whole((16, 16, 1))
  for folder, begin in (('inherited', weights), ('scratch', None)):
    (tmp_path / folder).mkdir()
    train_portion(examples, spec, options, tmp_path / folder, lambda: False, weights=begin)
  task = {
    'kind': 'train',
    'version': __version__,
    'backend': 'tensorflow',
    'data': 'of test_workers_begin_with_the_same',
    'spec': format_spec(spec),
    'options': shipping.fields_of(options),
    'seconds': 60,
  }
  files = {tasks.WEIGHTS: shipping.packed_weights(weights)}
  text, made = tasks.perform(json.dumps(task), shipping.packed(examples), files)
  assert json.loads(text)['done']
  (tmp_path / 'sent.npz').write_bytes(made['checkpoint.npz'])

  def arrays(path):
    with np.load(path) as found:
      return {key: found[key] for key in found.files if key != 'state'}

  ours = arrays(tmp_path / 'inherited/checkpoint.npz')
  theirs, scratch = arrays(tmp_path / 'sent.npz'), arrays(tmp_path / 'scratch/checkpoint.npz')
  assert all(np.array_equal(ours[key], theirs[key]) for key in ours)
  assert any(not np.array_equal(ours[key], scratch[key]) for key in ours)


def test_a_search_trains_on_what_its_winner_inherits(judged, space, dataset, tmp_path):
  """With a lower rate; from scratch where that is wanted."""
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  losses = {}
  for finalists in ('inherited', 'scratch'):
    how = dataclasses.replace(SEARCH, finalists=finalists)
    folder = tmp_path / finalists
    (winner,) = nas.search(dataset, space, LIMITS, how, folder).finalists
    losses[finalists] = winner.training.history[0].loss
    rate = winner.training.options.learning_rate
    assert rate == (pytest.approx(0.02) if finalists == 'inherited' else None)
  assert losses['inherited'] < 0.5 * losses['scratch'], losses
  with pytest.raises(TflmPatchError, match="finalists cannot be 'none'; choose one of inherited"):
    dataclasses.replace(SEARCH, finalists='none')


def test_the_largest_network_teaches(judged, space):
  """In the size of the pupil's images; what it says is a part of the targets."""
  judge, data, specs = judged
  small = adapted(space, data).spec_of((0, *space.samples(1, seed=3)[0][1:]))
  for spec in (specs[0], small):
    shape = spec.input_shape
    examples = data.divided(shape)
    teacher = judge.teacher_of(spec, EFFORT)
    inputs = examples.to_model(examples.test.inputs)
    said = teacher(inputs)
    assert said.shape == (len(inputs), 2) and np.allclose(said.sum(axis=1), 1, atol=1e-5)
    right = 100 * np.mean(said.argmax(axis=1) == examples.test.targets)
    assert right > 80, (shape, right)
  targets = examples.targets_to_model(examples.test.targets)
  mixed = Inheritance(None, teacher, 0.25).targets(inputs, targets)
  assert np.allclose(mixed, 0.75 * targets + 0.25 * said, atol=1e-6)
  assert Inheritance().targets(inputs, targets) is targets
  with pytest.raises(TflmPatchError, match=r'a share of 0\.5 of a teacher'):
    Inheritance(share=0.5)
  foreign = dataclasses.replace(small, input_shape=(10, 10, 1))
  with pytest.raises(TflmPatchError, match='no input of the space "small"'):
    judge.teacher_of(foreign, EFFORT)


def test_a_search_distils(judged, space, dataset, tmp_path):
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  options = dataclasses.replace(SEARCH, distill=0.5)
  (winner,) = nas.search(dataset, space, LIMITS, options, tmp_path).finalists
  assert winner.training.float_score > 80
  # Another share is another training.
  with pytest.raises(TflmPatchError, match='taught'):
    other = dataclasses.replace(options, distill=0.25)
    nas.search(dataset, space, LIMITS, other, tmp_path, resume=True)
  with pytest.raises(TflmPatchError, match='trained has no network that could teach'):
    nas.search(dataset, space, LIMITS, dataclasses.replace(options, fitness='trained'))
  with pytest.raises(TflmPatchError, match='distill is 2'):
    dataclasses.replace(options, distill=2)
  with pytest.raises(TflmPatchError, match='cannot teach on the machines of the engine ray'):
    dataclasses.replace(options, engine=nas.EngineOptions('ray'))
