# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators of the part of a network that gradients pass.

Values are float32[batch, ...] of whole numbers: the bytes of the tensors. Gradients are those
of the loss with respect to these integers, float32. Roundings are passed straight through;
a value at a limit of its operator's clamp has no gradient (`tflm_patch.on_device`).
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.planner.lowering.operators import OpView


class Operation(abc.ABC):
  """An operator without trained parameters.

  Attributes:
    view: The operator.
    inputs: The tensors that it reads and that are computed.
    output: The tensor that it makes.
  """

  def __init__(self, view: OpView) -> None:
    self.view = view
    tensors = view.subgraph.tensors
    self.inputs = tuple(
      tensor for tensor in view.operator.inputs if tensor >= 0 and not tensors[tensor].is_constant
    )
    self.output = view.operator.outputs[0]

  @abc.abstractmethod
  def forward(self, values: Sequence[np.ndarray]) -> tuple[np.ndarray, Any]:
    """The output's values, and what the way back needs.

    Args:
      values: Of `inputs`, each [batch, ...].
    """

  @abc.abstractmethod
  def backward(self, gradient: np.ndarray, kept: Any) -> Sequence[np.ndarray | None]:
    """Gradients with respect to every one of `inputs`.

    Args:
      gradient: With respect to the output's integers.
      kept: What `forward` gave.
    """


Make = Callable[[OpView], Operation]

OPERATIONS: dict[str, Make] = {}


def operation(*opcodes: str) -> Callable[[Make], Make]:
  """Registers what makes the operation of an operator."""

  def register(make: Make) -> Make:
    OPERATIONS.update(dict.fromkeys(opcodes, make))
    return make

  return register


def no_gradient(view: OpView) -> TflmPatchError:
  """Why no layer before an operator can be trained."""
  return TflmPatchError(
    f'gradients do not pass {view.name}; only layers behind it can be trained. They pass '
    f'{", ".join(sorted(OPERATIONS))}, CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED'
  )
