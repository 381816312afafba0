# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Plants channels in models that are constant, that nobody reads, or that equal others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from support.graphs import Network, small_networks
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType, Model, Subgraph
from tflm_patch.graph.writer import serialize_model

# Operators with weights: (dimension of the output channels, position of the bias).
_WEIGHTED = {
  'CONV_2D': (0, 2),
  'DEPTHWISE_CONV_2D': (3, 2),
  'FULLY_CONNECTED': (0, 2),
  'TRANSPOSE_CONV': (0, 3),
}
_SATURATING = 1 << 24  # beyond what any sum of the generator's operators takes back


def replace_constant(graph: Subgraph, tensor: int, values: np.ndarray) -> None:
  """Gives a constant other values of its type."""
  old = graph.tensors[tensor]
  data = np.frombuffer(np.ascontiguousarray(values, old.dtype.numpy).tobytes(), np.uint8)
  graph.tensors[tensor] = dataclasses.replace(old, data=data)


def with_weights(
  data: bytes, number: int, change: Callable[[np.ndarray, np.ndarray], None]
) -> bytes:
  """A model with other weights in its number-th operator that has some.

  Args:
    data: The model.
    number: Of the operator.
    change: Changes in place the weights, output channels first, and the biases.
  """
  model = parse_model(data)
  graph = model.main
  operator = [each for each in graph.operators if each.opcode in _WEIGHTED][number]
  axis, bias = _WEIGHTED[operator.opcode]
  weights = graph.tensors[operator.inputs[1]].array().copy()
  biases = np.zeros(weights.shape[axis], np.int64)
  has_bias = len(operator.inputs) > bias and operator.inputs[bias] >= 0
  if has_bias:
    biases = graph.tensors[operator.inputs[bias]].array().copy()
  change(np.moveaxis(weights, axis, 0), biases)
  replace_constant(graph, operator.inputs[1], weights)
  if has_bias:
    replace_constant(graph, operator.inputs[bias], biases)
  return serialize_model(model)


def plant(data: bytes, seed: int) -> bytes:
  """A model in whose operators with weights a part of the channels says nothing."""
  model = parse_model(data)
  rng = np.random.default_rng(seed)
  for operator in model.main.operators:
    if operator.opcode in _WEIGHTED:
      _plant(model, operator, rng)
  return serialize_model(model)


def _plant(model: Model, operator: Any, rng: np.random.Generator) -> None:
  graph = model.main
  axis, bias_at = _WEIGHTED[operator.opcode]
  tensor = graph.tensors[operator.inputs[1]]
  if not tensor.is_constant or tensor.dtype != DType.INT8:
    return
  weights = tensor.array().copy()
  by_output = np.moveaxis(weights, axis, 0)
  count = len(by_output)
  bias_tensor = operator.inputs[bias_at] if len(operator.inputs) > bias_at else -1
  biases = None if bias_tensor < 0 else graph.tensors[bias_tensor].array().copy()
  scales = tensor.quantization.scales.copy()
  kinds = ('plain', 'zero', 'zero bias', 'saturated', 'equal')
  for channel in range(count):
    kind = rng.choice(kinds, p=(0.45, 0.15, 0.15, 0.1, 0.15))
    if kind.startswith('zero'):
      by_output[channel] = 0
    if biases is not None and kind == 'zero bias':
      biases[channel] = 0
    if biases is not None and kind == 'saturated':
      biases[channel] = rng.choice([-1, 1]) * _SATURATING
    if kind == 'equal' and channel:
      other = int(rng.integers(channel))
      # Equal channels with room for a sum of weights behind them.
      by_output[channel] = by_output[other]
      if biases is not None:
        biases[channel] = biases[other]
      if scales.size > 1:
        scales[channel] = scales[other]
  if axis == 0:
    weights[..., rng.random(weights.shape[-1]) < 0.15] = 0
  if rng.random() < 0.5:
    weights //= 4
  quantization = dataclasses.replace(tensor.quantization, scales=scales)
  graph.tensors[operator.inputs[1]] = dataclasses.replace(tensor, quantization=quantization)
  replace_constant(graph, operator.inputs[1], weights)
  if biases is not None:
    replace_constant(graph, bias_tensor, biases)


@st.composite
def planted_networks(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Network:
  """Networks of every operator of the generator, with such channels."""
  network = draw(small_networks())
  seed = draw(st.integers(0, 999))
  return Network(plant(network.data, seed), (*network.calls, f'plant(data, {seed})'))
