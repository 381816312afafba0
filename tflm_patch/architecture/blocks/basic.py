# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""ResNet's basic block."""

from __future__ import annotations

from tflm_patch.architecture.blocks.base import register
from tflm_patch.architecture.layers import LayerBuilder
from tflm_patch.architecture.spec import Activation, Block


@register(
  Block('basic', activation=Activation.RELU),
  'kernel',
  'stride',
  'channels',
  'activation',
  'padding',
  leading='kernel',
)
def emit(block: Block, builder: LayerBuilder, x: int) -> int:
  """Two convolutions, + the input or a pointwise convolution of it (arXiv 1512.03385)"""
  made = builder.conv(
    x, block.channels, block.kernel, block.stride, block.padding, block.activation
  )
  made = builder.conv(made, block.channels, block.kernel, padding=block.padding)
  if builder.values[made].shape != builder.values[x].shape:
    x = builder.conv(x, block.channels, stride=block.stride)
  if builder.values[made].shape != builder.values[x].shape:
    raise builder.error('without padding the map is smaller than its input: nothing to add')
  return builder.add(x, made, block.activation)
