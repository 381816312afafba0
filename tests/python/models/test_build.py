# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Keras models from specs: what they need is what the specs need."""

from __future__ import annotations

import importlib.util
import pathlib
import random

import numpy as np
import pytest

from tflm_patch import architecture, models, quantize
from tflm_patch.architecture.spec import SpecError
from tflm_patch.errors import TflmPatchError
from tflm_patch.runtime.tflm import Interpreter

ROOT = pathlib.Path(__file__).resolve().parents[3]

FAMILIES = {
  'mobilenet_v1': 'mobilenet_v1:0.25:32:10',
  'mobilenet_v2': 'mobilenet_v2:0.35:32:10',
  'proxyless': 'proxyless_mobile:0.25:32:10',
  'squeeze': 'in32x32x3 conv3_s2_c8 ir_k3_e4_s2_c16_se0.25_hswish ir_k5_e3_c16_se0.5 fc10',
  'resnet8': 'resnet8',
  'ds_cnn': 'ds_cnn',
  'autoencoder': 'ad_autoencoder',
  'detector': 'in32x32x1 conv3_s2_c8 ds3_s2_c16 ir_k3_e3_s2_c24 yolo2_a2_s3',
  'ssd': 'in32x32x3 conv3_s2_c8 ir_k3_e3_s2_c16 ir_k3_e3_s2_c24 ssd3_a2_s2',
}


def _benchmark():
  path = ROOT / 'benchmarks' / 'spec_models.py'
  spec = importlib.util.spec_from_file_location('spec_models', path)
  module = importlib.util.module_from_spec(spec)
  import sys

  sys.modules[spec.name] = module
  spec.loader.exec_module(module)
  return module


@pytest.mark.parametrize('number', range(10))
def test_random_specs_need_the_same(number):
  benchmark = _benchmark()
  line = benchmark.random_spec(random.Random(1000 + number))
  found = benchmark.compare(line, number)
  assert found.engine_arena == found.arena == found.keras_arena, found
  assert found.agrees, found


def kinds(subgraph):
  """Operators and shapes; the writer has MEAN for pools of whole maps, and no reshapes."""
  found = []
  for op in subgraph.operators:
    shape = subgraph.tensors[op.outputs[0]].shape
    is_mean = op.opcode == 'AVERAGE_POOL_2D' and shape[1:3] == (1, 1)
    if op.opcode != 'RESHAPE':
      found.append(('MEAN' if is_mean else op.opcode, shape[-1], np.prod(shape)))
  return found


@pytest.mark.parametrize('name', FAMILIES)
def test_operators_and_names_are_those_of_the_spec(name):
  spec = architecture.load(FAMILIES[name])
  model = models.build(spec)
  rng = np.random.default_rng(0)
  samples = rng.normal(size=(4, *model.inputs[0].shape[1:])).astype(np.float32)
  quantized = quantize(model, samples)
  graph = architecture.to_graph(spec).main
  made = quantized.model.main
  assert kinds(made) == kinds(graph)
  named = {made.tensors[op.inputs[1]].name for op in made.operators if op.opcode == 'CONV_2D'}
  wanted = {graph.tensors[op.inputs[1]].name for op in graph.operators if op.opcode == 'CONV_2D'}
  assert named == wanted
  assert model.count_params() > 0 and models.spec_of(model) == spec


def test_int8_is_near_keras():
  model = models.build(FAMILIES['squeeze'])
  rng = np.random.default_rng(0)
  samples = rng.normal(size=(64, *model.inputs[0].shape[1:])).astype(np.float32)
  quantized = quantize(model, samples)
  main = quantized.model.main
  source, target = main.tensors[main.inputs[0]], main.tensors[main.outputs[0]]
  interpreter = Interpreter(quantized.data)
  wanted = np.asarray(model.predict(samples[:8], verbose=0))
  for sample, row in zip(samples, wanted):
    steps = np.rint(sample / source.quantization.scale) + source.quantization.zero_point
    (made,) = interpreter.invoke([np.clip(steps, -128, 127).astype(np.int8)[None]])
    real = (made[0].astype(float) - target.quantization.zero_point) * target.quantization.scale
    assert np.abs(real - row).max() < 12 * target.quantization.scale


def test_normalization_is_where_it_can_be_folded():
  model = models.build('in16x16x3 conv3_s2_c8 ir_k3_e3_c8_se0.5 fc3_softmax')
  normal = [layer.name for layer in model.layers if layer.name.endswith('_norm')]
  # Of the squeeze-excite branch and the classifier there is none.
  assert normal == [
    'conv_2d_0_norm',
    'conv_2d_1_norm',
    'depthwise_conv_2d_2_norm',
    'conv_2d_8_norm',
  ]
  plain = models.build('in16x16x3 conv3_c8 fc3', models.BuildOptions(normalization=False))
  assert [layer.name for layer in plain.layers if layer.weights] == [
    'conv_2d_0',
    'fully_connected_2',
  ]
  assert plain.get_layer('conv_2d_0').use_bias


def test_detectors_have_an_output_for_each_scale():
  model = models.build(FAMILIES['detector'])
  assert [tuple(each.shape[1:]) for each in model.outputs] == [(16, 16, 14), (8, 8, 14), (4, 4, 14)]


def test_files_keep_what_the_model_computes(tmp_path, keras):
  model = models.build('in16x16x3 conv3_s2_c8 ir_k3_e3_c8_hswish fc3')
  model.save(tmp_path / 'model.keras')
  again = keras.saving.load_model(tmp_path / 'model.keras')
  samples = np.random.default_rng(0).normal(size=(2, 16, 16, 3)).astype(np.float32)
  assert np.array_equal(model.predict(samples, verbose=0), again.predict(samples, verbose=0))
  with pytest.raises(TflmPatchError, match='built from a spec'):
    models.spec_of(again)


def test_a_spec_that_cannot_exist():
  with pytest.raises(SpecError, match='nosuch'):
    models.build('in16x16x3 nosuch3_c8 fc3')
