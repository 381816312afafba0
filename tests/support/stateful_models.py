# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Small models that remember: resource variables, recurrent layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from support.model_builder import ModelBuilder
from support.model_core import options, quantized
from tflm_patch.graph.types import DType, Operator, Subgraph, Tensor
from tflm_patch.graph.writer import serialize_model

STREAMING_ZERO_POINT = -3
_STATE = quantized(0.05, STREAMING_ZERO_POINT)


def streaming(variables: int = 1, initial: int = 7) -> bytes:
  """A model that keeps the last rows of its input: a convolution over five of them a call.

  Args:
    variables: How many such layers, each with a resource variable of its own.
    initial: What the variables hold at first, by a CALL_ONCE.
  """
  b = ModelBuilder(11)
  x = b.input((1, 1, 1, 8), scale=0.05, zero_point=STREAMING_ZERO_POINT)
  handles = [b.tensor((), DType.RESOURCE) for _ in range(variables)]
  b.operators.append(Operator('CALL_ONCE', (), (), options('CallOnceOptions', initSubgraphIndex=1)))
  for number, handle in enumerate(handles):
    b.add_operator('VAR_HANDLE', (), (handle,), _handle(number))
    old = b.activation((1, 4, 1, 8), b.spread(x), like=x)
    b.add_operator('READ_VARIABLE', (handle,), (old,))
    rows = b.concat((old, x), axis=1)
    kept = b.strided_slice(rows, (0, 1, 0, 0), (1, 5, 1, 8), (1, 1, 1, 1))
    b.operators.append(Operator('ASSIGN_VARIABLE', (handle, kept), ()))
    x = b.conv(rows, 8, (5, 1), padding='VALID', like=x)
  b.output(b.fully_connected(x, 4))
  model = b.model()
  model.subgraphs.append(_initial(variables, initial))
  return serialize_model(model)


def _handle(number: int) -> object:
  return options('VarHandleOptions', container=b'', sharedName=f'state_{number}'.encode())


def _initial(variables: int, value: int) -> Subgraph:
  """The subgraph that fills the variables."""
  tensors, operators = [], []
  data = np.full(32, value, np.int8).view(np.uint8)
  tensors.append(Tensor('initial', (1, 4, 1, 8), DType.INT8, data, _STATE))
  for number in range(variables):
    tensors.append(Tensor(f'handle_{number}', (), DType.RESOURCE))
    index = len(tensors) - 1
    operators.append(Operator('VAR_HANDLE', (), (index,), _handle(number)))
    operators.append(Operator('ASSIGN_VARIABLE', (index, 0), ()))
  return Subgraph(tensors, operators, (), (), name='initial')


def recurrent(intermediates: Sequence[int] = (0,), cell_scale: float = 2**-12) -> bytes:
  """An int8 LSTM between a convolution and a FULLY_CONNECTED layer.

  Args:
    intermediates: Shape of its five intermediate tensors, which hold scales only.
    cell_scale: Of the cell state; no stage holds one that is not a power of two.
  """
  b = ModelBuilder(12)
  steps, features, units = 6, 8, 4
  x = b.conv(b.input((1, 12, 1, 5)), features, (3, 1), (2, 1))
  x = b.reshape(x, (1, steps, features))
  gates = [
    [
      b.constant(b.rng.integers(-127, 128, (units, size)), DType.INT8, quantized(0.008, 0))
      for _ in range(4)
    ]
    for size in (features, units)
  ]
  biases = [
    b.constant(b.rng.integers(-900, 900, units), DType.INT32, quantized(0.0001, 0))
    for _ in range(4)
  ]
  hidden = b.tensor((1, units), DType.INT8, quantized(0.008, 0), variable=True)
  cell = b.tensor((1, units), DType.INT16, quantized(cell_scale, 0), variable=True)
  y = b.activation((1, steps, units), b.spread(x))
  b.tensors[y].quantization = quantized(0.008, 0)
  scales = [b.tensor(intermediates, DType.FLOAT32) for _ in range(4)]
  scales.append(b.tensor(intermediates, DType.INT8, quantized(0.008, 0)))
  inputs = (x, *gates[0], *gates[1], -1, -1, -1, *biases, -1, -1, hidden, cell, -1, -1, -1, -1)
  fields = options('UnidirectionalSequenceLSTMOptions', fusedActivationFunction=4, timeMajor=False)
  b.add_operator('UNIDIRECTIONAL_SEQUENCE_LSTM', inputs, y, fields)
  b.operators[-1].origin = schema.OperatorT(
    intermediates=np.array(scales, np.int32),
    builtinOptions=fields,
    builtinOptionsType=schema.BuiltinOptions.UnidirectionalSequenceLSTMOptions,
  )
  b.output(b.softmax(b.fully_connected(b.reshape(y, (1, steps * units)), 4)))
  return b.build()


def external_states(layers: int = 2) -> bytes:
  """The streaming model with its states as inputs and outputs, each before the others."""
  b = ModelBuilder(11)
  states = [
    b.input((1, 4, 1, 8), scale=0.05, zero_point=STREAMING_ZERO_POINT) for _ in range(layers)
  ]
  x = b.input((1, 1, 1, 8), scale=0.05, zero_point=STREAMING_ZERO_POINT)
  for old in states:
    rows = b.concat((old, x), axis=1)
    b.output(b.strided_slice(rows, (0, 1, 0, 0), (1, 5, 1, 8), (1, 1, 1, 1)))
    x = b.conv(rows, 8, (5, 1), padding='VALID', like=x)
  b.output(b.fully_connected(x, 4))
  return b.build()
