# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The layers against their published equations in NumPy, and in int8 in TFLM."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from support import keras_models

from tflm_patch import convert_model, models, quantize

ROOT = pathlib.Path(__file__).resolve().parents[3]
RNG = np.random.default_rng(3)


def sigmoid(x):
  return 1 / (1 + np.exp(-x))


def array(weight):
  from keras import ops

  return np.asarray(ops.convert_to_numpy(weight), np.float64)


def network(layer, shape, scale=0.5):
  """A model of one layer with random weights, and normal inputs."""
  import keras

  source = keras.Input(shape)
  model = keras.Model(source, layer(source))
  for weight in layer.trainable_weights:
    if weight.path.rsplit('/', 1)[-1] not in ('gamma', 'alpha', 'beta', 'zeta', 'nu'):
      weight.assign(RNG.normal(0, scale, tuple(weight.shape)))
  inputs = RNG.normal(size=(40, *shape)).astype(np.float32)
  return model, inputs, np.asarray(model.predict(inputs, verbose=0), np.float64)


def test_proto_nn():
  """sum_j Z_j exp(-gamma^2 |W x - B_j|^2), but for a positive factor of each input."""
  layer = models.ProtoNN(5, projection=4, prototypes=7, gamma=0.6)
  _, x, scores = network(layer, (9,))
  w, z = array(layer.project.kernel), array(layer.labels.kernel)
  b, gamma = array(layer.similarity.prototypes), float(array(layer.similarity.gamma))
  distance = ((x @ w)[:, None] - b[None]) ** 2
  kernel = np.exp(-(gamma**2) * distance.sum(axis=-1))
  assert gamma == pytest.approx(0.6)
  assert np.allclose(scores, kernel @ z / kernel.sum(axis=1, keepdims=True), atol=1e-5)


def test_proto_nn_begins_on_points():
  layer = models.ProtoNN(3, projection=4, prototypes=6, gamma=8.0)
  network(layer, (9,))
  points, labels = RNG.normal(size=(6, 9)).astype(np.float32), np.arange(6) % 3
  layer.place_prototypes(points, labels)
  assert np.array_equal(np.argmax(array(layer(points)), axis=-1), labels)


@pytest.mark.parametrize('depth', (1, 2, 3))
def test_bonsai(depth):
  """The nodes on the path, found by walking down the tree."""
  layer = models.Bonsai(4, projection=5, depth=depth, sigma=1.5)
  _, x, scores = network(layer, (8,))
  thetas = np.concatenate([array(each.theta) for each in layer.turns], axis=1)
  z = x @ array(layer.project.kernel)
  # Within a part of 1,000 of a border both ways are taken in part.
  clear = (np.abs(z @ thetas) > 1e-3).all(axis=1)
  assert clear.sum() > 30
  w = array(layer.scores.kernel).reshape(5, 4, -1)
  v = array(layer.gates.kernel).reshape(5, 4, -1)
  paths = set()
  for point, row in zip(z[clear], scores[clear]):
    node, total, path = 0, np.zeros(4), []
    while True:
      total += (point @ w[:, :, node]) * np.tanh(1.5 * (point @ v[:, :, node]))
      path.append(node)
      if node >= thetas.shape[1]:
        break
      node = 2 * node + (1 if point @ thetas[:, node] > 0 else 2)
    assert len(path) == depth + 1
    paths.add(tuple(path))
    assert np.allclose(total, row, atol=2e-4)
  assert len(paths) > 1


def test_bonsai_trains_with_soft_turns():
  layer = models.Bonsai(3, projection=4, depth=1)
  _, x, hard = network(layer, (6,))
  layer.sharpness.assign(0.5)
  turn = np.tanh(0.5 * (x @ array(layer.project.kernel)) @ array(layer.turns[0].theta))
  part = np.concatenate([np.ones_like(turn), (1 + turn) / 2, (1 - turn) / 2], axis=1)
  z = x @ array(layer.project.kernel)
  nodes = (z @ array(layer.scores.kernel)) * np.tanh(z @ array(layer.gates.kernel))
  wanted = (nodes.reshape(-1, 3, 3) * part[:, None]).sum(axis=-1)
  assert np.allclose(array(layer(x, training=True)), wanted, atol=1e-5)
  assert not np.allclose(wanted, hard, atol=1e-2)


def matrix(projection):
  """The matrix of a projection, of low rank too."""
  found = None
  for part in projection.parts:
    found = array(part.kernel) if found is None else found @ array(part.kernel)
  return found


@pytest.mark.parametrize('ranks', ((None, None), (2, 3)))
def test_fast_rnn(ranks):
  """h' = alpha tanh(W x + U h + b) + beta h"""
  layer = models.FastRNN(6, *ranks)
  _, x, states = network(layer, (7, 4))
  w, u = matrix(layer.input_projection), matrix(layer.state_projection)
  alpha, beta = sigmoid(array(layer.alpha)), sigmoid(array(layer.beta))
  h = np.zeros((len(x), 6))
  for step in range(7):
    h = alpha * np.tanh(x[:, step] @ w + h @ u + array(layer.bias)) + beta * h
  assert np.allclose(h, states, atol=1e-5)
  assert np.linalg.matrix_rank(u) == (ranks[1] or 6)


@pytest.mark.parametrize('ranks', ((None, None), (2, 3)))
def test_fast_grnn(ranks):
  """z and c have one W and one U; h' = (zeta (1 - z) + nu) * c + z * h"""
  layer = models.FastGRNN(6, *ranks)
  _, x, states = network(layer, (7, 4))
  w, u = matrix(layer.input_projection), matrix(layer.state_projection)
  zeta, nu = sigmoid(array(layer.zeta)), sigmoid(array(layer.nu))
  h = np.zeros((len(x), 6))
  for step in range(7):
    both = x[:, step] @ w + h @ u
    z = sigmoid(both + array(layer.gate_bias))
    h = (zeta * (1 - z) + nu) * np.tanh(both + array(layer.bias)) + z * h
  assert np.allclose(h, states, atol=1e-5)


def cell(parts, layer):
  """The last state of a FastGRNN with zeta 1 and nu 0 over vectors."""
  h = np.zeros(layer.units)
  for x in parts:
    both = x @ array(layer.inputs.kernel) + h @ array(layer.state.kernel)
    z = sigmoid(both + array(layer.gate_bias))
    h = (1 - z) * np.tanh(both + array(layer.state.bias)) + z * h
  return h


def test_rnn_pool():
  """Each patch alone, as in the paper: rows and columns, then summaries both ways."""
  layer = models.RNNPool(3, 2, size=4, strides=3)
  _, x, pooled = network(layer, (10, 7, 5))
  assert pooled.shape == (40, 3, 2, 8)
  for row in range(3):
    for column in range(2):
      patch = x[0, 3 * row : 3 * row + 4, 3 * column : 3 * column + 4]
      rows = [cell(patch[k], layer.first) for k in range(4)]
      columns = [cell(patch[:, k], layer.first) for k in range(4)]
      wanted = [cell(each, layer.second) for each in (rows, rows[::-1], columns, columns[::-1])]
      assert np.allclose(np.concatenate(wanted), pooled[0, row, column], atol=1e-5)


LAYERS = {
  'proto_nn': (lambda: models.ProtoNN(5, 6, 12, 0.5), (20,), 6),
  'bonsai': (lambda: models.Bonsai(5, 6, 2), (20,), None),
  'fast_rnn': (lambda: models.FastRNN(8, 4, 4), (6, 5), 8),
  'fast_grnn': (lambda: models.FastGRNN(8, None, 4), (6, 5), 8),
  'rnn_pool': (lambda: models.RNNPool(4, 4, 4, 2), (10, 10, 3), 16),
}


@pytest.mark.parametrize('name', LAYERS)
def test_int8_in_tflm(name):
  """Near Keras, one stage, and the converted model's bytes are the original's."""
  make, shape, steps = LAYERS[name]
  model, x, wanted = network(make(), shape, 0.3)
  quantized = quantize(model, x)
  converted = convert_model(quantized.data)
  assert len(converted.stages) == 1 and not converted.stock_operators
  assert converted.converted_arena.total < converted.original_arena.total
  main = quantized.model.main
  source, target = main.tensors[main.inputs[0]], main.tensors[main.outputs[0]]
  stock, staged = (keras_models.Interpreter(data) for data in (quantized.data, converted.data))
  differences = []
  for sample, row in zip(keras_models.to_steps(x, source), wanted):
    (made,) = stock.invoke([sample[None]])
    assert np.array_equal(made, staged.invoke([sample[None]])[0])
    differences.append(np.abs(keras_models.to_real(made[0], target) - row).max())
  scale = float(target.quantization.scale)
  if steps is None:
    # A point near a border may take the other way in int8; few do.
    assert np.mean(np.array(differences) < 8 * scale) > 0.85
  else:
    assert max(differences) < steps * scale


@pytest.mark.parametrize('name', LAYERS)
def test_files_keep_layers(name, tmp_path, keras):
  make, shape, _ = LAYERS[name]
  model, x, wanted = network(make(), shape)
  model.save(tmp_path / 'model.keras')
  again = keras.saving.load_model(tmp_path / 'model.keras')
  assert np.allclose(again.predict(x, verbose=0), wanted, atol=1e-6)


@pytest.mark.slow
def test_the_command_line_knows_the_layers(tmp_path):
  """In a process of its own: nothing has imported them there."""
  make, shape, _ = LAYERS['rnn_pool']
  model, x, _ = network(make(), shape)
  model.save(tmp_path / 'model.keras')
  np.savez(tmp_path / 'samples.npz', x=x)
  command = [sys.executable, '-m', 'tflm_patch.cli.main', 'convert', 'model.keras']
  done = subprocess.run(
    [*command, '--samples', 'samples.npz', '-o', 'out.tflite'],
    cwd=tmp_path,
    env={**os.environ, 'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  assert (tmp_path / 'out.tflite').stat().st_size > 0


def test_arguments_that_make_no_sense():
  with pytest.raises(ValueError, match='leave gaps'):
    models.RNNPool(size=3, strides=4)
  with pytest.raises(ValueError, match='no patch of 6'):
    network(models.RNNPool(size=6), (5, 9, 2))
  with pytest.raises(ValueError, match='depth 0'):
    models.Bonsai(3, depth=0)
