# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Parameters of operators with weights."""

from __future__ import annotations

import dataclasses

from tflm_patch.program.fields import Array, constant, i16, nested, structure, u16, u32
from tflm_patch.program.params.base import Params, Requant, Window


@structure('tflm_patch_conv_params')
@dataclasses.dataclass(frozen=True, eq=False)
class ConvParams(Params):
  """CONV_2D. The bias already holds -input_zero_point * sum(weights).

  An output row that begins where the input row of the same number does lies over it: the
  kernel is 1 x 1 with stride 1 and without padding, and there are at most
  TFLM_PATCH_CONV_IN_PLACE_CHANNELS input channels and no more output channels.
  """

  window: Window = nested(Window)
  requant: Requant = nested(Requant)
  weights: Array | None = constant(
    'weights_at', 'i1', 'int8[out_channels][kernel_h][kernel_w][in_channels / groups]', 16
  )
  bias: Array | None = constant('bias_at', '', 'int32[out_channels]')
  groups: int = u32()


@structure('tflm_patch_depthwise_params')
@dataclasses.dataclass(frozen=True, eq=False)
class DepthwiseParams(Params):
  """DEPTHWISE_CONV_2D. Output channel = input channel * depth_multiplier + m; bias folded."""

  window: Window = nested(Window)
  requant: Requant = nested(Requant)
  weights: Array | None = constant('weights_at', 'i1', 'int8[kernel_h][kernel_w][out_channels]', 16)
  bias: Array | None = constant('bias_at', '', 'int32[out_channels]')
  depth_multiplier: int = u32()


@structure('tflm_patch_bottleneck_params')
@dataclasses.dataclass(frozen=True, eq=False)
class BottleneckParams(Params):
  """BOTTLENECK: a CONV_2D, a DEPTHWISE_CONV_2D and a 1 x 1 CONV_2D.

  The map between the first two, the wide one, does not exist: for an output row, its cells
  are computed for tile_cols output columns at a time. A row of it that the next output row
  reads, too, is kept in its first held_cols columns; after them it is recomputed. The
  scratch holds, of the wide map's cells, reach_h * ((tile_cols - 1) * stride_w + reach_w) and
  (reach_h - stride_h) * held_cols, and tile_cols cells of the depthwise convolution's output,
  where reach = (kernel - 1) * dilation + 1.
  """

  expand: ConvParams = nested(ConvParams)
  depthwise: DepthwiseParams = nested(DepthwiseParams)
  project: ConvParams = nested(ConvParams)
  wide_rows: int = u16()
  wide_cols: int = u16()
  wide_channels: int = u16()
  wide_zero_point: int = i16()
  tile_cols: int = u16('of the output, at least 1')
  held_cols: int = u16('of the wide map')


@structure('tflm_patch_transpose_conv_params')
@dataclasses.dataclass(frozen=True, eq=False)
class TransposeConvParams(Params):
  """TRANSPOSE_CONV. Tap i of an input row reaches output row input row * stride_h - pad_top + i.

  Columns alike; dilation is 1.
  """

  window: Window = nested(Window)
  requant: Requant = nested(Requant)
  weights: Array | None = constant(
    'weights_at', 'i1', 'int8[kernel_h][kernel_w][out_channels][in_channels]', 16
  )
  bias: Array | None = constant('bias_at', '', 'int32[out_channels], not folded')
  offsets: Array | None = constant(
    'offsets_at',
    '<i4',
    'int32[kernel_h][kernel_w][out_channels]: what a tap adds to the sum, '
    '-input_zero_point * sum(its weights)',
  )


@structure('tflm_patch_fully_connected_params')
@dataclasses.dataclass(frozen=True, eq=False)
class FullyConnectedParams(Params):
  """FULLY_CONNECTED.

  flatten 0: every input row is a vector of cols * channels and gives an output row (steps =
  rows). flatten 1: the whole input map is one vector; a step consumes one input row into
  int32[out] accumulators in the scratch, for int16 maps tflm_patch_int64[out] (none are needed
  when the map has a single row). Bias folded as above.
  """

  requant: Requant = nested(Requant)
  weights: Array | None = constant('weights_at', 'i1', 'int8[out][in]', 16)
  bias: Array | None = constant('bias_at', '', 'int32[out]')
  flatten: int = u32()
