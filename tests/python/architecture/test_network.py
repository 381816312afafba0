# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Layers of specs, and the graphs of them."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_patch import architecture
from tflm_patch.architecture import (
  RandomScales,
  network_of,
  parse_spec,
  to_graph,
  with_random_weights,
)
from tflm_patch.architecture.spaces import MCUNET, tiny_nas_spaces
from tflm_patch.arena import predict
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType
from tflm_patch.graph.writer import serialize_model
from tflm_patch.planner.lowering.operators.macs import subgraph_macs

FAMILIES = {
  'conv': 'in9x7x3 conv3x2_s2x1_c5_valid_relu fc3',
  'activations': 'in8x8x4 conv1_c8_hswish dw3_sigmoid conv1_c4_linear fc3_softmax',
  'separable': 'in12x12x3 conv3_s2_c8 ds3_c16 ds5_s2_c24 fc4',
  'squeeze': 'in16x16x3 conv3_s2_c8 ir_k3_e3_c8_se0.25_hswish ir_k3_e1.5_s2_c12_noskip fc3',
  'edge': 'in12x12x3 conv3_s2_c8 er_k3_e2_c8 er_k3_e2_s2_c16_se0.5 fc3',
  'resnet': 'in12x12x3 conv3_c8 basic3_c8 basic3_s2_c16 avgpool2 maxpool3_s1_same poolfc3_softmax',
  'dense': 'in20 dense16 dense4 dense16 dense20_linear none',
  'flat': 'in6x6x2 conv3_c4 dense7 flatfc2',
  'yolo': 'in32x32x3 conv3_s2_c8 ir_k3_e3_s2_c16 ir_k3_e3_s2_c24 yolo2_s2',
  'ssd': 'in32x32x3 conv3_s2_c8 ir_k3_e3_s2_c16 ir_k3_e3_s2_c24 ssd3_a2_s3',
  'fomo': 'in32x32x3 conv3_s2_c8 ir_k3_e3_s2_c16 fomo2_softmax',
}


@pytest.fixture(params=FAMILIES, ids=str)
def spec(request):
  return parse_spec(FAMILIES[request.param])


def test_graphs_run_in_tflm(spec):
  runtime = pytest.importorskip('tflm_patch.runtime.arena_measurement')
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  data = serialize_model(with_random_weights(to_graph(spec, RandomScales(1)), 1))
  model = parse_model(data)
  measured = runtime.measure_arena(data)
  assert measured.total == predict(model).total


def test_values_are_numbered_in_order(spec):
  network = network_of(spec)
  layers, values = network.layers(), network.values()
  assert len(values) == len(layers) + 1
  for number, layer in enumerate(layers):
    assert all(value <= number for value in layer.inputs)
  assert all(0 < value < len(values) for value in network.outputs)


def test_shared_scales(spec):
  graph = to_graph(spec, RandomScales(2)).main
  for operator in graph.operators:
    source = graph.tensors[operator.inputs[0]].quantization
    target = graph.tensors[operator.outputs[0]].quantization
    assert source is not None and target is not None
    shares = (source.scale, source.zero_point) == (target.scale, target.zero_point)
    if operator.opcode in ('AVERAGE_POOL_2D', 'MAX_POOL_2D', 'RESHAPE'):
      assert shares
    if operator.opcode in ('SOFTMAX', 'LOGISTIC'):
      assert (target.scale, target.zero_point) == (1 / 256, -128)
    if operator.opcode in ('CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED'):
      weights, bias = (graph.tensors[t] for t in operator.inputs[1:])
      assert weights.quantization.scales.size == target_channels(graph, operator)
      assert bias.dtype == DType.INT32
      np.testing.assert_array_equal(
        bias.quantization.scales, weights.quantization.scales * np.float32(source.scale)
      )


def target_channels(graph, operator):
  return graph.tensors[operator.outputs[0]].shape[-1]


def test_weights_are_slices_of_one_buffer():
  graph = to_graph(architecture.named('mobilenet_v2:0.35:96')).main
  weights = [t.data for t in graph.tensors if t.data is not None and t.quantization is not None]
  assert sum(each.size for each in weights) > 1e6
  assert len({id(each.base if each.base is not None else each) for each in weights}) == 1
  assert not any(each.flags.writeable or each.any() for each in weights)


# Multiply-accumulates as published; arenas of MLPerf's and Keras' files.
@pytest.mark.parametrize(
  ('name', 'macs'),
  [
    ('mobilenet_v1', 568_740_352),
    ('mobilenet_v2', 300_774_272),
    ('mobilenet_v1:0.25:96:2', 7_489_664),
    ('resnet8', 12_501_632),
    ('ds_cnn', 2_656_768),
    ('ad_autoencoder', 264_192),
    ('mcunet_vww', 11_578_816),
    ('proxyless_mobile', 320_427_584),
    ('efficientnet_lite0', 385_187_552),
  ],
)
def test_catalogue(name, macs):
  assert subgraph_macs(to_graph(architecture.named(name)).main) == macs


@pytest.mark.parametrize(
  ('name', 'file'),
  [
    ('mobilenet_v2:0.35:144', 'mbv2_0.35_144_int8'),
    ('mobilenet_v2', 'mbv2_1.0_224_int8'),
    ('ad_autoencoder', 'mlperf_ad01_int8'),
    ('mobilenet_v1:0.25:96:2', 'mlperf_vww_96_int8'),
    ('resnet8', 'mlperf_resnet8_int8'),
    ('ds_cnn', 'mlperf_kws_int8'),
  ],
)
def test_catalogue_is_as_the_files(name, file, models_dir):
  """The same layers of the same shapes; a softmax at the end does not count."""

  def layers(graph):
    return [
      (operator.opcode, graph.tensors[operator.outputs[0]].shape)
      for operator in graph.operators
      if operator.opcode != 'SOFTMAX'
    ]

  theirs = parse_model((models_dir / f'{file}.tflite').read_bytes()).main
  ours = layers(to_graph(architecture.named(name)).main)
  if name.startswith('mobilenet_v1'):  # MLPerf's ends with a pool, not with a mean
    ours = [each for each in ours if each[0] != 'MEAN']
    other = [each for each in layers(theirs) if each[0] not in ('AVERAGE_POOL_2D', 'RESHAPE')]
    assert ours == other
  else:
    assert ours == layers(theirs)


@pytest.mark.parametrize(
  ('name', 'message'),
  [
    ('mobilnet_v2', 'did you mean "mobilenet_v2"'),
    ('mobilenet_v2:9', 'a width is above 0'),
    ('mobilenet_v2:0', 'a width is above 0'),
    ('resnet8:0.5', 'one width'),
    ('mobilenet_v2:x', 'is no name'),
    ('mobilenet_v2:0.5:0', '0 is no size'),
  ],
)
def test_names_that_are_none(name, message):
  with pytest.raises(architecture.SpecError, match=message):
    network_of(architecture.load(name))


def test_spaces():
  specs = MCUNET.samples(40, seed=3)
  assert specs == MCUNET.samples(40, seed=3) != MCUNET.samples(40, seed=4)
  assert {spec.input_shape[0] for spec in specs} <= set(range(96, 177, 16))
  for spec in specs:
    inner = spec.blocks[2:]
    assert {block.kernel for block in inner} <= {(3, 3), (5, 5), (7, 7)}
    assert {block.expansion for block in inner} <= {3.0, 4.0, 6.0}
    assert 11 <= len(inner) <= 21
    network_of(spec)


def test_the_spaces_of_tiny_nas():
  spaces = tiny_nas_spaces()
  assert len(spaces) == len({(space.resolutions, space.widths) for space in spaces}) == 108
  for space in spaces:
    (spec,) = space.samples(1, seed=1)
    assert spec.input_shape == (*space.resolutions * 2, 3)
    network_of(spec)
  assert spaces[0].resolutions == (48,) and spaces[-1].resolutions == (224,)
  assert spaces[0].widths == (0.2,) and spaces[-1].widths == (1.0,)


def test_a_space_without_choices():
  with pytest.raises(architecture.SpecError, match='without kernels'):
    architecture.spaces.Space((96,), (1.0,), kernels=())
