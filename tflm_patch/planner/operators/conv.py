# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CONV_2D."""

from __future__ import annotations

import numpy as np

from tflm_patch.graph import quantize
from tflm_patch.planner import program, rows
from tflm_patch.planner.builder import StageBuilder
from tflm_patch.planner.constants import ConstantPool
from tflm_patch.planner.operators import base
from tflm_patch.planner.operators.base import OpView
from tflm_patch.planner.stage_ir import InPlace


def folded_bias(op: OpView, weight_sums: np.ndarray) -> np.ndarray:
  """bias - input zero point * sum(weights), modulo 2^32 like TFLM's accumulators."""
  quantization = op.input().quantization
  assert quantization is not None
  bias = np.zeros(weight_sums.size, np.int64)
  if op.has_input(2):
    bias = op.input(2).array().reshape(-1).astype(np.int64)
  folded = bias - quantization.zero_point * weight_sums.astype(np.int64)
  return ((folded + (1 << 31)) % (1 << 32) - (1 << 31)).astype('<i4')


def requant_of(op: OpView, pool: ConstantPool) -> dict[str, int]:
  """Requantization of a convolution's accumulators."""
  source, weights = op.input().quantization, op.input(1).quantization
  target = op.output().quantization
  assert source is not None and weights is not None and target is not None
  multipliers, shifts = quantize.convolution_multipliers(
      source.scale, weights.scales, target.scale
  )
  clamp = quantize.activation_range(
      op.option('fusedActivationFunction'), target.scale, target.zero_point
  )
  return base.pack_requant(multipliers, shifts, target.zero_point, clamp, pool)


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


@base.register(
    'CONV_2D',
    base.constraint_input_is_activation,
    base.constraint_int8_activations,
    base.constraint_filter_quantization,
    base.constraint_bias,
    base.constraint_multiplier,
    constraint_rank_4,
    constraint_filter_shape,
    base.constraint_fused_activation,
    base.constraint_window,
)
def lower(op: OpView, builder: StageBuilder) -> None:
  """Any kernel, stride, dilation and groups; per tensor and per channel"""
  source = builder.read(op.operator.inputs[0])
  target = builder.make(op.operator.outputs[0])
  weights = op.input(1).array()
  window = base.window_of(op, (weights.shape[1], weights.shape[2]))
  input_map, output_map = builder.map(source), builder.map(target)
  cells = base.stage_window(window)
  pointwise = cells.kernel == cells.stride == (1, 1) and cells.pad == (0, 0)
  narrows = output_map.channels <= input_map.channels <= program.CONV_IN_PLACE_CHANNELS

  def encode(pool: ConstantPool) -> bytes:
    return program.CONV.pack(
        **base.pack_window(window),
        **requant_of(op, pool),
        weights_at=pool.add(weights, alignment=16),
        bias_at=pool.add(folded_bias(op, weights.sum(axis=(1, 2, 3), dtype=np.int64))),
        groups=input_map.channels // weights.shape[3],
    )

  builder.add(
      op,
      program.Kind.CONV_2D,
      [source],
      [target],
      [
          rows.window_reads(
              output_map.rows, input_map.rows, window['kernel_h'], window['stride_h'],
              window['dilation_h'], window['pad_top'],
          )
      ],
      encode,
      # The kernel sets a cell aside before it overwrites it.
      in_place=[InPlace(0)] if pointwise and narrows and input_map.cols == output_map.cols else [],
      window=cells,
  )  # fmt: skip
