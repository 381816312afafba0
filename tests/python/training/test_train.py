# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Trainings: on any backend what they give, on TensorFlow that a kill loses nothing."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

from tflm_patch import read_model
from tflm_patch.errors import TflmPatchError
from tflm_patch.training import Budgets, Dataset, Part, Task, TrainOptions, Windows, train
from tflm_patch.training.data.augmentation import NONE
from tflm_patch.training.data.series import read_series
from tflm_patch.training.evaluation import int8_score
from tflm_patch.training.train import calibration_samples, spec_for

SPEC = 'in8x8x1 conv3_s2_c8 fc10'


def bars(count, seed):
  """Images of two classes: a bright row, a bright column."""
  rng = np.random.default_rng(seed)
  images = rng.integers(0, 60, (count, 8, 8, 1), np.uint8)
  labels = np.arange(count) % 2
  for image, label in zip(images, labels):
    place = rng.integers(8)
    image[(place, slice(None)) if label else (slice(None), place)] += 150
  return Part(images, labels)


def dataset():
  return Dataset(bars(256, 1), bars(50, 2), ('column', 'row'))


@pytest.fixture(scope='module')
def trained(keras, tmp_path_factory):
  folder = tmp_path_factory.mktemp('trained')
  options = TrainOptions(epochs=6, batch_size=16, augmentation=NONE, average=0.9)
  return train(dataset(), SPEC, options, Budgets(4096, 16384), folder)


def test_it_learns_and_meets_its_budgets(trained):
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  assert trained.int8.score > 90 and trained.float_score > 90
  assert trained.int8.by == 'TFLM' and trained.verified is True
  assert np.array(trained.int8.confusion).sum() == 50
  assert trained.arena_total <= 4096 and not trained.missed()
  losses = [row.loss for row in trained.history]
  assert len(losses) == 6 and losses[-1] < losses[0] / 2


def test_int8_inputs_are_pixels_less_128(trained):
  model = trained.quantized.model
  quantization = model.main.tensors[model.main.inputs[0]].quantization
  assert quantization.scale == 1 / 128 and quantization.zero_point == 0


def test_files(trained):
  from tflm_patch.quantization import load_keras_model

  folder = trained.folder
  assert (folder / 'model_patch.tflite').read_bytes() == trained.converted.data
  assert read_model(folder / 'model.tflite').main.operators
  assert load_keras_model(folder / 'model.keras').output_shape == (None, 2)
  found = json.loads((folder / 'result.json').read_text())
  assert found['schema_version'] == 1 and found['int8_score'] == trained.int8.score
  assert found['classes'] == ['column', 'row'] and found['file_bytes'] == trained.file_bytes


def test_without_the_interpreter_the_exact_network_judges(trained, monkeypatch):
  from tflm_patch.errors import EnvironmentMissing
  from tflm_patch.runtime import tflm

  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')

  def absent():
    raise EnvironmentMissing('not here')

  monkeypatch.setattr(tflm, 'require_wheel', absent)
  part = trained.dataset.test
  found = int8_score(
    trained.quantized.model, trained.converted.data, trained.dataset, part, lambda text: None
  )
  assert found.by == 'exact'
  assert (found.score, found.confusion) == (trained.int8.score, trained.int8.confusion)


def test_a_folder_that_holds_a_training_is_left_alone(trained):
  with pytest.raises(TflmPatchError, match='--resume goes on with it, --overwrite begins anew'):
    train(dataset(), SPEC, output=trained.folder)


def test_a_finished_training_that_is_resumed_is_only_measured_again(trained):
  found = train(
    dataset(), SPEC, trained.options, trained.budgets, trained.folder, resume=True
  )
  assert found.converted.data == trained.converted.data
  with pytest.raises(TflmPatchError, match='had seed 1, not 2'):
    train(dataset(), SPEC, TrainOptions(seed=2), output=trained.folder, resume=True)


@pytest.mark.parametrize(
  ('budgets', 'message'),
  [
    (Budgets(arena_bytes=300), r'the arena will be [\d,]+ bytes, [\d,]+ more than the budget'),
    (Budgets(flash_bytes=500), r'will have about [\d,]+ bytes, [\d,]+ more than the flash budget'),
    (Budgets(arena_bytes=25_000), '--input-rows 1 makes it'),
  ],
)
def test_budgets_are_checked_before_the_first_epoch(keras, budgets, message):
  lines = []
  line = 'in96x96x3 conv3_s2_c8 fc2'
  pixels = Part(np.zeros((4, 96, 96, 3), np.uint8), np.arange(4) % 2)
  data = dataset() if budgets.arena_bytes != 25_000 else Dataset(pixels, pixels, ('a', 'b'))
  with pytest.raises(TflmPatchError, match=message):
    train(data, line if data.input_shape[0] == 96 else SPEC, TrainOptions(), budgets)
  assert not any(line.startswith('Epoch') for line in lines)


def test_a_rate_that_is_too_high_is_said(keras):
  options = TrainOptions(epochs=40, learning_rate=1e20, weight_decay=0.0, batch_size=16)
  with pytest.raises(TflmPatchError, match='not finite in epoch .* use a lower learning rate'):
    train(dataset(), SPEC, options)


def test_spec_takes_input_and_classes_of_the_data():
  spec = spec_for('mobilenet_v2:0.35', dataset())
  assert spec.input_shape == (8, 8, 1) and spec.classes == 2
  with pytest.raises(TflmPatchError, match='no head for classes'):
    spec_for('ad_autoencoder', dataset())


def test_samples_hold_black_and_white():
  samples = calibration_samples(dataset())
  assert samples.min() == -1 and samples.max() == 127 / 128
  assert dataset().train.inputs.max() < 255


def test_forecasts(keras, tmp_path):
  """A sine is told two steps ahead, in its own units."""
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  np.savez(tmp_path / 'a.npz', series=100 + 20 * np.sin(np.arange(600) / 5))
  found = read_series(tmp_path / 'a.npz', windows=Windows(16, 2))
  options = TrainOptions(epochs=8, batch_size=32, optimizer='adamw', learning_rate=0.01)
  result = train(found, 'in1x1x1 conv5x1_s2x1_c8 flatfc2', options)
  assert result.dataset.task is Task.REGRESSION and not result.int8.confusion
  assert result.int8.score < 3  # of an amplitude of 20
  assert result.verified


RUN = """
import os, pathlib, signal, sys
import keras, numpy as np
sys.path.insert(0, sys.argv[1])
from test_train import dataset
from tflm_patch.training import Augmentation, TrainOptions, train

class Kill(keras.callbacks.Callback):
  steps = 0
  def on_train_batch_end(self, batch, logs=None):
    self.steps += 1
    if self.steps == 21:
      os.kill(os.getpid(), signal.SIGKILL)

assert keras.backend.backend() == 'tensorflow'
options = TrainOptions(
  epochs=4, batch_size=32, threads=1, dropout=0.3, checkpoint_seconds=0.05,
  augmentation=Augmentation(rotation=10, mixup=0.2),
)
folder = pathlib.Path(sys.argv[2])
spec = 'in8x8x1 conv3_s2_c8 ir_k3_e2_c8 fc2'
if sys.argv[3] == 'resume':
  train(dataset(), spec, options, output=folder / 'killed', resume=True)
else:
  train(dataset(), spec, options, output=folder / 'whole')
  train(dataset(), spec, options, output=folder / 'killed', callbacks=[Kill()])
"""


def run_on_tensorflow(folder, what):
  pytest.importorskip('tensorflow')
  here = pathlib.Path(__file__).parent
  return subprocess.run(
    [sys.executable, '-c', RUN, here, folder, what],
    env={**os.environ, 'KERAS_BACKEND': 'tensorflow', 'TF_CPP_MIN_LOG_LEVEL': '3'},
    capture_output=True,
    text=True,
  )


def test_a_kill_in_the_middle_of_an_epoch_loses_nothing(tmp_path):
  """The weights are those of a training that was not killed, bit by bit."""
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  killed = run_on_tensorflow(tmp_path, 'kill')
  assert killed.returncode == -signal.SIGKILL, killed.stderr
  with np.load(tmp_path / 'killed' / 'checkpoint.npz') as archive:
    state = json.loads(archive['state'].tobytes())
  assert state['epoch'] == 2 and 0 < state['step'] < 8
  assert not (tmp_path / 'killed' / 'model.tflite').exists()
  resumed = run_on_tensorflow(tmp_path, 'resume')
  assert resumed.returncode == 0, resumed.stderr
  for name in ('model.tflite', 'model_patch.tflite'):
    ours, theirs = ((tmp_path / each / name).read_bytes() for each in ('killed', 'whole'))
    assert ours == theirs, name
  with (
    np.load(tmp_path / 'killed' / 'checkpoint.npz') as ours,
    np.load(tmp_path / 'whole' / 'checkpoint.npz') as theirs,
  ):
    assert set(ours.files) == set(theirs.files)
    for name in set(ours.files) - {'state'}:
      np.testing.assert_array_equal(ours[name], theirs[name], name)
