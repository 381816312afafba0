# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The inverted bottleneck of MobileNetV2, ProxylessNAS, MCUNet and EfficientNet."""

from __future__ import annotations

from tflm_patch.architecture.blocks.base import register
from tflm_patch.architecture.blocks.squeeze_excite import squeeze_excite
from tflm_patch.architecture.layers import LayerBuilder
from tflm_patch.architecture.spec import Block


def expanded(block: Block, builder: LayerBuilder, x: int) -> int:
  """Channels inside the block."""
  return max(1, round(block.expansion * builder.channels(x)))


def close(block: Block, builder: LayerBuilder, x: int, inner: int) -> int:
  """Squeeze-and-excite, the linear pointwise convolution, and the addition of the input."""
  if block.squeeze:
    inner = squeeze_excite(builder, inner, max(1, round(block.squeeze * builder.channels(x))))
  made = builder.conv(inner, block.channels)
  if block.skip and builder.values[made].shape == builder.values[x].shape:
    made = builder.add(x, made)
  return made


@register(
  Block('ir', expansion=6.0),
  'kernel',
  'stride',
  'expansion',
  'channels',
  'squeeze',
  'activation',
  'padding',
  'skip',
)
def emit(block: Block, builder: LayerBuilder, x: int) -> int:
  """Pointwise, depthwise, [squeeze-excite,] linear pointwise, + the input (arXiv 1801.04381)"""
  inner = x
  if block.expansion != 1:
    inner = builder.conv(x, expanded(block, builder, x), activation=block.activation)
  inner = builder.depthwise(inner, block.kernel, block.stride, block.padding, block.activation)
  return close(block, builder, x, inner)
