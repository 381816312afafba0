# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""GATHER: rows of a constant table, by numbers that the model takes as they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tflm_patch.graph.builder import options_of
from tflm_patch.quantization.operators.base import Operation

if TYPE_CHECKING:
  from tflm_patch.quantization.emission import Emitter
  from tflm_patch.quantization.network import Node, Shape


@dataclasses.dataclass(frozen=True, eq=False)
class Gather(Operation):
  """The inputs are the table [rows, values], a constant, and the numbers of rows.

  TFLM's GATHER copies bytes of float32 and int8 by int32 positions, and checks none of them.
  """

  opcode: ClassVar[str] = 'GATHER'
  shares_scale: ClassVar[bool] = True
  index_inputs: ClassVar[tuple[int, ...]] = (1,)
  int16: ClassVar[bool] = False

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    table, positions = shapes
    return (*positions, *table[1:])

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    table, positions = inputs
    return ops.take(table, ops.cast(positions, 'int32'), axis=0)

  def emit(self, emitter: Emitter, node: Node) -> None:
    options = options_of('GatherOptions', axis=0, batchDims=0)
    emitter.operator(node, [emitter.tensor(each) for each in node.inputs], options)
