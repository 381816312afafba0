# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Searches: a kill at any moment changes nothing, a state that is damaged is kept and named.

Candidates are judged by their work, which needs no training; one search at the end trains.
"""

import csv
import dataclasses
import json
import os
import random

import numpy as np
import pytest

from tflm_patch import nas
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.judges import fitness_of
from tflm_patch.nas.state import StateFile
from tflm_patch.nas.surroundings import Surroundings
from tflm_patch.report.search import summary
from tflm_patch.training import Part, TrainOptions
from tflm_patch.training.data.augmentation import NONE

LIMITS = nas.Objectives.of(arena=3_000, flash=9_000)
PLAIN = nas.SearchOptions(
  fitness='flops', settings={'population': 4, 'parents': 2}, trials=10, top=0
)


def figures(result):
  """Everything but the time it took."""
  return [
    dataclasses.replace(trial, seconds=0, cpu_seconds=0) for trial in result.trials
  ], result.checked


@pytest.fixture(scope='module')
def whole(space, dataset, tmp_path_factory):
  """A search that was not killed, and its folder."""
  folder = tmp_path_factory.mktemp('whole')
  return nas.search(dataset, space, LIMITS, PLAIN, folder), folder


def test_every_trial_keeps_the_limits_and_none_comes_twice(whole, space):
  result, _ = whole
  assert len(result.trials) == 10 == len({trial.picks for trial in result.trials})
  for trial in result.trials:
    assert trial.needs.arena_required <= 3_000 and trial.needs.flash <= 9_000
  assert result.checked >= 10 and result.space.head.classes == 2


def test_files_say_what_was_found(whole):
  result, folder = whole
  lines = (folder / 'search.jsonl').read_text().splitlines()
  assert len(lines) == 11 and json.loads(lines[0])['schema_version'] == 2
  found = json.loads((folder / 'search.json').read_text())
  assert found == result.to_json() and found['finalists'] == []
  with open(folder / 'trials.csv') as file:
    rows = list(csv.DictReader(file))
  assert [float(row['score']) for row in rows] == [trial.score for trial in result.trials]
  on_front = [int(row['trial']) for row in rows if row['on_front'] == '1']
  assert on_front == sorted(trial.number for trial in result.front)
  assert result.best.number in on_front


class Killed(Exception):
  pass


@pytest.mark.parametrize(
  'strategy',
  [
    'evolution',
    *(pytest.param(n, marks=pytest.mark.slow) for n in ('aging', 'bayesian', 'greedy')),
  ],
)
def test_a_search_that_is_killed_and_resumed_gives_the_same(space, dataset, tmp_path, strategy):
  if strategy == 'bayesian':
    pytest.importorskip('optuna')
  settings = {'evolution': PLAIN.settings, 'aging': {'population': 4, 'tournament': 2}}
  options = dataclasses.replace(PLAIN, strategy=strategy, settings=settings.get(strategy, {}))
  plain = nas.search(dataset, space, LIMITS, options)

  def kill(trial):
    if trial.number in (0, 1, 2):
      raise Killed

  for _ in range(3):
    with pytest.raises(Killed):
      nas.search(dataset, space, LIMITS, options, tmp_path, resume=True, hooks=[kill])
  resumed = nas.search(dataset, space, LIMITS, options, tmp_path, resume=True)
  assert figures(resumed) == figures(plain)


@pytest.mark.slow
def test_a_kill_in_the_middle_of_a_write_loses_that_trial_alone(whole, space, dataset, tmp_path):
  result, folder = whole
  data = (folder / 'search.jsonl').read_bytes()
  rng, again = random.Random(1), tmp_path / 'search.jsonl'
  for size in [0, 10, *(rng.randrange(len(data)) for _ in range(2)), len(data)]:
    again.write_bytes(data[:size])
    judged = []
    found = nas.search(dataset, space, LIMITS, PLAIN, tmp_path, resume=True, hooks=[judged.append])
    assert figures(found)[0] == figures(result)[0]
    assert len(judged) == 10 - max(0, data[:size].count(b'\n') - 1)
    assert len(again.read_bytes().splitlines()) == 11


def test_more_trials_go_on_where_fewer_ended(whole, space, dataset, tmp_path):
  result, _ = whole
  fewer = dataclasses.replace(PLAIN, trials=6)
  nas.search(dataset, space, LIMITS, fewer, tmp_path)
  found = nas.search(dataset, space, LIMITS, PLAIN, tmp_path, resume=True)
  assert figures(found)[0] == figures(result)[0]


def _changed(line, **fields):
  return json.dumps({**json.loads(line), **fields})


DAMAGES = {
  'no JSON': (lambda lines: [lines[0], '{', *lines[2:]], 'line 2 is no JSON object'),
  'deep': (lambda lines: ['[' * 100_000], 'line 1 is no JSON object'),
  'version': (lambda lines: [_changed(lines[0], schema_version=7)], r'schema_version 7, not 2'),
  'settings': (lambda lines: [_changed(lines[0], settings=3)], 'line 1 has no settings'),
  'gap': (lambda lines: [*lines[:2], *lines[3:]], 'line 3: is not trial 1'),
  'score': (lambda lines: [lines[0], _changed(lines[1], score='9')], 'line 2: 9 is no number'),
  'nan': (lambda lines: [lines[0], _changed(lines[1], score=float('nan'))], 'nan is no number'),
  'spec': (lambda lines: [lines[0], _changed(lines[1], spec='x')], 'another spec'),
  'picks': (lambda lines: [lines[0], _changed(lines[1], picks=[99])], 'line 2: space "small"'),
  'type': (lambda lines: [lines[0], _changed(lines[1], picks=4)], 'line 2: '),
  'needs': (lambda lines: [lines[0], _changed(lines[1], needs={})], "line 2: no field 'bound_by'"),
}


@pytest.mark.parametrize('name', DAMAGES)
def test_a_damaged_state_is_named_and_kept(whole, space, dataset, tmp_path, name):
  damage, message = DAMAGES[name]
  lines = (whole[1] / 'search.jsonl').read_text().splitlines()
  file = tmp_path / 'search.jsonl'
  file.write_text('\n'.join(damage(lines)) + '\n')
  before = file.read_bytes()
  with pytest.raises(TflmPatchError, match=message) as caught:
    nas.search(dataset, space, LIMITS, PLAIN, tmp_path, resume=True)
  assert 'search.jsonl: ' in str(caught.value) and '\n' not in str(caught.value)
  assert 'it is kept' in str(caught.value) and file.read_bytes() == before


def test_a_state_of_another_search_is_named(whole, space, dataset):
  _, folder = whole
  for options, message in (
    (dataclasses.replace(PLAIN, seed=2), 'had seed 1, not 2'),
    (dataclasses.replace(PLAIN, strategy='random', settings={}), 'had strategy "evolution"'),
  ):
    with pytest.raises(TflmPatchError, match=message):
      nas.search(dataset, space, LIMITS, options, folder, resume=True)
  with pytest.raises(TflmPatchError, match='--resume goes on with it, --overwrite begins anew'):
    nas.search(dataset, space, LIMITS, PLAIN, folder)


def test_candidates_of_another_version_are_not_mixed_in(whole, space, dataset, tmp_path):
  lines = (whole[1] / 'search.jsonl').read_text().splitlines()
  swapped = [_changed(lines[2], trial=0), _changed(lines[1], trial=1)]
  (tmp_path / 'search.jsonl').write_text('\n'.join([lines[0], *swapped]) + '\n')
  with pytest.raises(TflmPatchError, match='trial 0 of the state is another candidate'):
    nas.search(dataset, space, LIMITS, PLAIN, tmp_path, resume=True)


@pytest.mark.slow
def test_a_full_disk_keeps_what_was_done(space, dataset, tmp_path, monkeypatch):
  written = []
  sync = os.fsync

  def full(handle):
    written.append(handle)
    if len(written) == 5:
      raise OSError(28, 'No space left on device')
    sync(handle)

  monkeypatch.setattr('tflm_patch.nas.state.os.fsync', full)
  with pytest.raises(TflmPatchError, match=r'no space left .* make room and go on with --resume'):
    nas.search(dataset, space, LIMITS, PLAIN, tmp_path)
  monkeypatch.undo()
  assert len((tmp_path / 'search.jsonl').read_text().splitlines()) == 4
  found = nas.search(dataset, space, LIMITS, PLAIN, tmp_path, resume=True)
  assert figures(found) == figures(nas.search(dataset, space, LIMITS, PLAIN))


def test_limits_that_nothing_keeps_leave_no_search_behind(space, dataset, tmp_path):
  with pytest.raises(TflmPatchError, match='nothing keeps the limits; its smallest network, in8x8'):
    nas.search(dataset, space, nas.Objectives.of(arena=500), PLAIN, tmp_path)
  assert not (tmp_path / 'search.jsonl').exists()


def test_classes_of_very_different_sizes_are_noted(space, dataset):
  kept = np.flatnonzero((dataset.train.targets == 0) | (np.arange(160) < 10))
  train = Part(dataset.train.inputs[kept], dataset.train.targets[kept])
  uneven = dataclasses.replace(dataset, train=train)
  found = nas.search(uneven, space, LIMITS, dataclasses.replace(PLAIN, trials=1))
  (note,) = found.notes
  assert note.startswith('class "column" has 80 training examples, class "row" only 5')
  assert note in summary(found, []) and found.to_json()['notes'] == [note]
  assert nas.search(dataset, space, LIMITS, dataclasses.replace(PLAIN, trials=1)).notes == ()


def test_the_first_stage_narrows_the_space(space, dataset):
  lines = []
  options = dataclasses.replace(PLAIN, first_stage=5, trials=3)
  found = nas.search(dataset, space, LIMITS, options, progress=lines.append)
  assert len(found.space.inputs) == len(found.space.widths) == 1
  assert any(line.startswith('First stage: small ') for line in lines)
  assert any('3 checked' in line or 'checked, 100 % done' in line for line in lines)


def test_a_fitness_and_hooks_of_ones_own(space, dataset):
  class Shallow:
    def __init__(self, data):
      assert data.divided((8, 8, 1)).classes == ('column', 'row')

    def evaluate(self, specs, budget):
      return [-len(spec.blocks) * budget.epochs for spec in specs]

  seen = []
  options = dataclasses.replace(PLAIN, fitness=Shallow, strategy='greedy', settings={})
  found = nas.search(dataset, space, LIMITS, options, hooks=[seen.append])
  assert seen == list(found.trials) and found.best.number == 0
  assert found.to_json()['fitness'] == 'Shallow'


def test_scores_without_end_are_kept_finite(space, dataset, tmp_path):
  class Endless:
    def __init__(self, data):
      del data

    def evaluate(self, specs, budget):
      return [float('-inf') for _ in specs]

  options = dataclasses.replace(PLAIN, fitness=Endless, strategy='random', settings={}, trials=2)
  nas.search(dataset, space, LIMITS, options, tmp_path)
  nas.search(dataset, space, LIMITS, options, tmp_path, resume=True)


@pytest.mark.parametrize(
  ('fields', 'message'),
  [({'trials': 0}, 'trials is 0'), ({'minutes': -1}, 'minutes'), ({'top': -1}, 'top is -1')],
)
def test_options_that_mean_nothing(fields, message):
  with pytest.raises(TflmPatchError, match=message):
    nas.SearchOptions(**fields)
  with pytest.raises(TflmPatchError, match='among 2 candidates or more, not 1'):
    nas.Prefilter('flops', of=1)


def test_minutes_are_shared_with_the_finalists():
  options = nas.SearchOptions(minutes=10, top=2)
  assert options.progress(5, 180, 9999) == pytest.approx(0.5)
  assert options.final_training.minutes == pytest.approx(2) and options.final_training.seed == 1
  of_cpu = nas.SearchOptions(cpu_minutes=10, top=2)
  assert of_cpu.progress(5, 9999, 180) == pytest.approx(0.5) and of_cpu.progress(0, 0, 360) == 1
  final = of_cpu.final_training
  assert final.cpu_minutes == pytest.approx(2) and final.minutes is None
  with pytest.raises(TflmPatchError, match='not of the engine ray'):
    nas.SearchOptions(cpu_minutes=1, engine=nas.EngineOptions('ray'))


def test_a_search_ends_when_its_cpu_time_is_used(space, dataset, tmp_path):
  options = dataclasses.replace(PLAIN, trials=None, cpu_minutes=0.01)
  result = nas.search(dataset, space, LIMITS, options, tmp_path)
  assert result.trials and 0.36 <= result.cpu_seconds == pytest.approx(
    sum(trial.cpu_seconds for trial in result.trials)
  )
  assert nas.search(dataset, space, LIMITS, options, tmp_path, resume=True).trials == result.trials
  given = nas.SearchOptions(minutes=10, training=TrainOptions(epochs=3)).final_training
  assert given.minutes is None and given.epochs == 3


def test_a_search_that_had_hardly_any_time_says_so(space, dataset):
  def notes(**limits):
    options = dataclasses.replace(PLAIN, strategy='random', settings={}, trials=None)
    return nas.search(dataset, space, LIMITS, dataclasses.replace(options, **limits)).notes

  (note,) = notes(cpu_minutes=1e-9)
  assert note.startswith('there was time to judge 1 of many candidates: give more minutes')
  assert notes(trials=2) == () == notes(trials=1, cpu_minutes=1e-9)


def test_nothing_is_written_without_a_folder(space):
  state = StateFile(None, space, {})
  state.begin()
  assert fitness_of('flops', Surroundings(None, space))


def test_a_search_that_trains(keras, space, dataset, tmp_path):
  """To the end: the winner's arena in TFLM is the figure that it was chosen by."""
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  from tflm_patch.report.search import write_report

  plain = TrainOptions(augmentation=NONE)
  options = nas.SearchOptions(
    settings={'population': 2, 'parents': 1},
    effort=nas.Effort(epochs=2, batch_size=16, training=plain),
    trials=3,
    top=1,
    training=TrainOptions(epochs=6, batch_size=16, augmentation=NONE, average=0.9),
  )
  result = nas.search(dataset, space, LIMITS, options, tmp_path)
  (winner,) = result.finalists
  assert winner.trial == result.best
  assert winner.training.arena_total == winner.trial.needs.arena <= 3_000
  assert winner.arena_in_tflm == winner.training.converted.converted_arena_host.total
  assert winner.arena_as_predicted and winner.training.verified
  assert winner.training.int8.score > 70
  for name in (
    'model.keras',
    'model.tflite',
    'model_patch.tflite',
    'spec.txt',
    'c_array/README.md',
  ):
    assert (tmp_path / 'top1' / name).stat().st_size, name
  assert (tmp_path / 'top1/spec.txt').read_text() == f'{winner.trial.spec}\n'
  written = write_report(result, tmp_path, 'tflm-patch search <command>')
  page = (tmp_path / 'report.html').read_text()
  assert 'report.html' in written and 'src=' not in page and 'http' not in page
  for text in (winner.trial.spec.split()[1], f'{winner.training.arena_total:,}', '&lt;command&gt;'):
    assert text in page, text
  again = nas.search(dataset, space, LIMITS, options, tmp_path, resume=True)
  assert figures(again) == figures(result)
  assert again.finalists[0].training.int8 == winner.training.int8


def test_a_search_that_trains_one_supernet_for_all(keras, space, dataset, tmp_path):
  if keras.backend.backend() != 'tensorflow':
    pytest.skip('slices are for TensorFlow')
  said = []
  options = nas.SearchOptions(
    fitness='supernet',
    settings={'population': 4, 'parents': 2},
    effort=nas.Effort(epochs=1, batch_size=16, training=TrainOptions(augmentation=NONE)),
    trials=6,
    top=0,
  )
  result = nas.search(dataset, space, LIMITS, options, tmp_path, progress=said.append)
  assert (tmp_path / 'supernet/supernet.npz').stat().st_size
  assert sum('Epoch of all' in text for text in said) >= 1
  assert all(0 <= trial.score <= 100 for trial in result.trials) and result.best.score > 60
  # A killed search takes the trained supernet, and asks and finds the same.
  lines = (tmp_path / 'search.jsonl').read_text().splitlines(keepends=True)
  (tmp_path / 'search.jsonl').write_text(''.join(lines[:3]))
  again = nas.search(dataset, space, LIMITS, options, tmp_path, resume=True)
  assert figures(again) == figures(result)


def test_a_prefilter_is_part_of_the_search(space, dataset, tmp_path):
  before = nas.Prefilter('parameters', of=4)
  options = dataclasses.replace(PLAIN, strategy='random', settings={}, prefilter=before)
  plain = nas.search(dataset, space, LIMITS, dataclasses.replace(options, prefilter=None))
  result = nas.search(dataset, space, LIMITS, options, tmp_path)
  weights = [sum(trial.needs.flash for trial in each.trials) for each in (plain, result)]
  assert weights[1] > weights[0] and result.checked > plain.checked
  # The score is the work: its order is that of MACs.
  assert result.rank_correlations['macs'] == 1
  assert set(result.rank_correlations) == {'macs', 'flash', 'parameters'}
  assert result.to_json()['prefilter'] == {'proxy': 'parameters', 'of': 4}
  with pytest.raises(TflmPatchError, match='had prefilter'):
    other = dataclasses.replace(options, prefilter=nas.Prefilter('flops', of=4))
    nas.search(dataset, space, LIMITS, other, tmp_path, resume=True)
