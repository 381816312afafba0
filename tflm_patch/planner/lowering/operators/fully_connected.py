# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED."""

from __future__ import annotations

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.graph.types import DType
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.ir.stage_graph import InPlace, StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, conv, macs
from tflm_patch.planner.lowering.operators.accumulators import Accumulators, Int16Accumulators
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program
from tflm_patch.program.params import ConvParams, FullyConnectedParams, Window

_KINDS = {DType.INT8: program.Kind.FULLY_CONNECTED, DType.INT16: program.Kind.FULLY_CONNECTED_S16}


def constraint_filter_shape(op: OpView) -> str | None:
  """Weights are [out, in]; the input is one vector of in values, rows of them, or a map of them
  whose rows and columns the output has
  """
  shape = op.input(1).shape
  source, target = op.input(), op.output()
  if len(shape) != 2 or source.elements % shape[1] or target.shape[-1:] != shape[:1]:
    return f'weights {list(shape)}, input {list(source.shape)}, output {list(target.shape)}'
  vectors = source.elements // shape[1]
  if target.elements != vectors * shape[0]:
    return f'output {list(target.shape)} for {vectors} vectors of {shape[0]} values'
  if vectors > 1 and not _are_cells(op):
    return f'{vectors} vectors in {list(source.shape)} to {list(target.shape)}'
  return None


def _are_cells(op: OpView) -> bool:
  """Whether the vectors are the cells of the input, and the output has the same."""
  source, target = feature_shape(op.input()), feature_shape(op.output())
  assert source is not None and target is not None
  return source[:2] == target[:2] and (source[2], target[2]) == op.input(1).shape[::-1]


def constraint_plain_weights(op: OpView) -> str | None:
  """The weights are in the default format"""
  weights_format = op.option('weightsFormat', 0)
  return None if weights_format == 0 else f'format {weights_format}'


def accumulators(op: OpView, bias: np.ndarray) -> Accumulators | Int16Accumulators:
  """CalculateOpDataFullyConnected of TFLM since October 2026.

  Its scales multiply in double; before, they did in float32, which is another last bit
  of the multiplier for some scales.
  """
  source, weights = op.input().quantization, op.input(1).quantization
  target = op.output().quantization
  assert source is not None and weights is not None and target is not None
  if not weights.per_tensor:
    return conv.accumulators(op, op.input(1).array().T, bias)
  multiplier, shift = quantize.quantize_multiplier(
    float(source.scale) * float(weights.scale) / float(target.scale)
  )
  multipliers, shifts = np.array([multiplier]), np.array([shift])
  if op.input().dtype == DType.INT16:
    return conv.int16_accumulators(op, bias.size, multipliers, shifts)
  return Accumulators(
    op.input(1).array().T, bias, multipliers, shifts, target.zero_point, conv.clamp_of(op)
  )


@base.register(
  'FULLY_CONNECTED',
  base.constraint_input_is_activation,
  base.constraint_integer_activations,
  base.constraint_filter_quantization,
  base.constraint_bias,
  base.constraint_multiplier,
  constraint_plain_weights,
  constraint_filter_shape,
  base.constraint_wide_sums,
  base.constraint_fused_activation,
  base.constraint_clamp,
  reads=cells.whole,
  macs=macs.convolution,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Of a vector, of rows and maps of vectors, or of a whole map that it takes in row by row"""
  source = builder.read(op.operator.inputs[0])
  weights = op.input(1).array()
  input_map = builder.map(source)
  if input_map.cols > 1 and input_map.channels == weights.shape[1] and _are_cells(op):
    _lower_cells(op, builder, source)
    return
  flatten = input_map.rows * input_map.cols * input_map.channels == weights.shape[1]
  accumulates = flatten and input_map.rows > 1
  sum_bytes = 8 if input_map.dtype == DType.INT16 else 4
  target = builder.make(op.operator.outputs[0])

  requant, bias = conv.requantization(
    op, lambda: accumulators(op, conv.folded_bias(op, weights.sum(axis=1, dtype=np.int64)))
  )
  params = FullyConnectedParams(requant, weights, bias, int(flatten))

  builder.add(
    op,
    StageOp(
      kind=_KINDS[op.input().dtype],
      inputs=(source,),
      outputs=(target,),
      steps=input_map.rows,
      reads=(rows.same_row(input_map.rows, input_map.rows),),
      params=params,
      accumulates=accumulates,
      scratch_bytes=sum_bytes * weights.shape[0] if accumulates else 0,
    ),
  )


def _lower_cells(op: OpView, builder: StageBuilder, source: int) -> None:
  """Of every cell of a map: a pointwise convolution."""
  weights = op.input(1).array()
  source_map = builder.map(source)
  target = builder.make(op.operator.outputs[0])
  requant, bias = conv.requantization(
    op, lambda: accumulators(op, conv.folded_bias(op, weights.sum(axis=1, dtype=np.int64)))
  )
  is_int8 = source_map.dtype == DType.INT8
  narrows = weights.shape[0] <= weights.shape[1] <= program.CONV_IN_PLACE_CHANNELS
  builder.add(
    op,
    StageOp(
      kind=conv.KINDS[source_map.dtype],
      inputs=(source,),
      outputs=(target,),
      steps=source_map.rows,
      reads=(rows.same_row(source_map.rows, source_map.rows),),
      params=ConvParams(Window(), requant, weights[:, None, None, :], bias, 1),
      spare_scratch=conv.spare_scratch(
        (weights.shape[0], 1, 1, weights.shape[1]), True, 1, builder.map(target)
      )
      if is_int8
      else (),
      in_place=(InPlace(0),) if narrows and is_int8 else (),
    ),
  )
