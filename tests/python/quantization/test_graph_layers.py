# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Graph networks of Keras: operators, values in TFLM against Keras, one stage, clear refusals."""

import numpy as np
import pytest
from support import keras_models

from tflm_patch import convert_model, models, quantize
from tflm_patch.errors import TflmPatchError
from tflm_patch.program.records import Kind

NODES = 40
EDGES = np.stack([np.arange(NODES), (np.arange(NODES) + 7) % NODES], axis=1)
NEAR = np.stack([np.arange(NODES), (np.arange(NODES) + 9) % NODES], axis=1)
ADJACENCY = models.normalized_adjacency(EDGES, NODES)


def _ops():
  from keras import ops

  return ops


def _taken_and(name):
  def build(x):
    return getattr(_ops(), name)(_ops().take(x, NEAR, axis=1), axis=2)

  return build


def _two_layers(x):
  y = models.GraphConvolution(9, EDGES, 'relu')(x)
  return models.GraphConvolution(3, EDGES.tolist(), use_bias=False)(y)


def _readout(x):
  return _ops().mean(models.GraphConvolution(6, EDGES, 'relu')(x), axis=1)


CASES = {
  'matmul': (lambda x: _ops().matmul(ADJACENCY, x), ['BATCH_MATMUL'], 1),
  'matmul_of_three_dimensions': (lambda x: _ops().matmul(ADJACENCY[None], x), ['BATCH_MATMUL'], 1),
  'take_and_sum': (_taken_and('sum'), ['GATHER', 'SUM'], 1),
  'take_and_mean': (_taken_and('mean'), ['GATHER', 'MEAN'], 1),
  'two_layers': (_two_layers, None, 2),
  'readout': (_readout, None, 1),
}


@pytest.mark.parametrize('name', CASES)
def test_values_and_stage(name):
  build, operators, sums = CASES[name]
  model = keras_models.functional((NODES, 5), build)
  samples = keras_models.random_samples(model)
  result = quantize(model, samples[0])
  if operators is not None:
    assert keras_models.opcodes(result.model) == operators
  (found,) = keras_models.run_in_tflm(result.model, result.data, samples)
  (wanted,) = keras_models.run_in_keras(model, samples)
  target = result.model.main.tensors[result.model.main.outputs[0]]
  assert np.abs(found - wanted).max() < 8 * target.quantization.scale
  converted = convert_model(result.data)
  kinds = [op.kind for stage in converted.stages for op in stage.plan.graph.ops]
  assert kinds.count(Kind.NEIGHBOURS) == sums
  assert len(converted.stages) == 1 and not converted.stock_operators


def test_products_of_two_values():
  def build(x):
    return _ops().matmul(x, _ops().transpose(x, (0, 2, 1)))

  model = keras_models.functional((6, 5), build)
  assert 'BATCH_MATMUL' in keras_models.opcodes(
    quantize(model, keras_models.random_samples(model)[0]).model
  )


def test_adjacency():
  """Kipf and Welling: D^-1/2 (E + I) D^-1/2, of edges in both directions."""
  found = models.normalized_adjacency(np.array([[0, 1], [1, 2], [2, 1]]), 3)
  degrees = np.array([2, 3, 2])
  linked = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
  np.testing.assert_allclose(found, linked / np.sqrt(np.outer(degrees, degrees)), rtol=1e-6)


def test_files_keep_the_layer(tmp_path, keras):
  model = keras_models.functional((NODES, 5), _two_layers)
  x = keras_models.random_samples(model)[0]
  model.save(tmp_path / 'model.keras')
  again = keras.saving.load_model(tmp_path / 'model.keras')
  np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


@pytest.mark.parametrize(
  ('make', 'shape', 'message'),
  [
    (lambda: models.GraphConvolution(3, [[0, 40]]), (40, 5), 'names node 40'),
    (lambda: models.GraphConvolution(3, [[-1, 4]]), (40, 5), 'names node -1'),
    (lambda: models.GraphConvolution(3, [[0.5, 4.0]]), (40, 5), 'pairs of nodes'),
    (lambda: models.GraphConvolution(3, [0, 4]), (40, 5), 'pairs of nodes'),
    (lambda: models.GraphConvolution(3, EDGES), (None, 5), 'fixed number of nodes'),
    (lambda: models.GraphConvolution(3, EDGES), (5,), 'fixed number of nodes'),
  ],
)
def test_bad_graphs(make, shape, message, keras):
  with pytest.raises(ValueError, match=message):
    make()(keras.Input(shape))


@pytest.mark.parametrize(
  ('build', 'message'),
  [
    (lambda x: _ops().matmul(np.zeros((2, 4, NODES), 'float32'), x), 'not one matrix'),
    (lambda x: _ops().take(x, [0, NODES], axis=1), 'not one of the 40'),
    (lambda x: _ops().sum(x), 'has the batch in it'),
    (lambda x: _ops().mean(x, axis=(0, 1)), 'has the batch in it'),
  ],
)
def test_refusals(build, message):
  model = keras_models.functional((NODES, 5), build)
  with pytest.raises(TflmPatchError, match=message) as caught:
    quantize(model, np.zeros((8, NODES, 5), np.float32))
  assert '\n' not in str(caught.value)
