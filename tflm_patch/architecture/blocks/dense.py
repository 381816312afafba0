# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A fully connected layer, as in dense autoencoders."""

from __future__ import annotations

from tflm_patch.architecture.blocks.base import register
from tflm_patch.architecture.layers import LayerBuilder
from tflm_patch.architecture.spec import Activation, Block


@register(Block('dense', activation=Activation.RELU), 'channels', 'activation', leading='channels')
def emit(block: Block, builder: LayerBuilder, x: int) -> int:
  """A fully connected layer of a vector, or of a whole map"""
  return builder.fully_connected(builder.flatten(x), block.channels, block.activation)
