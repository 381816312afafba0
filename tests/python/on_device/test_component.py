# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Components that learn: the same bytes as the reference, sample by sample."""

import ctypes
import dataclasses
import re
import shutil
import subprocess

import numpy as np
import pytest
from support import compiled, learning, learning_models
from support.model_builder import ModelBuilder

from tflm_patch.graph.reader import read_model
from tflm_patch.kernel_library.sources import source_dir, sources_of
from tflm_patch.on_device.component import ComponentOptions, make_component
from tflm_patch.on_device.device_reference import DeviceReference
from tflm_patch.on_device.memory import TrainingPlanner
from tflm_patch.on_device.options import Arithmetic, TrainingOptions
from tflm_patch.on_device.scheme import LayerUpdate, Loss, Scheme
from tflm_patch.quantization.exact.network import ExactNetwork
from tflm_patch.runtime import paths
from tflm_patch.sample.sample import sample_model_path

pytestmark = pytest.mark.skipif(shutil.which('gcc') is None, reason='needs gcc')
OK, BAD_LABEL, BAD_LOSS, BAD_RATE, NO_FORWARD = range(5)


def images(component, count, seed=0):
  main = component.work.network.model.main
  shape = main.tensors[main.inputs[0]].shape
  rng = np.random.default_rng(seed)
  return rng.integers(-128, 128, (count, *shape), np.int8)


def expect_same_learning(model, scheme, folder, steps, rate=0.05, training=None):
  """Lets C and the reference learn from the same samples."""
  training = training or TrainingOptions()
  options = ComponentOptions(learning_rate=rate, training=training)
  component = make_component(model, scheme, options)
  host = learning.build(component, folder)
  reference = learning.reference_of(component.work, training, rate)
  first = reference.parameters
  assert host.parameters() == first
  classes = component.work.network.model.main.tensors[component.work.network.output].elements
  for number, image in enumerate(images(component, steps)):
    label = number % classes
    expected = reference.learn(learning.values_of(reference, image), label)
    assert host.train_step(image, label) == OK
    assert np.float32(host.loss()) == np.float32(expected)
    assert host.parameters() == reference.parameters, f'sample {number}'
  assert host.parameters() != first
  return host, reference


@pytest.fixture(scope='module')
def small(tmp_path_factory):
  model = learning_models.every_operator()
  scheme = learning_models.scheme_of(model, 0, 2)
  return expect_same_learning(model, scheme, tmp_path_factory.mktemp('small'), 6)


def test_every_operator(small):
  host, _ = small
  kernels = host.component.kernels
  for name in ('max_pool', 'average_pool', 'mean', 'depthwise', 'conv_input', 'conv_weights'):
    assert f'tflm_patch_backward_{name}' in kernels


def test_learned_model_is_what_the_chip_computes(small):
  host, reference = small
  model = reference.model
  (image,) = images(host.component, 1, seed=9)
  assert np.array_equal(host.run(image), ExactNetwork(model).run_bytes([image])[0])


def test_bad_labels_and_rates_change_nothing(small):
  host, _ = small
  (image,) = images(host.component, 1)
  before = host.parameters()
  assert host.train_step(image, 5) == BAD_LABEL
  host.run(image)
  assert host.call('learn', ctypes.c_uint32(99)) == BAD_LABEL
  for rate in (-1.0, float('nan'), float('inf')):
    assert host.call('set_learning_rate', ctypes.c_float(rate)) == BAD_RATE
  assert host.parameters() == before


def test_a_sample_is_learned_once(small):
  host, _ = small
  (image,) = images(host.component, 1)
  host.run(image)
  assert host.call('learn', ctypes.c_uint32(1)) == OK
  assert host.call('learn', ctypes.c_uint32(1)) == NO_FORWARD


def test_no_byte_beyond_the_plan(small):
  """Every byte of the memory is one of the plan's, and the last ones are used."""
  host, _ = small
  memory = host.memory()
  plan = host.component.plan
  assert memory.size == plan.bytes == max(plan.offsets[k] + b.size for k, b in plan.buffers.items())
  text = host.component.files['model.c']
  assert text.count('workspace[') == 1
  variables = [line for line in text.splitlines() if line.startswith('static ') and '[' in line]
  assert [line for line in variables if ' const ' not in line] == [
    f'static _Alignas(16) int8_t workspace[{plan.bytes}];'
  ]


@pytest.mark.slow
@pytest.mark.parametrize(
  ('first', 'step', 'bias', 'samples'),
  [(0, 1, True, 1), (2, 3, False, 3), (5, 1, True, 4), (7, 1, True, 1)],
)
def test_schemes(first, step, bias, samples, tmp_path):
  model = learning_models.every_operator(seed=first)
  scheme = learning_models.scheme_of(model, first, step, bias)
  training = TrainingOptions(samples=samples, seed=7)
  expect_same_learning(model, scheme, tmp_path, 8, training=training)


@pytest.mark.parametrize(('step', 'samples'), [(2, 1), pytest.param(1, 3, marks=pytest.mark.slow)])
def test_gradients_of_integers(step, samples, tmp_path):
  model = learning_models.every_operator()
  scheme = learning_models.scheme_of(model, 0, step)
  training = TrainingOptions(samples=samples, arithmetic=Arithmetic.INTEGER)
  host, _ = expect_same_learning(model, scheme, tmp_path, 6, training=training)
  text = host.component.files['model.c']
  assert 'tflm_patch_integer_block(' in text and 'tflm_patch_backward_' not in calls_in(text)


@pytest.mark.parametrize(
  ('arithmetic', 'whole'),
  [(Arithmetic.FLOAT32, True), pytest.param(Arithmetic.INTEGER, False, marks=pytest.mark.slow)],
)
def test_clamps_are_computed_again_where_memory_is_short(arithmetic, whole, tmp_path):
  b = ModelBuilder(5)
  x = b.conv(b.input((1, 12, 11, 3)), 4, kernel=3, activation='RELU6')
  y = b.conv(x, 62, kernel=1, activation='RELU6')
  y = b.conv(b.depthwise(y, kernel=3, activation='RELU'), 4, kernel=1)
  b.output(b.fully_connected(b.reshape(b.mean(b.add(x, y)), (1, 4)), 3))
  model = b.model()
  updates = [LayerUpdate(index, True) for index, _ in learning_models.layers(model)]
  if whole:  # weights of the expansion, which change in the step that needs them
    updates[1] = LayerUpdate(1, True, tuple(range(4)))
  training = TrainingOptions(arithmetic=arithmetic, memory=1)
  host, _ = expect_same_learning(model, Scheme(tuple(updates)), tmp_path, 8, training=training)
  work = host.component.work
  assert work.recomputed == {1, 2}
  kept = TrainingPlanner(model, dataclasses.replace(training, memory=None))
  assert not kept.work(Scheme(tuple(updates))).recomputed
  assert host.component.plan.bytes < kept.plan(Scheme(tuple(updates))).bytes


def calls_in(text):
  return ' '.join(re.findall(r'tflm_patch_\w+(?=\()', text))


@pytest.mark.slow
def test_biases_alone(tmp_path):
  model = learning_models.every_operator()
  updates = tuple(LayerUpdate(index, True) for index, _ in learning_models.layers(model)[3:])
  expect_same_learning(model, Scheme(updates), tmp_path, 5)


@pytest.mark.slow
def test_sample_network(tmp_path):
  model = read_model(sample_model_path())
  scheme = learning_models.scheme_of(model, len(learning_models.layers(model)) - 6, 2)
  expect_same_learning(model, scheme, tmp_path, 20)


@pytest.mark.slow
def test_squared_error(tmp_path):
  model = learning_models.every_operator()
  main = model.main
  main.operators.pop()  # the softmax
  main.outputs = (main.operators[-1].outputs[0],)
  scheme = learning_models.scheme_of(model, 4, 2, loss=Loss.MEAN_SQUARED_ERROR)
  component = make_component(model, scheme)
  host = learning.build(component, tmp_path)
  reference = DeviceReference(component.work, TrainingOptions())
  targets = np.linspace(-1, 1, 5, dtype=np.float32)
  for image in images(component, 4):
    expected = reference.learn(learning.values_of(reference, image), targets)
    assert host.call('train_step', image.ctypes, targets.ctypes) == OK
    assert np.float32(host.loss()) == np.float32(expected)
    assert host.parameters() == reference.parameters
  before = host.parameters()
  targets[2] = np.nan
  assert host.call('train_step', image.ctypes, targets.ctypes) == BAD_LOSS
  assert host.parameters() == before


@pytest.mark.slow
@pytest.mark.parametrize('rows', [1, 8])
def test_rows_of_a_frame_one_after_the_other(rows, tmp_path):
  """Fed by bands of rows, a model learns the same from less memory."""
  model = read_model(sample_model_path())
  scheme = learning_models.scheme_of(model, len(learning_models.layers(model)) - 4, 2)
  whole = make_component(model, scheme)
  training = TrainingOptions(input_rows=rows)
  component = make_component(model, scheme, ComponentOptions(training=training))
  assert component.bands == 64 // rows
  assert component.plan.bytes < whole.plan.bytes
  hosts = []
  for number, each in enumerate((whole, component)):
    (tmp_path / str(number)).mkdir()
    hosts.append(learning.build(each, tmp_path / str(number)))
  for label, image in enumerate(images(whole, 3)):
    assert [host.train_step(image, label) for host in hosts] == [OK, OK]
    bands = image.reshape(component.bands, -1)
    for band in bands[:-1]:
      assert hosts[1].call('feed', np.ascontiguousarray(band).ctypes) == 0
      assert hosts[1].call('learn', ctypes.c_uint32(0)) == NO_FORWARD
    assert hosts[1].call('feed', np.ascontiguousarray(bands[-1]).ctypes) == 1
    assert np.array_equal(hosts[1].output(), hosts[0].run(image))
    for host in hosts:
      assert host.call('learn', ctypes.c_uint32(3)) == OK
    assert hosts[0].parameters() == hosts[1].parameters()


@pytest.mark.slow
@pytest.mark.parametrize('seed', range(6))
def test_random_chains(seed, tmp_path):
  model = learning_models.random_chain(seed)
  first = seed % len(learning_models.layers(model))
  scheme = learning_models.scheme_of(model, first, 1 + seed % 3)
  for arithmetic in Arithmetic:
    folder = tmp_path / arithmetic.value
    folder.mkdir()
    training = TrainingOptions(arithmetic=arithmetic)
    expect_same_learning(model, scheme, folder, 6, rate=0.1, training=training)


@pytest.mark.slow
def test_input_that_trained_operators_read_too(tmp_path):
  """Frozen stages leave it alone then."""
  b = ModelBuilder(2)
  image = b.input((1, 6, 6, 4))
  x = b.conv(image, 8, kernel=3, activation='RELU6')
  x = b.conv(x, 4, kernel=1)
  x = b.add(image, x)
  b.output(b.fully_connected(b.reshape(b.mean(x), (1, 4)), 3))
  model = b.model()
  expect_same_learning(model, learning_models.scheme_of(model, 1, 1), tmp_path, 5, rate=0.1)


SANITIZED = """
#include <stdio.h>
#include "model.h"
static int8_t image[MODEL_INPUT_0_BYTES];
int main(void) {
  model_init();
  for (unsigned step = 0; step < 12; ++step) {
    for (unsigned i = 0; i < sizeof(image); ++i) {
      image[i] = (int8_t)(i * 37u + step * 91u);
    }
    (void)model_set_learning_rate(step < 6 ? 0.1f : 1e30f);
    if (model_train_step(image, step % MODEL_CLASSES) != TFLM_PATCH_TRAINING_OK) {
      return 2;
    }
  }
  return 0;
}
"""


@pytest.mark.slow
@pytest.mark.parametrize('arithmetic', list(Arithmetic))
@pytest.mark.parametrize('step', [1, 2])
def test_nothing_undefined_happens(step, arithmetic, tmp_path):
  """With sanitizers, and with steps that no integer holds."""
  model = learning_models.every_operator()
  options = ComponentOptions(training=TrainingOptions(arithmetic=arithmetic))
  component = make_component(model, learning_models.scheme_of(model, 0, step), options)
  for name, text in component.files.items():
    (tmp_path / name).write_text(text)
  (tmp_path / 'main.c').write_text(SANITIZED)
  sources = [source_dir() / file for file in sources_of(component.kernels)]
  include = f'-I{paths.include_dirs()[0]}'
  flags = (*compiled.WARNINGS, '-O1', *compiled.SANITIZERS, include)
  compiled.run('gcc', *flags, 'model.c', 'main.c', *sources, '-o', 'learn', cwd=tmp_path)
  compiled.run('./learn', cwd=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize('arithmetic', list(Arithmetic))
def test_standalone(arithmetic, tmp_path):
  """One folder, no include path; nothing is written to but the workspace."""
  model = learning_models.every_operator()
  training = TrainingOptions(arithmetic=arithmetic)
  options = ComponentOptions(name='camera', standalone=True, section='.noinit', training=training)
  component = make_component(model, learning_models.scheme_of(model, 2, 2), options)
  for name, text in component.files.items():
    (tmp_path / name).write_text(text)
  sources = [name for name in component.files if name.endswith('.c')]
  compiled.run('gcc', *compiled.WARNINGS, '-O1', '-c', *sources, cwd=tmp_path)
  found = compiled.run('size', '-A', 'camera.o', cwd=tmp_path)
  sizes = {line.split()[0]: int(line.split()[1]) for line in found.splitlines()[2:-2] if line}
  assert sizes['.noinit'] == component.plan.bytes
  assert sizes.get('.data', 0) == sizes.get('.bss', 0) == 0


@pytest.mark.parametrize('flag', ['-ffast-math', '-O2'])
def test_fast_math_is_refused(flag, tmp_path):
  model = learning_models.every_operator()
  component = make_component(model, learning_models.scheme_of(model, 7))
  for name, text in component.files.items():
    (tmp_path / name).write_text(text)
  include = f'-I{paths.include_dirs()[0]}'
  done = subprocess.run(
    ['gcc', '-std=c11', flag, include, '-c', 'model.c'],
    capture_output=True,
    text=True,
    cwd=tmp_path,
  )
  assert ('training needs exact floats' in done.stderr) == (flag == '-ffast-math')
  assert (done.returncode == 0) == (flag == '-O2')
