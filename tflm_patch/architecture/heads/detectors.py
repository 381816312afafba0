# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Heads of object detectors; decoding boxes is left to the application."""

from __future__ import annotations

from collections.abc import Sequence

from tflm_patch.architecture.heads.base import last_of_each_size, register
from tflm_patch.architecture.layers import LayerBuilder
from tflm_patch.architecture.spec import Activation, Head, Padding

_BOX = 4  # numbers that say where a box is
_FOMO_CHANNELS = 32


@register(Head('yolo'), 'classes', 'anchors', 'scales')
def emit_yolo(head: Head, builder: LayerBuilder, ends: Sequence[int]) -> tuple[int, ...]:
  """At each scale a pointwise convolution to boxes, objectness and classes (arXiv 1804.02767)"""
  channels = _some(head, builder) * (_BOX + 1 + head.classes)
  return tuple(builder.conv(x, channels) for x in last_of_each_size(builder, ends, head.scales))


@register(Head('ssd', anchors=6), 'classes', 'anchors', 'scales')
def emit_ssd(head: Head, builder: LayerBuilder, ends: Sequence[int]) -> tuple[int, ...]:
  """SSDLite: at each scale separable convolutions to classes and to boxes (arXiv 1801.04381)"""
  outputs = []
  for x in last_of_each_size(builder, ends, head.scales):
    for numbers in (head.classes, _BOX):
      made = builder.depthwise(x, (3, 3), (1, 1), Padding.SAME, Activation.RELU6)
      outputs.append(builder.conv(made, _some(head, builder) * numbers))
  return tuple(outputs)


@register(Head('fomo'), 'classes', 'softmax')
def emit_fomo(head: Head, builder: LayerBuilder, ends: Sequence[int]) -> tuple[int, ...]:
  """A class for each cell of the last map (Edge Impulse's FOMO)"""
  x = builder.conv(ends[-1], _FOMO_CHANNELS, activation=Activation.RELU)
  x = builder.conv(x, head.classes)
  return (builder.softmax(x),) if head.softmax else (x,)


def _some(head: Head, builder: LayerBuilder) -> int:
  if head.anchors < 1:
    raise builder.error('has no anchors; give a1 or more')
  return head.anchors
