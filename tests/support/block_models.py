# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Models of MobileNet blocks, and plans that join each into one operator."""

from support.model_builder import ModelBuilder
from tflm_patch.planner import search


def block_model(strides=(2, 1), kernel=3, dilation=1, padding='SAME', channels=4, size=(19, 23)):
  """MobileNet blocks with shortcuts where the shape stays."""
  b = ModelBuilder(11)
  x = b.conv(b.input((1, *size, 3)), channels, 3, 2)
  for stride in strides:
    y = b.conv(x, 6 * channels, 1, activation='RELU6')
    y = b.depthwise(y, 1, kernel, stride, padding=padding, dilation=dilation)
    y = b.conv(y, channels, 1)
    x = b.add(x, y) if stride == 1 and padding == 'SAME' else y
  b.output(b.fully_connected(b.mean(x), 3))
  return b.build()


def force_blocks(monkeypatch, part):
  """Joins all bottlenecks, with a part of the shared rows held."""

  def all_of(self):
    steps = search._with_all_bottlenecks(self._graph, search.Rewrites())
    found = tuple((bottleneck, part) for bottleneck, _ in steps.bottlenecks)
    return search.Rewrites(bottlenecks=found)

  monkeypatch.setattr(search.StageSearch, '_chosen', all_of)
  monkeypatch.setattr(search, '_WORTH', 1.0)  # keep it
