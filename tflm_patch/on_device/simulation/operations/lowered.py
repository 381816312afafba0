# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The forward pass of one operator, by the exact forward pass, and where gradients pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tflm_patch.planner.ir.stage_graph import MapRole
from tflm_patch.planner.lowering.operators import OpView
from tflm_patch.quantization.exact import NumpyArithmetic
from tflm_patch.quantization.exact.kinds import KINDS, Maps
from tflm_patch.quantization.exact.moves import MOVES
from tflm_patch.quantization.exact.network import lowered


class Lowered:
  """Computes an operator in integers.

  Args:
    view: An operator of one output.

  Raises:
    TflmPatchError: it has no exact forward pass.
  """

  def __init__(self, view: OpView) -> None:
    self._view = view
    self._arithmetic = NumpyArithmetic()
    self._graph = lowered(view.model, view.index)
    params = None if self._graph is None else self._graph.ops[-1].params
    self.low = int(getattr(params, 'act_min', -128))
    self.high = int(getattr(params, 'act_max', 127))

  def __call__(self, values: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Output values float32[batch, ...], and which lie within the clamp, not at its limits."""
    integers = [np.asarray(value, np.int64) for value in values]
    shape = (-1, *self._view.output().shape[1:])
    if self._graph is None:
      moved = MOVES[self._view.operator.opcode](self._arithmetic, self._view, integers)
      return moved.reshape(shape).astype(np.float32), np.ones((), bool)
    result = self._run(integers).reshape(shape)
    return result.astype(np.float32), (result > self.low) & (result < self.high)

  def _run(self, values: list[np.ndarray]) -> np.ndarray:
    graph = self._graph
    assert graph is not None
    tensors = [t for t in self._view.operator.inputs if t >= 0]
    computed = [t for t in tensors if not self._view.subgraph.tensors[t].is_constant]
    known = dict(zip(computed, values))
    maps: dict[int, np.ndarray] = {}
    for index, each in enumerate(graph.maps):
      if each.role is MapRole.CONSTANT:
        maps[index] = np.asarray(each.constant, np.int64)[None]
      elif each.role is MapRole.INPUT:
        maps[index] = known[each.tensor].reshape(-1, each.rows, each.cols, each.channels)
    for op in graph.ops:
      around = Maps([graph.maps[i] for i in op.inputs], [graph.maps[i] for i in op.outputs])
      found = KINDS[op.kind](self._arithmetic, op.params, around, [maps[i] for i in op.inputs])
      maps.update(zip(op.outputs, found if isinstance(found, tuple) else (found,)))
    return maps[graph.outputs[0]]
