# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Every supported layer: operators, values in TFLM against Keras, one stage after conversion."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from support import keras_models

import tflm_patch
from tflm_patch.quantization import quantize

LINE = (20, 6)
MAP = (12, 10, 6)
CONV, DEPTHWISE, FC = 'CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED'


@dataclasses.dataclass(frozen=True)
class Case:
  """A model and what it becomes.

  Attributes:
    build: Makes the output from the input.
    operators: Expected, in order.
    shape: Of the input.
    steps: Most int8 steps of the output that a value may be off.
    stages: Stages after conversion.
  """

  build: Callable
  operators: list[str]
  shape: tuple[int, ...] = MAP
  steps: float = 4
  stages: int = 1


def _layers():
  from keras import layers

  return layers


def _chain(*makers):
  """A build function of layers in a row; each is a class name and its arguments."""

  def build(x):
    for name, args in makers:
      x = getattr(_layers(), name)(**args)(x)
    return x

  return build


def _conv(**more):
  return ('Conv2D', {'filters': 8, 'kernel_size': 3, **more})


NORM = ('BatchNormalization', {})
RELU = ('ReLU', {})

CASES = {
  'conv2d': Case(_chain(_conv()), [CONV]),
  'conv2d_same_strided': Case(_chain(_conv(padding='same', strides=2)), [CONV]),
  'conv2d_dilated': Case(_chain(_conv(dilation_rate=(2, 1))), [CONV]),
  'conv2d_no_bias': Case(_chain(_conv(use_bias=False)), [CONV]),
  'conv2d_relu6': Case(_chain(_conv(activation='relu6')), [CONV]),
  'conv2d_relu_layer': Case(_chain(_conv(), RELU), [CONV]),
  'conv2d_relu_2': Case(_chain(_conv(), ('ReLU', {'max_value': 2.0})), [CONV], steps=8),
  'conv2d_hard_tanh': Case(_chain(_conv(activation='hard_tanh')), [CONV], steps=8),
  'conv2d_hard_sigmoid': Case(_chain(_conv(activation='hard_sigmoid')), [CONV]),
  'conv2d_hard_swish': Case(_chain(_conv(activation='hard_swish')), [CONV, 'HARD_SWISH']),
  'conv2d_hard_silu': Case(_chain(_conv(activation='hard_silu')), [CONV, 'HARD_SWISH']),
  'conv2d_sigmoid': Case(_chain(_conv(activation='sigmoid')), [CONV, 'LOGISTIC']),
  'conv2d_tanh': Case(_chain(_conv(activation='tanh')), [CONV, 'TANH'], steps=9),
  'conv2d_silu': Case(_chain(_conv(activation='silu')), [CONV, 'LOGISTIC', 'MUL']),
  'conv2d_elu': Case(_chain(_conv(activation='elu')), [CONV, 'ELU']),
  'conv2d_leaky': Case(_chain(_conv(activation='leaky_relu')), [CONV, 'LEAKY_RELU']),
  'conv2d_softmax': Case(_chain(_conv(activation='softmax')), [CONV, 'SOFTMAX']),
  'leaky_relu_layer': Case(
    _chain(_conv(), ('LeakyReLU', {'negative_slope': 0.1})), [CONV, 'LEAKY_RELU']
  ),
  'relu_slope': Case(
    _chain(_conv(), ('ReLU', {'negative_slope': 0.1, 'max_value': 3.0})),
    [CONV, 'LEAKY_RELU', 'QUANTIZE'],
    steps=6,
  ),
  'prelu': Case(_chain(_conv(), ('PReLU', {'shared_axes': [1, 2]})), [CONV, 'PRELU']),
  'prelu_whole': Case(_chain(_conv(), ('PReLU', {})), [CONV, 'PRELU']),
  'relu_alone': Case(_chain(('MaxPooling2D', {}), RELU, _conv()), ['MAX_POOL_2D', CONV]),
  'relu6_after_concat': Case(
    lambda x: _layers().ReLU(6.0)(
      _layers().Concatenate()([_layers().Conv2D(4, 1)(x), _layers().Conv2D(4, 1)(x)])
    ),
    [CONV, CONV, 'CONCATENATION', 'RELU'],
  ),
  'batch_norm_after': Case(_chain(_conv(use_bias=False), NORM, RELU), [CONV]),
  'batch_norm_twice': Case(_chain(_conv(), NORM, NORM), [CONV]),
  'batch_norm_before_valid': Case(_chain(NORM, _conv()), [CONV]),
  'batch_norm_before_same': Case(_chain(NORM, _conv(padding='same')), [DEPTHWISE, CONV]),
  'batch_norm_before_1x1_same': Case(_chain(NORM, _conv(kernel_size=1, padding='same')), [CONV]),
  'batch_norm_alone': Case(_chain(NORM, RELU), [DEPTHWISE]),
  'batch_norm_no_scale': Case(
    _chain(_conv(), ('BatchNormalization', {'scale': False, 'center': False})), [CONV]
  ),
  'batch_norm_of_line': Case(
    _chain(('AveragePooling1D', {'pool_size': 2}), NORM, RELU),
    ['RESHAPE', 'AVERAGE_POOL_2D', DEPTHWISE, 'RESHAPE'],
    LINE,
  ),
  'batch_norm_of_vector': Case(
    _chain(('Dense', {'units': 7}), RELU, NORM), [FC, 'MUL', 'ADD'], (9,)
  ),
  'batch_norm_dense': Case(_chain(('Dense', {'units': 7}), NORM, RELU), [FC], (9,)),
  'batch_norm_before_dense': Case(_chain(NORM, ('Dense', {'units': 7})), [FC], (9,)),
  'batch_norm_depthwise': Case(
    _chain(('DepthwiseConv2D', {'kernel_size': 3}), NORM, ('ReLU', {'max_value': 6})), [DEPTHWISE]
  ),
  'batch_norm_before_depthwise': Case(
    _chain(NORM, ('DepthwiseConv2D', {'kernel_size': 3, 'depth_multiplier': 2})), [DEPTHWISE]
  ),
  'batch_norm_transpose': Case(
    _chain(('Conv2DTranspose', {'filters': 4, 'kernel_size': 3, 'strides': 2}), NORM),
    ['TRANSPOSE_CONV'],
  ),
  'depthwise_multiplier': Case(
    _chain(('DepthwiseConv2D', {'kernel_size': 3, 'depth_multiplier': 2, 'strides': 2})),
    [DEPTHWISE],
  ),
  'separable2d': Case(
    _chain(('SeparableConv2D', {'filters': 8, 'kernel_size': 3, 'activation': 'relu'})),
    [DEPTHWISE, CONV],
  ),
  'zero_padding': Case(
    _chain(('ZeroPadding2D', {'padding': ((2, 1), (0, 3))}), _conv()), ['PAD', CONV]
  ),
  'zero_padding_like_same': Case(
    _chain(('ZeroPadding2D', {'padding': ((0, 1), (0, 1))}), _conv(strides=2)), [CONV]
  ),
  'cropping': Case(
    _chain(_conv(), ('Cropping2D', {'cropping': ((1, 2), (0, 3))})), [CONV, 'STRIDED_SLICE']
  ),
  'average_pool': Case(
    _chain(('AveragePooling2D', {'pool_size': 3, 'strides': 2, 'padding': 'same'})),
    ['AVERAGE_POOL_2D'],
  ),
  'max_pool': Case(
    _chain(('MaxPooling2D', {'pool_size': (3, 2), 'padding': 'same'})), ['MAX_POOL_2D']
  ),
  'pool_relu': Case(_chain(('AveragePooling2D', {'pool_size': 2}), RELU), ['AVERAGE_POOL_2D']),
  'global_average': Case(_chain(('GlobalAveragePooling2D', {})), ['MEAN']),
  'global_average_keep': Case(
    _chain(('GlobalAveragePooling2D', {'keepdims': True}), _conv(kernel_size=1)), ['MEAN', CONV]
  ),
  'global_max': Case(_chain(('GlobalMaxPooling2D', {})), ['MAX_POOL_2D', 'RESHAPE']),
  'global_max_keep': Case(_chain(('GlobalMaxPooling2D', {'keepdims': True})), ['MAX_POOL_2D']),
  'up_nearest': Case(
    _chain(_conv(), ('UpSampling2D', {'size': (2, 3)})), [CONV, 'RESIZE_NEAREST_NEIGHBOR']
  ),
  'up_bilinear': Case(
    _chain(_conv(), ('UpSampling2D', {'interpolation': 'bilinear'})), [CONV, 'RESIZE_BILINEAR']
  ),
  'transpose_same': Case(
    _chain(
      ('Conv2DTranspose', {'filters': 4, 'kernel_size': 3, 'strides': 2, 'padding': 'same'}), RELU
    ),
    ['TRANSPOSE_CONV'],
  ),
  'transpose_valid': Case(
    _chain(('Conv2DTranspose', {'filters': 4, 'kernel_size': (2, 4), 'strides': (1, 3)})),
    ['TRANSPOSE_CONV'],
  ),
  'flatten_dense': Case(
    _chain(_conv(), ('Flatten', {}), ('Dense', {'units': 5, 'activation': 'softmax'})),
    [CONV, FC, 'SOFTMAX'],
    steps=6,  # a step of a score is several of a softmax
  ),
  'reshape': Case(_chain(_conv(), ('Reshape', {'target_shape': (-1, 16)})), [CONV, 'RESHAPE']),
  'reshape_no_op': Case(_chain(_conv(), ('Reshape', {'target_shape': (10, 8, 8)})), [CONV]),
  'pool_dense': Case(
    _chain(('AveragePooling2D', {'pool_size': (12, 10)}), ('Flatten', {}), ('Dense', {'units': 5})),
    ['MEAN', FC],
  ),
  'norm_flatten_dense': Case(
    _chain(('MaxPooling2D', {}), NORM, ('Flatten', {}), ('Dense', {'units': 5})),
    ['MAX_POOL_2D', FC],
  ),
  'dense_of_map': Case(_chain(('Dense', {'units': 5, 'activation': 'relu'})), [CONV]),
  'dense_of_line': Case(_chain(('Dense', {'units': 5})), ['RESHAPE', CONV, 'RESHAPE'], LINE),
  'dropout': Case(
    _chain(
      ('GaussianNoise', {'stddev': 1.0}),
      _conv(),
      ('SpatialDropout2D', {'rate': 0.5}),
      ('Dropout', {'rate': 0.5}),
      ('Activation', {'activation': 'linear'}),
      ('Identity', {}),
    ),
    [CONV],
  ),
  'rescaling_scale': Case(_chain(('Rescaling', {'scale': 0.5}), _conv(padding='same')), [CONV]),
  'rescaling_offset': Case(
    _chain(('Rescaling', {'scale': 0.5, 'offset': -1.0}), _conv(padding='same')), [DEPTHWISE, CONV]
  ),
  'normalization': Case(
    _chain(('Normalization', {'mean': [0.1] * 6, 'variance': [2.0] * 6}), _conv()), [CONV]
  ),
  'permute_of_ones': Case(
    _chain(('GlobalAveragePooling2D', {'keepdims': True}), ('Permute', {'dims': (3, 1, 2)})),
    ['MEAN', 'RESHAPE'],
  ),
  'conv1d': Case(
    _chain(('Conv1D', {'filters': 8, 'kernel_size': 3, 'activation': 'relu'})),
    ['RESHAPE', CONV, 'RESHAPE'],
    LINE,
  ),
  'conv1d_causal': Case(
    _chain(('Conv1D', {'filters': 8, 'kernel_size': 3, 'padding': 'causal', 'dilation_rate': 2})),
    ['RESHAPE', 'PAD', CONV, 'RESHAPE'],
    LINE,
  ),
  'net1d': Case(
    _chain(
      ('Conv1D', {'filters': 8, 'kernel_size': 5, 'strides': 2, 'padding': 'same'}),
      NORM,
      RELU,
      ('SeparableConv1D', {'filters': 8, 'kernel_size': 3, 'padding': 'same'}),
      NORM,
      ('ReLU', {'max_value': 6}),
      ('MaxPooling1D', {}),
      ('DepthwiseConv1D', {'kernel_size': 3}),
      ('GlobalAveragePooling1D', {}),
      ('Dense', {'units': 4}),
    ),
    ['RESHAPE', CONV, DEPTHWISE, CONV, 'MAX_POOL_2D', DEPTHWISE, 'MEAN', FC],
    LINE,
  ),
  'pads1d': Case(
    _chain(
      ('ZeroPadding1D', {'padding': (2, 1)}),
      ('UpSampling1D', {'size': 2}),
      ('Cropping1D', {'cropping': (1, 3)}),
      ('AveragePooling1D', {'pool_size': 2}),
      ('GlobalMaxPooling1D', {'keepdims': True}),
      ('Flatten', {}),
    ),
    [
      'RESHAPE',
      'PAD',
      'RESIZE_NEAREST_NEIGHBOR',
      'STRIDED_SLICE',
      'AVERAGE_POOL_2D',
      'MAX_POOL_2D',
      'RESHAPE',
    ],
    LINE,
  ),
  'conv1d_transpose': Case(
    _chain(('Conv1DTranspose', {'filters': 4, 'kernel_size': 4, 'strides': 2, 'padding': 'same'})),
    ['RESHAPE', 'TRANSPOSE_CONV', 'RESHAPE'],
    LINE,
  ),
}


LSTM = 'UNIDIRECTIONAL_SEQUENCE_LSTM'
STEPS = (5, 6)

RECURRENT = {
  'lstm': Case(_chain(('LSTM', {'units': 7})), [LSTM, 'STRIDED_SLICE', 'RESHAPE'], STEPS, 6),
  'lstm_sequence': Case(
    _chain(
      ('LSTM', {'units': 7, 'return_sequences': True}),
      ('LSTM', {'units': 5, 'return_sequences': True, 'use_bias': False}),
      ('Flatten', {}),
      ('Dense', {'units': 4}),
    ),
    [LSTM, LSTM, FC],
    STEPS,
    8,
  ),
  'gru': Case(
    _chain(('GRU', {'units': 4})),
    ['RESHAPE', CONV]
    + ['STRIDED_SLICE'] * (5 + 5 * 3 + 4 * 2 + 5 * 1)
    + ['RESHAPE'] * 5
    + [FC] * 4
    + ['ADD'] * (5 * 2 + 4)
    + ['LOGISTIC', 'MUL', 'MUL', 'TANH', 'SUB'] * 5,
    STEPS,
    9,
  ),
  'gru_sequence': Case(
    _chain(('GRU', {'units': 3, 'return_sequences': True, 'use_bias': False})),
    ['RESHAPE', CONV]
    + ['STRIDED_SLICE'] * (2 + 2 * 3 + 1 * 2 + 2 * 1)
    + ['RESHAPE'] * (2 + 2)
    + [FC]
    + ['ADD'] * (2 * 2 + 1)
    + ['LOGISTIC', 'MUL', 'MUL', 'TANH', 'SUB'] * 2
    + ['CONCATENATION'],
    (2, 6),
    9,
    stages=2,
  ),
  'simple_rnn': Case(
    _chain(('SimpleRNN', {'units': 6, 'go_backwards': True})),
    ['RESHAPE', CONV, 'STRIDED_SLICE', 'TANH']
    + ['RESHAPE', 'STRIDED_SLICE', FC, 'ADD', 'TANH'] * 4,
    STEPS,
    9,
  ),
}


def _encoder(x):
  """A block of a transformer."""
  layers = _layers()
  y = layers.LayerNormalization()(x)
  x = layers.Add()([x, layers.MultiHeadAttention(2, 3)(y, y)])
  y = layers.Dense(12, activation='relu')(layers.LayerNormalization()(x))
  return layers.Add()([x, layers.Dense(6)(y)])


def _cross_attention(x):
  layers = _layers()
  y = layers.AveragePooling1D(2)(x)
  return layers.MultiHeadAttention(2, 4, value_dim=3, use_bias=False)(y, x, key=x)


NORMAL = ['MEAN', 'SQUARED_DIFFERENCE', 'MEAN', 'ADD', 'RSQRT', 'SUB', 'MUL']
HEADS = ['TRANSPOSE'] * 4 + ['BATCH_MATMUL', 'SOFTMAX', 'BATCH_MATMUL']

ATTENTION = {
  'layer_norm': Case(
    _chain(('LayerNormalization', {})), [*NORMAL, 'RESHAPE', DEPTHWISE, 'RESHAPE'], LINE, 9
  ),
  'layer_norm_alone': Case(
    _chain(('LayerNormalization', {'center': False, 'scale': False, 'epsilon': 0.1})),
    NORMAL,
    LINE,
    9,
  ),
  'cross_attention': Case(
    _cross_attention, ['AVERAGE_POOL_2D'] + [CONV] * 4 + ['RESHAPE'] * 8 + HEADS, LINE, 9
  ),
  'encoder': Case(
    _encoder,
    [*NORMAL, DEPTHWISE] * 2 + HEADS + [CONV] * 6 + ['RESHAPE'] * 8 + ['ADD'] * 2,
    LINE,
    16,
  ),
}


def _residual1d(x):
  layers = _layers()
  x = layers.Conv1D(6, 3, padding='same', activation='silu')(x)
  y = layers.Conv1D(6, 3, padding='same')(x)
  return layers.Dense(3)(layers.Flatten()(layers.ReLU()(layers.Add()([x, y]))))


def _merge(name, count=2, **more):
  def build(x):
    layers = _layers()
    parts = [layers.Conv2D(5, 1)(x) for _ in range(count)]
    return getattr(layers, name)(**more)(parts)

  return build


def _squeeze_excite(x):
  layers = _layers()
  x = layers.Conv2D(8, 3, activation='relu6')(x)
  gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
  gate = layers.Conv2D(4, 1, activation='relu')(gate)
  gate = layers.Conv2D(8, 1, activation='hard_sigmoid')(gate)
  return layers.Multiply()([x, gate])


def _squeeze_excite_of_vectors(x):
  layers = _layers()
  gate = layers.GlobalAveragePooling2D()(x)
  gate = layers.Dense(6, activation='sigmoid')(gate)
  return layers.Multiply()([x, layers.Reshape((1, 1, 6))(gate)])


def _softmax_joined(x):
  """A fixed scale beside a free one."""
  layers = _layers()
  gate = layers.Conv2D(4, 1, activation='sigmoid')(x)
  return layers.Concatenate()([gate, layers.Conv2D(4, 1)(x)])


def _limited_joined(x):
  """A value that saturation limits, beside a larger one: it must stay limited."""
  layers = _layers()
  small = layers.ReLU(max_value=0.5)(layers.Conv2D(4, 1)(x))
  return layers.Concatenate()([small, layers.Conv2D(4, 1)(x)])


def _twice(x):
  conv = _layers().Conv2D(6, 3, padding='same')
  return conv(_layers().ReLU()(conv(x)))


def _operators(x):
  from keras import ops

  y = ops.relu(_layers().Conv2D(6, 1)(x * 0.5 + 1.0))
  z = (y - x) / 2.0
  return ops.mean(ops.clip(z, -1.5, 1.5)[:, 1:, ::2], axis=(1, 2))


GRAPHS = {
  'add': Case(_merge('Add'), [CONV, CONV, 'ADD']),
  'add_three': Case(_merge('Add', 3), [CONV] * 3 + ['ADD'] * 2),
  'subtract': Case(_merge('Subtract'), [CONV, CONV, 'SUB']),
  'multiply': Case(_merge('Multiply'), [CONV, CONV, 'MUL']),
  'maximum': Case(_merge('Maximum'), [CONV, CONV, 'MAXIMUM']),
  'minimum': Case(_merge('Minimum'), [CONV, CONV, 'MINIMUM']),
  'average': Case(_merge('Average'), [CONV, CONV, 'ADD', DEPTHWISE]),
  'concatenate': Case(_merge('Concatenate', 3), [CONV] * 3 + ['CONCATENATION']),
  'concatenate_rows': Case(_merge('Concatenate', axis=1), [CONV, CONV, 'CONCATENATION'], stages=2),
  'residual1d': Case(_residual1d, ['RESHAPE', CONV, 'LOGISTIC', 'MUL', CONV, 'ADD', FC], LINE),
  'squeeze_excite': Case(_squeeze_excite, [CONV, 'MEAN', CONV, CONV, 'MUL']),
  'squeeze_excite_vectors': Case(
    _squeeze_excite_of_vectors, ['MEAN', FC, 'LOGISTIC', 'RESHAPE', 'MUL']
  ),
  'sigmoid_joined': Case(_softmax_joined, [CONV, 'LOGISTIC', CONV, 'QUANTIZE', 'CONCATENATION']),
  'limited_joined': Case(_limited_joined, [CONV, CONV, 'QUANTIZE', 'CONCATENATION']),
  'layer_twice': Case(_twice, [CONV, CONV]),
  'operators': Case(_operators, [CONV, 'SUB', DEPTHWISE, 'STRIDED_SLICE', 'MEAN']),
}


@pytest.mark.parametrize('name', [*CASES, *GRAPHS, *RECURRENT, *ATTENTION])
def test_layer(name):
  case = {**CASES, **GRAPHS, **RECURRENT, **ATTENTION}[name]
  model = keras_models.functional(case.shape, case.build)
  samples = keras_models.random_samples(model)
  result = quantize(model, samples[0])
  assert sorted(keras_models.opcodes(result.model)) == sorted(case.operators)
  _check_values(model, result, samples, case.steps)
  converted = tflm_patch.convert_model(result.data, tflm_patch.ConvertOptions(force_stage=True))
  assert not converted.stock_operators or case.stages != 1
  assert len(converted.stages) <= case.stages


def _check_values(model, result, samples, steps):
  main = result.model.main
  found = keras_models.run_in_tflm(result.model, result.data, samples)
  wanted = keras_models.run_in_keras(model, samples)
  for ours, theirs, index in zip(found, wanted, main.outputs):
    tensor = main.tensors[index]
    assert ours.shape == theirs.shape
    difference = np.abs(ours - theirs) / tensor.quantization.scale
    assert difference.max() <= steps, f'{difference.max():.2f} steps, mean {difference.mean():.3f}'
    assert np.ptp(ours) > 40 * tensor.quantization.scale  # the output does vary
