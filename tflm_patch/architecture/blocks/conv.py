# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A convolution."""

from __future__ import annotations

from tflm_patch.architecture.blocks.base import register
from tflm_patch.architecture.layers import LayerBuilder
from tflm_patch.architecture.spec import Block


@register(Block('conv'), 'kernel', 'stride', 'channels', 'activation', 'padding', leading='kernel')
def emit(block: Block, builder: LayerBuilder, x: int) -> int:
  """A convolution and its activation"""
  return builder.conv(
    x, block.channels, block.kernel, block.stride, block.padding, block.activation
  )
