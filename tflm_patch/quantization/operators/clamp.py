# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A clamp that stands alone: RELU and its relatives."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tflm_patch.quantization.operators.base import Clamped

if TYPE_CHECKING:
  from tflm_patch.quantization.emission import Emitter
  from tflm_patch.quantization.network import Node, Shape


@dataclasses.dataclass(frozen=True, eq=False)
class ClampOnly(Clamped):
  """A clamp; part of the operation before it where that can be.

  Where it stands alone it is RELU or, without a limit at 0, QUANTIZE: the range of the
  output ends at the limits and int8 saturates there. TFLM's RELU6 would keep the scale of
  its input.
  """

  opcode: ClassVar[str] = 'RELU'
  elementwise: ClassVar[bool] = True

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    return shapes[0]

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return self.apply_clamp(ops, inputs[0])

  def emit(self, emitter: Emitter, node: Node) -> None:
    opcode = 'RELU' if self.clamp.low == 0 else 'QUANTIZE'
    emitter.operator(node, [emitter.tensor(node.input)], None, opcode=opcode)
