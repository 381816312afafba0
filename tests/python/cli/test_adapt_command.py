# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch adapt: files, figures, and what is wrong said in one line."""

import json

import numpy as np
import pytest
from support.model_builder import ModelBuilder

from tflm_patch.cli.main import main
from tflm_patch.graph.reader import read_model
from tflm_patch.graph.types import DType
from tflm_patch.graph.writer import serialize_model
from tflm_patch.on_device import scheme_file
from tflm_patch.on_device.memory import training_memory
from tflm_patch.on_device.scheme import LayerUpdate, Loss, Scheme


def model(last='fully_connected', float_ends=False):
  b = ModelBuilder(4)
  x = b.quantize(b.input((1, 8, 8, 2), DType.FLOAT32)) if float_ends else b.input((1, 8, 8, 2))
  x = b.conv(x, 8, kernel=3, stride=2, activation='RELU6')
  x = b.depthwise(x, kernel=3, activation='RELU6')
  if last == 'fully_connected':
    x = b.mean(b.conv(x, 8, kernel=1), axes=(1, 2), keep_dims=False)
    x = b.softmax(b.fully_connected(x, 3))
  b.output(b.dequantize(x) if float_ends else x)
  return serialize_model(b.model())


def arrays(count=40, classes=4, seed=0):
  rng = np.random.default_rng(seed)
  labels = np.arange(count) % classes
  images = rng.integers(0, 60, (count, 8, 8, 2))
  for image, label in zip(images, labels):
    image[..., label % 2] += 60 + 60 * (label // 2)
  return {'x': images.astype(np.uint8), 'y': labels}


@pytest.fixture
def files(tmp_path):
  (tmp_path / 'net.tflite').write_bytes(model())
  np.savez(tmp_path / 'data.npz', **arrays())
  return tmp_path


def command(files, *more, memory='3KB', data='data.npz', name='net.tflite'):
  given = ['--data', str(files / data), '--memory', memory, '-o', str(files / 'out')]
  return main(['adapt', str(files / name), *given, '--epochs', '4', *map(str, more)])


def test_writes_a_component_and_says_what_it_does(files, capsys):
  assert command(files, '--classes', 4, '--json', '--name', 'learner') == 0
  found = json.loads(capsys.readouterr().out)
  assert found['schema_version'] == 1
  assert found['memory']['total'] <= found['memory_limit'] == 3072
  assert sorted(found['written']) == sorted(
    ['learner.c', 'learner.h', 'model.tflite', 'report.html', 'result.json', 'scheme.json']
  )
  out = files / 'out'
  assert 'learner_train_step(' in (out / 'learner.h').read_text()
  page = (out / 'report.html').read_text()
  assert f'{found["memory"]["total"]:,} B' in page and 'tflm-patch adapt' in page
  said = json.loads((out / 'scheme.json').read_text())
  scheme = Scheme(
    tuple(
      LayerUpdate(each['operator'], each['bias'], tuple(each['input_channels']))
      for each in said['updates']
    ),
    Loss(said['loss']),
  )
  written = read_model(out / 'model.tflite')
  _, training = scheme_file.read(out / 'scheme.json')
  assert training.memory == 3072
  assert training_memory(written, scheme, training).total == found['memory']['total']
  assert found['instructions']['cpu'] == 'cortex-m4'
  assert found['instructions']['step'] > found['instructions']['inference']
  steps = [each['step'] for each in found['curve']]
  assert steps[0] == 0 and steps[-1] == 32 * 4  # a fifth is held out
  assert command(files, '--classes', 4) == 1
  assert 'is not empty' in capsys.readouterr().err
  assert command(files, '--classes', 4, '--force') == 0
  text = capsys.readouterr().out
  assert 'more than an inference' in text and 'FULLY_CONNECTED 4' in text


def test_float_ends_are_left_off(files, capsys):
  (files / 'float.tflite').write_bytes(model(float_ends=True))
  assert command(files, '--classes', 4, '--json', name='float.tflite') == 0
  json.loads(capsys.readouterr().out)
  main_graph = read_model(files / 'out' / 'model.tflite').main
  ends = (*main_graph.inputs, *main_graph.outputs)
  assert {main_graph.tensors[end].dtype for end in ends} == {DType.INT8}


@pytest.mark.parametrize(
  ('more', 'memory', 'code', 'message'),
  [
    (['--classes', 4], '256', 1, '256 bytes are too few to train: the least are '),
    ([], '3KB', 1, 'label 3 is out of range: the model has 3 classes, 0 to 2'),
    (['--classes', 1], '3KB', 1, 'label 3 is out of range: the model has 1 classes'),
    (['--classes', 4, '--flash', '64'], '3KB', 1, 'bytes of flash, more than 64'),
    (['--classes', 0], '3KB', 2, 'no whole number of at least 1'),
    (['--name', 'a b'], '3KB', 2, 'is no name in C'),
    (['--classes', 4, '--max-step', '0.5x'], '3KB', 1, 'cannot be as short as 0.5 inferences'),
    (['--classes', 4, '--max-step', 'no'], '3KB', 2, '"no" is no factor above 0'),
    (['--classes', 4, '--cpu', 'z80'], '3KB', 1, 'unknown CPU "z80"'),
    (['--classes', 4, '--learning-rate', 0], '3KB', 1, 'a learning rate of 0 is not possible'),
  ],
)
def test_mistakes_are_one_line(files, capsys, more, memory, code, message):
  assert command(files, *more, memory=memory) == code
  (line,) = capsys.readouterr().err.splitlines()
  assert message in line
  assert not (files / 'out').exists()


@pytest.mark.parametrize(
  ('changed', 'message'),
  [
    ({'x': np.zeros((0, 8, 8, 2), np.uint8), 'y': np.zeros(0, int)}, 'x is empty'),
    ({'x': np.zeros((4, 8, 9, 2), np.uint8)}, 'the model takes [n, 8, 8, 2]'),
    ({'y': np.zeros(3, int)}, 'give y, whole numbers of classes, one a sample'),
    ({'y': np.linspace(0, 1, 40)}, 'give y, whole numbers'),
    ({'x': np.full((40, 8, 8, 2), np.nan)}, 'or not finite'),
  ],
)
def test_data_that_do_not_fit(files, capsys, changed, message):
  np.savez(files / 'other.npz', **{**arrays(), **changed})
  assert command(files, '--classes', 4, data='other.npz') == 1
  (line,) = capsys.readouterr().err.splitlines()
  assert message in line


def test_models_that_cannot_be_trained(files, capsys):
  (files / 'map.tflite').write_bytes(model(last='map'))
  assert command(files, '--classes', 4, name='map.tflite') == 1
  (line,) = capsys.readouterr().err.splitlines()
  assert 'the last layer is DEPTHWISE_CONV_2D 1' in line
  (files / 'broken.npz').write_bytes(b'no archive')
  assert command(files, data='broken.npz') == 1
  assert 'cannot be read as .npz' in capsys.readouterr().err


def test_labels_and_pixels_of_a_folder(files, capsys):
  image_module = pytest.importorskip('PIL.Image')
  b = ModelBuilder(4)
  x = b.conv(b.input((1, 8, 8, 1)), 6, kernel=3, stride=2, activation='RELU6')
  x = b.fully_connected(b.mean(x, axes=(1, 2), keep_dims=False), 3)
  b.output(b.softmax(x))
  (files / 'grey.tflite').write_bytes(serialize_model(b.model()))
  for label, grey in enumerate((30, 220)):
    (files / 'photos' / str(label)).mkdir(parents=True)
    for number in range(8):
      image = image_module.new('L', (8, 8), grey + number)
      image.save(files / 'photos' / str(label) / f'{number}.png')
  assert command(files, '--json', '--classes', 2, data='photos', name='grey.tflite') == 0
  found = json.loads(capsys.readouterr().out)
  assert found['last_layer_alone']['samples'] == 4 * 2 * 6  # two of each class are held out
