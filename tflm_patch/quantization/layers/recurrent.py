# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers: LSTM as TFLM's operator, GRU and SimpleRNN unrolled in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tflm_patch.quantization.layers.activation import activate
from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.registry import layer
from tflm_patch.quantization.network import Value
from tflm_patch.quantization.operators.activation import Logistic
from tflm_patch.quantization.operators.binary import Add, Mul, Sub
from tflm_patch.quantization.operators.concatenation import Concatenation
from tflm_patch.quantization.operators.conv import Conv2D
from tflm_patch.quantization.operators.fully_connected import FullyConnected
from tflm_patch.quantization.operators.lstm import Lstm, LstmCells
from tflm_patch.quantization.operators.pad import Slice
from tflm_patch.quantization.operators.window import Window

# Of a step: its number, its part of W x + b, [1, n], and the state before, None for zeros.
Step = Callable[[int, Value, 'Value | None'], Value]


@layer('LSTM')
def lstm(call: Call) -> Value:
  """UNIDIRECTIONAL_SEQUENCE_LSTM, and STRIDED_SLICE for the last step alone."""
  _need_plain(call)
  _need_activations(call, 'tanh', 'sigmoid')
  if call.layer.go_backwards:
    raise call.error('go_backwards is not what the operator does')
  cell = call.layer.cell
  recurrent = call.nested_weights(cell, 'recurrent_kernel')
  weights = (
    call.nested_weights(cell, 'kernel'),
    recurrent,
    _bias(call, recurrent.shape[1]).reshape(-1),
  )
  x = call.input
  y = call.add(Lstm(*weights), x, call.add(LstmCells(*weights), x, part='cell_state'))
  if call.layer.return_sequences:
    return y
  steps, units = y.shape[1:]
  last = call.add(Slice((0, steps - 1, 0), (1, steps, units), (1, 1, 1)), y, part='last')
  return call.reshape(last, (1, units))


@layer('GRU')
def gru(call: Call) -> Value:
  """Step by step; Keras' default, reset_after, alone: the reset gate is applied to U h + b."""
  if not call.layer.cell.reset_after:
    raise call.error('reset_after is off; its default, True, is what is supported')
  _need_activations(call, None, 'sigmoid')
  kernel = call.nested_weights(call.layer.cell, 'recurrent_kernel')
  units = kernel.shape[0]
  of_input, of_state = _bias(call, kernel.shape[1], 2).reshape(2, -1)

  def step(number: int, wx: Value, state: Value | None) -> Value:
    def part(x: Value, first: int, last: int, name: str) -> Value:
      limits = (0, first * units), (1, last * units), (1, 1)
      return call.add(Slice(*limits), x, part=f'{name}_{number}')

    if state is None:
      of_gates, of_candidate = (
        call.constant(values, f'state_bias_{what}_{number}', 2)
        for values, what in ((of_state[: 2 * units], 'gates'), (of_state[2 * units :], 'candidate'))
      )
    else:
      uh = call.add(FullyConnected(kernel, of_state), state, part=f'state_{number}')
      of_gates, of_candidate = part(uh, 0, 2, 'state_gates'), part(uh, 2, 3, 'state_candidate')
    both = call.add(Add(), part(wx, 0, 2, 'input_gates'), of_gates, part=f'gates_{number}')
    gates = call.add(Logistic(), both, part=f'sigmoid_{number}')
    update, reset = part(gates, 0, 1, 'update'), part(gates, 1, 2, 'reset')
    kept = call.add(Mul(), reset, of_candidate, part=f'kept_{number}')
    total = call.add(Add(), part(wx, 2, 3, 'input_candidate'), kept, part=f'total_{number}')
    candidate = activate(call, total, call.layer.activation)
    # z h + (1 - z) c = c + z (h - c)
    if state is None:
      moved = call.add(Mul(), update, candidate, part=f'moved_{number}')
      return call.add(Sub(), candidate, moved, part=f'step_{number}')
    difference = call.add(Sub(), state, candidate, part=f'difference_{number}')
    moved = call.add(Mul(), update, difference, part=f'moved_{number}')
    return call.add(Add(), candidate, moved, part=f'step_{number}')

  return _unrolled(call, of_input, step)


@layer('SimpleRNN')
def simple_rnn(call: Call) -> Value:
  """Step by step: h' = f(W x + U h + b)."""
  kernel = call.nested_weights(call.layer.cell, 'recurrent_kernel')
  zeros = np.zeros(kernel.shape[1], np.float32)

  def step(number: int, wx: Value, state: Value | None) -> Value:
    if state is not None:
      uh = call.add(FullyConnected(kernel, zeros), state, part=f'state_{number}')
      wx = call.add(Add(), wx, uh, part=f'sum_{number}')
    return activate(call, wx, call.layer.activation)

  return _unrolled(call, _bias(call, kernel.shape[1]).reshape(-1), step)


def _unrolled(call: Call, bias: np.ndarray, step: Step) -> Value:
  """A layer whose steps are nodes: W x + b of all at once, then one after the other."""
  _need_plain(call)
  kernel = call.nested_weights(call.layer.cell, 'kernel')
  steps, width = call.input.shape[1], kernel.shape[1]
  products = call.add(
    Conv2D(Window((1, 1)), kernel[None, None], bias), call.as_map(call.input), part='input'
  )
  order = range(steps)[::-1] if call.layer.go_backwards else range(steps)
  states: list[Value] = []
  for number in order:
    limits = (0, number, 0, 0), (1, number + 1, 1, width), (1, 1, 1, 1)
    row = call.add(Slice(*limits), products, part=f'input_{number}')
    before = states[-1] if states else None
    states.append(step(number, call.reshape(row, (1, width)), before))
  if not call.layer.return_sequences:
    return states[-1]
  rows = [call.reshape(state, (1, 1, state.channels)) for state in states]
  return rows[0] if steps == 1 else call.add(Concatenation(1), *rows, part='sequence')


def _need_plain(call: Call) -> None:
  """Refuses what the nodes do not say."""
  if call.layer.return_state or len(call.inputs) > 1:
    raise call.error('it takes or returns states')
  if call.layer.stateful:
    raise call.error(
      'it is stateful; make it without: states are kept from one Invoke() to the next in TFLM '
      'anyway, until Reset()'
    )


def _need_activations(call: Call, activation: str | None, recurrent: str) -> None:
  """Refuses other functions than an operator's."""
  wanted: list[tuple[Any, str]] = [(call.layer.recurrent_activation, recurrent)]
  if activation is not None:
    wanted.append((call.layer.activation, activation))
  for function, name in wanted:
    if getattr(function, '__name__', '') != name:
      raise call.error(f'the activation {getattr(function, "__name__", function)} is not {name}')


def _bias(call: Call, width: int, rows: int = 1) -> np.ndarray:
  """The bias of a layer's cell, zeros without one."""
  if not call.layer.cell.use_bias:
    return np.zeros((rows, width), np.float32)
  return call.nested_weights(call.layer.cell, 'bias')
