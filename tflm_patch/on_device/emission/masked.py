# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Functions of a stage whose maps are not whole: clamps are noted row by row."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tflm_patch.codegen import c_text, loops
from tflm_patch.codegen.constant_arrays import ConstantArrays
from tflm_patch.codegen.functions import StageFunctions
from tflm_patch.codegen.memory import Memory
from tflm_patch.codegen.operators import Writer
from tflm_patch.graph.types import Operator
from tflm_patch.program.decode import Stage

_MASKS = 1 << 16  # numbers of functions that note clamps begin here


@dataclasses.dataclass(frozen=True)
class Mask:
  """Where an operator notes which outputs are within their clamp.

  Attributes:
    low, high: The clamp.
    place: uint32_t*, an expression.
  """

  low: int
  high: int
  place: str


class MaskedFunctions(StageFunctions):
  """The functions of a stage, and others that note clamps after each of their calls.

  Args:
    stage: The program.
    operator: Of the graph.
    memory: Where everything lies.
    numbers: Of the stage, and of its first operator.
    constants: Of the stage.
    masks: By operator of the stage.
  """

  def __init__(
    self,
    stage: Stage,
    operator: Operator,
    memory: Memory,
    numbers: tuple[int, int],
    constants: ConstantArrays,
    masks: Mapping[int, Mask],
  ) -> None:
    super().__init__(stage, operator, memory, *numbers, constants)
    self._masks = masks
    self._ops = stage.ops
    self.chunks = [
      [each for call in chunk for each in self._with_mask(call)] for chunk in self.chunks
    ]

  def _with_mask(self, call: loops.Call) -> list[loops.Call]:
    if call.function not in self._masks:
      return [call]
    return [call, dataclasses.replace(call, function=_MASKS + call.function)]

  def call(self, call: loops.Call, row: str) -> str:
    if call.function < _MASKS:
      return super().call(call, row)
    return c_text.call(self._mask_name(call.function - _MASKS), row, call.count)

  def _mask_name(self, op: int) -> str:
    return f'{self.name(op)}_mask'

  def define(self) -> list[str]:
    lines = []
    for op, mask in self._masks.items():
      target = self._ops[op].outputs[0]
      writer = Writer(self._ops[op], self.name(op), self)
      call = c_text.call(
        'tflm_patch_clamp_mask',
        writer.row(target, 'row'),
        target.row_values,
        mask.low,
        mask.high,
        mask.place,
        f'row * {target.row_values}',
      )
      lines += [
        f'static void {self._mask_name(op)}(uint32_t row, uint32_t count) {{',
        '  for (const uint32_t end = row + count; row < end; ++row) {',
        *c_text.indented([call], 4),
        '  }',
        '}',
        '',
      ]
    return [*super().define(), *lines]
