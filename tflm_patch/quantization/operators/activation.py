# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Functions of single values, and SOFTMAX."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tflm_patch.graph.builder import options_of
from tflm_patch.quantization.operators.base import FixedScale, Operation

if TYPE_CHECKING:
  from tflm_patch.quantization.emission import Emitter
  from tflm_patch.quantization.network import Node, Shape

_PROBABILITY = FixedScale((1 / 256, -128), 1 / 32768)


@dataclasses.dataclass(frozen=True, eq=False)
class _Function(Operation):
  """A function that `keras.ops` has under the name `function`."""

  function: ClassVar[str]
  table: ClassVar[str | None] = None
  elementwise: ClassVar[bool] = True

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    return shapes[0]

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return getattr(ops, self.function)(inputs[0])

  def emit(self, emitter: Emitter, node: Node) -> None:
    options = None if self.table is None else options_of(self.table)
    emitter.operator(node, [emitter.tensor(node.input)], options)


class Logistic(_Function):
  """1 / (1 + exp(-x))."""

  opcode: ClassVar[str] = 'LOGISTIC'
  function: ClassVar[str] = 'sigmoid'
  fixed_scale: ClassVar[FixedScale | None] = _PROBABILITY


class Tanh(_Function):
  """The hyperbolic tangent."""

  opcode: ClassVar[str] = 'TANH'
  function: ClassVar[str] = 'tanh'
  fixed_scale: ClassVar[FixedScale | None] = FixedScale((1 / 128, 0), 1 / 32768)


class HardSwish(_Function):
  """x * relu6(x + 3) / 6."""

  opcode: ClassVar[str] = 'HARD_SWISH'
  int16: ClassVar[bool] = False
  function: ClassVar[str] = 'hard_silu'
  table: ClassVar[str | None] = 'HardSwishOptions'


class Elu(_Function):
  """x, or exp(x) - 1 below 0."""

  opcode: ClassVar[str] = 'ELU'
  int16: ClassVar[bool] = False
  function: ClassVar[str] = 'elu'


@dataclasses.dataclass(frozen=True, eq=False)
class Gelu(_Function):
  """x * Phi(x), which TFLM lacks: a pass puts other operators in its place.

  Attributes:
    approximate: By tanh.
  """

  approximate: bool
  function: ClassVar[str] = 'gelu'

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return ops.gelu(inputs[0], approximate=self.approximate)


class Rsqrt(_Function):
  """1 / sqrt(x) of what is not negative."""

  opcode: ClassVar[str] = 'RSQRT'
  int16: ClassVar[bool] = False
  function: ClassVar[str] = 'rsqrt'


@dataclasses.dataclass(frozen=True, eq=False)
class LeakyRelu(_Function):
  """x, or slope * x below 0."""

  slope: float
  opcode: ClassVar[str] = 'LEAKY_RELU'

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return ops.leaky_relu(inputs[0], self.slope)

  def emit(self, emitter: Emitter, node: Node) -> None:
    options = options_of('LeakyReluOptions', alpha=self.slope)
    emitter.operator(node, [emitter.tensor(node.input)], options)


@dataclasses.dataclass(frozen=True, eq=False)
class Prelu(Operation):
  """x, or slope * x below 0; the slopes are the second input, a constant."""

  opcode: ClassVar[str] = 'PRELU'
  int16: ClassVar[bool] = False

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    return shapes[0]

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    x, slopes = inputs
    return ops.add(ops.maximum(x, 0.0), ops.multiply(slopes, ops.minimum(x, 0.0)))

  def emit(self, emitter: Emitter, node: Node) -> None:
    emitter.operator(node, [emitter.tensor(each) for each in node.inputs], None)


@dataclasses.dataclass(frozen=True, eq=False)
class Softmax(Operation):
  """Probabilities along the last dimension."""

  opcode: ClassVar[str] = 'SOFTMAX'
  fixed_scale: ClassVar[FixedScale | None] = _PROBABILITY

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    return shapes[0]

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    return ops.softmax(inputs[0], axis=-1)

  def emit(self, emitter: Emitter, node: Node) -> None:
    emitter.operator(node, [emitter.tensor(node.input)], options_of('SoftmaxOptions', beta=1.0))
