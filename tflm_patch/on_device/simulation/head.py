# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A new last layer, for other classes.

Its weights begin at small random values, as the chip has yet to learn them. How large they and
the logits become is found by training the layer in float on what the network gives for
the samples; the scales of weights and output leave room beyond that.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.builder import per_channel, per_tensor
from tflm_patch.graph.types import DType, Model, Operator, Quantization, Tensor
from tflm_patch.on_device.simulation.data import Samples
from tflm_patch.on_device.simulation.layers import Convolution, FullyConnected
from tflm_patch.on_device.simulation.losses import cross_entropy
from tflm_patch.on_device.simulation.network import Network

_ROOM = 1.5  # of scales, beyond what was found
_STEPS, _RATE, _DECAY = 300, 0.5, 1e-3
_START = 0.1  # of the largest weight that is found


def replaced_head(model: Model, classes: int, samples: Samples) -> Model:
  """A copy of a model whose last layer has so many outputs.

  Args:
    model: Ends in a FULLY_CONNECTED or a 1 x 1 CONV_2D of one cell; operators behind it (RESHAPE,
      SOFTMAX) are kept.
    classes: How many, at least 2.
    samples: int8 inputs, and labels below `classes`.

  Raises:
    TflmPatchError: it has no such last layer.
  """
  if classes < 2:
    raise TflmPatchError(f'{classes} classes cannot be told apart; give 2 or more')
  network = Network(model)
  index = max(network.layers)
  layer = network.layers[index]
  behind = model.main.operators[index + 1 :]
  cells = layer.view.output().elements // layer.channels_out
  is_pointwise = isinstance(layer, Convolution) and layer.initial.weights.shape[1:3] == (1, 1)
  if not (isinstance(layer, FullyConnected) or is_pointwise) or cells != 1:
    raise TflmPatchError(
      f'the last layer is {layer.view.name} {list(layer.view.output().shape)}; another number of '
      'classes needs a FULLY_CONNECTED of one vector or a 1 x 1 CONV_2D of one cell there'
    )
  for operator in behind:
    if operator.opcode not in ('RESHAPE', 'SOFTMAX', 'SQUEEZE'):
      raise TflmPatchError(
        f'{operator.opcode} follows the last layer; another number of classes needs a model that '
        'ends there, or in RESHAPE and SOFTMAX'
      )
  boundary = network.advance(network.start(samples.inputs), index)
  features = boundary.maps[layer.inputs[0]].reshape(len(samples), -1).astype(np.float64)
  source = layer.view.input().quantization
  assert source is not None
  real = (features - source.zero_point) * source.scale
  weights, bias = _float_head(real, samples.targets, classes)
  return _with_head(model, index, weights, real @ weights.T + bias, source.scale)


def _float_head(
  features: np.ndarray, labels: np.ndarray, classes: int
) -> tuple[np.ndarray, np.ndarray]:
  """Softmax regression by gradient descent on features of unit power."""
  power = max(float(np.sqrt((features**2).sum(axis=1).mean())), 1e-9)
  x = features / power
  weights, bias = np.zeros((classes, x.shape[1])), np.zeros(classes)
  for _ in range(_STEPS):
    _, gradient = cross_entropy(x @ weights.T + bias, labels)
    gradient /= len(x)
    weights -= _RATE * 10 * (gradient.T @ x + _DECAY * weights)
    bias -= _RATE * gradient.sum(axis=0)
  return weights / power, bias


def _with_head(
  model: Model, index: int, weights: np.ndarray, logits: np.ndarray, input_scale: float
) -> Model:
  """The model with a layer of float weights [classes, in] as its last."""
  main = model.main
  tensors = list(main.tensors)
  operator = main.operators[index]
  classes = len(weights)
  largest = max(float(np.abs(weights).max()), 1e-6)
  low, high = min(float(logits.min()) * _ROOM, 0.0), max(float(logits.max()) * _ROOM, 1e-3)
  scale = (high - low) / 255
  output = per_tensor(scale, int(np.clip(round(-128 - low / scale), -128, 127)))
  steps = np.full(classes, largest * _ROOM / 127)
  rng = np.random.default_rng(classes)
  start = np.rint(rng.uniform(-1, 1, weights.shape) * _START * largest / steps[:, None])
  old = tensors[operator.inputs[1]]
  by_channel = old.quantization is not None and not old.quantization.per_tensor
  quantized = per_channel(steps, 0) if by_channel else per_tensor(float(steps[0]), 0)
  tensors[operator.inputs[1]] = _constant(
    old, start.astype(np.int8).reshape(classes, *old.shape[1:]), quantized
  )
  inputs = list(operator.inputs)
  biases = Quantization(
    (quantized.scales * np.float32(input_scale)).astype(np.float32), quantized.zero_points, 0
  )
  zeros = np.zeros(classes, np.int32)
  if len(inputs) > 2 and inputs[2] >= 0:
    tensors[inputs[2]] = _constant(tensors[inputs[2]], zeros, biases)
  else:
    made = Tensor('bias', (classes,), DType.INT32)
    tensors.append(_constant(made, zeros, biases))
    inputs = [*inputs[:2], len(tensors) - 1]
  operators = list(main.operators)
  operators[index] = dataclasses.replace(operator, inputs=tuple(inputs))
  _resize_behind(tensors, operators, index, classes, output)
  changed = dataclasses.replace(main, tensors=tensors, operators=operators)
  return dataclasses.replace(model, subgraphs=[changed, *model.subgraphs[1:]])


def _constant(old: Tensor, values: np.ndarray, quantization: Quantization) -> Tensor:
  data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
  return dataclasses.replace(old, shape=values.shape, data=data, quantization=quantization)


def _resize_behind(
  tensors: list[Tensor], operators: list[Operator], index: int, classes: int, output: Quantization
) -> None:
  """Gives what the layer and those behind it make the new number of classes."""
  for number, operator in enumerate(operators[index:], index):
    target = operator.outputs[0]
    old = tensors[target]
    shape = (*old.shape[:-1], classes)
    quantization = old.quantization if operator.opcode == 'SOFTMAX' else output
    tensors[target] = dataclasses.replace(old, shape=shape, quantization=quantization, origin=None)
    if operator.opcode == 'RESHAPE':
      sizes = np.array(shape, '<i4')
      made = Tensor(f'{old.name}/shape', sizes.shape, DType.INT32, sizes.view(np.uint8))
      tensors.append(made)
      inputs = (operator.inputs[0], len(tensors) - 1)
      operators[number] = dataclasses.replace(operator, inputs=inputs, options=None)
