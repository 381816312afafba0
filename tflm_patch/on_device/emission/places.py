# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Where things of a training step lie, as expressions of C."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tflm_patch.codegen import c_text
from tflm_patch.codegen.constant_arrays import ConstantArrays
from tflm_patch.codegen.memory import Memory
from tflm_patch.on_device.backward_graph import BackwardStep
from tflm_patch.on_device.parameters import LayerParameters
from tflm_patch.on_device.plan import EXPONENT_BYTES, Key, Part, TrainingPlan, Work

_C_TYPES = {
  np.dtype(np.float32): 'float',
  np.dtype(np.int8): 'int8_t',
  np.dtype(np.int32): 'int32_t',
  np.dtype(np.uint16): 'uint16_t',
}


class Arrays:
  """Constant arrays of C; equal ones are one.

  Attributes:
    bytes: Of all.
  """

  def __init__(self) -> None:
    self._names: dict[tuple[str, bytes], str] = {}
    self._lines: list[str] = []
    self.bytes = 0

  def name(self, values: np.ndarray, wanted: str, alignment: int = 4) -> str:
    """The name of an array of these values.

    Args:
      values: Of a type of C.
      wanted: Its name if it is new.
      alignment: Of its beginning.
    """
    c_type = _C_TYPES[values.dtype]
    key = c_type, values.tobytes()
    if key not in self._names:
      self._names[key] = wanted
      definition = f'static _Alignas({alignment}) const {c_type} {wanted}[{values.size}]'
      self._lines += [*c_text.array(definition, values.reshape(-1)), '']
      self.bytes += values.nbytes
    return self._names[key]

  def define(self) -> list[str]:
    """Lines of C."""
    return self._lines


class Layout:
  """The memory of a training step as C sees it.

  Args:
    work: What is computed.
    plan: Where everything lies.
  """

  def __init__(self, work: Work, plan: TrainingPlan) -> None:
    self._work, self._plan = work, plan

  def pointer(self, c_type: str, key: Key, by: int = 0) -> str:
    """A pointer to a buffer, `by` bytes on."""
    place = f'workspace + {self._plan.offsets[key] + by}'
    return f'({c_type}*)(void*)({place})' if c_type != 'int8_t' else f'({place})'

  def exponent(self, tensor: int) -> str:
    """A pointer to the exponent of a gradient."""
    by = EXPONENT_BYTES * self._work.exponents[tensor]
    return self.pointer('int32_t', (Part.EXPONENT, 0), by)

  def offset(self, key: Key) -> int:
    """Of a buffer in the workspace."""
    return self._plan.offsets[key]

  def tensor(self, tensor: int) -> int:
    """The offset of a tensor of the network, of a frozen stage too."""
    key = (Part.MAP, tensor)
    if key in self._plan.offsets:
      return self._plan.offsets[key]
    return self._plan.offsets[Part.FROZEN, self._work.frozen.tensors[tensor]]

  def frozen(self) -> Memory:
    """Of the frozen stages."""
    tensors = {t: at for (part, t), at in self._plan.offsets.items() if part is Part.FROZEN}
    for own, other in self._work.frozen.tensors.items():
      if (Part.MAP, own) in self._plan.offsets:
        tensors[other] = self._plan.offsets[Part.MAP, own]
    stages = self._work.frozen.stages
    workspaces = tuple(self._plan.offsets.get((Part.FROZEN, -1 - i), 0) for i in range(len(stages)))
    return Memory(self._plan.bytes, tensors, workspaces, (0,) * len(stages))

  def trained(self) -> Memory:
    """Of the operators from the first trained one on: stages numbered after the frozen ones."""
    tensors = {t: at for (part, t), at in self._plan.offsets.items() if part is Part.MAP}
    before = self.frozen().workspaces
    own = (self._plan.offsets.get((Part.SCRATCH, i), 0) for i in range(len(self._work.forward)))
    workspaces = (*before, *own)
    return Memory(self._plan.bytes, tensors, workspaces, (0,) * len(workspaces))

  def parameters(self, layer: LayerParameters) -> dict[str, str]:
    """Pointers to what of a layer is in memory, named as in tflm_patch_trained_layer."""
    found = {'bias': self.pointer('int32_t', (Part.PARAMETERS, 0), layer.bias_at)}
    if layer.weights.size:
      found['weights'] = self.pointer('int8_t', (Part.PARAMETERS, 0), layer.weights_at)
    if self._work.keeps_sums:
      sums = (Part.SUMS, 0)
      if layer.weights.size:
        found['weight_sums'] = self.pointer('float', sums, layer.sums_at)
      if layer.trains_bias:
        found['bias_sums'] = self.pointer('float', sums, layer.bias_sums_at)
    return found


class TrainedConstants(ConstantArrays):
  """The constants of operators of which some are in memory, and some their own.

  Args:
    data: Of the stage.
    first_op: The number of its first operator in names.
    instead: Expressions by operator and role: 'weights', 'bias', 'multipliers', 'shifts'.
  """

  def __init__(self, data: bytes, first_op: int, instead: Mapping[tuple[int, str], str]) -> None:
    super().__init__(data)
    self._instead = {(str(first_op + op), role): text for (op, role), text in instead.items()}

  def refer(self, at: int, type_name: str, values: int, name: str) -> str:
    number, _, role = name.rpartition('_')
    expression = self._instead.get((number.rpartition('_')[2], role))
    if expression is None:
      return super().refer(at, type_name, values, name)
    self.leave_out(at)
    return expression


class StepPlaces:
  """What the backward side of an operator asks for; see `operators.base.Places`.

  Args:
    layout: Where everything lies.
    step: The operator.
    name: Of its functions.
    arrays: Of all operators.
    layer: What is trained of it.
    weights: The weights that the forward pass has in flash, '' without any.
    part: Before the names of its structures.
    real: What gradients are of, in C.

  Attributes:
    statics: Lines of constant structures, each once.
  """

  def __init__(
    self,
    layout: Layout,
    step: BackwardStep,
    name: str,
    arrays: Arrays,
    layer: LayerParameters | None,
    weights: str,
    part: str = '',
    real: str = 'float',
  ) -> None:
    self._layout, self._step, self._name, self._real = layout, step, name, real
    self._arrays, self._layer, self._weights = arrays, layer, weights
    self._part = part
    self.statics: dict[str, list[str]] = {}

  def tensor(self, tensor: int) -> str:
    return f'(workspace + {self._layout.tensor(tensor)})'

  def gradient(self, tensor: int) -> str:
    return self._layout.pointer(self._real, (Part.GRADIENT, tensor))

  def exponent(self, tensor: int) -> str:
    return self._layout.exponent(tensor)

  def mask(self) -> str:
    return self._layout.pointer('uint32_t', (Part.MASK, self._step.index))

  def scratch(self) -> str:
    return self._layout.pointer(self._real, (Part.BACKWARD_SCRATCH, self._step.index))

  def gathered(self) -> str:
    return self._layout.pointer('int8_t', (Part.GATHERED, self._step.index))

  def parameters(self) -> Mapping[str, str]:
    assert self._layer is not None
    return self._layout.parameters(self._layer)

  def numbers(self) -> tuple[int, int]:
    assert self._layer is not None
    return self._layer.number, self._layer.bias_number

  def frozen_weights(self) -> str:
    return self._weights

  def constant(self, type_name: str, values: np.ndarray, role: str) -> str:
    assert _C_TYPES[values.dtype] == type_name
    return self._arrays.name(values, f'{self._name}_{role}')

  def structure(self, type_name: str, name: str, fields: Mapping[str, c_text.Value]) -> str:
    own = f'{self._part}{name}'
    self.statics[own] = c_text.structure(type_name, own, fields)
    return f'&{own}'
