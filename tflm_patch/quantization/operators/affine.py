# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A scale and a shift per channel: batch normalization, rescaling.

No operator of TFLite: a pass makes it part of a convolution before or after, or writes
it as a depthwise convolution of one cell, or as MUL and ADD.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tflm_patch.quantization.operators.base import NO_CLAMP, Clamped, Operation, tensor

if TYPE_CHECKING:
  from tflm_patch.quantization.network import Shape


@dataclasses.dataclass(frozen=True, eq=False)
class Affine(Clamped):
  """x * scale + shift.

  Attributes:
    scale, shift: float64 of the channels.
  """

  scale: np.ndarray
  shift: np.ndarray

  @property
  def is_scalar(self) -> bool:
    """Whether all channels are treated alike."""
    return bool(np.all(self.scale == self.scale[0]) and np.all(self.shift == self.shift[0]))

  elementwise: ClassVar[bool] = True

  def output_shape(self, shapes: Sequence[Shape]) -> Shape:
    return shapes[0]

  def evaluate(self, ops: Any, inputs: Sequence[Any]) -> Any:
    y = ops.multiply(inputs[0], tensor(ops, self.scale))
    y = ops.add(y, tensor(ops, self.shift))
    return self.apply_clamp(ops, y)

  def then_affine(self, scale: np.ndarray, shift: np.ndarray) -> Operation | None:
    if self.clamp != NO_CLAMP:
      return None
    return dataclasses.replace(self, scale=self.scale * scale, shift=self.shift * scale + shift)
