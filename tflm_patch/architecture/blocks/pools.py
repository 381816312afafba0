# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Pools."""

from __future__ import annotations

from tflm_patch.architecture.blocks.base import register
from tflm_patch.architecture.layers import LayerBuilder
from tflm_patch.architecture.spec import Block, Padding

_FIELDS = ('kernel', 'stride', 'padding')


def _pool(name: str) -> Block:
  return Block(name, kernel=(2, 2), stride=(2, 2), padding=Padding.VALID)


@register(_pool('maxpool'), *_FIELDS, leading='kernel')
def emit_max(block: Block, builder: LayerBuilder, x: int) -> int:
  """The largest value of each window"""
  return builder.pool('MAX_POOL_2D', x, block.kernel, block.stride, block.padding)


@register(_pool('avgpool'), *_FIELDS, leading='kernel')
def emit_average(block: Block, builder: LayerBuilder, x: int) -> int:
  """The mean of each window"""
  return builder.pool('AVERAGE_POOL_2D', x, block.kernel, block.stride, block.padding)
