# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""States that are inputs and outputs of the model, kept by stages instead.

A streaming model without variables gets the rows that it needs of earlier invocations as inputs
and gives those for the next one as outputs; the application copies them:

  input, new rows -> CONCATENATION -> STRIDED_SLICE -> output

A stage keeps the joined map (SLIDE in program.h), and the model has neither any more.
"""

from __future__ import annotations

import dataclasses

from tflm_patch.conversion.plugins import STATES, Change
from tflm_patch.conversion.states import Windowed, is_join, is_slide
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph import edit
from tflm_patch.graph.types import Model, Operator, Subgraph
from tflm_patch.planner.lowering.operators.slide import SLIDE


@dataclasses.dataclass(frozen=True)
class StatePair:
  """An input that the application copies an output to.

  Attributes:
    input, output: Positions among the model's.
    join, cut: The operators between them.
  """

  input: int
  output: int
  join: int
  cut: int


def state_pairs(model: Model) -> list[StatePair]:
  """The states of a model that are its inputs and outputs."""
  main = model.main
  found = [_pair(main, i) for i, op in enumerate(main.operators) if is_join(op)]
  return [pair for pair in found if pair is not None]


def _pair(graph: Subgraph, join: int) -> StatePair | None:
  (old, _), (whole,) = graph.operators[join].inputs, graph.operators[join].outputs
  if old not in graph.inputs or old in graph.outputs or whole in graph.outputs:
    return None
  if edit.only_reader(graph, old) != join:
    return None
  for cut in edit.readers(graph, whole):
    made = graph.operators[cut].outputs
    is_kept = len(made) == 1 and made[0] in graph.outputs and not edit.readers(graph, made[0])
    if is_kept and is_slide(graph, join, cut):
      return StatePair(graph.inputs.index(old), graph.outputs.index(made[0]), join, cut)
  return None


def with_inner_states(model: Model, source: str = '') -> Windowed:
  """The model with SLIDE operators for its states.

  Raises:
    TflmPatchError: it has none, or nothing else.
  """
  main, pairs = model.main, state_pairs(model)
  inputs = _without(main.inputs, [pair.input for pair in pairs])
  outputs = _without(main.outputs, [pair.output for pair in pairs])
  if not pairs or not inputs or not outputs:
    raise TflmPatchError(
      f'{source or "model"}: --inner-states: no input is joined in front of new rows whose last '
      'ones are an output of its shape; convert without it'
    )
  operators = list(main.operators)
  for pair in pairs:
    join = operators[pair.join]
    operators[pair.join] = Operator(SLIDE, (join.inputs[1],), join.outputs)
  gone = {pair.cut for pair in pairs}
  graph = dataclasses.replace(
    main,
    tensors=list(main.tensors),
    operators=[op for i, op in enumerate(operators) if i not in gone],
    inputs=inputs,
    outputs=outputs,
  )
  text = f'{len(pairs)} states that were inputs and outputs, kept by stages'
  without = dataclasses.replace(model, subgraphs=[graph, *model.subgraphs[1:]], signatures=[])
  return Windowed(without, Change(STATES, text))


def _without(tensors: tuple[int, ...], positions: list[int]) -> tuple[int, ...]:
  return tuple(tensor for i, tensor in enumerate(tensors) if i not in positions)
