# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch train: help, and what is wrong said in one line; nothing is trained here."""

import pytest

from tflm_patch.cli.data_flags import command_line, parse_windows
from tflm_patch.cli.main import main, parser
from tflm_patch.cli.train import _define
from tflm_patch.training.data.series import Windows

SPEC = 'in8x8x1 conv3_s2_c8 fc2'


def lines(capsys):
  return capsys.readouterr().err.splitlines()


def test_defaults_are_in_the_help(capsys):
  assert main(['train', '--help']) == 0
  text = ' '.join(capsys.readouterr().out.split())
  for part in (
    'default: DATA_training in the current folder',
    'default: 60; no limit with minutes',
    '--seed N (default: 1)',
    "decay of the weights' moving average, which is kept; 0 for none (default: 0.99)",
    'begin anew in a folder that holds a training, which is refused otherwise',
  ):
    assert part in text, part


@pytest.mark.parametrize(
  ('more', 'code', 'message'),
  [
    (['--resume', '--overwrite'], 2, 'exclude each other'),
    (['--epochs', '0'], 2, 'no whole number of at least 1'),
    (['--shift', '0.9'], 1, 'augmentation: shift is 0.9; it is from 0 to 0.5'),
    (['--forecast', '8,x'], 2, 'no whole number'),
    (['--forecast', '8'], 1, 'only these can be forecast'),
    (['--anomaly', '0'], 2, 'no whole number of at least 1'),
    (['--anomaly', '8'], 1, 'no series (.npz, .ts); anomalies are told in these only'),
    (['--anomaly', '--quantile', '1.5'], 1, 'quantile is 1.5; it is above 0, and at most 1'),
    (['--anomaly', '8', '--forecast', '8'], 1, 'exclude each other; choose one'),
    ([], 1, 'no such file or folder'),
    (['--model', 'in8x8x1 conv9'], 1, 'the spec ends without a head'),
  ],
)
def test_mistakes_are_one_line(tmp_path, capsys, more, code, message):
  data, out = tmp_path / 'none', tmp_path / 'out'
  arguments = ['train', '--data', str(data), '--model', SPEC, '-o', str(out), *more]
  assert main(arguments) == code
  (line,) = lines(capsys)
  assert message in line
  assert not out.exists() or not any(out.iterdir())


def test_a_class_without_images(tmp_path, capsys):
  image_module = pytest.importorskip('PIL.Image')
  for name in ('cat', 'dog'):
    (tmp_path / 'photos' / name).mkdir(parents=True)
  image_module.new('L', (8, 8)).save(tmp_path / 'photos' / 'cat' / 'a.png')
  arguments = ['--data', str(tmp_path / 'photos'), '--model', SPEC, '-o', str(tmp_path / 'out')]
  assert main(['train', *arguments]) == 1
  (line,) = lines(capsys)
  assert 'class "dog" has no image; add some or remove the folder' in line


def test_a_folder_that_cannot_be_made(tmp_path, capsys):
  (tmp_path / 'file').write_text('')
  out = tmp_path / 'file' / 'out'
  assert main(['train', '--data', str(tmp_path), '--model', SPEC, '-o', str(out)]) == 1
  (line,) = lines(capsys)
  assert 'cannot be made' in line and 'choose another output folder' in line


def test_the_command_of_the_report_says_what_is_not_default():
  words = ['--data', 'a b', '--model', SPEC, '--epochs', '3', '--no-flip', '--arena', '16KB']
  parsed = parser().parse_args(['train', *words, '--seed', '1', '--resume'])
  assert command_line('train', _define, parsed, 'out') == (
    f"tflm-patch train --data 'a b' --model '{SPEC}' --output out --arena 16384 --epochs 3 "
    '--no-flip'
  )
  words = ['--data', 'a', '--model', 'ad_autoencoder', '--anomaly']
  for given in ([], ['16,4']):
    parsed = parser().parse_args(['train', *words, *given])
    assert command_line('train', _define, parsed, 'out').endswith(' '.join(['--anomaly', *given]))


def test_windows():
  assert parse_windows('64,3') == Windows(64, 3) and parse_windows('64') == Windows(64, 1)
