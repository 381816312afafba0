# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch quantize, and convert of a .keras file."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tflm_patch.cli import main
from tflm_patch.cli.quantize_flags import parse_pixel_range
from tflm_patch.errors import EnvironmentMissing
from tflm_patch.graph.reader import parse_model


@pytest.fixture(scope='module')
def files(tmp_path_factory):
  """A folder with model.keras and samples.npz."""
  from tflm_patch.quantization.model_io import require_keras

  try:
    keras = require_keras()
  except EnvironmentMissing as error:
    pytest.skip(str(error))
  keras.utils.set_random_seed(3)
  source = keras.Input((16, 16, 3), name='image')
  x = keras.layers.Conv2D(8, 3, 2, 'same', activation='relu')(source)
  x = keras.layers.DepthwiseConv2D(3, padding='same', activation='relu6')(x)
  x = keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(x))
  folder = tmp_path_factory.mktemp('keras')
  keras.Model(source, x).save(folder / 'model.keras')
  samples = np.random.default_rng(0).uniform(0, 255, (20, 16, 16, 3)).astype(np.float32)
  np.savez(folder / 'samples.npz', image=samples)
  return folder


def _run(capsys, *arguments):
  code = main.main([str(argument) for argument in arguments])
  printed = capsys.readouterr()
  return code, printed.out, printed.err


def _quantize(capsys, files, *more):
  return _run(capsys, 'quantize', files / 'model.keras', '--samples', files / 'samples.npz', *more)


@pytest.mark.slow
def test_quantize(capsys, files):
  code, out, err = _quantize(capsys, files)
  assert (code, err) == (0, '')
  assert 'model.tflite written' in out
  assert '4 operators, calibrated on 20 samples' in out
  assert 'input "image": int8 1x16x16x3, real = 0.99999' in out and '* (value - -128)' in out
  model = parse_model((files / 'model.tflite').read_bytes())
  assert [operator.opcode for operator in model.main.operators] == [
    'CONV_2D',
    'DEPTHWISE_CONV_2D',
    'MEAN',
    'FULLY_CONNECTED',
  ]


@pytest.mark.slow
def test_quantize_for_machines(capsys, files, tmp_path):
  output = tmp_path / 'o.tflite'
  code, out, _ = _quantize(capsys, files, '-o', output, '--json', '--input-type', 'uint8')
  found = json.loads(out)
  assert code == 0 and found['schema_version'] == 1 and found['samples'] == 20
  assert found['file_bytes'] == output.stat().st_size
  assert found['operators']['CONV_2D'] == 1
  assert found['inputs'] == [
    {'name': 'image', 'dtype': 'uint8', 'shape': [1, 16, 16, 3], 'scale': 1.0, 'zero_point': 0}
  ] or found['inputs'][0]['scale'] == pytest.approx(1.0, rel=1e-3)


@pytest.mark.slow
def test_convert_in_one_go(capsys, files, tmp_path):
  both = tmp_path / 'int8.tflite', tmp_path / 'patch.tflite'
  code, out, err = _run(
    capsys,
    'convert',
    files / 'model.keras',
    '--samples',
    files / 'samples.npz',
    '--quantized',
    both[0],
    '-o',
    both[1],
  )
  assert (code, err) == (0, '')
  assert 'stage' in out
  apart = tmp_path / 'apart.tflite'
  _quantize(capsys, files, '-o', apart)
  assert both[0].read_bytes() == apart.read_bytes()
  code, out, _ = _run(capsys, 'verify', *both, '--inputs', 4)
  assert code == 0 and 'bit-exact' in out


def test_a_folder_of_images(capsys, files, tmp_path):
  image_module = pytest.importorskip('PIL.Image')
  noise = np.random.default_rng(0).integers(0, 256, (3, 20, 20, 3), np.uint8)
  for number, pixels in enumerate(noise):
    image_module.fromarray(pixels).save(tmp_path / f'{number}.png')
  code, out, _ = _run(
    capsys,
    'quantize',
    files / 'model.keras',
    '--samples',
    tmp_path,
    '-o',
    tmp_path / 'o.tflite',
    '--pixel-range',
    '0,1',
    '--json',
  )
  found = json.loads(out)
  assert code == 0 and found['samples'] == 3
  assert found['inputs'][0]['scale'] < 1 / 200


ERRORS = [
  (['quantize', 'MODEL'], 2, '--samples says'),
  (['convert', 'MODEL'], 2, '--samples says'),
  (['convert', 'other.tflite', '--samples', 'SAMPLES'], 2, 'are for .keras files'),
  (['quantize', 'missing.keras', '--samples', 'SAMPLES'], 1, 'missing.keras: not a file'),
  (['quantize', 'MODEL', '--samples', 'missing.npz'], 1, 'missing.npz'),
  (['quantize', 'MODEL', '--samples', 'SAMPLES', '-o', 'MODEL'], 1, 'is the input file'),
  (['quantize', 'MODEL', '--samples', 'SAMPLES', '-o', 'no/such.tflite'], 1, 'no/such.tflite'),
  (['quantize', 'MODEL', '--samples', 'SAMPLES', '--ranges', 'wild'], 2, 'wild'),
  (['quantize', 'MODEL', '--samples', 'SAMPLES', '--percentile', '3'], 1, 'percentile 3'),
  (['quantize', 'MODEL', '--samples', 'SAMPLES', '--input-type', 'int16'], 1, 'int16'),
  (['quantize', 'MODEL', '--samples', 'SAMPLES', '--pixel-range', '1'], 2, 'no range of pixels'),
]


@pytest.mark.parametrize(('arguments', 'code', 'message'), ERRORS)
def test_errors_are_one_line_and_write_nothing(
  capsys, files, tmp_path, monkeypatch, arguments, code, message
):
  monkeypatch.chdir(tmp_path)
  names = {'MODEL': files / 'model.keras', 'SAMPLES': files / 'samples.npz'}
  before = sorted(path.name for path in files.iterdir())
  found, out, err = _run(capsys, *(names.get(argument, argument) for argument in arguments))
  assert found == code, err
  assert out == '' and len(err.strip().splitlines()) == 1
  assert message in err
  assert sorted(path.name for path in files.iterdir()) == before
  assert list(tmp_path.iterdir()) == []


def test_a_layer_that_is_not_supported(capsys, files, tmp_path):
  from tflm_patch.quantization.model_io import require_keras

  keras = require_keras()
  source = keras.Input((16, 16, 3), name='image')
  path = tmp_path / 'model.keras'
  keras.Model(source, keras.layers.GroupNormalization(3, name='norm')(source)).save(path)
  code, _, err = _run(capsys, 'quantize', path, '--samples', files / 'samples.npz')
  assert code == 1 and len(err.strip().splitlines()) == 1
  assert f'{path}: "norm": the layer GroupNormalization is not supported' in err
  assert not path.with_suffix('.tflite').exists()


@pytest.mark.parametrize('text', ['1', '1,1', 'a,b', '1,2,3', 'nan,1', 'inf,0'])
def test_ranges_of_pixels(text):
  with pytest.raises(ValueError, match='range of pixels'):
    parse_pixel_range(text)
  assert parse_pixel_range('-1,1') == (-1.0, 1.0)


@pytest.mark.slow
def test_the_package_does_not_import_keras():
  code = (
    'import sys, tflm_patch\n'
    'from tflm_patch.cli import main\n'
    'tflm_patch.QuantizeOptions\n'
    'main.parser(["convert"])\n'
    'assert not {"tflm_patch.cli.train", "tflm_patch.nas"} & set(sys.modules)\n'
    'main.parser()\n'
    'assert not {"keras", "tensorflow", "jax", "PIL"} & set(sys.modules)\n'
  )
  assert subprocess.run([sys.executable, '-c', code]).returncode == 0


def test_without_keras_one_line_says_what_to_install(tmp_path):
  code = (
    'import importlib.util as u, sys\n'
    'find = u.find_spec\n'
    'u.find_spec = lambda name, *a: None if name == "keras" else find(name, *a)\n'
    'from tflm_patch.cli import main\n'
    'sys.exit(main.main(sys.argv[1:]))\n'
  )
  path = tmp_path / 'model.keras'
  import zipfile

  with zipfile.ZipFile(path, 'w') as archive:
    archive.writestr('config.json', '{}')
  run = subprocess.run(
    [sys.executable, '-c', code, 'quantize', str(path), '--samples', str(tmp_path)],
    capture_output=True,
    text=True,
  )
  assert run.returncode == 1
  assert 'pip install "tflm-patch[keras]"' in run.stderr
  assert len(run.stderr.strip().splitlines()) == 1
