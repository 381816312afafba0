# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""BATCH_MATMUL: products of matrices, both of them computed or one a constant."""

from __future__ import annotations

import dataclasses

from tflm_patch.graph import quantize
from tflm_patch.graph.types import DType
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, macs, reshape, transpose
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import BatchMatmulParams

# The most products of two differences below 256 whose sum stays below 2^31.
MAX_DEPTH = 32768
RANKS = (2, 3, 4)
BY_COLUMNS = 2  # `whole` of matrices side by side
Shape = tuple[int, int, int]  # matrices, rows, columns


@base.of_types(DType.INT8)
def constraint_int8_operands(op: OpView) -> str | None:
  """Both inputs and the output are int8 with one scale and zero point; an input is computed"""
  if not op.has_input(1):
    return 'one input'
  for tensor in (op.input(0), op.input(1), op.output()):
    if not base.quantized_int8(tensor):
      return f'"{tensor.name}" is {tensor.dtype.name}'
  return 'both are constants' if op.input(0).is_constant and op.input(1).is_constant else None


def constraint_not_adjoint(op: OpView) -> str | None:
  """The first input is not transposed (adj_x)"""
  return 'adj_x' if op.option('adjX', False) else None


def _matrices(op: OpView, i: int) -> Shape | None:
  """How many matrices an operand is, and their rows and columns."""
  shape = op.input(i).shape
  if len(shape) not in RANKS or (len(shape) == 4 and shape[0] != 1):
    return None
  if len(shape) == 3 and shape[0] != 1:
    return None
  return (shape[1] if len(shape) == 4 else 1), shape[-2], shape[-1]


def constraint_matrices(op: OpView) -> str | None:
  """The inputs have 2 to 4 dimensions, of which the last but two may be several matrices, one of
  the inputs' or the same; vectors have the matrix's rows, at most 32,768; the output fits
  """
  a, b = _matrices(op, 0), _matrices(op, 1)
  text = f'{list(op.input(0).shape)} by {list(op.input(1).shape)} to {list(op.output().shape)}'
  if a is None or b is None or a[2] > MAX_DEPTH or (a[0] != b[0] and 1 not in (a[0], b[0])):
    return text
  depth, outputs = (b[2], b[1]) if op.option('adjY', False) else (b[1], b[2])
  rank = max(len(op.input(i).shape) for i in (0, 1))
  batches = (1, max(a[0], b[0]))[4 - rank :] if rank > 2 else ()
  wanted = (*batches, a[1], outputs)
  return None if depth == a[2] and op.output().shape == wanted else text


@base.register(
  'BATCH_MATMUL',
  constraint_int8_operands,
  constraint_not_adjoint,
  constraint_matrices,
  base.constraint_multiplier,
  reads=cells.whole,
  macs=macs.matrix_product,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Of maps or a constant; of rank 4 matrix by matrix, of transposed heads row by row of all heads,
  else row by row with a whole matrix
  """
  first, second, out = (tensor.quantization for tensor in (op.input(0), op.input(1), op.output()))
  assert first is not None and second is not None and out is not None
  multiplier, shift = quantize.quantize_multiplier(
    float(first.scale) * float(second.scale) / float(out.scale)
  )
  params = BatchMatmulParams(
    output_multiplier=multiplier,
    output_shift=shift,
    output_zero_point=out.zero_point,
    transposed=int(bool(op.option('adjY', False))),
  )
  if _lower_heads(op, builder, params):
    return
  whole = len(op.output().shape) < 4
  sources = []
  for i in (0, 1):
    shape = _matrices(op, i)
    assert shape is not None
    if whole:
      shape = shape[1], 1, shape[2]
    sources.append(reshape.read_as(op, builder, op.operator.inputs[i], shape))
  target = builder.make(op.operator.outputs[0])
  count = builder.map(target).rows
  a, b = (builder.map(source).rows for source in sources)
  builder.add(
    op,
    StageOp(
      kind=program.Kind.BATCH_MATMUL,
      inputs=tuple(sources),
      outputs=(target,),
      steps=count,
      reads=(
        rows.same_row(count, a),
        rows.whole_map(count, b) if whole else rows.same_row(count, b),
      ),
      params=dataclasses.replace(params, whole=int(whole)),
    ),
  )


def _lower_heads(op: OpView, builder: StageBuilder, params: BatchMatmulParams) -> bool:
  """Of matrices that lie side by side, a head beside the other; whether the operands are such.

  No matrix of all products is made then: each step makes the vectors of all heads.
  """
  target_tensor = op.operator.outputs[0]
  a, b = (builder.swapped(tensor) for tensor in op.operator.inputs[:2])
  if a is None or b is None or builder.is_wanted(target_tensor):
    return False
  heads, count, outputs = op.output().shape[1:]
  if builder.map(a).cols != heads or builder.map(b).cols != heads:
    return False
  target = builder.temporary(target_tensor, (count, heads, outputs))
  builder.add(
    op,
    StageOp(
      kind=program.Kind.BATCH_MATMUL,
      inputs=(a, b),
      outputs=(target,),
      steps=count,
      reads=(rows.same_row(count, count), rows.whole_map(count, builder.map(b).rows)),
      params=dataclasses.replace(params, whole=BY_COLUMNS),
    ),
  )
  builder.defer(target_tensor, target, transpose.swap_back(op, builder, target))
  return True
