# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Engines: what travels comes back as it was, what dies is done again; Ray itself is not needed.

tests/python/nas/engines/test_ray_cluster.py does it with Ray.
"""

import contextlib
import dataclasses
import json
import pathlib
import shutil

import numpy as np
import pytest

from tflm_patch import nas
from tflm_patch.architecture import parse_spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.data import SearchData
from tflm_patch.nas.engines import engine_of, shipping, tasks
from tflm_patch.nas.engines.base import Training
from tflm_patch.nas.engines.cluster import Cluster, Task
from tflm_patch.nas.judges import FITNESS, OF_DATA
from tflm_patch.nas.surroundings import Surroundings
from tflm_patch.training import TrainOptions
from tflm_patch.training.data.augmentation import NONE
from tflm_patch.training.data.dataset import Dataset, Part, Scaling
from tflm_patch.training.portion import train_portion
from tflm_patch.training.run import network
from tflm_patch.version import __version__

LIMITS = nas.Objectives.of(arena=3_000, flash=9_000)
PLAIN = nas.SearchOptions(
  fitness='flops', settings={'population': 4, 'parents': 2}, trials=10, top=0
)
RAY = nas.EngineOptions('ray', patience_seconds=0)
SPEC = 'in8x8x1 conv3_s2_c8 ir_k3_e2_c8 fc2'


class Edges:
  """A fitness of one's own, which other machines can import."""

  def __init__(self, data):
    self._data = data

  def evaluate(self, specs, budget):
    return [float(len(spec.blocks) + budget.epochs) for spec in specs]


def figures(result):
  return [
    dataclasses.replace(trial, seconds=0, cpu_seconds=0) for trial in result.trials
  ], result.checked


@pytest.fixture
def fake(tmp_path, monkeypatch):
  """The folder that says what goes wrong; a search finds the fake module in place of Ray."""
  package, state = tmp_path / 'path' / 'ray', tmp_path / 'state'
  package.mkdir(parents=True)
  state.mkdir()
  shutil.copy(pathlib.Path(__file__).with_name('fake_ray.py'), package / '__init__.py')
  (state / 'faults').write_text('')
  root = pathlib.Path(nas.__file__).parents[2]
  here = pathlib.Path(__file__).parent
  monkeypatch.setenv('PYTHONPATH', f'{package.parent}:{root}:{here}')
  monkeypatch.setenv('FAKE_RAY', str(state))
  monkeypatch.syspath_prepend(str(package.parent))
  return state


def same_arrays(first, second):
  for name in ('train', 'test'):
    for field in ('inputs', 'targets'):
      ours, theirs = (getattr(getattr(each, name), field) for each in (first, second))
      np.testing.assert_array_equal(ours, theirs)
      assert ours.dtype == theirs.dtype


def test_examples_come_as_they_were_sent(dataset):
  same_arrays(shipping.unpacked(shipping.packed(dataset)), dataset)
  rng = np.random.default_rng(1)
  values = rng.normal(size=(6, 16, 1, 2)).astype(np.float32)
  targets = rng.normal(size=(6, 3)).astype(np.float32)
  series = Dataset(
    Part(values[:4], targets[:4]),
    Part(values[4:], targets[4:]),
    (),
    inputs_by=Scaling.of(values),
    targets_by=Scaling.of(targets),
  )
  again = shipping.unpacked(shipping.packed(series))
  same_arrays(again, series)
  np.testing.assert_array_equal(again.to_model(values), series.to_model(values))
  np.testing.assert_array_equal(again.from_model(targets), series.from_model(targets))


def test_options_come_as_they_were_sent():
  training = TrainOptions(epochs=3, optimizer='adamw', augmentation=NONE, qat_epochs=2)
  assert shipping.options_from(json.loads(json.dumps(shipping.fields_of(training)))) == training
  effort = nas.Effort(epochs=2, share=0.5, threads=1, training=training)
  assert shipping.effort_from(json.loads(json.dumps(shipping.fields_of(effort)))) == effort


def test_a_worker_says_what_a_fitness_says(dataset):
  data, effort = SearchData(dataset), nas.Effort()
  task = {
    'kind': 'judge',
    'version': __version__,
    'backend': None,
    'data': 'a',
    'spec': SPEC,
    'fitness': 'parameters',
    'effort': shipping.fields_of(effort),
  }
  packed = shipping.packed(data.divided((8, 8, 1)))
  text, files = tasks.perform(json.dumps(task), packed, {})
  assert (
    json.loads(text)['score'] == OF_DATA['parameters'](data).evaluate([parse_spec(SPEC)], effort)[0]
    and not files
  )
  other, _ = tasks.perform(json.dumps({**task, 'version': '0.0'}), packed, {})
  assert '0.0 here; install the same' in json.loads(other)['error']
  wrong, _ = tasks.perform(json.dumps({**task, 'spec': 'in8x8x1 what fc2'}), packed, {})
  assert 'what' in json.loads(wrong)['error']


def test_fitnesses_that_other_machines_know():
  assert set(FITNESS) - set(OF_DATA) == {'supernet'}
  assert tasks.fitness_from(tasks.fitness_text(Edges)) is Edges
  assert tasks.fitness_from(tasks.fitness_text('flops')) is OF_DATA['flops']

  class Local:
    pass

  for fitness in (Local, lambda data: None):
    with pytest.raises(TflmPatchError, match='cannot be imported on other machines'):
      tasks.fitness_text(fitness)


@pytest.mark.parametrize('strategy', ['evolution', 'random'])
def test_both_engines_find_the_same_whatever_dies(fake, space, dataset, tmp_path, strategy):
  options = dataclasses.replace(
    PLAIN, strategy=strategy, settings=PLAIN.settings if strategy == 'evolution' else {}
  )
  plain = nas.search(dataset, space, LIMITS, options)
  (fake / 'faults').write_text('ok\ncrash\nok\ndie\ncrash\nok\ndie\nok\ncrash')
  remote, lines = dataclasses.replace(options, engine=RAY), []
  found = nas.search(dataset, space, LIMITS, remote, tmp_path / 'out', progress=lines.append)
  assert figures(found) == figures(plain)
  assert (fake / 'faults').read_text() == '' and (fake / 'deaths').read_text() == 'xx'
  assert sum('A worker died (WorkerCrashedError)' in line for line in lines) >= 1
  assert sum('tasks are sent again' in line for line in lines) == 2
  more = dataclasses.replace(options, trials=12)  # goes on in this process
  again = nas.search(dataset, space, LIMITS, more, tmp_path / 'out', resume=True)
  assert figures(again)[0][:10] == figures(plain)[0]


def test_a_fitness_of_ones_own(fake, space, dataset, tmp_path):
  options = dataclasses.replace(PLAIN, fitness=Edges, trials=3)
  plain = nas.search(dataset, space, LIMITS, options)
  remote = dataclasses.replace(options, engine=RAY)
  assert figures(nas.search(dataset, space, LIMITS, remote, tmp_path)) == figures(plain)


def test_a_finalist_begins_elsewhere_as_here(keras, fake, space, dataset, tmp_path):
  """With the weights that it is given, in every portion; no file of them is left."""
  spec = parse_spec(SPEC)
  training = TrainOptions(epochs=2, batch_size=32, augmentation=NONE, average=0.0)
  model = network(spec, training)
  rng = np.random.default_rng(1)
  weights = [rng.uniform(0.1, 0.9, each.shape).astype(np.float32) for each in model.weights]
  data, folders = SearchData(dataset, seed=1), (tmp_path / 'here', tmp_path / 'there')
  for folder in folders:
    folder.mkdir()
  train_portion(
    data.whole(spec.input_shape), spec, training, folders[0], lambda: False, weights=weights
  )
  options = dataclasses.replace(PLAIN, engine=dataclasses.replace(RAY, portion_seconds=0))
  around = Surroundings(data, space, options, tmp_path)
  engine = engine_of(around, FITNESS['flops'](around))
  with contextlib.closing(engine):
    engine.train([Training(1, spec, training, folders[1], lambda: weights)])
  here, there = (np.load(folder / 'checkpoint.npz') for folder in folders)
  for key in set(here.files) - {'state'}:
    np.testing.assert_allclose(there[key], here[key], rtol=1e-4, atol=1e-5, err_msg=key)
  assert [each.name for each in folders[1].iterdir()] == ['checkpoint.npz']


def test_what_is_given_up_is_cancelled(fake, space, dataset, tmp_path):
  options = dataclasses.replace(PLAIN, engine=RAY)

  def stop(trial):
    raise KeyboardInterrupt

  with pytest.raises(KeyboardInterrupt):
    nas.search(dataset, space, LIMITS, options, tmp_path / 'out', hooks=[stop])
  found = nas.search(dataset, space, LIMITS, options, tmp_path / 'out', resume=True)
  assert figures(found) == figures(nas.search(dataset, space, LIMITS, PLAIN))


@pytest.mark.parametrize(
  ('faults', 'down', 'message'),
  [
    ('crash\n' * 40, None, r'4 workers of the Ray cluster died \(WorkerCrashedError\) at in'),
    ('die\n' * 40, None, 'the Ray cluster went away 5 times before it answered anything'),
    ('', 'nobody answers', 'there is no Ray cluster on this machine'),
    ('', 'Unauthenticated: InvalidAuthToken', 'wants its token: set RAY_AUTH_MODE=token'),
  ],
)
def test_what_goes_wrong_is_one_line(fake, space, dataset, tmp_path, faults, down, message):
  (fake / 'faults').write_text(faults)
  if down is not None:
    (fake / 'down').write_text(down)
  with pytest.raises(TflmPatchError, match=message):
    nas.search(dataset, space, LIMITS, dataclasses.replace(PLAIN, engine=RAY), tmp_path / 'out')


def test_a_head_that_does_not_come_back(fake, space, dataset, tmp_path):
  """What was judged before is in the state."""
  (fake / 'faults').write_text('ok\nok\nok\nok\nok\ndie')

  def gone(trial):
    if trial.number == 3:
      (fake / 'down').write_text('gone')

  options = dataclasses.replace(PLAIN, engine=RAY)
  with pytest.raises(TflmPatchError, match='there is no Ray cluster'):
    nas.search(dataset, space, LIMITS, options, tmp_path / 'out', hooks=[gone])
  assert len((tmp_path / 'out' / 'search.jsonl').read_text().splitlines()) == 6  # with a header


def test_mistakes(space, dataset):
  with pytest.raises(TflmPatchError, match='did you mean "ray"'):
    nas.search(dataset, space, LIMITS, dataclasses.replace(PLAIN, engine=nas.EngineOptions('rai')))
  with pytest.raises(TflmPatchError, match='choose the engine ray with it'):
    nas.EngineOptions(address='127.0.0.1:6379')
  with pytest.raises(TflmPatchError, match='must not be below 0'):
    nas.EngineOptions('ray', portion_seconds=-1)


def test_an_output_folder_is_needed(fake, space, dataset):
  with pytest.raises(TflmPatchError, match='the engine ray needs an output folder'):
    nas.search(dataset, space, LIMITS, dataclasses.replace(PLAIN, engine=RAY))


def test_a_cluster_closes_what_it_opened(fake, tmp_path):
  data = tmp_path / 'data.npz'
  data.write_bytes(b'')
  cluster = Cluster(None, 0, lambda text: None)
  cluster.submit(Task({'version': 'x', 'kind': 'judge'}, data, {}, 1))
  with pytest.raises(TflmPatchError, match='install the same'):
    cluster.answer()
  folder, process = cluster.folder, cluster._process
  cluster.close()
  assert not folder.exists() and process.returncode is not None
