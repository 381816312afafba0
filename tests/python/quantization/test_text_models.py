# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Embeddings, EinsumDense and GELU: a text encoder in TFLM beside Keras, and what is refused."""

import numpy as np
import pytest
from support import keras_models

from tflm_patch.api import convert_model
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import DType
from tflm_patch.quantization import GeluBy, QuantizeOptions, quantize
from tflm_patch.runtime.tflm import Interpreter

STEPS, WORDS, WIDTH = 12, 40, 8
BY_SIGMOID = QuantizeOptions(gelu=GeluBy.SIGMOID)


def encoder(keras, activation):
  """Words and their places, a block of a transformer, four classes."""
  layers = keras.layers
  ids = keras.Input((STEPS,), dtype='int32', name='ids')
  places = np.random.default_rng(0).normal(0, 0.3, (STEPS, WIDTH)).astype(np.float32)
  x = layers.Embedding(WORDS, WIDTH, name='words')(ids) + places
  y = layers.LayerNormalization()(x)
  x = layers.Add()([x, layers.MultiHeadAttention(2, WIDTH // 2)(y, y)])
  y = layers.LayerNormalization()(x)
  y = layers.EinsumDense('...c,cd->...d', 16, activation=activation, bias_axes='d')(y)
  x = layers.Add()([x, layers.Dense(WIDTH)(y)])
  x = layers.Dense(4)(layers.GlobalAveragePooling1D()(x))
  return keras_models.randomize(keras.Model(ids, x))


def words(count):
  return np.random.default_rng(1).integers(0, WORDS, (count, STEPS)).astype(np.int32)


def differences(model, result, samples):
  """Largest difference of each output from Keras, in steps of int8."""
  main, interpreter = result.model.main, Interpreter(result.data)
  assert main.tensors[main.inputs[0]].dtype is DType.INT32
  target = main.tensors[main.outputs[0]]
  real = np.concatenate([interpreter.invoke([each[None]])[0].copy() for each in samples])
  wanted = np.asarray(model(samples))
  return np.abs(keras_models.to_real(real, target) - wanted) / target.quantization.scale


@pytest.mark.parametrize(
  ('activation', 'options'), [('relu', QuantizeOptions()), ('gelu', BY_SIGMOID)]
)
def test_a_text_encoder_is_one_stage_behind_its_table(keras, activation, options):
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  model, samples = encoder(keras, activation), words(64)
  result = quantize(model, samples, options)
  opcodes = [each.opcode for each in result.model.main.operators]
  assert opcodes[0] == 'GATHER' and opcodes.count('BATCH_MATMUL') == 2
  assert ('LOGISTIC' in opcodes) == (activation == 'gelu')
  assert differences(model, result, samples[:16]).max() < 16
  converted = convert_model(result.data)
  assert len(converted.stages) == 1
  assert [each.opcode for each in converted.stock_operators] == ['GATHER']
  assert converted.converted_arena.total < converted.original_arena.total / 3
  stock, ours = Interpreter(result.data), Interpreter(converted.data)
  for each in words(8)[:, None]:
    np.testing.assert_array_equal(ours.invoke([each])[0], stock.invoke([each])[0])
  assert ours.arena_usage().total == converted.converted_arena_host.total


@pytest.mark.parametrize(
  ('equation', 'shape', 'output', 'bias', 'kept'),
  [
    ('abc,cd->abd', (5, 6), (None, 4), 'd', 'CONV_2D'),
    ('abc,cde->abde', (5, 6), (None, 2, 3), 'de', 'CONV_2D'),
    ('abc,dec->abed', (5, 6), (None, 3, 2), None, 'CONV_2D'),
    ('abcd,cde->abe', (5, 2, 6), (None, 4), 'e', 'CONV_2D'),
    ('abc,dbc->ad', (5, 6), 4, 'd', 'FULLY_CONNECTED'),
    ('ab,bc->ac', (7,), 3, None, 'FULLY_CONNECTED'),
  ],
)
def test_einsum_dense(keras, equation, shape, output, bias, kept):
  layer = keras.layers.EinsumDense(equation, output, bias_axes=bias)
  model = keras_models.functional(shape, layer)
  (samples,) = keras_models.random_samples(model)
  result = quantize(model, samples)
  assert kept in [each.opcode for each in result.model.main.operators]
  main, interpreter = result.model.main, Interpreter(result.data)
  source, target = (main.tensors[i] for i in (*main.inputs, *main.outputs))
  for each in samples[:8]:
    (found,) = interpreter.invoke([keras_models.to_steps(each[None], source)])
    real, wanted = keras_models.to_real(found, target), np.asarray(model(each[None]))
    assert np.abs(real - wanted).max() < 4 * target.quantization.scale


def test_gelu_is_replaced_on_request_alone(keras):
  model = keras_models.functional((6,), lambda x: keras.activations.gelu(keras.layers.Dense(5)(x)))
  (samples,) = keras_models.random_samples(model)
  with pytest.raises(TflmPatchError, match='TFLM has no GELU; --gelu sigmoid takes x \\* sigmoid'):
    quantize(model, samples)
  quantize(model, samples, BY_SIGMOID)


def lookups(keras, name):
  layers, ids = keras.layers, keras.Input((4,), name='ids')
  looked_up = layers.Embedding(9, 3, mask_zero=name == 'mask', name='words')
  if name == 'computed':
    return keras.Model(ids, looked_up(layers.ReLU()(ids)))
  outputs = [looked_up(ids)] + ([layers.Dense(2)(ids)] if name == 'both' else [])
  return keras.Model(ids, outputs)


@pytest.mark.parametrize(
  ('name', 'options', 'message'),
  [
    ('mask', QuantizeOptions(), '"words" .Embedding.: mask_zero is on'),
    ('computed', QuantizeOptions(), 'what it looks up is computed; make the numbers an input'),
    ('both', QuantizeOptions(), 'looked up elsewhere as values; give the model another input'),
    ('int16', QuantizeOptions(activations='int16'), 'words'),
  ],
)
def test_lookups_that_tflm_lacks(keras, name, options, message):
  with pytest.raises(TflmPatchError, match=message):
    quantize(lookups(keras, name), np.ones((8, 4)), options)


def test_an_equation_that_is_no_dense_layer(keras):
  model = keras_models.functional(
    (5, 6), keras.layers.EinsumDense('abc,bd->acd', (6, 2), name='odd')
  )
  (samples,) = keras_models.random_samples(model)
  with pytest.raises(TflmPatchError, match=r'"odd" .*no dense layer of the last dimensions'):
    quantize(model, samples)
