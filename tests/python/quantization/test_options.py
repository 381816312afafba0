# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Options: types of inputs and outputs, 16x8, per tensor, ranges; several inputs, nesting."""

import numpy as np
import pytest
from support import keras_models

import tflm_patch
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import DType
from tflm_patch.quantization import QuantizeOptions, Ranges, quantize
from tflm_patch.quantization.ranges import MinMax, MovingAverage, Percentile


def _small(keras):
  layers = keras.layers

  def build(x):
    x = layers.Conv2D(8, 3, 2, 'same', activation='relu6')(x)
    y = layers.DepthwiseConv2D(3, padding='same', activation='hard_swish')(x)
    x = layers.Add()([x, layers.Conv2D(8, 1)(y)])
    return layers.Dense(5, activation='softmax')(layers.GlobalAveragePooling2D()(x))

  return keras_models.functional((16, 16, 3), build)


def _errors(model, result, samples):
  found = keras_models.run_in_tflm(result.model, result.data, samples)
  wanted = keras_models.run_in_keras(model, samples)
  return [float(np.abs(a - b).max()) for a, b in zip(found, wanted)]


@pytest.mark.parametrize('per_channel', [True, False])
@pytest.mark.parametrize('io', ['', 'int8', 'uint8', 'float32'])
def test_types_of_inputs_and_outputs(keras, io, per_channel):
  model = _small(keras)
  samples = keras_models.random_samples(model)
  options = QuantizeOptions(input_type=io, output_type=io, per_channel=per_channel)
  result = quantize(model, samples[0], options)
  main = result.model.main
  wanted = {'': DType.INT8, 'int8': DType.INT8, 'uint8': DType.UINT8, 'float32': DType.FLOAT32}[io]
  assert [main.tensors[i].dtype for i in (*main.inputs, *main.outputs)] == [wanted, wanted]
  assert _errors(model, result, samples)[0] < 0.03
  scales = {
    tensor.quantization.scales.size
    for tensor in main.tensors
    if tensor.dtype == DType.INT8 and tensor.data is not None
  }
  assert scales == ({5, 8} if per_channel else {1})


@pytest.mark.parametrize('io', ['int16', 'float32'])
def test_int16_is_more_exact_than_int8(keras, io):
  model = _small(keras)
  samples = keras_models.random_samples(model)
  narrow = quantize(model, samples[0])
  wide = quantize(model, samples[0], QuantizeOptions(io, io, activations='int16'))
  assert 'HARD_SWISH' not in keras_models.opcodes(wide.model)  # TFLM has it in int8 only
  assert _errors(model, wide, samples)[0] < 0.6 * _errors(model, narrow, samples)[0]


def test_int16_refuses_what_tflm_lacks(keras):
  model = keras_models.functional((4, 4, 2), lambda x: keras.layers.Activation('elu')(x))
  with pytest.raises(TflmPatchError, match=r'activation.*no ELU of int16'):
    quantize(model, keras_models.random_samples(model)[0], QuantizeOptions(activations='int16'))


@pytest.mark.parametrize(
  'changes, message',
  [
    ({'activations': 'int4'}, 'int4'),
    ({'input_type': 'int16'}, 'int16.*int8, uint8 or float32|int16'),
    ({'activations': 'int16', 'output_type': 'uint8'}, 'uint8'),
    ({'percentile': 20.0}, 'percentile 20'),
    ({'momentum': 1.0}, 'momentum 1'),
  ],
)
def test_wrong_options(changes, message):
  with pytest.raises(TflmPatchError, match=message):
    QuantizeOptions(**changes)


def _observe(keras, observer, batches):
  for batch in batches:
    observer.see(keras.ops, keras.ops.convert_to_tensor(np.asarray(batch, np.float32)))
  found = observer.range()
  return found.low, found.high


def test_min_max_holds_zero(keras):
  assert _observe(keras, MinMax(), [[1, 3], [2, 5]]) == (0, 5)
  assert _observe(keras, MinMax(), [[-1, 3], [-4, 2]]) == (-4, 3)


def test_moving_average(keras):
  low, high = _observe(keras, MovingAverage(0.75), [[-1, 4], [-2, 8], [0, 0]])
  assert low == pytest.approx(0.75 * (0.75 * -1 + 0.25 * -2))
  assert high == pytest.approx(0.75 * (0.75 * 4 + 0.25 * 8))


@pytest.mark.parametrize('order', ['rising', 'falling'])
def test_percentile_leaves_outliers_out(keras, order):
  values = np.random.default_rng(0).normal(size=(20, 1000))
  values[3, 5], values[7, 9] = 90.0, -70.0
  batches = values if order == 'rising' else values[::-1]
  low, high = _observe(keras, Percentile(99.9), batches)
  wanted = np.quantile(values, [0.001, 0.999])
  bin_width = 2 * 128 / 4096
  assert abs(low - wanted[0]) <= 2 * bin_width
  assert abs(high - wanted[1]) <= 2 * bin_width


def test_percentile_of_everything_is_min_max(keras):
  values = np.random.default_rng(0).normal(size=(3, 1000))
  low, high = _observe(keras, Percentile(100.0), values)
  assert (low, high) == pytest.approx((values.min(), values.max()), abs=0.01)


def test_ranges_change_the_scales(keras):
  model = _small(keras)
  samples = keras_models.random_samples(model)
  samples[0][0] *= 30  # an outlier
  scales = {}
  for ranges in Ranges:
    result = quantize(model, samples[0], QuantizeOptions(ranges=ranges, percentile=99.0))
    conv = result.model.main.operators[-2]  # of the dense layer
    scales[ranges] = result.model.main.tensors[conv.outputs[0]].quantization.scale
    source = result.model.main.tensors[result.model.main.inputs[0]].quantization
    assert source.scale == pytest.approx(np.ptp(samples[0]) / 255, rel=1e-3)
  assert scales[Ranges.PERCENTILE] < scales[Ranges.MIN_MAX]
  assert scales[Ranges.MOVING_AVERAGE] <= scales[Ranges.MIN_MAX]


def _several(keras):
  layers = keras.layers
  image = keras.Input((8, 8, 2), name='image')
  sensor = keras.Input((5,), name='sensor')
  x = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3, activation='relu')(image))
  y = layers.Concatenate()([x, layers.Dense(4)(sensor)])
  outputs = {'label': layers.Dense(3, activation='softmax')(y), 'size': layers.Dense(1)(y)}
  return keras_models.randomize(keras.Model({'image': image, 'sensor': sensor}, outputs))


@pytest.mark.parametrize('given', ['list', 'names'])
def test_several_inputs_and_outputs(keras, given):
  model = _several(keras)
  samples = keras_models.random_samples(model)
  names = [tensor.name for tensor in model.inputs]
  result = quantize(model, samples if given == 'list' else dict(zip(names, samples)))
  assert [result.model.main.tensors[i].name for i in result.model.main.inputs] == names
  found = keras_models.run_in_tflm(result.model, result.data, samples)
  wanted = keras.tree.flatten(model(dict(zip(names, samples)), training=False))
  for ours, theirs, index in zip(found, wanted, result.model.main.outputs):
    scale = result.model.main.tensors[index].quantization.scale
    assert np.abs(ours - keras.ops.convert_to_numpy(theirs)).max() < 5 * scale


def test_nested_models_and_a_model_called_twice(keras):
  layers = keras.layers
  inner = keras.Sequential(
    [
      keras.Input((8, 8, 4)),
      layers.Conv2D(4, 3, padding='same', use_bias=False),
      layers.BatchNormalization(),
      layers.ReLU(),
    ],
    name='block',
  )
  source = keras.Input((8, 8, 4))
  body = keras.Model(source, inner(inner(source)), name='body')
  outer = keras.Input((8, 8, 4))
  model = keras.Model(outer, layers.Dense(3)(layers.Flatten()(body(outer))))
  keras_models.randomize(model)
  samples = keras_models.random_samples(model)
  result = quantize(model, samples[0])
  assert keras_models.opcodes(result.model) == ['CONV_2D', 'CONV_2D', 'FULLY_CONNECTED']
  names = [tensor.name for tensor in result.model.main.tensors]
  assert 'body/block/relu/clamp' in names or any('body/block' in name for name in names)
  scale = result.model.main.tensors[result.model.main.outputs[0]].quantization.scale
  assert _errors(model, result, samples)[0] < 5 * scale


def test_an_output_inside_the_network(keras):
  layers = keras.layers
  source = keras.Input((8, 8, 3))
  x = layers.Conv2D(4, 3)(source)
  model = keras.Model(source, [layers.ReLU()(x), x, layers.Flatten()(x)])
  keras_models.randomize(model)
  samples = keras_models.random_samples(model)
  result = quantize(model, samples[0])
  assert sorted(keras_models.opcodes(result.model)) == ['CONV_2D', 'RELU', 'RESHAPE']
  main = result.model.main
  for error, index in zip(_errors(model, result, samples), main.outputs):
    assert error < 4 * main.tensors[index].quantization.scale


def test_dead_channels_and_large_biases(keras):
  model = keras_models.functional((6, 6, 2), lambda x: keras.layers.Conv2D(4, 3)(x))
  kernel, bias = model.layers[-1].get_weights()
  kernel[..., 1] = 0
  kernel[..., 2] *= 1e-9
  bias[:] = [0.5, 3.0, 3.0, 0.0]
  model.layers[-1].set_weights([kernel, bias])
  samples = keras_models.random_samples(model)
  result = quantize(model, samples[0])
  main = result.model.main
  assert _errors(model, result, samples)[0] < 3 * main.tensors[main.outputs[0]].quantization.scale


def test_all_zero_samples(keras):
  model = keras_models.functional((6, 6, 2), lambda x: keras.layers.Conv2D(4, 3, use_bias=False)(x))
  result = quantize(model, np.zeros((3, 6, 6, 2), np.float32))
  (found,) = keras_models.run_in_tflm(result.model, result.data, [np.zeros((1, 6, 6, 2))])
  assert np.all(found == 0)


@pytest.mark.parametrize('name', ['softmax', 'sigmoid', 'tanh', 'hard_swish', 'relu'])
@pytest.mark.parametrize('size', [1e-3, 1e-6, 1e-9, 1e-30])
def test_tiny_values(keras, name, size):
  model = keras_models.functional((6,), lambda x: keras.layers.Dense(4, activation=name)(x))
  kernel, bias = model.layers[-1].get_weights()
  model.layers[-1].set_weights([kernel * size, bias * size])
  samples = keras_models.random_samples(model)
  result = quantize(model, samples[0])
  assert _errors(model, result, samples)[0] < 0.01


def test_the_name_at_the_top(keras):
  model = _small(keras)
  samples = keras_models.random_samples(model)
  assert tflm_patch.quantize(model, samples[0]).data == quantize(model, samples[0]).data
