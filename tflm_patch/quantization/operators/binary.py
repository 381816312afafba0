# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""ADD, SUB, MUL, SQUARED_DIFFERENCE, MAXIMUM, MINIMUM of two values that are broadcast."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tflm_patch.graph.builder import options_of
from tflm_patch.quantization.operators.base import Clamped, Operation

if TYPE_CHECKING:
  from tflm_patch.quantization.emission import Emitter
  from tflm_patch.quantization.network import Node, Shape


@dataclasses.dataclass(frozen=True, eq=False)
class _Arithmetic(Clamped):
  """ADD, SUB and MUL: each tensor has its own scale."""

  function: ClassVar[str]
  table: ClassVar[str]

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    return tuple(int(size) for size in np.broadcast_shapes(*shapes))

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return self.apply_clamp(ops, getattr(ops, self.function)(*inputs))

  def emit(self, emitter: Emitter, node: Node) -> None:
    options = options_of(self.table, fusedActivationFunction=self.clamp.code)
    if hasattr(options, 'potScaleInt16'):
      options.potScaleInt16 = False
    emitter.operator(node, [emitter.tensor(each) for each in node.inputs], options)


class Add(_Arithmetic):
  """The sum."""

  opcode: ClassVar[str] = 'ADD'
  function: ClassVar[str] = 'add'
  table: ClassVar[str] = 'AddOptions'


class Sub(_Arithmetic):
  """The difference."""

  opcode: ClassVar[str] = 'SUB'
  function: ClassVar[str] = 'subtract'
  table: ClassVar[str] = 'SubOptions'


class Mul(_Arithmetic):
  """The product."""

  opcode: ClassVar[str] = 'MUL'
  function: ClassVar[str] = 'multiply'
  table: ClassVar[str] = 'MulOptions'


@dataclasses.dataclass(frozen=True, eq=False)
class SquaredDifference(Operation):
  """The square of the difference."""

  opcode: ClassVar[str] = 'SQUARED_DIFFERENCE'

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    return tuple(int(size) for size in np.broadcast_shapes(*shapes))

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return ops.square(ops.subtract(*inputs))

  def emit(self, emitter: Emitter, node: Node) -> None:
    options = options_of('SquaredDifferenceOptions')
    emitter.operator(node, [emitter.tensor(each) for each in node.inputs], options)


@dataclasses.dataclass(frozen=True, eq=False)
class _Choice(Operation):
  """MAXIMUM and MINIMUM compare integers: all tensors have one scale."""

  function: ClassVar[str]
  shares_scale: ClassVar[bool] = True

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    return tuple(int(size) for size in np.broadcast_shapes(*shapes))

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return getattr(ops, self.function)(*inputs)

  def emit(self, emitter: Emitter, node: Node) -> None:
    options = options_of('MaximumMinimumOptions')
    emitter.operator(node, [emitter.tensor(each) for each in node.inputs], options)


class Maximum(_Choice):
  """The larger value."""

  opcode: ClassVar[str] = 'MAXIMUM'
  function: ClassVar[str] = 'maximum'


class Minimum(_Choice):
  """The smaller value."""

  opcode: ClassVar[str] = 'MINIMUM'
  function: ClassVar[str] = 'minimum'
