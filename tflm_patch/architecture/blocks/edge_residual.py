# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The fused inverted bottleneck of EfficientNet-EdgeTPU and MobileNet-EdgeTPU."""

from __future__ import annotations

from tflm_patch.architecture.blocks.base import register
from tflm_patch.architecture.blocks.inverted_bottleneck import close, expanded
from tflm_patch.architecture.layers import LayerBuilder
from tflm_patch.architecture.spec import Block


@register(
  Block('er', expansion=4.0),
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
  """A wide convolution, [squeeze-excite,] linear pointwise, + the input (arXiv 2003.02838)"""
  inner = builder.conv(
    x, expanded(block, builder, x), block.kernel, block.stride, block.padding, block.activation
  )
  return close(block, builder, x, inner)
