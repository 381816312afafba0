# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The cases of the arena prediction by operator, and what several of them share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from arena_models import FLOAT32, INT4, INT8, INT16, SmallModel

Options = tuple[str, dict[str, Any]] | None
Case = Callable[[], bytes]
Tensors = Sequence[tuple[Sequence[int], int]]

MAP = (1, 5, 7, 3)
CASES: dict[str, list[Case]] = {}


def add(opcode: str, case: Case) -> None:
  """Registers a model of an operator."""
  CASES.setdefault(opcode, []).append(case)


def case(opcode: str) -> Callable[[Case], Case]:
  def register(function: Case) -> Case:
    add(opcode, function)
    return function

  return register


def simple(
  opcode: str,
  inputs: Tensors,
  outputs: Tensors,
  options: Options = None,
  constants: Sequence[Any] = (),
  **quantization: Any,
) -> None:
  """A case of computed inputs, then constant ones, and outputs."""

  def build() -> bytes:
    model = SmallModel()
    reads = [model.tensor(shape, dtype, **quantization) for shape, dtype in inputs]
    fixed = [model.constant(values) for values in constants]
    writes = [model.tensor(shape, dtype, **quantization) for shape, dtype in outputs]
    model.op(opcode, reads + fixed, writes, options)
    model.interface(reads, writes)
    return model.build()

  add(opcode, build)


def weights_case(
  opcode: str,
  weights: Sequence[int],
  source: Sequence[int],
  result: Sequence[int],
  options: Options,
  dtype: int = INT8,
  weights_dtype: int = INT8,
  channels: int = 1,
  axis: int = 0,
  bias: int | None = None,
) -> None:
  """Weights with as many scales as channels, and a bias of so many values."""

  def build() -> bytes:
    model = SmallModel()
    read, write = model.tensor(source, dtype), model.tensor(result, dtype)
    bits = {FLOAT32: 32, INT4: 4}.get(weights_dtype, 8)
    data = bytes((int(np.prod(weights)) * bits + 7) // 8)
    scales = [0.5 / (i + 1) for i in range(channels)]
    kernel = model.tensor(weights, weights_dtype, scales, axis=axis, data=data)
    reads = [read, kernel]
    if bias is not None:
      bias_type = {FLOAT32: 'float32', INT16: 'int64'}.get(dtype, 'int32')
      reads.append(model.constant(np.zeros(bias), bias_type, scales=(0.25,)))
    model.op(opcode, reads, [write], options)
    model.interface([read], [write])
    return model.build()

  add(opcode, build)
