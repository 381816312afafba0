# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MobileNetV1's and DS-CNN's depthwise separable convolution."""

from __future__ import annotations

from tflm_patch.architecture.blocks.base import register
from tflm_patch.architecture.layers import LayerBuilder
from tflm_patch.architecture.spec import Block


@register(Block('ds'), 'kernel', 'stride', 'channels', 'activation', 'padding', leading='kernel')
def emit(block: Block, builder: LayerBuilder, x: int) -> int:
  """A depthwise convolution, then a pointwise one, each with its activation (arXiv 1704.04861)"""
  x = builder.depthwise(x, block.kernel, block.stride, block.padding, block.activation)
  return builder.conv(x, block.channels, activation=block.activation)
