# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Components that learn on a Cortex-M4: the weights of the host, and what a step costs."""

import numpy as np
import pytest
from support import cortex_m4, learning, learning_models, real_models

from tflm_patch.graph.reader import read_model
from tflm_patch.on_device.component import ComponentOptions, make_component
from tflm_patch.on_device.scheme import LayerUpdate, Scheme
from tflm_patch.sample.sample import sample_model_path

MISSING = cortex_m4.missing()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(MISSING is not None, reason=str(MISSING))]


def same_learning(model, scheme, folder, samples, rate=0.05):
  component = make_component(model, scheme, ComponentOptions(learning_rate=rate))
  main = component.work.network.model.main
  shape = main.tensors[main.inputs[0]].shape
  classes = main.tensors[component.work.network.output].elements
  images = np.random.default_rng(5).integers(-128, 128, (samples, *shape), np.int8)
  for name in ('host', 'm4'):
    (folder / name).mkdir()
  host = learning.build(component, folder / 'host')
  for number, image in enumerate(images):
    assert host.train_step(image, number % classes) == 0
  emulated = learning.on_cortex_m4(component, folder / 'm4', images)
  assert host.parameters() != component.work.parameters.initial().tobytes()
  assert emulated.parameters == host.parameters()
  return emulated


@pytest.mark.parametrize('step', [1, 2])
def test_a_hundred_steps(step, tmp_path):
  model = learning_models.every_operator()
  same_learning(model, learning_models.scheme_of(model, 0, step), tmp_path, 100)


def test_sample_network(tmp_path):
  model = read_model(sample_model_path())
  first = len(learning_models.layers(model)) - 5
  emulated = same_learning(model, learning_models.scheme_of(model, first, 2), tmp_path, 20)
  assert emulated.inference < emulated.step < 3 * emulated.inference


def test_mcunet(tmp_path):
  """A step of a network of 11.6 MMACs: within 54 KB in all, and three inferences."""
  path = real_models.FOLDER / 'mcunet_vww.tflite'
  if not path.exists():
    pytest.skip(real_models.MISSING)
  updates = [(33, 1), (37, 4), (40, 4), (61, 1)]
  model = read_model(path)
  main = model.main
  channels = [main.tensors[main.operators[i].inputs[1]].shape[-1] for i, _ in updates]
  scheme = Scheme(
    tuple(LayerUpdate(i, True, tuple(range(n // by))) for (i, by), n in zip(updates, channels))
  )
  component = make_component(model, scheme)
  assert component.plan.bytes <= 54 * 1024
  emulated = same_learning(model, scheme, tmp_path, 2)
  assert emulated.step < 3 * emulated.inference
