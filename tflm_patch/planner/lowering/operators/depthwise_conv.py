# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D."""

from __future__ import annotations

import numpy as np

from tflm_patch.graph.axis_window import CellWindow
from tflm_patch.graph.types import DType
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import InPlace, StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, conv, macs, windows
from tflm_patch.planner.lowering.operators.accumulators import Accumulators, Int16Accumulators
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import dsp_limits
from tflm_patch.program import records as program
from tflm_patch.program.params import ConvParams, DepthwiseParams, Params

_KINDS = {
  DType.INT8: program.Kind.DEPTHWISE_CONV_2D,
  DType.INT16: program.Kind.DEPTHWISE_CONV_2D_S16,
}


def constraint_filter_shape(op: OpView) -> str | None:
  """Weights are [1, kernel_h, kernel_w, out] with out a multiple of the input channels"""
  shape, channels = op.input(1).shape, op.input().shape[-1]
  out = op.output().shape[-1]
  if len(shape) != 4 or shape[0] != 1 or shape[3] != out or out % channels:
    return f'weights {list(shape)} for {channels} to {out} channels'
  return None


def constraint_depth_multiplier(op: OpView) -> str | None:
  """The depth multiplier of the options is output channels / input channels"""
  wanted = op.output().shape[-1] // op.input().shape[-1]
  found = int(op.option('depthMultiplier', 0))
  return None if found == wanted else f'{found} instead of {wanted}'


def spare_scratch(window: CellWindow, cols: int) -> tuple[int, ...]:
  """Memory for the planes of four channels of a row, or of a part of it.

  See src/dsp/depthwise_3x3.c and depthwise_pairs.c; what its stack holds anyway is not asked for.
  """
  stride, kernel_w = window[1].stride, window[1].kernel
  sizes = []
  for parts in (1, 2, 4):
    n = -(-cols // parts)
    if (window[0].kernel, kernel_w) == (3, 3):
      sizes.append(dsp_limits.depthwise_3x3_bytes(stride, n))
    else:
      sizes.append(dsp_limits.depthwise_bytes(kernel_w, stride, n))
  return tuple(size for size in sizes if size > dsp_limits.DEPTHWISE_STACK_BYTES)


@base.register(
  'DEPTHWISE_CONV_2D',
  base.constraint_input_is_activation,
  base.constraint_integer_activations,
  base.constraint_filter_quantization,
  base.constraint_bias,
  base.constraint_multiplier,
  conv.constraint_rank_4,
  constraint_filter_shape,
  constraint_depth_multiplier,
  base.constraint_wide_sums,
  base.constraint_fused_activation,
  base.constraint_clamp,
  windows.constraint_window,
  reads=cells.sliding,
  macs=macs.convolution,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Any kernel, stride, dilation and depth multiplier; per tensor and per channel"""
  source = builder.read(op.operator.inputs[0])
  target = builder.make(op.operator.outputs[0])
  weights = op.input(1).array()[0]
  window = windows.window_of(op, (weights.shape[0], weights.shape[1]))
  input_map, output_map = builder.map(source), builder.map(target)
  # With a single input channel it is a CONV_2D, which has the faster kernels.
  is_conv = input_map.channels == 1 and output_map.channels > 1

  def sums() -> Accumulators | Int16Accumulators:
    bias = conv.folded_bias(op, weights.sum(axis=(0, 1), dtype=np.int64))
    return conv.accumulators(op, weights.reshape(-1, bias.size), bias)

  record = windows.window_record(window)
  requant, bias = conv.requantization(op, sums)
  params: Params
  if is_conv:
    params = ConvParams(record, requant, np.moveaxis(weights, 2, 0), bias, groups=1)
  else:
    multiplier = output_map.channels // input_map.channels
    params = DepthwiseParams(record, requant, weights, bias, multiplier)

  # Columns are made from left to right, each channel from its own alone.
  in_place = []
  if input_map.channels == output_map.channels and not is_conv:
    # Column c may lie over input column c - gap: of those that column c + 1 reads, the
    # first is stride * (c + 1) - pad.
    gap = max(0, window[1].pad - window[1].stride + 1)
    in_place.append(
      InPlace(
        0,
        row_shift=window[0].pad,
        gap_bytes=gap * input_map.row_bytes // input_map.cols,
        row_step=window[0].stride,
      )
    )
  builder.add(
    op,
    StageOp(
      kind=(conv.KINDS if is_conv else _KINDS)[op.input().dtype],
      inputs=(source,),
      outputs=(target,),
      steps=builder.map(target).rows,
      reads=(rows.window_reads(output_map.rows, input_map.rows, window[0]),),
      params=params,
      spare_scratch=() if is_conv else spare_scratch(window, output_map.cols),
      in_place=tuple(in_place),
    ),
  )
