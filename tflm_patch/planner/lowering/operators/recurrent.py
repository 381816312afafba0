# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What operators with a state of their own share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tflm_patch.graph.types import DType, Tensor
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program.params import Params
from tflm_patch.program.records import Kind

_INT32 = 1 << 31


def weights_violation(tensor: Tensor, shape: tuple[int, ...], dtype: DType) -> str | None:
  """Why a tensor is no array of symmetric weights of one scale."""
  quantization = tensor.quantization
  text = f'"{tensor.name}" is {tensor.dtype.name} {list(tensor.shape)}'
  if not tensor.is_constant or tensor.dtype != dtype or tensor.shape != shape:
    return text
  if quantization is None or not quantization.per_tensor or quantization.scale <= 0:
    return f'"{tensor.name}" has no single scale'
  return f'"{tensor.name}" has zero points' if np.any(quantization.zero_points != 0) else None


def folded(bias: np.ndarray, weights: np.ndarray, zero_point: int) -> np.ndarray:
  """int32[n]: a bias with the products of a zero point and the rows of weights, modulo 2^32."""
  total = bias.astype(np.int64) - zero_point * weights.astype(np.int64).sum(axis=-1)
  return (((total + _INT32) % (2 * _INT32)) - _INT32).astype(np.int32)


def add(
  op: OpView, builder: StageBuilder, kind: Kind, states: Sequence[int], params: Params
) -> None:
  """Appends an operator that makes a row of each input row, and its states.

  Args:
    op: The operator.
    builder: Of the stage.
    kind: What it becomes.
    states: Positions of its states among the inputs.
    params: Of the kind.
  """
  source = builder.read(op.operator.inputs[0])
  kept = [builder.keep(op.operator.inputs[i]) for i in states]
  target = builder.make(op.operator.outputs[0])
  count = builder.map(target).rows
  builder.add(
    op,
    StageOp(
      kind=kind,
      inputs=(source,),
      outputs=(target, *kept),
      steps=count,
      reads=(rows.same_row(count, count),),
      params=params,
    ),
  )
