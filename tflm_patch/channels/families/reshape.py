# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RESHAPE, SQUEEZE and EXPAND_DIMS where channels stay apart: cells become longer or shorter."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from tflm_patch.channels.family import Family, Kept, Tie, register
from tflm_patch.channels.ranges import Ranges
from tflm_patch.channels.site import Site
from tflm_patch.graph import edit
from tflm_patch.graph.types import Operator


@register('EXPAND_DIMS', 'RESHAPE', 'SQUEEZE')
class Reshape(Family):
  """Of the longer cell, channel k is channel k modulo the channels of the shorter one."""

  def follows(self, site: Site) -> bool:
    source = site.source_channels(0)
    return source > 0 and max(source, site.channels) % min(source, site.channels) == 0

  def ranges(self, site: Site, sources: Sequence[Ranges]) -> Ranges:
    source, made = sources[0], site.channels
    if made >= source.low.size:
      return source.tiled(made // source.low.size)
    low, high = source.low.reshape(-1, made), source.high.reshape(-1, made)
    return Ranges(low.min(axis=0), high.max(axis=0))

  def ties(self, site: Site) -> Iterator[Tie]:
    source = site.source_channels(0)
    longer = np.arange(max(source, site.channels))
    yield Tie(site.operator.inputs[0], longer % source, site.target, longer % site.channels)

  def keys(self, site: Site, classes: Sequence[np.ndarray]) -> Sequence[Hashable]:
    source, made = classes[0], site.channels
    if made > source.size:
      return [(k // source.size, int(source[k % source.size])) for k in range(made)]
    return [tuple(source[k::made].tolist()) for k in range(made)]

  def keep(self, site: Site, kept: Kept) -> Operator:
    if site.target not in kept.channels:
      return site.operator
    shape = (*site.view.output().shape[:-1], kept.channels[site.target].size)
    likeness = dataclasses.replace(site.view.output(), shape=shape)
    return edit.reshape(site.graph, site.operator.inputs[0], site.target, likeness)
