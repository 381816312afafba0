# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Windows over the rows of several invocations, kept by stages and not in variables.

A streaming model reads the last rows of the invocation before from a resource variable, joins
new ones to them, and assigns what is to be kept back:

  READ_VARIABLE -> CONCATENATION -> STRIDED_SLICE -> ASSIGN_VARIABLE

TFLM holds these rows in the variable, in a tensor, in the joined map and in the part that is
assigned. A stage keeps the joined map alone, in its state (SLIDE in program.h).
"""

from __future__ import annotations

import dataclasses

from tflm_patch.arena import variable_name
from tflm_patch.conversion.plugins import STATES, Change
from tflm_patch.graph import edit
from tflm_patch.graph.types import Model, Operator, Subgraph, Tensor
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.lowering.operators import OpView
from tflm_patch.planner.lowering.operators.slide import SLIDE
from tflm_patch.planner.lowering.operators.strided_slice import Cut, constraint_masks, cuts_of

RULES = (
  'READ_VARIABLE, CONCATENATION, STRIDED_SLICE and ASSIGN_VARIABLE: new rows are joined behind '
  'those of the variable, and as many as before are kept of their end',
  'Nothing else is done with the variable, and all variables of the model are such windows',
  'CALL_ONCE, if there is one, assigns zero points, to which Reset() brings variables, too',
  'The stages that keep the rows need less than the variables: else all stays stock',
)
_ABOUT_VARIABLES = frozenset({'CALL_ONCE', 'VAR_HANDLE', 'READ_VARIABLE', 'ASSIGN_VARIABLE'})


@dataclasses.dataclass(frozen=True)
class Windowed:
  """A model whose variables are windows that stages keep, and the change in a line."""

  model: Model
  change: Change


def is_window(operator: Operator) -> bool:
  """Whether an operator is such a window: only a stage can hold it."""
  return operator.opcode == SLIDE


def with_windows(model: Model) -> Windowed | None:
  """The model with SLIDE operators for its variables.

  None for a model without variables, with some that are no such windows, or with one that
  begins with other values than its zero point, to which TFLM's Reset() brings variables.
  """
  main = model.main
  handles = _handles(main)
  windows = [_window(main, i, handles) for i, op in enumerate(main.operators) if is_join(op)]
  found = [window for window in windows if window is not None]
  about_windows = {i for window in found for i in (window.read, window.assign)}
  others = {i for i, op in enumerate(main.operators) if op.opcode in _ABOUT_VARIABLES}
  simple = {i for i in others if main.operators[i].opcode in ('CALL_ONCE', 'VAR_HANDLE')}
  kept = {window.name: main.tensors[window.whole] for window in found}
  if not found or len(kept) < len(found) or others != about_windows | simple:
    return None
  if set(handles.values()) != kept.keys() or not _begin_with_zeros(model, kept):
    return None
  operators = list(main.operators)
  for window in found:
    operators[window.join] = Operator(SLIDE, (window.new,), (window.whole,))
  gone = others | {window.cut for window in found}
  rest = [op for i, op in enumerate(operators) if i not in gone]
  graph = dataclasses.replace(main, tensors=list(main.tensors), operators=rest)
  text = f'{len(found)} windows over rows of several invocations, kept by stages'
  return Windowed(dataclasses.replace(model, subgraphs=[graph]), Change(STATES, text))


@dataclasses.dataclass(frozen=True)
class _Window:
  """A variable and what is done with it.

  Attributes:
    name: Of the variable.
    read, join, cut, assign: Operators.
    new, whole: Tensors: the new rows, and all.
  """

  name: object
  read: int
  join: int
  cut: int
  assign: int
  new: int
  whole: int


def _handles(graph: Subgraph) -> dict[int, object]:
  """Of each handle's tensor, the name of its variable."""
  return {
    op.outputs[0]: variable_name(op)
    for op in graph.operators
    if op.opcode == 'VAR_HANDLE' and op.outputs
  }


def is_join(op: Operator) -> bool:
  """Whether two tensors are joined."""
  return op.opcode == 'CONCATENATION' and len(op.inputs) == 2 and len(op.outputs) == 1


def _window(graph: Subgraph, join: int, handles: dict[int, object]) -> _Window | None:
  """The window whose rows an operator joins."""
  (old, new), (whole,) = graph.operators[join].inputs, graph.operators[join].outputs
  read = edit.producer(graph, old)
  if read is None or graph.operators[read].opcode != 'READ_VARIABLE':
    return None
  if edit.only_reader(graph, old) != join or whole in graph.outputs:
    return None
  name = handles.get(graph.operators[read].inputs[0])
  for cut in edit.readers(graph, whole):
    kept = graph.operators[cut].outputs[0] if graph.operators[cut].outputs else -1
    assign = edit.only_reader(graph, kept)
    if assign is None or graph.operators[assign].opcode != 'ASSIGN_VARIABLE':
      continue
    if name is None or handles.get(graph.operators[assign].inputs[0]) != name:
      continue
    if is_slide(graph, join, cut):
      return _Window(name, read, join, cut, assign, new, whole)
  return None


def is_slide(graph: Subgraph, join: int, cut: int) -> bool:
  """Whether rows are joined to rows, and as many as before are kept of their end."""
  (old, new), (whole,) = graph.operators[join].inputs, graph.operators[join].outputs
  tensors = [graph.tensors[i] for i in (old, new, whole)]
  shapes = [feature_shape(tensor) for tensor in tensors]
  if any(shape is None for shape in shapes) or not _are_alike(tensors):
    return False
  (stay, *cells), (more, *new_cells), (rows, *all_cells) = (s for s in shapes if s is not None)
  view = OpView(Model([graph]), graph, cut)
  if graph.operators[cut].opcode != 'STRIDED_SLICE' or constraint_masks(view) is not None:
    return False
  kept = graph.tensors[graph.operators[cut].outputs[0]]
  wanted = (Cut(more, stay), Cut(0, cells[0]), Cut(0, cells[1]))
  return (
    rows == stay + more
    and cells == new_cells == all_cells
    and cuts_of(view) == wanted
    and kept.shape == tensors[0].shape
  )


def _are_alike(tensors: list[Tensor]) -> bool:
  """Of one type, with one scale and zero point for all."""
  first = tensors[0]
  return first.quantization is not None and all(
    tensor.dtype == first.dtype and edit.same_quantization(tensor.quantization, first.quantization)
    for tensor in tensors
  )


def _begin_with_zeros(model: Model, windows: dict[object, Tensor]) -> bool:
  """Whether what CALL_ONCE does is to assign its zero point to every variable, or less."""
  calls = [op for op in model.main.operators if op.opcode == 'CALL_ONCE']
  called = {int(getattr(op.options, 'initSubgraphIndex', -1)) for op in calls}
  if called != set(range(1, len(model.subgraphs))):
    return False
  for graph in model.subgraphs[1:]:
    handles = _handles(graph)
    for op in graph.operators:
      if op.opcode == 'VAR_HANDLE':
        continue
      if op.opcode != 'ASSIGN_VARIABLE' or len(op.inputs) < 2 or op.inputs[1] < 0:
        return False
      window, value = windows.get(handles.get(op.inputs[0])), graph.tensors[op.inputs[1]]
      if window is None or not value.is_constant or value.dtype != window.dtype:
        return False
      assert window.quantization is not None
      if (value.array() != window.quantization.zero_point).any():
        return False
  return True
