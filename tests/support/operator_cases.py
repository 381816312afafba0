# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Cases of operators under test: how to make them, alone or between neighbours."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from support.compare import check_conversion
from support.model_builder import ModelBuilder
from tflm_patch.api import ConvertOptions
from tflm_patch.graph.types import DType

INPUTS = 14
MAP = (1, 7, 9, 6)
Make = Callable[[ModelBuilder, int], int]


@dataclasses.dataclass(frozen=True)
class Case:
  """An operator under test.

  Attributes:
    name: Of the test.
    make: Appends the operator, reading a tensor of `shape` and `dtype`.
    framed: Also test it between a convolution before and one behind.
  """

  name: str
  make: Make
  shape: tuple[int, ...] = MAP
  dtype: DType = DType.INT8
  framed: bool = True


def windows(opcode: str, make: Callable[..., int], **common: object) -> list[Case]:
  """Cases of a windowed operator: kernels, strides and paddings."""
  table: dict[str, dict[str, object]] = {
    'same_3x3': {'kernel': 3, 'stride': 1, 'padding': 'SAME'},
    'valid_3x3': {'kernel': 3, 'stride': 1, 'padding': 'VALID'},
    'same_stride_2': {'kernel': 3, 'stride': 2, 'padding': 'SAME'},
    'valid_stride_2x3': {'kernel': 3, 'stride': (2, 3), 'padding': 'VALID'},
    'stride_over_kernel': {'kernel': 1, 'stride': 3, 'padding': 'SAME'},
    'wide_1x5': {'kernel': (1, 5), 'stride': 1, 'padding': 'SAME'},
    'tall_5x1': {'kernel': (5, 1), 'stride': 1, 'padding': 'SAME'},
    'even_2x4': {'kernel': (2, 4), 'stride': 1, 'padding': 'SAME'},
    'larger_than_map': {'kernel': (9, 11), 'stride': 2, 'padding': 'SAME'},
    'whole_map': {'kernel': (7, 9), 'stride': 1, 'padding': 'VALID'},
  }
  return [
    Case(f'{opcode}_{name}', lambda b, x, w=window: make(b, x, **w, **common))
    for name, window in table.items()
  ]


def activations(opcode: str, make: Callable[..., int], **common: object) -> list[Case]:
  """Cases of the fused activations."""
  return [
    Case(f'{opcode}_{activation}', lambda b, x, a=activation: make(b, x, activation=a, **common))
    for activation in ('NONE', 'RELU', 'RELU6', 'RELU_N1_TO_1')
  ]


def build_case(case: Case, framed: bool, seed: int, wild: bool) -> bytes:
  """The model of a case, between a convolution before and one behind when `framed`."""
  b = ModelBuilder(seed, wild)
  if framed:
    rows, cols, channels = case.shape[1:]
    x = b.input((1, rows + 2, cols + 2, 3), case.dtype)
    x = b.conv(x, channels, padding='VALID', activation='RELU6')
    x = case.make(b, x)
    if len(b.shape(x)) == 4:
      x = b.depthwise(x, activation='RELU')
  else:
    x = case.make(b, b.input(case.shape, case.dtype))
  b.output(x)
  return b.build()


def check_case(case: Case, framed: bool, seed: int, wild: bool) -> None:
  """All operators of a case go into stages, into a single one when it is framed."""
  data = build_case(case, framed, seed, wild)
  result = check_conversion(data, ConvertOptions(force_stage=True), INPUTS, seed)
  assert len(result.stages) == 1 if framed else result.stages
  assert result.stock_operators == ()
