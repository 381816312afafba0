# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Small models of recurrent layers, control flow, resources and custom operators."""

from __future__ import annotations

import numpy as np
from arena_case_registry import MAP, Case, add, case
from arena_models import BOOL, FLOAT32, INT8, INT16, RESOURCE, SmallModel


def _svdf(dtype: int) -> Case:
  def build() -> bytes:
    quantized = dtype == INT8
    model = SmallModel()
    read, write = model.tensor((1, 5), dtype), model.tensor((1, 4), dtype)
    kind = 'int8' if quantized else 'float32'
    feature = model.constant(np.zeros((8, 5)), kind, scales=(1.0,))
    time = model.constant(np.zeros((8, 3)), 'int16' if quantized else kind, scales=(1.0,))
    bias = model.constant(np.zeros(4), 'int32' if quantized else kind, scales=(1.0,))
    state = model.tensor((1, 24), INT16 if quantized else FLOAT32, scales=(1.0,), variable=True)
    model.op('SVDF', [read, feature, time, bias, state], [write], ('SVDFOptions', {'rank': 2}))
    model.interface([read], [write])
    return model.build()

  return build


add('SVDF', _svdf(INT8))
add('SVDF', _svdf(FLOAT32))


@case('UNIDIRECTIONAL_SEQUENCE_LSTM')
def lstm() -> bytes:
  model = SmallModel()
  read, write = model.tensor((1, 5, 3), FLOAT32), model.tensor((1, 5, 7), FLOAT32)
  absent = [-1]
  inputs = [read]
  inputs += [model.constant(np.zeros((7, 3)), 'float32') for _ in range(4)]
  inputs += [model.constant(np.zeros((7, 7)), 'float32') for _ in range(4)]
  inputs += absent * 3
  inputs += [model.constant(np.zeros(7), 'float32') for _ in range(4)]
  inputs += absent * 2
  inputs += [model.tensor((1, 7), FLOAT32, variable=True) for _ in range(2)]
  inputs += absent * 4
  # Activation 4 is tanh.
  options = ('UnidirectionalSequenceLSTMOptions', {'fusedActivationFunction': 4})
  model.op('UNIDIRECTIONAL_SEQUENCE_LSTM', inputs, [write], options)
  model.interface([read], [write])
  return model.build()


def _body(model: SmallModel, opcode: str, inputs: int = 1) -> int:
  """A subgraph of two operators."""
  index = model.add_subgraph()
  reads = [model.tensor(MAP, FLOAT32) for _ in range(inputs)]
  middle, write = model.tensor(MAP, FLOAT32), model.tensor(MAP, FLOAT32)
  model.op(opcode, [reads[0]], [middle])
  model.op(opcode, [middle], [write])
  model.interface(reads, [write])
  return index


@case('IF')
def branch() -> bytes:
  model = SmallModel()
  condition, read = model.tensor((1,), BOOL), model.tensor(MAP, FLOAT32)
  early, write, late = (model.tensor(MAP, FLOAT32) for _ in range(3))
  model.op('NEG', [read], [early])
  options = ('IfOptions', {'thenSubgraphIndex': 1, 'elseSubgraphIndex': 2})
  model.op('IF', [condition, early], [write], options)
  model.op('ADD', [write, early], [late], ('AddOptions', {}))
  model.interface([condition, read], [late])
  _body(model, 'NEG')
  _body(model, 'SQUARE')
  return model.build()


@case('WHILE')
def loop() -> bytes:
  model = SmallModel()
  read, write, late = (model.tensor((7,), FLOAT32) for _ in range(3))
  options = ('WhileOptions', {'condSubgraphIndex': 1, 'bodySubgraphIndex': 2})
  model.op('WHILE', [read], [write], options)
  model.op('ADD', [write, read], [late], ('AddOptions', {}))
  model.interface([read], [late])
  model.add_subgraph()
  state, whether = model.tensor((7,), FLOAT32), model.tensor((1,), BOOL)
  total = model.tensor((1,), FLOAT32)
  model.op('SUM', [state, model.constant([0])], [total], ('ReducerOptions', {'keepDims': True}))
  model.op('LESS', [total, model.constant([3.0], 'float32')], [whether])
  model.interface([state], [whether])
  model.add_subgraph()
  state, after = model.tensor((7,), FLOAT32), model.tensor((7,), FLOAT32)
  model.op('SQUARE', [state], [after])
  model.interface([state], [after])
  return model.build()


def _variable(model: SmallModel, name: str = 'counter') -> int:
  handle = model.tensor((1,), RESOURCE)
  options = ('VarHandleOptions', {'container': '', 'sharedName': name})
  model.op('VAR_HANDLE', [], [handle], options)
  return handle


@case('VAR_HANDLE')
@case('READ_VARIABLE')
@case('ASSIGN_VARIABLE')
def variable() -> bytes:
  model = SmallModel()
  read, before, after = (model.tensor((1, 13), FLOAT32) for _ in range(3))
  handle = _variable(model)
  model.op('READ_VARIABLE', [handle], [before])
  model.op('ADD', [before, read], [after], ('AddOptions', {}))
  model.op('ASSIGN_VARIABLE', [handle, after], [])
  model.interface([read], [after])
  return model.build()


@case('VAR_HANDLE')
def two_handles_of_one_variable() -> bytes:
  model = SmallModel()
  read, after = (model.tensor((1, 13), FLOAT32) for _ in range(2))
  model.op('ASSIGN_VARIABLE', [_variable(model), read], [])
  model.op('ASSIGN_VARIABLE', [_variable(model), read], [])
  model.op('ASSIGN_VARIABLE', [_variable(model, 'other'), read], [])
  model.op('NEG', [read], [after])
  model.interface([read], [after])
  return model.build()


@case('CALL_ONCE')
def call_once() -> bytes:
  model = SmallModel()
  read, before, after = (model.tensor((1, 13), FLOAT32) for _ in range(3))
  model.op('CALL_ONCE', [], [], ('CallOnceOptions', {'initSubgraphIndex': 1}))
  handle = _variable(model)
  model.op('READ_VARIABLE', [handle], [before])
  model.op('ADD', [before, read], [after], ('AddOptions', {}))
  model.op('ASSIGN_VARIABLE', [handle, after], [])
  model.interface([read], [after])
  model.add_subgraph()
  model.op('ASSIGN_VARIABLE', [_variable(model), model.constant(np.ones((1, 13)), 'float32')], [])
  return model.build()


@case('CIRCULAR_BUFFER')
def circular_buffer() -> bytes:
  model = SmallModel()
  read, write = model.tensor((1, 1, 1, 13)), model.tensor((1, 5, 1, 13), variable=True)
  # A FlexBuffer map {"cycles_max": 1}.
  options = b'cycles_max\x00\x01\x0b\x01\x01\x01\x01\x04\x02\x24\x01'
  model.op('CUSTOM', [read], [write], None, 'CIRCULAR_BUFFER', options)
  model.interface([read], [write])
  return model.build()
