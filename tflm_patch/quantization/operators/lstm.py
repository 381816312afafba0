# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""UNIDIRECTIONAL_SEQUENCE_LSTM: 8-bit weights, a cell state of int16 by a power of two."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tflm_patch.graph.builder import options_of, per_tensor
from tflm_patch.graph.types import DType, Quantization
from tflm_patch.quantization.operators.base import Operation, tensor
from tflm_patch.quantization.operators.weights import quantize_weights

if TYPE_CHECKING:
  from tflm_patch.quantization.emission import Emitter
  from tflm_patch.quantization.network import Node, Shape

GATES = ('input', 'forget', 'cell', 'output')  # as Keras and TFLite order them
_TANH = 4  # ActivationFunctionType
_CELL_POWERS = (-15, -9)  # of the cell state's scale, the least and the greatest


@dataclasses.dataclass(frozen=True, eq=False)
class _Cell(Operation):
  """An LSTM from states of zero.

  Attributes:
    kernel: float32[inputs, 4 units], gates as in GATES.
    recurrent: float32[units, 4 units].
    bias: float32[4 units].
  """

  kernel: np.ndarray
  recurrent: np.ndarray
  bias: np.ndarray

  @property
  def units(self) -> int:
    return self.recurrent.shape[0]

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    return (1, shapes[0][1], self.units)

  def states(self, ops: Any, x: Any) -> Iterator[tuple[Any, Any]]:
    """Hidden state and cell state after each step, [n, units], of x [n, steps, inputs]."""
    products = ops.add(ops.matmul(x, tensor(ops, self.kernel)), tensor(ops, self.bias))
    recurrent = tensor(ops, self.recurrent)
    hidden = cell = ops.zeros((x.shape[0], self.units), 'float32')
    for step in range(x.shape[1]):
      gates = ops.add(products[:, step], ops.matmul(hidden, recurrent))
      let_in, kept, candidate, shown = ops.split(gates, len(GATES), axis=-1)
      added = ops.multiply(ops.sigmoid(let_in), ops.tanh(candidate))
      cell = ops.add(ops.multiply(ops.sigmoid(kept), cell), added)
      hidden = ops.multiply(ops.sigmoid(shown), ops.tanh(cell))
      yield hidden, cell


class LstmCells(_Cell):
  """The cell states of all steps: only their range is asked for, by `Lstm`."""

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return ops.stack([cell for _, cell in self.states(ops, inputs[0])], axis=1)

  def emit(self, emitter: Emitter, node: Node) -> None:
    """Nothing: the operator has them as its state."""


class Lstm(_Cell):
  """The hidden states of all steps; the second input is what `LstmCells` makes of the first."""

  opcode: ClassVar[str] = 'UNIDIRECTIONAL_SEQUENCE_LSTM'

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return ops.stack([hidden for hidden, _ in self.states(ops, inputs[0])], axis=1)

  def emit(self, emitter: Emitter, node: Node) -> None:
    """The hidden state has the output's quantization, as TFLM copies one to the other."""
    name, builder = node.name, emitter.builder
    source, made = (emitter.quantization(value) for value in (node.input, node.output))
    by_input = self._weights(emitter, node, 'input', self.kernel, self.bias, source)
    by_hidden = self._weights(emitter, node, 'recurrent', self.recurrent, None, made)
    shape = (1, self.units)
    cell_scale = cell_scale_of(emitter.quantization(node.inputs[1]), emitter.dtype)
    hidden = builder.variable(f'{name}/hidden_state', shape, emitter.dtype, made)
    cell = builder.variable(f'{name}/cell_state', shape, DType.INT16, per_tensor(cell_scale, 0))
    inputs = [
      emitter.tensor(node.input),
      *(weights for weights, _ in by_input),
      *(weights for weights, _ in by_hidden),
      *(-1, -1, -1),  # peepholes
      *(bias for _, bias in by_input),
      *(-1, -1),  # projection
      *(hidden, cell),
      *(-1, -1, -1, -1),  # layer normalization
    ]
    intermediates = [builder.tensor(f'{name}/{gate}', (0,), DType.FLOAT32) for gate in GATES]
    intermediates.append(builder.tensor(f'{name}/hidden', (0,), emitter.dtype, made))
    options = options_of('UnidirectionalSequenceLSTMOptions', fusedActivationFunction=_TANH)
    emitter.operator(node, inputs, options, intermediates=intermediates)

  def _weights(
    self,
    emitter: Emitter,
    node: Node,
    what: str,
    weights: np.ndarray,
    bias: np.ndarray | None,
    source: Quantization,
  ) -> list[tuple[int, int]]:
    """Tensors of each gate's weights, of one scale, and of its bias (-1 without one)."""
    found = []
    is_int16 = emitter.dtype == DType.INT16
    for i, gate in enumerate(GATES):
      own = slice(i * self.units, (i + 1) * self.units)
      added = np.zeros(self.units) if bias is None else bias[own]
      quantized = quantize_weights(weights[:, own].T, added, 0, source.scale, False, is_int16)
      scale = float(quantized.scales[0])
      stem = f'{node.name}/{what}_to_{gate}'
      array = emitter.builder.constant(
        f'{stem}_weights', quantized.weights, DType.INT8, per_tensor(scale, 0)
      )
      bias_type = DType.INT64 if is_int16 else DType.INT32
      product = per_tensor(scale * source.scale, 0)
      of_bias = -1
      if bias is not None:
        of_bias = emitter.builder.constant(f'{stem}_bias', quantized.bias, bias_type, product)
      found.append((array, of_bias))
    return found


def cell_scale_of(found: Quantization, dtype: DType) -> float:
  """The power of two whose int16 values hold what activations of a quantization hold."""
  info = np.iinfo(dtype.numpy or np.int8)
  largest = max(info.max - found.zero_point, found.zero_point - info.min) * found.scale
  power = math.ceil(math.log2(max(largest, 1e-30) / 32768))
  return 2.0 ** min(max(power, _CELL_POWERS[0]), _CELL_POWERS[1])
