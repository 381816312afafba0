# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Learning on emulated cores: the weights of the host, and what a step costs."""

import shutil

import pytest
from support import learning, learning_models, real_models

from tflm_patch.bench import cpus
from tflm_patch.graph.reader import read_model
from tflm_patch.on_device.component import ComponentOptions, make_component
from tflm_patch.on_device.measure import measure_inference, measure_step, random_images
from tflm_patch.on_device.memory import TrainingPlanner
from tflm_patch.on_device.options import Arithmetic, TrainingOptions
from tflm_patch.on_device.scheme import LayerUpdate, Scheme
from tflm_patch.sample.sample import sample_model_path

pytestmark = pytest.mark.slow
KB = 1024


def require(cpu):
  core = cpus.find(cpu)
  for tool in (core.compiler, core.emulator, 'gcc'):
    if shutil.which(tool) is None:
      pytest.skip(f'needs {tool}')


def learned_on_host(component, images, folder):
  host = learning.build(component, folder)
  classes = component.work.network.model.main.tensors[component.work.network.output].elements
  for number, image in enumerate(images):
    assert host.train_step(image, number % classes) == 0
  first = component.work.parameters.initial().tobytes()
  assert host.parameters() != first
  return host.parameters()


@pytest.mark.parametrize('arithmetic', list(Arithmetic))
@pytest.mark.parametrize('cpu', sorted(cpus.CPUS))
def test_a_hundred_steps_everywhere(cpu, arithmetic, tmp_path):
  """Portable, DSP and vector kernels, with and without a floating-point unit: the same bytes."""
  require(cpu)
  model = learning_models.every_operator()
  scheme = learning_models.scheme_of(model, 0, 2)
  training = TrainingOptions(arithmetic=arithmetic)
  options = ComponentOptions(learning_rate=0.05, training=training)
  component = make_component(model, scheme, options)
  images = random_images(component, 100)
  found = measure_step(component, images, cpu)
  assert found.parameters == learned_on_host(component, images, tmp_path)
  assert (
    found.memory == component.plan.bytes == TrainingPlanner(model, training).memory(scheme).total
  )
  assert found.forward < found.step == pytest.approx(sum(p.instructions for p in found.parts), 0.01)
  assert 100 < found.stack < 4 * KB


def test_sample_network_by_rows(tmp_path):
  require('cortex-m4')
  model = read_model(sample_model_path())
  scheme = learning_models.scheme_of(model, len(learning_models.layers(model)) - 5, 2)
  options = ComponentOptions(training=TrainingOptions(input_rows=8, samples=2))
  component = make_component(model, scheme, options)
  images = random_images(component, 8)
  found = measure_step(component, images)
  assert found.parameters == learned_on_host(component, images, tmp_path)
  assert found.step < 3 * measure_inference(model, options=options.training)


@pytest.mark.skipif(not real_models.available(), reason=real_models.MISSING)
def test_mcunet(tmp_path):
  """A step of a network of 11.6 MMACs: within 54 KB in all, and three inferences."""
  require('cortex-m4')
  model = read_model(real_models.FOLDER / 'mcunet_vww.tflite')
  main = model.main
  updates = []
  for index, part in ((33, 1), (37, 4), (40, 4), (61, 1)):
    channels = main.tensors[main.operators[index].inputs[1]].shape[-1]
    updates.append(LayerUpdate(index, True, tuple(range(channels // part))))
  component = make_component(model, Scheme(tuple(updates)))
  memory = TrainingPlanner(model).memory(Scheme(tuple(updates)))
  assert memory.total == component.plan.bytes <= 54 * KB
  assert memory.over_inference <= 32 * KB
  images = random_images(component, 2)
  found = measure_step(component, images)
  assert found.memory == memory.total
  assert found.parameters == learned_on_host(component, images, tmp_path)
  assert found.step < 3 * measure_inference(model)
