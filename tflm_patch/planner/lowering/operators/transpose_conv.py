# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE_CONV."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from tflm_patch.graph.axis_window import AxisWindow, CellWindow
from tflm_patch.graph.types import DType, Operator, Tensor
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.planner.ir.stage_graph import FeatureMap, StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, conv, macs, windows
from tflm_patch.planner.lowering.operators.accumulators import Accumulators, Int16Accumulators
from tflm_patch.planner.lowering.operators.base import CellReads, OpView, Rule
from tflm_patch.program import records as program
from tflm_patch.program.fields import Deferred
from tflm_patch.program.params import TransposeConvParams

_KINDS = {DType.INT8: program.Kind.TRANSPOSE_CONV, DType.INT16: program.Kind.TRANSPOSE_CONV_S16}
_SHAPE, _WEIGHTS, _INPUT, _BIAS = range(4)


class _AsConvolution(OpView):
  """The operator with its inputs in the order of CONV_2D."""

  @property
  def operator(self) -> Operator:
    operator = self.subgraph.operators[self.index]
    order = [i for i in (_INPUT, _WEIGHTS, _BIAS) if i < len(operator.inputs)]
    return dataclasses.replace(operator, inputs=tuple(operator.inputs[i] for i in order))


def _as_convolution(op: OpView) -> OpView:
  return _AsConvolution(op.model, op.subgraph, op.index)


def _shared(rule: Rule) -> Rule:
  """A rule of convolutions for this operator."""

  @functools.wraps(rule)
  def check(op: OpView) -> str | None:
    return rule(_as_convolution(op))

  return check


def constraint_three_inputs(op: OpView) -> str | None:
  """Output shape, weights and input are there, and options"""
  if not (op.has_input(_WEIGHTS) and op.has_input(_INPUT)) or op.operator.options is None:
    return f'inputs {list(op.operator.inputs)}'
  return None


def constraint_constant_shape(op: OpView) -> str | None:
  """The output shape is constant and the output's"""
  shape = op.input(_SHAPE)
  values = op.integers(_SHAPE)
  if values is None:
    return f'"{shape.name}" is computed, or not int32'
  return None if values == list(op.output().shape) else f'{values}, {list(op.output().shape)}'


def constraint_filter_shape(op: OpView) -> str | None:
  """Weights are [out, kernel_h, kernel_w, in]"""
  shape = op.input(_WEIGHTS).shape
  depth, out = op.input(_INPUT).shape[-1], op.output().shape[-1]
  if len(shape) != 4 or shape[0] != out or shape[3] != depth:
    return f'weights {list(shape)} for {depth} to {out} channels'
  return None


def constraint_window(op: OpView) -> str | None:
  """Kernel and stride are 1..255, and without padding the output is not below the kernel"""
  window = window_of(op)
  violation = windows.window_violation(window)
  if violation is not None:
    return violation
  output = feature_shape(op.output()) or (0, 0, 0)
  kernel = window[0].kernel, window[1].kernel
  if op.option('padding') != 0 and any(a < b for a, b in zip(output, kernel)):
    return f'kernel {kernel}, output {output[:2]}'
  return None


def window_of(op: OpView) -> CellWindow:
  """Of the convolution that this one transposes, which makes the input from the output.

  TFLM pads like that convolution.
  """
  output = feature_shape(op.output()) or (0, 0, 0)
  found = []
  for size, kernel, stride in zip(
    output, op.input(_WEIGHTS).shape[1:3], (op.option('strideH', 0), op.option('strideW', 0))
  ):
    pad = 0
    if op.option('padding') == 0 and stride > 0:
      pad = max(0, (-(-size // stride) - 1) * stride + kernel - size) // 2
    found.append(AxisWindow(kernel, int(stride), pad=pad))
  return found[0], found[1]


def reads(op: OpView, tensor: Tensor) -> CellReads:
  """The cells whose windows it lies in."""
  if not op.has_input(_INPUT) or tensor is not op.input(_INPUT) or not op.has_input(_WEIGHTS):
    return base.WHOLE
  if len(op.input(_WEIGHTS).shape) != 4 or feature_shape(op.output()) is None:
    return base.WHOLE
  rows_window, cols_window = window = window_of(op)
  if cells.is_void(window):
    return base.WHOLE
  return rows_window.transposed(), cols_window.transposed()


def constraint_wide_bias(op: OpView) -> str | None:
  """The bias of int16 activations is int64"""
  view = _as_convolution(op)
  if view.input().dtype != DType.INT16 or not view.has_input(2):
    return None
  dtype = view.input(2).dtype
  return None if dtype == DType.INT64 else dtype.name


def _offsets(weights: np.ndarray, source: FeatureMap) -> np.ndarray:
  """What a tap adds for the input's zero point."""
  return np.asarray(-source.zero_point * weights.sum(axis=3, dtype=np.int64))


@base.register(
  'TRANSPOSE_CONV',
  constraint_three_inputs,
  constraint_constant_shape,
  _shared(base.constraint_input_is_activation),
  _shared(base.constraint_integer_activations),
  _shared(base.constraint_filter_quantization),
  _shared(base.constraint_bias),
  constraint_wide_bias,
  _shared(base.constraint_wide_sums),
  _shared(base.constraint_multiplier),
  _shared(conv.constraint_rank_4),
  constraint_filter_shape,
  base.constraint_fused_activation,
  constraint_window,
  reads=reads,
  macs=macs.transpose_convolution,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Any kernel and stride; per tensor and per channel; no accumulators are kept"""
  source = builder.read(op.operator.inputs[_INPUT])
  target = builder.make(op.operator.outputs[0])
  # By tap, so that the weights that an input cell meets at a tap lie together.
  weights = op.input(_WEIGHTS).array().transpose(1, 2, 0, 3)
  window = window_of(op)
  view = _as_convolution(op)
  input_map, output_map = builder.map(source), builder.map(target)

  is_int16 = input_map.dtype == DType.INT16

  def sums() -> Accumulators | Int16Accumulators:
    bias = conv.folded_bias(view, np.zeros(output_map.channels, np.int64))
    by_output = weights.transpose(0, 1, 3, 2).reshape(-1, bias.size)
    found = conv.accumulators(view, by_output, bias)
    if isinstance(found, Int16Accumulators):
      return dataclasses.replace(found, wide=True)
    # The zero point is taken off the values.
    return dataclasses.replace(found, largest_input=255)

  requant, bias = conv.requantization(view, sums)
  params = TransposeConvParams(
    window=windows.window_record(window),
    requant=requant,
    weights=weights,
    bias=bias,
    offsets=np.zeros(0, np.int64) if is_int16 else Deferred(lambda: _offsets(weights, input_map)),
  )

  builder.add(
    op,
    StageOp(
      kind=_KINDS[input_map.dtype],
      inputs=(source,),
      outputs=(target,),
      steps=builder.map(target).rows,
      reads=(rows.window_reads(output_map.rows, input_map.rows, window[0].transposed()),),
      params=params,
    ),
  )
