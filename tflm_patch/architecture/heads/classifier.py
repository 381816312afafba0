# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Classifiers."""

from __future__ import annotations

from collections.abc import Sequence

from tflm_patch.architecture.heads.base import register
from tflm_patch.architecture.layers import LayerBuilder
from tflm_patch.architecture.spec import Head, Padding


def _finish(head: Head, builder: LayerBuilder, x: int) -> tuple[int, ...]:
  x = builder.fully_connected(x, head.classes)
  return (builder.softmax(x),) if head.softmax else (x,)


@register(Head('fc'), 'classes', 'softmax')
def emit_mean(head: Head, builder: LayerBuilder, ends: Sequence[int]) -> tuple[int, ...]:
  """The mean of the map, then a fully connected layer"""
  x = ends[-1]
  if len(builder.values[x].shape) == 4:
    x = builder.mean(x)
  return _finish(head, builder, x)


@register(Head('poolfc'), 'classes', 'softmax')
def emit_pool(head: Head, builder: LayerBuilder, ends: Sequence[int]) -> tuple[int, ...]:
  """As fc, with an AVERAGE_POOL_2D of the whole map instead of a MEAN (MLPerf Tiny)"""
  x = ends[-1]
  size = builder.size(x)
  x = builder.pool('AVERAGE_POOL_2D', x, size, size, Padding.VALID)
  return _finish(head, builder, builder.flatten(x))


@register(Head('flatfc'), 'classes', 'softmax')
def emit_flat(head: Head, builder: LayerBuilder, ends: Sequence[int]) -> tuple[int, ...]:
  """A fully connected layer of all values of the map"""
  return _finish(head, builder, builder.flatten(ends[-1]))
