# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Trainings: what they give, and that a kill loses nothing.

They run in two processes of their own on TensorFlow, the backend to train with; one here, on
the backend of all tests.
"""

import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
from support.bars import bars

from tflm_patch import read_model
from tflm_patch.errors import TflmPatchError
from tflm_patch.training import Budgets, Dataset, Part, TrainOptions, train
from tflm_patch.training.data.augmentation import NONE
from tflm_patch.training.int8_inference import Engine
from tflm_patch.training.run import calibration_samples, spec_for

pytestmark = pytest.mark.slow

SPEC = 'in8x8x1 conv3_s2_c8 ir_k3_e2_c8 fc10'


def dataset():
  return Dataset(bars(256, 1), bars(50, 2), ('column', 'row'))


FIRST = """
import dataclasses, json, os, pathlib, signal, sys
import keras, numpy as np
sys.path[:0] = sys.argv[1].split(os.pathsep)
from test_train import SPEC, dataset
from tflm_patch.errors import TflmPatchError
from tflm_patch.report.training import write_report
from tflm_patch.training import Augmentation, Budgets, TrainOptions, Windows, read_series, train
from tflm_patch.training.data.augmentation import NONE

assert keras.backend.backend() == 'tensorflow'
folder = pathlib.Path(sys.argv[2])
options = TrainOptions(
  epochs=6, batch_size=16, augmentation=NONE, average=0.9, learning_rate=0.05, threads=1
)
plain = train(dataset(), SPEC, options, Budgets(4096, 16384), folder / 'plain')
write_report(plain, folder / 'plain', 'tflm-patch train <command>')
plain = plain.to_json()
for name, more in (('again', {}), ('aware', {'qat_epochs': 1})):
  changed = dataclasses.replace(options, **more)
  found = train(dataset(), SPEC, changed, Budgets(4096), folder / 'plain', resume=True)
  (folder / f'{name}.json').write_text(json.dumps({'first': plain, **found.to_json()}))

np.savez(folder / 'sine.npz', series=100 + 20 * np.sin(np.arange(600) / 5))
sine = read_series(folder / 'sine.npz', windows=Windows(16, 2))
rate = TrainOptions(epochs=8, batch_size=32, optimizer='adamw', learning_rate=0.01)
found = train(sine, 'in1x1x1 conv5x1_s2x1_c8 flatfc2', rate)
(folder / 'sine.json').write_text(json.dumps(found.to_json()))

try:
  hot = TrainOptions(epochs=40, learning_rate=1e20, weight_decay=0.0, batch_size=16)
  train(dataset(), SPEC, hot)
except TflmPatchError as error:
  (folder / 'hot.txt').write_text(str(error))


class Kill(keras.callbacks.Callback):
  steps = 0
  def on_train_batch_end(self, batch, logs=None):
    self.steps += 1
    if self.steps == 21:
      os.kill(os.getpid(), signal.SIGKILL)

varied = TrainOptions(
  epochs=4, batch_size=32, threads=1, dropout=0.3, checkpoint_seconds=1e-6,
  augmentation=Augmentation(rotation=10, mixup=0.2),
)
train(dataset(), SPEC, varied, output=folder / 'whole')
train(dataset(), SPEC, varied, output=folder / 'killed', callbacks=[Kill()])
"""
_BEGINNING, _VARIED = FIRST.split('plain = ')[0], FIRST.split('varied = ')[1].split(')\n')[0]
AGAIN = f"""{_BEGINNING}
varied = {_VARIED})
train(dataset(), SPEC, varied, output=folder / 'killed', resume=True)
"""


def run(script, folder):
  here = pathlib.Path(__file__).parent
  path = os.pathsep.join(map(str, (here, here.parents[1])))
  return subprocess.run(
    [sys.executable, '-c', script, path, folder],
    env={**os.environ, 'KERAS_BACKEND': 'tensorflow', 'TF_CPP_MIN_LOG_LEVEL': '3'},
    capture_output=True,
    text=True,
  )


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
  """The folder of everything that was trained; the last training was killed."""
  pytest.importorskip('tensorflow')
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  folder = tmp_path_factory.mktemp('trained')
  done = run(FIRST, folder)
  assert done.returncode == -signal.SIGKILL, done.stderr
  return folder


def figures(folder, name):
  return json.loads((folder / f'{name}.json').read_text())


def test_it_learns_and_meets_its_budgets(trained):
  found = figures(trained, 'again')['first']
  assert found['int8_score'] > 90 and found['float_score'] > 90
  assert found['int8_by'] == 'TFLM' and found['verified'] is True
  assert np.array(found['confusion']).sum() == 50
  assert found['arena_total'] <= 4096 and not found['missed']
  losses = [row['loss'] for row in found['history']]
  assert len(losses) == 6 and losses[-1] < losses[0] / 2


def test_int8_inputs_are_pixels_less_128(trained):
  model = read_model(trained / 'plain' / 'model.tflite')
  quantization = model.main.tensors[model.main.inputs[0]].quantization
  assert quantization.scale == 1 / 128 and quantization.zero_point == 0


def test_files(trained, keras):
  from tflm_patch.quantization import load_keras_model

  folder = trained / 'plain'
  converted = read_model(folder / 'model_patch.tflite')
  assert len(converted.main.operators) == 1
  assert load_keras_model(folder / 'model.keras').output_shape == (None, 2)
  found = json.loads((folder / 'result.json').read_text())
  assert found['schema_version'] == 1 and found['classes'] == ['column', 'row']
  assert found['file_bytes'] == (folder / 'model_patch.tflite').stat().st_size


def test_the_report_needs_nothing_else(trained):
  found = figures(trained, 'again')['first']
  page = (trained / 'plain' / 'report.html').read_text()
  assert 'src=' not in page and 'href=' not in page and 'http' not in page
  for text in (
    f'{found["int8_score"]:.2f} %',
    f'{found["arena_total"]:,} B',
    'of 4,096',
    'tflm-patch train &lt;command&gt;',
    'column',
  ):
    assert text in page, text
  pytest.importorskip('matplotlib')
  assert (trained / 'plain' / 'report.png').read_bytes().startswith(b'\x89PNG')


def test_a_finished_training_that_is_resumed_is_only_measured_again(trained):
  found = figures(trained, 'again')
  for name in ('int8_score', 'confusion', 'file_bytes', 'history'):
    assert found[name] == found['first'][name]


def test_quantization_aware_epochs_follow(trained):
  found = figures(trained, 'aware')
  assert [row['epoch'] for row in found['history']] == [1, 2, 3, 4, 5, 6, 7]
  assert found['int8_score'] > 90 and found['verified'] is True
  assert found['seconds'] > found['first']['seconds']


def test_forecasts(trained):
  """A sine is told two steps ahead, in its own units."""
  found = figures(trained, 'sine')
  assert found['task'] == 'regression' and found['confusion'] == []
  assert found['int8_score'] < 5  # of an amplitude of 20
  assert found['verified'] is True
  assert found['targets_by']['offset'] == pytest.approx([100, 100], abs=3)


def test_a_rate_that_is_too_high_is_said(trained):
  text = (trained / 'hot.txt').read_text()
  assert 'the loss is not finite in epoch' in text and 'use a lower learning rate' in text


def test_a_kill_in_the_middle_of_an_epoch_loses_nothing(trained):
  """The weights are those of a training that was not killed, bit by bit."""
  folder = trained / 'killed'
  with np.load(folder / 'checkpoint.npz') as archive:
    state = json.loads(archive['state'].tobytes())
  assert state['epoch'] == 2 and 0 < state['step'] < 8
  assert not (folder / 'model.tflite').exists()
  resumed = run(AGAIN, trained)
  assert resumed.returncode == 0, resumed.stderr
  for name in ('model.tflite', 'model_patch.tflite'):
    assert (folder / name).read_bytes() == (trained / 'whole' / name).read_bytes(), name
  with (
    np.load(folder / 'checkpoint.npz') as ours,
    np.load(trained / 'whole' / 'checkpoint.npz') as theirs,
  ):
    assert set(ours.files) == set(theirs.files)
    for name in set(ours.files) - {'state'}:
      np.testing.assert_array_equal(ours[name], theirs[name], name)


def small_model(keras):
  layers = keras.layers
  return keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(2)], name='flat')


def test_a_keras_model_on_the_backend_of_all_tests(keras, tmp_path):
  options = TrainOptions(epochs=3, batch_size=64, augmentation=NONE, learning_rate=0.02)
  result = train(dataset(), small_model(keras), options, output=tmp_path)
  assert result.name == 'flat' and result.int8.examples == 50
  assert result.history[-1].loss < result.history[0].loss
  assert result.int8.by is not Engine.TFLM or result.verified
  with pytest.raises(TflmPatchError, match='--resume goes on with it, --overwrite begins anew'):
    train(dataset(), small_model(keras), options, output=tmp_path)
  other = dataclasses.replace(options, seed=2)
  with pytest.raises(TflmPatchError, match='had seed 1, not 2'):
    train(dataset(), small_model(keras), other, output=tmp_path, resume=True)


def test_a_keras_model_that_does_not_fit_the_data(keras):
  layers = keras.layers
  model = keras.Sequential([keras.Input((9, 9, 1)), layers.Flatten(), layers.Dense(2)], name='big')
  with pytest.raises(TflmPatchError, match=r'big: takes \[9, 9, 1\] and gives \[2\]; the data'):
    train(dataset(), model)


@pytest.mark.parametrize(
  ('side', 'budgets', 'message'),
  [
    (8, Budgets(arena_bytes=300), r'arena will be [\d,]+ bytes, [\d,]+ more than the budget'),
    (8, Budgets(flash_bytes=500), r'have about [\d,]+ bytes, [\d,]+ more than the flash budget'),
    (96, Budgets(arena_bytes=25_000), '--input-rows 1 makes it'),
  ],
)
def test_budgets_are_checked_before_the_first_epoch(keras, side, budgets, message):
  lines = []
  pixels = Part(np.zeros((4, side, side, 3), np.uint8), np.arange(4) % 2)
  data = Dataset(pixels, pixels, ('a', 'b'))
  with pytest.raises(TflmPatchError, match=message):
    train(data, 'in8x8x3 conv3_s2_c8 fc2', TrainOptions(), budgets, progress=lines.append)
  assert lines == ['Checking the budgets']


def test_spec_takes_input_and_classes_of_the_data():
  spec = spec_for('mobilenet_v2:0.35', dataset())
  assert spec.input_shape == (8, 8, 1) and spec.classes == 2
  with pytest.raises(TflmPatchError, match='no head for classes'):
    spec_for('ad_autoencoder', dataset())


def test_samples_hold_black_and_white():
  samples = calibration_samples(dataset())
  assert samples.min() == -1 and samples.max() == 127 / 128
  assert dataset().train.inputs.max() < 255
