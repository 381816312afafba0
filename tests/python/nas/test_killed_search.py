# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A search that trains, killed while it judges and while it trains the winner.

Each run is a process of its own on TensorFlow, the backend to train with.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import os, signal, sys
sys.path[:0] = sys.argv[1].split(os.pathsep)
from support.small_space import SMALL
from support.bars import bars
from tflm_patch import nas
from tflm_patch.training import Dataset, TrainOptions

when = sys.argv[3]
data = Dataset(bars(160, 1), bars(40, 2), ('column', 'row'))
plain = TrainOptions(learning_rate=0.05)
options = nas.SearchOptions(
  fitness=sys.argv[4],
  settings={'population': 2, 'parents': 1},
  effort=nas.Effort(epochs=1, batch_size=32, threads=1, training=plain),
  trials=2,
  training=TrainOptions(epochs=3, batch_size=32, average=0.9, checkpoint_seconds=1e-6),
)


def kill():
  os.kill(os.getpid(), signal.SIGKILL)


def judged(trial):
  if when == 'first trial' and trial.number == 0:
    kill()


def progress(text):
  if when == 'second trial' and text.startswith('Judging candidate 2'):
    kill()
  if when == 'winner' and 'Finalist 1 of 1: Epoch 2' in text:
    kill()


limits = nas.Objectives.of(arena=3_000, flash=12_000)
nas.search(
  data, nas.space_from_json(SMALL), limits, options, sys.argv[2], resume=True, hooks=[judged],
  progress=progress,
)
"""


def run(folder, fitness, when=''):
  here = pathlib.Path(__file__).parent
  path = os.pathsep.join(map(str, (here, here.parents[1])))
  return subprocess.run(
    [sys.executable, '-c', SCRIPT, path, folder, when, fitness],
    env={**os.environ, 'KERAS_BACKEND': 'tensorflow', 'TF_CPP_MIN_LOG_LEVEL': '3'},
    capture_output=True,
    text=True,
  )


def trials(folder):
  """Everything but the time it took."""
  lines = [json.loads(line) for line in (folder / 'search.jsonl').read_text().splitlines()]
  return [{name: line[name] for name in line if 'seconds' not in name} for line in lines]


@pytest.mark.parametrize('fitness', ['trained', 'supernet'])
def test_kills_change_neither_the_trials_nor_the_winner(tmp_path, fitness):
  """With a supernet the winner begins with what it inherits, in every run."""
  pytest.importorskip('tensorflow')
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  whole, killed = tmp_path / 'whole', tmp_path / 'killed'
  done = run(whole, fitness)
  assert done.returncode == 0, done.stderr
  for when in ('first trial', 'second trial', 'winner'):
    assert run(killed, fitness, when).returncode == -signal.SIGKILL, when
  resumed = run(killed, fitness)
  assert resumed.returncode == 0, resumed.stderr
  assert trials(killed) == trials(whole) and len(trials(whole)) == 3
  for name in ('model.tflite', 'model_patch.tflite', 'spec.txt'):
    assert (killed / 'top1' / name).read_bytes() == (whole / 'top1' / name).read_bytes(), name
