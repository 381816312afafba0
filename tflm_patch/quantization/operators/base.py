# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What every operation of the float network can do."""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

if TYPE_CHECKING:
  from tflm_patch.quantization.emission import Emitter
  from tflm_patch.quantization.network import Node, Shape

Self = TypeVar('Self', bound='Operation')


@dataclasses.dataclass(frozen=True)
class Clamp:
  """Limits of a result: RELU is (0, inf), RELU6 (0, 6)."""

  low: float = -math.inf
  high: float = math.inf

  @property
  def code(self) -> int:
    """The schema's ActivationFunctionType that is nearest: 0 none, 1 RELU, 2 -1..1, 3 RELU6."""
    exact = {(0.0, 6.0): 3, (-1.0, 1.0): 2}.get((self.low, self.high))
    if exact is not None:
      return exact
    return 1 if self.low == 0 else 0

  @property
  def by_range(self) -> bool:
    """Whether int8 saturation has to do what `code` does not: the range ends at the limits."""
    if self.code in (2, 3):
      return False
    return math.isfinite(self.high) or (math.isfinite(self.low) and self.code == 0)

  def within(self, other: Clamp) -> Clamp:
    """Both, this one first."""
    low = min(max(self.low, other.low), other.high)
    return Clamp(low, max(min(self.high, other.high), low))


NO_CLAMP = Clamp()


@dataclasses.dataclass(frozen=True)
class FixedScale:
  """Quantization of an output that TFLM's kernel takes for granted.

  Attributes:
    int8: Scale and zero point.
    int16: Scale; the zero point is 0.
  """

  int8: tuple[float, int]
  int16: float


@dataclasses.dataclass(frozen=True, eq=False)
class Operation(abc.ABC):
  """An operator of TFLite, or a part of one that a pass puts into another.

  Attributes:
    opcode: Name in the schema; '' for what exists only until the passes are done.
    shares_scale: Inputs and output have one scale and zero point.
    fixed_scale: Quantization of the output, where the kernel decides it.
    elementwise: Works on any shape, value by value, with the shape unchanged.
    fuses_clamp: A clamp after it can be a part of it.
    index_inputs: Places of inputs that are numbers of rows: int32, without a scale.
    int16: TFLM computes it with int16 activations, too.
  """

  opcode: ClassVar[str] = ''
  shares_scale: ClassVar[bool] = False
  fixed_scale: ClassVar[FixedScale | None] = None
  elementwise: ClassVar[bool] = False
  fuses_clamp: ClassVar[bool] = False
  index_inputs: ClassVar[tuple[int, ...]] = ()
  int16: ClassVar[bool] = True

  @abc.abstractmethod
  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    """Of the output, from those of the inputs; batch 1."""

  @abc.abstractmethod
  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    """The float result of batches.

    Args:
      ops: The module `keras.ops`.
      inputs: Tensors of the backend with a batch of any size.
    """

  def emit(self, emitter: Emitter, node: Node) -> None:
    """Appends the int8 operator to the graph."""
    raise NotImplementedError(f'{type(self).__name__} is no operator of TFLite')

  # What the passes ask.

  @property
  def limits(self) -> Clamp:
    """The clamp that is a part of the operation."""
    return NO_CLAMP

  def clamped(self: Self, clamp: Clamp) -> Self:
    """With a clamp after it; only where `fuses_clamp`."""
    raise NotImplementedError(type(self).__name__)

  def then_affine(self, scale: np.ndarray, shift: np.ndarray) -> Operation | None:
    """With `x * scale + shift` after it, per output channel; None where that is no part of it."""
    del scale, shift
    return None

  def after_affine(self, scale: np.ndarray, shift: np.ndarray) -> Operation | None:
    """With `x * scale + shift` before it, per input channel; None where that is no part of it."""
    del scale, shift
    return None


def tensor(ops: Any, values: np.ndarray) -> Any:
  """Weights as a float32 tensor of the backend."""
  return ops.convert_to_tensor(values, 'float32')


@dataclasses.dataclass(frozen=True, eq=False)
class Clamped(Operation):
  """An operation that ends with a clamp."""

  clamp: Clamp = dataclasses.field(default=NO_CLAMP, kw_only=True)
  fuses_clamp: ClassVar[bool] = True

  @property
  def limits(self) -> Clamp:
    return self.clamp

  def clamped(self: Self, clamp: Clamp) -> Self:
    """With one more clamp."""
    changes: dict[str, Any] = {'clamp': self.limits.within(clamp)}
    return dataclasses.replace(self, **changes)

  def apply_clamp(self, ops: Any, x: Any) -> Any:
    """The clamp in float."""
    if math.isfinite(self.clamp.low):
      x = ops.maximum(x, self.clamp.low)
    return ops.minimum(x, self.clamp.high) if math.isfinite(self.clamp.high) else x
