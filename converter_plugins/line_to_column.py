# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""1-D convolutions: maps of a single row become maps of a single column.

Keras runs Conv1D, MaxPooling1D and the like on maps [1, 1, steps, channels]. As
[1, steps, 1, channels] the bytes are the same, but a stage sees rows and streams.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

from converter_plugins.reshape_noop import ReshapeNoop
from tflm_patch.conversion.plugins import Context, register
from tflm_patch.graph import edit as graph_edit
from tflm_patch.graph.types import Model, Operator, Subgraph, Tensor
from tflm_patch.planner.lowering.operators import OpView, check

_WITH_WEIGHTS = ('CONV_2D', 'DEPTHWISE_CONV_2D')
_POOLS = ('AVERAGE_POOL_2D', 'MAX_POOL_2D')
# A cell of the output is made from the same cell of the inputs.
_CELLWISE = (
  'ABS',
  'ADD',
  'CONCATENATION',
  'DEQUANTIZE',
  'ELU',
  'HARD_SWISH',
  'LEAKY_RELU',
  'LOGISTIC',
  'MAXIMUM',
  'MINIMUM',
  'MUL',
  'QUANTIZE',
  'RELU',
  'RELU6',
  'SOFTMAX',
  'SQUARED_DIFFERENCE',
  'SUB',
  'TANH',
)
_SWAPPED_FIELDS = (
  ('strideH', 'strideW'),
  ('dilationHFactor', 'dilationWFactor'),
  ('filterHeight', 'filterWidth'),
)


@register('line_to_column', priority=25)
class LineToColumn:
  """1-D convolutions, pools and what is between them run along rows, not columns."""

  def match(self, graph: Subgraph, index: int, context: Context) -> int | None:
    """A supported operator on maps of one row and several columns."""
    del context
    operator = graph.operators[index]
    if operator.opcode not in (*_WITH_WEIGHTS, *_POOLS, *_CELLWISE):
      return None
    if not graph_edit.has_operands(operator, 1) or len(operator.outputs) != 1:
      return None
    maps = [*_map_inputs(graph, operator), operator.outputs[0]]
    if len(maps) < 2 or not all(_is_line(graph.tensors[t]) for t in maps):
      return None
    # Two reshapes around an operator that stays stock would gain nothing.
    if check(OpView(Model([graph]), graph, index)) is not None:
      return None
    return index if _is_one_dimensional(graph, operator) else None

  def transform(self, graph: Subgraph, match: int) -> str:
    """Puts the operator between reshapes, and drops those that meet others."""
    operator = graph.operators[match]
    before, inputs = [], []
    maps = _map_inputs(graph, operator)
    for position, tensor in enumerate(operator.inputs):
      if tensor in maps:
        column = _known_column(graph, tensor, match)
        if column is None:
          column = _column(graph, tensor)
          before.append(graph_edit.reshape(graph, tensor, column))
        inputs.append(column)
      elif position == 1 and operator.opcode in _WITH_WEIGHTS:
        inputs.append(_turned_weights(graph, tensor))
      else:
        inputs.append(tensor)
    target = operator.outputs[0]
    made = _column(graph, target)
    pads = operator.explicit_padding
    turned = dataclasses.replace(
      operator,
      inputs=tuple(inputs),
      outputs=(made,),
      options=_turned_options(operator),
      explicit_padding=None if pads is None else (pads[2], pads[3], pads[0], pads[1]),
    )
    graph.operators[match : match + 1] = [*before, turned, graph_edit.reshape(graph, made, target)]
    _drop_reshapes(graph)
    return f'{operator.opcode} on {list(graph.tensors[target].shape)} along rows'


def _is_line(tensor: Tensor) -> bool:
  shape = tensor.shape
  return len(shape) == 4 and shape[:2] == (1, 1) and shape[2] > 1 and not tensor.is_constant


def _map_inputs(graph: Subgraph, operator: Operator) -> list[int]:
  """Inputs that are maps: all but weights and small constants."""
  if operator.opcode not in _CELLWISE:
    return [operator.inputs[0]]
  return [t for t in operator.inputs if not _is_per_channel(graph.tensors[t])]


def _is_per_channel(tensor: Tensor) -> bool:
  """A constant that has neither rows nor columns."""
  return tensor.is_constant and all(size == 1 for size in tensor.shape[:-1])


def _is_one_dimensional(graph: Subgraph, operator: Operator) -> bool:
  """Whether the window has one row; cellwise operators have none."""
  if operator.opcode in _CELLWISE:
    return True
  pads = operator.explicit_padding
  if pads is not None and (pads[0] or pads[1]):
    return False
  if operator.opcode in _POOLS:
    return int(getattr(operator.options, 'filterHeight', 0)) == 1
  return graph.tensors[operator.inputs[1]].shape[1] == 1


def _known_column(graph: Subgraph, index: int, before: int) -> int | None:
  """The column of a line that an operator before has been given already."""
  line = graph.tensors[index]
  for operator in graph.operators[:before]:
    if operator.opcode == 'RESHAPE' and operator.inputs[0] == index:
      if graph.tensors[operator.outputs[0]].shape == _column_shape(line):
        return operator.outputs[0]
  return None


def _column_shape(line: Tensor) -> tuple[int, ...]:
  return 1, line.shape[2], 1, line.shape[3]


def _column(graph: Subgraph, index: int) -> int:
  """A new tensor for the same values in one column."""
  line = graph.tensors[index]
  return graph_edit.add_tensor(
    graph,
    Tensor(f'{line.name}/column', _column_shape(line), line.dtype, quantization=line.quantization),
  )


def _turned_weights(graph: Subgraph, index: int) -> int:
  """The same weights with kernel rows and columns exchanged: one of them is 1."""
  weights = graph.tensors[index]
  n, rows, cols, channels = weights.shape
  return graph_edit.add_tensor(
    graph,
    dataclasses.replace(weights, name=f'{weights.name}/column', shape=(n, cols, rows, channels)),
  )


def _turned_options(operator: Operator) -> object:
  turned: Any = copy.copy(operator.options)
  if operator.opcode == 'CONCATENATION' and int(turned.axis) % 4 in (1, 2):
    turned.axis = 3 - int(turned.axis) % 4
  for a, b in _SWAPPED_FIELDS:
    if hasattr(turned, a):
      first, second = getattr(turned, a), getattr(turned, b)
      setattr(turned, a, second)
      setattr(turned, b, first)
  return turned


def _drop_reshapes(graph: Subgraph) -> None:
  noop, context = ReshapeNoop(), Context()
  index = 0
  while index < len(graph.operators):
    match = noop.match(graph, index, context)
    if match is None:
      index += 1
    else:
      noop.transform(graph, match)
      index = 0
