# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""An int8 graph, run in integers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import DType, Model
from tflm_patch.planner.ir.stage_graph import MapRole, StageGraph, StageOp
from tflm_patch.planner.lowering.operators import OpView
from tflm_patch.planner.lowering.operators.base import check
from tflm_patch.planner.lowering.region import NotStageable, lower_region
from tflm_patch.quantization.exact.arithmetic import Arithmetic, NumpyArithmetic
from tflm_patch.quantization.exact.kinds import KINDS, Maps
from tflm_patch.quantization.exact.moves import MOVES

_TYPES = (DType.INT8, DType.UINT8)


@dataclasses.dataclass(frozen=True, eq=False)
class _Step:
  """An operator, lowered by itself; without a graph it only moves values."""

  view: OpView
  graph: StageGraph | None


def _step(model: Model, index: int) -> _Step:
  view = OpView(model, model.main, index)
  graph = lowered(model, index)
  for op in () if graph is None else graph.ops:
    if op.kind not in KINDS:
      raise TflmPatchError(
        f'{view.name} has no exact forward pass; quantize to int8 inputs and activations'
      )
  return _Step(view, graph)


def lowered(model: Model, index: int) -> StageGraph | None:
  """An operator by itself, with the parameters that TFLM prepares; None if it only moves values.

  Raises:
    TflmPatchError: a stage cannot hold it; says which rule it breaks.
  """
  view = OpView(model, model.main, index)
  if view.operator.opcode in MOVES:
    return None
  violation = check(view)
  if violation is not None:
    raise TflmPatchError(f'{view.name} has no exact forward pass: {violation}')
  try:
    return lower_region(model, model.main, [index])
  except NotStageable as reason:
    raise TflmPatchError(f'{view.name} has no exact forward pass: {reason}') from None


class ExactNetwork:
  """Computes what TFLM's reference kernels compute of an int8 model.

  Args:
    model: Every operator can be held by a stage, or only moves values.
    arithmetic: numpy's 64-bit integers, or `keras_arithmetic.KerasArithmetic`.

  Raises:
    TflmPatchError: an operator is not supported; says which rule it breaks.
  """

  def __init__(self, model: Model, arithmetic: Arithmetic | None = None) -> None:
    self._arithmetic = arithmetic or NumpyArithmetic()
    self._main = model.main
    self._steps = [_step(model, index) for index in range(len(model.main.operators))]
    self._last_reader = {
      tensor: step
      for step, operator in enumerate(model.main.operators)
      for tensor in operator.inputs
    }

  def run(self, inputs: Sequence[Any]) -> list[Any]:
    """The outputs of a batch.

    Args:
      inputs: One array of integers for every input, [batch, ...] with any batch.

    Returns:
      Arrays of the arithmetic, [batch, ...], one per output.
    """
    known: dict[int, Any] = {}
    for tensor, values in zip(self._main.inputs, inputs):
      known[tensor] = self._arithmetic.integers(values)
    kept = set(self._main.outputs)
    for number, step in enumerate(self._steps):
      operator = step.view.operator
      if step.graph is None:
        known[operator.outputs[0]] = self._move(step.view, known)
      else:
        self._compute(step.graph, known)
      for tensor in operator.inputs:
        if self._last_reader[tensor] == number and tensor not in kept:
          known.pop(tensor, None)
    return [known[tensor] for tensor in self._main.outputs]

  def run_bytes(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """As `run`, with numpy arrays of the types of the model's outputs."""
    results = self.run(inputs)
    convert = getattr(self._arithmetic.xp, 'convert_to_numpy', np.asarray)
    return [
      np.asarray(convert(values)).astype(self._main.tensors[tensor].dtype.numpy)
      for values, tensor in zip(results, self._main.outputs)
    ]

  def _move(self, view: OpView, known: dict[int, Any]) -> Any:
    values = [known[tensor] for tensor in view.operator.inputs if tensor in known]
    return MOVES[view.operator.opcode](self._arithmetic, view, values)

  def _compute(self, graph: StageGraph, known: dict[int, Any]) -> None:
    """Runs the operators of one lowered operator; reads and adds tensors."""
    maps: dict[int, Any] = {}
    for index, feature_map in enumerate(graph.maps):
      shape = (feature_map.rows, feature_map.cols, feature_map.channels)
      if feature_map.role is MapRole.CONSTANT:
        maps[index] = self._arithmetic.integers(feature_map.constant)[None]
      elif feature_map.role is MapRole.INPUT:
        maps[index] = self._arithmetic.xp.reshape(known[feature_map.tensor], (-1, *shape))
    for op in graph.ops:
      self._apply(graph, op, maps)
    for index in graph.outputs:
      tensor = graph.maps[index].tensor
      of_tensor = self._main.tensors[tensor].shape
      known[tensor] = self._arithmetic.xp.reshape(maps[index], (-1, *of_tensor[1:]))

  def _apply(self, graph: StageGraph, op: StageOp, maps: dict[int, Any]) -> None:
    around = Maps(
      [graph.maps[index] for index in op.inputs], [graph.maps[index] for index in op.outputs]
    )
    values = [maps[index] for index in op.inputs]
    results = KINDS[op.kind](self._arithmetic, op.params, around, values)
    maps.update(zip(op.outputs, results if isinstance(results, tuple) else (results,)))
