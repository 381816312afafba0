# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which function computes which operation on fake-quantized values."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from tflm_patch.quantization.network import Node, Value
from tflm_patch.quantization.operators.base import Operation
from tflm_patch.training.quantization_aware.grids import Grid


class Pass(Protocol):
  """One forward pass, as the functions see it.

  Values are float32 tensors of steps: integers of the file less the zero point.

  Attributes:
    training: Gradients are wanted, and float32 has to do.
    per_channel: Weights have a scale per output channel.
  """

  training: bool
  per_channel: bool

  def steps(self, value: Value) -> Any: ...

  def grid(self, value: Value) -> Grid: ...

  def weight(self, node: Node, name: str) -> Any: ...

  def divisor(self, value: int) -> Any:
    """127 or 255, as tensors that compilers do not know."""

  def table(self, node: Node) -> Table | None: ...

  def positions(self, node: Node) -> tuple[np.ndarray, np.ndarray] | None:
    """Rows and columns that RESIZE_BILINEAR reads."""

  def observe(self, value: Value, x: Any) -> None:
    """Real values in steps, before they are rounded and limited."""

  def is_output(self, value: Value) -> bool: ...


@dataclasses.dataclass(frozen=True)
class Table:
  """What TFLM's kernel gives for every input byte, for certain scales.

  Attributes:
    values: int32[256]: output bytes by input byte + 128, or exponentials.
    scales: float32[4]: scale and zero point of input and output.
  """

  values: Any
  scales: Any


Forward = Callable[[Pass, Node], Any]

FORWARD: dict[type[Operation], Forward] = {}


def forward(*operations: type[Operation]) -> Callable[[Forward], Forward]:
  """Registers a function that gives the steps of a node's output."""

  def register(compute: Forward) -> Forward:
    FORWARD.update(dict.fromkeys(operations, compute))
    return compute

  return register
