# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CONV_2D."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.graph.axis_window import is_pointwise
from tflm_patch.graph.types import DType
from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import FeatureMap, InPlace, StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells, macs, windows
from tflm_patch.planner.lowering.operators.accumulators import Accumulators, Int16Accumulators
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import dsp_limits
from tflm_patch.program import records as program
from tflm_patch.program.fields import Deferred
from tflm_patch.program.params import ConvParams, Requant


def folded_bias(op: OpView, weight_sums: np.ndarray) -> np.ndarray:
  """bias - input zero point * sum(weights), modulo 2^32 like TFLM's accumulators."""
  quantization = op.input().quantization
  assert quantization is not None
  bias = np.zeros(weight_sums.size, np.int64)
  if op.has_input(2):
    bias = op.input(2).array().reshape(-1).astype(np.int64)
  folded = bias - quantization.zero_point * weight_sums.astype(np.int64)
  return ((folded + (1 << 31)) % (1 << 32) - (1 << 31)).astype('<i4')


def clamp_of(op: OpView) -> tuple[int, int]:
  """The fused activation's range of int8 or int16 outputs."""
  target = op.output().quantization
  assert target is not None
  limits = np.iinfo(op.output().dtype.numpy)
  return quantize.activation_range(
    op.option('fusedActivationFunction'),
    target.scale,
    target.zero_point,
    int(limits.min),
    int(limits.max),
  )


def int16_accumulators(
  op: OpView, channels: int, multipliers: np.ndarray, shifts: np.ndarray
) -> Int16Accumulators:
  """The sums of an operator on int16 activations."""
  bias = np.zeros(channels, np.int64)
  if op.has_input(2):
    bias = op.input(2).array().reshape(-1).astype(np.int64)
  return Int16Accumulators(bias, multipliers, shifts, clamp_of(op), base.sums_are_wide(op))


def _multipliers(op: OpView) -> tuple[np.ndarray, np.ndarray]:
  source, scales = op.input().quantization, op.input(1).quantization
  target = op.output().quantization
  assert source is not None and scales is not None and target is not None
  return quantize.convolution_multipliers(source.scale, scales.scales, target.scale)


def int8_accumulators(op: OpView, weights: np.ndarray, bias: np.ndarray) -> Accumulators:
  """The sums of a convolution of weights [taps, channels] on int8 activations."""
  target = op.output().quantization
  assert target is not None
  return Accumulators(weights, bias, *_multipliers(op), target.zero_point, clamp_of(op))


def accumulators(
  op: OpView, weights: np.ndarray, bias: np.ndarray
) -> Accumulators | Int16Accumulators:
  """The sums of a convolution of weights [taps, channels], by the type of its activations."""
  if op.input().dtype == DType.INT16:
    return int16_accumulators(op, bias.size, *_multipliers(op))
  return int8_accumulators(op, weights, bias)


def requantization(
  op: OpView, compute: Callable[[], Accumulators | Int16Accumulators]
) -> tuple[Requant, Deferred[np.ndarray]]:
  """Requantization and stored bias of an operator with weights.

  Args:
    op: With its weights as second input.
    compute: Gives the sums; called when the parameters are encoded, not before.
  """

  def stored() -> Accumulators | Int16Accumulators:
    sums = compute()
    return sums.with_small_constants() if isinstance(sums, Accumulators) else sums

  sums = Deferred(stored)
  scales, target = op.input(1).quantization, op.output().quantization
  assert scales is not None and target is not None
  clamp = clamp_of(op)
  requant = Requant(
    multipliers=Deferred(lambda: sums.get().multipliers),
    shifts=Deferred(lambda: sums.get().shifts),
    output_zero_point=target.zero_point,
    act_min=clamp[0],
    act_max=clamp[1],
    per_channel=int(scales.scales.size > 1),
    sums=Deferred(lambda: sums.get().kind),
  )
  return requant, Deferred(lambda: sums.get().stored_bias)


# Pixels of blocks, for which weights are widened, too, and output rows of them.
BLOCK_PIXELS = (192, 96, 48, 36, 24)
BLOCK_ROWS = (4, 2, 1)
# Without: more than a dozen save little.
WIDENED_PIXELS = (12, 6, 3)

KINDS = {DType.INT8: program.Kind.CONV_2D, DType.INT16: program.Kind.CONV_2D_S16}


def constraint_filter_shape(op: OpView) -> str | None:
  """Weights are [out, kernel_h, kernel_w, in / groups] with groups dividing in and out"""
  shape, channels = op.input(1).shape, op.input().shape[-1]
  out = op.output().shape[-1]
  if len(shape) != 4 or shape[0] != out or channels % shape[3] or out % (channels // shape[3]):
    return f'weights {list(shape)} for {channels} to {out} channels'
  return None


def constraint_rank_4(op: OpView) -> str | None:
  """Input and output have rank 4"""
  ranks = len(op.input().shape), len(op.output().shape)
  return None if ranks == (4, 4) else f'ranks {ranks[0]} and {ranks[1]}'


def spare_scratch(
  weights: tuple[int, ...], pointwise: bool, stride: int, output: FeatureMap
) -> tuple[int, ...]:
  """Memory for pixels that are widened to 16 bits: for many and two channels' weights, or for less.

  See src/dsp/conv_blocks.c and conv.c; what the stack holds anyway is not asked for.

  Args:
    weights: Their shape.
    pointwise: Whether a pixel is made of the one at its place.
    stride: Columns of the stride.
    output: The map that is made.
  """
  taps, cols = math.prod(weights[1:]), output.cols
  if weights[1:3] != (1, 1) and weights[3] % 4 == 0 and cols > 1:
    window = (weights[1], weights[2], stride)
    rows = sorted({min(n, output.rows) for n in BLOCK_ROWS}, reverse=True)
    sizes = [dsp_limits.columns_bytes(window, weights[3], cols, n, taps) for n in rows]
  else:
    gathered = weights[1:3] != (1, 1)
    pixels = [min(n, output.rows * cols) for n in BLOCK_PIXELS]
    sizes = [dsp_limits.line_bytes(taps, gathered, n) for n in pixels]
  gathered = not pointwise and weights[3] % 4 != 0
  sizes += [dsp_limits.conv_bytes(taps, gathered, min(cols, n)) for n in WIDENED_PIXELS]
  wanted = dict.fromkeys(-(-size // 16) * 16 for size in sizes)
  return tuple(size for size in wanted if size > dsp_limits.CONV_STACK_BYTES)


@base.register(
  'CONV_2D',
  base.constraint_input_is_activation,
  base.constraint_integer_activations,
  base.constraint_filter_quantization,
  base.constraint_bias,
  base.constraint_multiplier,
  constraint_rank_4,
  constraint_filter_shape,
  base.constraint_wide_sums,
  base.constraint_fused_activation,
  base.constraint_clamp,
  windows.constraint_window,
  reads=cells.sliding,
  macs=macs.convolution,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Any kernel, stride, dilation and groups; per tensor and per channel"""
  source = builder.read(op.operator.inputs[0])
  target = builder.make(op.operator.outputs[0])
  weights = op.input(1).array()
  window = windows.window_of(op, (weights.shape[1], weights.shape[2]))
  input_map, output_map = builder.map(source), builder.map(target)
  pointwise = is_pointwise(window)
  is_int8 = input_map.dtype == DType.INT8
  narrows = output_map.channels <= input_map.channels <= program.CONV_IN_PLACE_CHANNELS
  keeps_cells = pointwise and narrows and input_map.cols == output_map.cols

  def sums() -> Accumulators | Int16Accumulators:
    bias = folded_bias(op, weights.sum(axis=(1, 2, 3), dtype=np.int64))
    return accumulators(op, weights.reshape(bias.size, -1).T, bias)

  requant, bias = requantization(op, sums)
  params = ConvParams(
    window=windows.window_record(window),
    requant=requant,
    weights=weights,
    bias=bias,
    groups=input_map.channels // weights.shape[3],
  )

  builder.add(
    op,
    StageOp(
      kind=KINDS[op.input().dtype],
      inputs=(source,),
      outputs=(target,),
      steps=builder.map(target).rows,
      reads=(rows.window_reads(output_map.rows, input_map.rows, window[0]),),
      params=params,
      spare_scratch=(
        spare_scratch(weights.shape, pointwise, window[1].stride, output_map) if is_int8 else ()
      ),
      in_place=(InPlace(0),) if keeps_cells and is_int8 else (),
    ),
  )
