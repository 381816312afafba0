# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE between two scales of one type."""

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
class Requantize(Operation):
  """The same values at another scale."""

  opcode: ClassVar[str] = 'QUANTIZE'
  elementwise: ClassVar[bool] = True

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    return shapes[0]

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return inputs[0]

  def emit(self, emitter: Emitter, node: Node) -> None:
    emitter.operator(node, [emitter.tensor(node.input)], options_of('QuantizeOptions'))
