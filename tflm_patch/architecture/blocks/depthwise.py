# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A depthwise convolution."""

from __future__ import annotations

from tflm_patch.architecture.blocks.base import register
from tflm_patch.architecture.layers import LayerBuilder
from tflm_patch.architecture.spec import Block


@register(Block('dw'), 'kernel', 'stride', 'activation', 'padding', leading='kernel')
def emit(block: Block, builder: LayerBuilder, x: int) -> int:
  """A depthwise convolution and its activation; the channels stay"""
  return builder.depthwise(x, block.kernel, block.stride, block.padding, block.activation)
