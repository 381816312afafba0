# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints are whole, without pickle, and belong to one training."""

import subprocess
import sys

import numpy as np
import pytest

from tflm_patch.errors import TflmPatchError
from tflm_patch.training import checkpoint
from tflm_patch.training.checkpoint import EpochRow, State

GROUPS = {'model': [np.arange(6.0).reshape(2, 3), np.float32(2)], 'average': []}
SHAPES = {'model': [(2, 3), ()], 'average': []}
SETTINGS = {'seed': 1, 'classes': ('a', 'b')}


def state():
  rows = [EpochRow(1, 0.5, 0.1, 3.0, 60.0), EpochRow(2, 0.25, 0.0, 6.0)]
  return State(SETTINGS, epoch=2, step=7, seconds=6.5, cpu_seconds=9.25, history=rows)


def test_what_is_saved_is_loaded(tmp_path):
  path = tmp_path / 'checkpoint.npz'
  checkpoint.save(path, state(), GROUPS)
  found, groups = checkpoint.load(path, SETTINGS, SHAPES)
  assert (found.epoch, found.step, found.seconds, found.cpu_seconds) == (2, 7, 6.5, 9.25)
  assert found.history == state().history
  np.testing.assert_array_equal(groups['model'][0], GROUPS['model'][0])
  assert [each.name for each in tmp_path.iterdir()] == ['checkpoint.npz']


def test_another_training_is_named(tmp_path):
  path = tmp_path / 'checkpoint.npz'
  checkpoint.save(path, state(), GROUPS)
  with pytest.raises(TflmPatchError, match='had seed 1, not 2'):
    checkpoint.load(path, {**SETTINGS, 'seed': 2}, SHAPES)
  with pytest.raises(TflmPatchError, match=r'model/0 is \[2, 3\], not \[3, 3\]'):
    checkpoint.load(path, SETTINGS, {**SHAPES, 'model': [(3, 3), ()]})


@pytest.mark.parametrize(
  'damage', [lambda data: data[:200], lambda data: b'', lambda data: b'\x80']
)
def test_damaged_files_are_refused(tmp_path, damage):
  path = tmp_path / 'checkpoint.npz'
  checkpoint.save(path, state(), GROUPS)
  path.write_bytes(damage(path.read_bytes()))
  with pytest.raises(TflmPatchError, match='no checkpoint that can be resumed'):
    checkpoint.load(path, SETTINGS, SHAPES)


def test_pickled_objects_are_not_loaded(tmp_path):
  path = tmp_path / 'checkpoint.npz'
  np.savez(path, state=np.array([print], dtype=object))
  with pytest.raises(TflmPatchError, match='no checkpoint that can be resumed'):
    checkpoint.load(path, SETTINGS, SHAPES)


FULL = """
import pathlib, resource, signal, sys
import numpy as np
from tflm_patch.errors import TflmPatchError
from tflm_patch.training import checkpoint
path = pathlib.Path(sys.argv[1])
checkpoint.save(path, checkpoint.State({}, epoch=1), {'model': [np.zeros(10)]})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
  checkpoint.save(path, checkpoint.State({}, epoch=2), {'model': [np.zeros(10_000)]})
except TflmPatchError as error:
  print(error)
"""


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path):
  """A limit on the size of files stands for it."""
  path = tmp_path / 'checkpoint.npz'
  run = subprocess.run([sys.executable, '-c', FULL, path], capture_output=True, text=True)
  assert 'the checkpoint before it is kept; make room and go on with --resume' in run.stdout
  assert len(run.stdout.splitlines()) == 1 and not run.stderr
  assert checkpoint.load(path, {}, {'model': [(10,)]})[0].epoch == 1
  assert [each.name for each in tmp_path.iterdir()] == ['checkpoint.npz']
