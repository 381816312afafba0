# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How an operator goes backward: what it keeps of the forward pass, its C, and its arithmetic."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from tflm_patch.codegen import c_text
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import DType, Tensor
from tflm_patch.on_device.scheme import LayerUpdate
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.lowering.operators import OpView

FLOAT_BYTES = 4


@dataclasses.dataclass(frozen=True)
class Wanted:
  """What an operator's backward step is to make.

  Attributes:
    inputs: Positions of inputs whose gradient is needed.
    added: Positions among them whose gradient another reader has begun.
  """

  inputs: tuple[int, ...]
  added: frozenset[int] = frozenset()


@dataclasses.dataclass(frozen=True)
class Kept:
  """What an operator keeps of the forward pass until it goes backward.

  Attributes:
    tensors: Whole.
    mask: A bit for every output value that is not at its clamp.
  """

  tensors: tuple[int, ...] = ()
  mask: bool = False


class Places(Protocol):
  """C expressions of what an operator reads and writes; pointers into the workspace."""

  def tensor(self, tensor: int) -> str:
    """const int8_t*: an int8 tensor."""

  def gradient(self, tensor: int) -> str:
    """float*, or int32_t* of integers: the gradient of a tensor."""

  def exponent(self, tensor: int) -> str:
    """int32_t*: of a gradient of integers."""

  def mask(self) -> str:
    """const uint32_t*: the bits of `Kept.mask`."""

  def scratch(self) -> str:
    """float* or int32_t*: the step's private memory."""

  def gathered(self) -> str:
    """const int8_t*: the channels of the input whose weights are trained."""

  def parameters(self) -> Mapping[str, str]:
    """Expressions of 'weights', 'bias', 'weight_sums', 'bias_sums'; absent ones left out."""

  def constant(self, type_name: str, values: np.ndarray, role: str) -> str:
    """The name of a constant array."""

  def frozen_weights(self) -> str:
    """const int8_t*: the weights as the forward pass has them, trained ones 0 if apart."""

  def numbers(self) -> tuple[int, int]:
    """The parameter numbers of the first weight and the first bias."""

  def structure(self, type_name: str, name: str, fields: Mapping[str, c_text.Value]) -> str:
    """The address of a constant structure."""


class Values(Protocol):
  """What the arithmetic of an operator reads; arrays [batch, ...], of int64 and float32."""

  def tensor(self, tensor: int) -> np.ndarray:
    """Values of an int8 tensor."""

  def weights(self) -> np.ndarray:
    """int8, as they are now, in the model's shape."""

  def begun(self, tensor: int) -> np.ndarray | None:
    """The gradient of a tensor that other readers have begun, None before."""


Results = dict[int, np.ndarray]
# How much there is to do of what instructions depend on; `instructions.BACKWARD` has the names.
Effort = dict[str, int]


class Backward(abc.ABC):
  """An operator that gradients pass through.

  Args:
    view: The operator.
    update: What of it is trained.
    quantization_aware: Trained weights are scaled so.

  Raises:
    TflmPatchError: gradients do not pass it; says why.
  """

  def __init__(
    self, view: OpView, update: LayerUpdate | None = None, quantization_aware: bool = True
  ) -> None:
    self.view = view
    self.update = update
    self.quantization_aware = quantization_aware
    reason = self.refusal()
    if reason is not None:
      raise TflmPatchError(f'gradients cannot pass {view.name}: {reason}')

  # What operators say of themselves.

  continues_sums = False

  def refusal(self) -> str | None:
    """Why gradients cannot pass, None when they can."""
    return None

  def kept(self, wanted: Wanted) -> Kept:
    """What is kept of the forward pass."""
    del wanted
    return Kept()

  def in_place(self, wanted: Wanted) -> int | None:
    """The input position whose gradient may begin where that of the output does."""
    del wanted
    return None

  def scratch_bytes(self, wanted: Wanted) -> int:
    """Private memory of the backward step."""
    del wanted
    return 0

  @abc.abstractmethod
  def effort(self, wanted: Wanted) -> Effort:
    """What the backward step does, to tell its instructions by."""

  @abc.abstractmethod
  def emit(self, wanted: Wanted, at: Places) -> list[str]:
    """Statements that make the gradients of the inputs from that of the output.

    The output's gradient is theirs to change.
    """

  @abc.abstractmethod
  def emit_integer(self, wanted: Wanted, at: Places) -> list[str]:
    """The same for gradients of integers."""

  @abc.abstractmethod
  def apply(self, gradient: np.ndarray, wanted: Wanted, values: Values) -> Results:
    """The gradients of the inputs by position, float32 as in C.

    Those that another reader has begun are the sums with them where the operator
    `continues_sums`, else they are yet to be added.
    """

  # What they share.

  @property
  def source(self) -> int:
    """The first input."""
    return self.view.operator.inputs[0]

  @property
  def target(self) -> int:
    """The output."""
    return self.view.operator.outputs[0]

  @property
  def trains(self) -> bool:
    """Whether it is trained."""
    return self.update is not None


REGISTRY: dict[str, type[Backward]] = {}


def register(*opcodes: str) -> Callable[[type[Backward]], type[Backward]]:
  """Registers a class for operators."""

  def add(cls: type[Backward]) -> type[Backward]:
    REGISTRY.update(dict.fromkeys(opcodes, cls))
    return cls

  return add


def backward_of(
  view: OpView, update: LayerUpdate | None = None, quantization_aware: bool = True
) -> Backward:
  """The backward side of an operator.

  Raises:
    TflmPatchError: gradients do not pass it; says why.
  """
  cls = REGISTRY.get(view.opcode)
  if cls is None:
    raise TflmPatchError(
      f'gradients cannot pass {view.name}; they pass {", ".join(sorted(REGISTRY))}: train '
      'layers behind it only'
    )
  return cls(view, update, quantization_aware)


def int8_refusal(view: OpView) -> str | None:
  """Why the activations are not of int8."""
  tensors = [view.output()]
  tensors += (t for t in map(view.input, range(len(view.operator.inputs))) if not t.is_constant)
  for tensor in tensors:
    if tensor.dtype != DType.INT8 or tensor.quantization is None:
      return f'its activations are of {tensor.dtype.name}, not int8'
  return None


def emit_integer_same(operator: Backward, wanted: Wanted, at: Places) -> list[str]:
  """Statements: the input's gradient is that of the output, of integers."""
  of_input, of_output = at.exponent(operator.source), at.exponent(operator.target)
  if operator.in_place(wanted) is not None:
    return [f'*{of_input} = *{of_output};']
  values = operator.view.output().elements
  return [
    f'tflm_patch_integer_pad(1, {values}, 1, 0, 0, {values}, {at.gradient(operator.target)}, '
    f'*{of_output}, {at.gradient(operator.source)}, {of_input}, {int(0 in wanted.added)});'
  ]


def together(*parts: Mapping[str, int]) -> Effort:
  """The sum of efforts."""
  found: Effort = {}
  for part in parts:
    for name, amount in part.items():
      found[name] = found.get(name, 0) + amount
  return found


def map_shape(tensor: Tensor) -> tuple[int, int, int]:
  """Rows, columns and channels of a tensor."""
  shape = feature_shape(tensor)
  if shape is None:
    raise TflmPatchError(f'the tensor "{tensor.name}" of shape {tensor.shape} is no feature map')
  return shape


def mask_bytes(values: int) -> int:
  """Of the clamp bits of so many values, whole words."""
  return -(-values // 32) * 4


def ratio(numerator: float, denominator: float) -> np.float32:
  """A quotient of doubles as float32."""
  return np.float32(np.float64(numerator) / np.float64(denominator))


def c_float(value: float) -> str:
  """A literal of exactly a float32."""
  return f'{float(np.float32(value)).hex()}f'
