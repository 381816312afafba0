# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""PAD with zeros, and STRIDED_SLICE."""

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
class Pad(Operation):
  """Zeros around a map.

  Attributes:
    padding: Before and after, of every dimension; none of the batch.
  """

  padding: tuple[tuple[int, int], ...]
  opcode: ClassVar[str] = 'PAD'
  shares_scale: ClassVar[bool] = True

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    return tuple(size + sum(pair) for size, pair in zip(shapes[0], self.padding))

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return ops.pad(inputs[0], self.padding)

  def emit(self, emitter: Emitter, node: Node) -> None:
    padding = emitter.builder.int32(f'{node.name}/padding', self.padding)
    emitter.operator(node, [emitter.tensor(node.input), padding], options_of('PadOptions'))


@dataclasses.dataclass(frozen=True, eq=False)
class Slice(Operation):
  """A part of a map.

  Attributes:
    begin, end: Of every dimension; the end is exclusive.
    stride: Of every dimension, at least 1.
  """

  begin: tuple[int, ...]
  end: tuple[int, ...]
  stride: tuple[int, ...]
  opcode: ClassVar[str] = 'STRIDED_SLICE'
  shares_scale: ClassVar[bool] = True

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    sizes = zip(self.begin, self.end, self.stride)
    return tuple(-(-(end - begin) // stride) for begin, end, stride in sizes)

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    parts = [slice(*limits) for limits in zip(self.begin, self.end, self.stride)]
    key = (slice(None), *parts[1:])
    return inputs[0][key]

  def emit(self, emitter: Emitter, node: Node) -> None:
    limits = [
      emitter.builder.int32(f'{node.name}/{what}', getattr(self, what))
      for what in ('begin', 'end', 'stride')
    ]
    options = options_of('StridedSliceOptions')
    emitter.operator(node, [emitter.tensor(node.input), *limits], options)
