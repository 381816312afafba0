# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""PAD and PADV2 that were not folded into the operator behind them."""

from __future__ import annotations

import numpy as np

from tflm_patch.graph.axis_window import AxisWindow
from tflm_patch.graph.types import Tensor
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, conv
from tflm_patch.planner.lowering.operators.base import CellReads, OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import PadParams


def pads_of(op: OpView) -> np.ndarray | None:
  """(before, after) of each dimension; None when they are not known."""
  values = op.integers(1)
  if values is None or len(values) % 2:
    return None
  return np.array(values, np.int64).reshape(-1, 2)


def constraint_constant_pads(op: OpView) -> str | None:
  """Paddings are constant, not negative, and leave the batch alone"""
  pads = pads_of(op)
  if pads is None or pads.shape != (4, 2) or pads.min() < 0 or pads[0].any():
    return 'computed, or not int32' if pads is None else str(pads.tolist())
  shape = op.input().shape
  wanted = tuple(int(size + a + b) for size, (a, b) in zip(shape, pads))
  return None if wanted == op.output().shape else f'{list(op.output().shape)} is not {wanted}'


def constraint_constant_value(op: OpView) -> str | None:
  """The padding value is constant"""
  if op.has_input(2) and not op.input(2).is_constant:
    return f'"{op.input(2).name}" is computed'
  return None


_RULES = (
  base.constraint_input_is_activation,
  base.constraint_integer_activations,
  conv.constraint_rank_4,
  constraint_constant_pads,
  constraint_constant_value,
)


def reads(op: OpView, tensor: Tensor) -> CellReads:
  """The cell that many rows and columns before."""
  pads = pads_of(op)
  if pads is None or pads.shape != (4, 2):
    return base.WHOLE
  return AxisWindow(pad=int(pads[1][0])), AxisWindow(pad=int(pads[2][0]))


@base.register('PADV2', *_RULES, reads=reads)
@base.register('PAD', *_RULES, reads=reads)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Of rows, columns and channels"""
  source = builder.read(op.operator.inputs[0])
  target = builder.make(op.operator.outputs[0])
  pads = pads_of(op)
  quantization = op.output().quantization
  assert pads is not None and quantization is not None
  top, left, front = (int(pads[axis][0]) for axis in (1, 2, 3))
  value = quantization.zero_point
  if op.has_input(2):
    value = int(op.input(2).array().reshape(-1)[0])
  input_map, output_map = builder.map(source), builder.map(target)
  builder.add(
    op,
    StageOp(
      kind=program.Kind.PAD,
      inputs=(source,),
      outputs=(target,),
      steps=builder.map(target).rows,
      reads=(rows.window_reads(output_map.rows, input_map.rows, AxisWindow(pad=top)),),
      params=PadParams(top=top, left=left, front=front, value=value),
    ),
  )
